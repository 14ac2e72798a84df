"""Readers of vector files, a module a format, and what they have in common."""
