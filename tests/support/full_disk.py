"""Disks that are full."""

import resource
from contextlib import contextmanager


@contextmanager
def files_of_at_most(size):
    """As on a disk with so many bytes left."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
