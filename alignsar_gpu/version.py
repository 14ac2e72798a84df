"""The version of the package, as its distribution states it."""

from importlib.metadata import version

VERSION = version("alignsar_gpu")
