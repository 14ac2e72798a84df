"""Values of an image gathered at given positions."""
