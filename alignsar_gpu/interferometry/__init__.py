"""Pairs of dates: flattening, coherence and interferometric phase."""
