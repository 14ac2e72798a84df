"""A stand-in for cupyx.scipy.ndimage: SciPy's functions, for arrays of the stand-in for CuPy."""

from __future__ import annotations

from typing import Any

import cupy
import scipy.ndimage


def label(mask: cupy.ndarray, structure: Any) -> tuple[Any, int]:
    """Number connected regions; CuPy takes a structure of either kind."""
    if not isinstance(mask, cupy.ndarray):
        raise TypeError("input must be cupy.ndarray")
    numbers, count = scipy.ndimage.label(cupy.inner(mask), cupy.inner(structure))
    return cupy.outer(numbers), int(count)
