"""Comparison of results with the truth of a simulation."""
