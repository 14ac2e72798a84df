"""Shared by all kernel families: compilers, argument checks and launches."""
