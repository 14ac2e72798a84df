"""Terrain in radar geometry: position, angles, layover, shadow and area of every pixel."""
