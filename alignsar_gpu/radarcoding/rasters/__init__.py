"""Rasters of classes or values on the radar grid."""
