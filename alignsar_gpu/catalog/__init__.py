"""Catalogue of a finished dataset: footprints and STAC."""
