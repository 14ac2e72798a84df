"""Digital elevation models: heights above the WGS84 ellipsoid."""
