"""Corrections of the absolute location of pixels."""
