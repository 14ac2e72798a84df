"""Vector maps on the radar grid."""
