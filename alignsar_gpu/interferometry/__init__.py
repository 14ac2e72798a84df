"""Interferometry: flattening, coherence, interferometric phase and their statistics."""
