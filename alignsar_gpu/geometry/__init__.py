"""Radar geometry: orbits, radar grids, and the way between radar and ground coordinates."""
