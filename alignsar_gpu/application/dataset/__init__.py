"""The dataset: the cube and what is measured while it is made."""
