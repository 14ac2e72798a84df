"""Timing of the dates: shifts measured on the images, beyond what orbits and annotations give."""
