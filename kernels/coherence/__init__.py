"""Amplitude, intensity, phase and coherence."""
