"""Simulated Sentinel-1 products with known truth."""
