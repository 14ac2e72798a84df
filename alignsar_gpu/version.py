"""The version of the package, as its distribution states it."""

from importlib.metadata import version

__version__ = version("alignsar_gpu")
