"""Serve a finished run to a browser on this machine: a page of its catalogue, its files, and STAC Browser."""
