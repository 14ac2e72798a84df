"""Plan satellite passes and write them as Sentinel-1 products."""
