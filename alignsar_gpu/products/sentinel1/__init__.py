"""Sentinel-1 SLC products."""
