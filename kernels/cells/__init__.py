"""Ground cells: covered by polygons, displaced, and accumulated in pixels."""
