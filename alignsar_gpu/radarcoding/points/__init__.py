"""Points and point clouds on the radar grid."""
