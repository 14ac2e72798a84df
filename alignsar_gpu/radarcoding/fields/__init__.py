"""Gridded fields that vary with time, such as weather and atmospheric delays, on the radar grid."""
