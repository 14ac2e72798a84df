"""The elements of the covariance matrix C3 as a measure of T3; see :mod:`.scalar_quad`."""

from __future__ import annotations

from typing import Any

from .scalar import HALF, ROOT_OF_HALF

FUNCTIONS = ("covariance_quad",)
INLINED = FUNCTIONS
ELEMENTS = ("11", "22", "33", "12_re", "12_im", "13_re", "13_im", "23_re", "23_im")
MEASURES = (("covariance_quad", tuple(f"covariance_quad_{element}" for element in ELEMENTS)),)


def covariance_quad(
    t11: Any, t22: Any, t33: Any, ar: Any, ai: Any, br: Any, bi: Any, cr: Any, ci: Any
) -> Any:
    """C3 of [HH, sqrt(2) HV, VV] from T3, the inverse of `.scalar.coherency`."""
    half = HALF * (t11 + t22)
    return (
        half + ar,
        t33,
        half - ar,
        ROOT_OF_HALF * (br + cr),
        ROOT_OF_HALF * (bi + ci),
        HALF * (t11 - t22),
        -ai,
        ROOT_OF_HALF * (br - cr),
        ROOT_OF_HALF * (ci - bi),
    )
