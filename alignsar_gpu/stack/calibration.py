"""Radiometric calibration of one product, and of a mosaic of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.stack.tables import positions, table_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Radiometric calibration vectors of one polarization.

    Attributes
    ----------
    azimuth_time : (n,) float64, seconds since the epoch of the grid that the pixels lie on, increasing.
    slant_range : (m,) float64, metres, increasing.
    sigma_nought, beta_nought, gamma_nought : (n, m) float64 amplitudes A, with sigma0 = |DN|^2 / A_sigma^2
        (Sentinel-1 product specification S1-RS-MDA-52-7441, calibration annotation).
    source : the product that the records belong to.
    """

    azimuth_time: NDArray[np.float64]
    slant_range: NDArray[np.float64]
    sigma_nought: NDArray[np.float64]
    beta_nought: NDArray[np.float64]
    gamma_nought: NDArray[np.float64]
    source: str

    def __repr__(self) -> str:
        return f"Calibration({self.source!r}, {len(self.azimuth_time)} vectors of {len(self.slant_range)} samples)"

    def __post_init__(self) -> None:
        for name in ("azimuth_time", "slant_range"):
            if not np.all(np.diff(getattr(self, name)) > 0):
                raise AlignsarError(
                    f"calibration of {self.source!r}: {name} of its vectors does not increase"
                )
        shape = (len(self.azimuth_time), len(self.slant_range))
        for name in ("sigma_nought", "beta_nought", "gamma_nought"):
            table = getattr(self, name)
            if table.shape != shape or not (np.isfinite(table).all() and (table > 0).all()):
                raise AlignsarError(
                    f"calibration of {self.source!r}: {name} must be positive and of shape {shape} "
                    f"(vectors, samples), got shape {table.shape}"
                )
            require(
                "calibration_spread", table.max() / table.min(), f"calibration of {self.source!r}: {name}"
            )
        for name, other in (("sigma_over_beta", self.beta_nought), ("sigma_over_gamma", self.gamma_nought)):
            require(name, self.sigma_nought / other, f"calibration of {self.source!r}")

    def amplitude(
        self,
        quantity: str,
        azimuth_time: NDArray[np.float64],
        slant_range: NDArray[np.float64],
        xp: Any,
        **how: bool,
    ) -> Any:
        """A at every pixel of an image, (lines, samples) float32 of ``xp`` (numpy or CuPy).

        ``quantity`` names the table: "sigma_nought", "beta_nought" or "gamma_nought".
        ``azimuth_time`` (lines,) in seconds since the epoch and ``slant_range`` (samples,) in metres say where
        its lines and samples lie. Bilinear between the vectors, that of the nearest outside them. ``how`` are options
        of `tables.table_at`: ``as_gain`` gives 1 / A^2.
        """
        rows = positions(self.azimuth_time, azimuth_time)
        columns = positions(self.slant_range, slant_range)
        return table_at(getattr(self, quantity), rows, columns, xp, **how)


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibratedPart:
    """Azimuth times (s) and slant ranges (m) from the first up to the last, and what calibrates them."""

    times: tuple[float, float]
    ranges: tuple[float, float]
    calibration: Calibration


@dataclass(frozen=True, kw_only=True, eq=False)
class JoinedCalibration:
    """Several calibrations as one; see `Calibration.amplitude`."""

    parts: Sequence[CalibratedPart]

    @property
    def source(self) -> str:
        """The products that the records belong to."""
        return ", ".join(sorted({part.calibration.source for part in self.parts}))

    def amplitude(
        self,
        quantity: str,
        azimuth_time: NDArray[np.float64],
        slant_range: NDArray[np.float64],
        xp: Any,
        **how: bool,
    ) -> Any:
        """As `Calibration.amplitude`; 1 where there is no part."""
        shape = len(azimuth_time), len(slant_range)
        result = None
        for part in self.parts:
            rows = between(azimuth_time, part.times)
            columns = between(slant_range, part.ranges)
            if rows.start < rows.stop and columns.start < columns.stop:
                own = part.calibration.amplitude(
                    quantity, azimuth_time[rows], slant_range[columns], xp, **how
                )
                if own.shape == shape:
                    return own
                result = xp.ones(shape, dtype=np.float32) if result is None else result
                result[rows, columns] = own
        return xp.ones(shape, dtype=np.float32) if result is None else result


def between(values: NDArray[np.float64], ends: tuple[float, float]) -> slice:
    """Where increasing values lie from the first of two numbers up to the second, as a slice."""
    first, stop = np.searchsorted(values, ends)
    return slice(int(first), int(stop))
