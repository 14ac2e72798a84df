"""Radar geometry: orbits, radar grids, and the conversion between radar and ground coordinates."""
