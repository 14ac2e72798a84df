"""The terrain rasterized in radar geometry."""
