"""Coregistration: bring products of several dates onto the radar grid of the reference date."""
