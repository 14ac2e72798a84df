"""The mathematics of moving pixels, as plain Python functions of scalars: see :mod:`driving.mathematics`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

FUNCTIONS = ("added", "slope", "moved", "between")
INLINED = FUNCTIONS


def added(total: Any, variable: Any, coefficient: Any) -> Any:
    """A step of Horner's scheme, float64."""
    return total * variable + coefficient


def slope(before: Any, after: Any, scale: Any) -> Any:
    """Change from one pixel to the next, of the pixels before and after it, whose distance is 1 / ``scale``."""
    return (after - before) * scale


def moved(own: Any, by_line: Any, by_sample: Any, down: Any, across: Any, clear: Any) -> Any:
    """A coordinate at an offset of ``down`` lines and ``across`` samples, float64.

    As it is where the pixel is not ``clear``, or nothing is known at the offset.
    """
    there = own + down * by_line + across * by_sample
    return there if clear and math.isfinite(there) else own


def between(own: Any, behind: Any, ahead: Any, offset: Any) -> Any:
    """An image, float32, at an offset of less than a pixel along an axis; as it is where its neighbour is not known."""
    other = ahead if offset > 0.0 else behind
    there = own + np.float32(abs(offset)) * (other - own)
    return there if math.isfinite(there) else own
