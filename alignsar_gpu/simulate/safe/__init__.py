"""Passes planned, and written as Sentinel-1 products."""
