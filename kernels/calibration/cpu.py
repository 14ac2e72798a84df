"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.mathematics import ZERO
from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import calibrated, gain, interpolated

PARTS = ("amplitude_row", "gain_row", "power_row", "power_above_noise_row")
INLINED = ()
LOOPS = ("table_lines", "power_lines")
DRIVERS = ("interpolate_rows", "calibrate")


def amplitude_row(above: Any, below: Any, of_above: Any, of_below: Any, out: Any) -> None:
    """A line between two rows of a table."""
    for i in range(out.size):
        out[i] = interpolated(above[i], below[i], of_above, of_below)


def gain_row(above: Any, below: Any, of_above: Any, of_below: Any, out: Any) -> None:
    """The gains of a line between two rows of a table."""
    for i in range(out.size):
        out[i] = gain(interpolated(above[i], below[i], of_above, of_below))


def table_lines(
    first: int, stop: int, table: Any, above: Any, below: Any, shares: Any, as_gain: Any, out: Any
) -> None:
    """`scalar.interpolated` over lines of an image, as it is or as a gain."""
    for line in range(first, stop):
        one = table[above[line]]
        other = table[below[line]]
        if as_gain:
            gain_row(one, other, shares[0, line], shares[1, line], out[line])
        else:
            amplitude_row(one, other, shares[0, line], shares[1, line], out[line])


def power_row(factor: Any, power: Any, out: Any) -> None:
    """A line of powers without noise to take away."""
    for i in range(out.size):
        out[i] = calibrated(factor[i], power[i], ZERO, False)  # noqa: FBT003 - a scalar function


def power_above_noise_row(factor: Any, power: Any, floor: Any, masked: Any, out: Any) -> None:
    """A line of powers, less the noise."""
    for i in range(out.size):
        out[i] = calibrated(factor[i], power[i], floor[i], masked)


def power_lines(first: int, stop: int, factor: Any, power: Any, floor: Any, masked: Any, out: Any) -> None:
    """`scalar.calibrated` over lines of an image; ``floor`` may have no lines."""
    for line in range(first, stop):
        if floor.shape[0] > 0:
            power_above_noise_row(factor[line], power[line], floor[line], masked, out[line])
        else:
            power_row(factor[line], power[line], out[line])


def interpolate_rows(table: Any, above: Any, below: Any, shares: Any, as_gain: Any, out: Any) -> None:
    """Driver of `table_lines`."""
    in_threads(table_lines, len(out), table, above, below, shares, as_gain, out)


def calibrate(factor: Any, power: Any, floor: Any, masked: Any, out: Any) -> None:
    """Driver of `power_lines`."""
    in_threads(power_lines, len(out), factor, power, floor, masked, out)
