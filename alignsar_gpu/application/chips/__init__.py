"""Chips of the cube or its map for machine learning, as a stage."""
