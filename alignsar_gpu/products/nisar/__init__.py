"""NISAR RSLC products."""
