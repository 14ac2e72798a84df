"""Areas, lines and points of vector maps on the radar grid."""
