"""The catalogue: footprints and STAC of a finished dataset."""
