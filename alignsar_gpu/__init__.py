"""SAR benchmark datasets for machine learning, on the GPU or the CPU."""

from importlib.metadata import version

__version__ = version("alignsar_gpu")
