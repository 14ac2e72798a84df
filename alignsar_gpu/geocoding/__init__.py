"""Map grids, and the way from the radar grid onto them."""
