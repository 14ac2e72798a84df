"""Checks of a dataset of chips, each from its files alone; `dataset.chips.checker` makes all of them."""
