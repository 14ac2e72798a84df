"""Labels and layers on the radar grid: vectors, rasters, points and fields, put where the antenna sees them."""
