"""Readers of satellite products: one folder a format, each giving the same stack of acquisitions."""
