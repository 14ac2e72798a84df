"""Chips: the images of places that a model is trained on, their splits, and the proof that nothing leaks."""
