"""Sections of the report: the pictures and tables of each; their prose is in captions.html."""
