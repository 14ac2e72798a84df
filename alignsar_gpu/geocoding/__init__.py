"""Map grids, and resampling of layers from the radar grid to a map grid."""
