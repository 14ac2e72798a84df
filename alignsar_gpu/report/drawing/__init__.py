"""Figures and images of the report, drawn from arrays."""
