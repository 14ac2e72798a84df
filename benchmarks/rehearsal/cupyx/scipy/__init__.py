"""A stand-in for cupyx.scipy, on machines without a GPU."""
