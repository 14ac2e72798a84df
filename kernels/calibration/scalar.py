"""The mathematics of calibration, as plain Python functions of scalars: see :mod:`driving.mathematics`."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.mathematics import NAN, ONE, ZERO

FUNCTIONS = ("interpolated", "gain", "calibrated")
INLINED = FUNCTIONS


def interpolated(above: Any, below: Any, of_above: Any, of_below: Any) -> Any:
    """A value between two rows of a table, float32, of which these are the shares."""
    return above * of_above + below * of_below


def gain(amplitude: Any) -> Any:
    """What powers are multiplied by, float32: 1 / A^2."""
    return ONE / (amplitude * amplitude)


def calibrated(factor: Any, power: Any, floor: Any, masked: Any) -> Any:
    """A power times its gain, less the noise, float32; where ``masked``, NaN below the noise."""
    value = factor * power - floor
    return NAN if masked and value < ZERO else value
