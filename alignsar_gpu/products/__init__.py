"""Readers: one module a format, each giving the same stack of acquisitions."""
