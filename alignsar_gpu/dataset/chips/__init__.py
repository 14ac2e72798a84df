"""Chips: small images of places and dates for machine learning, with their splits, statistics and index."""
