"""A stand-in for what CuPy brings of SciPy, on machines without a GPU."""
