"""Resampling of complex images, and phase ramps."""
