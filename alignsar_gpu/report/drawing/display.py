"""Reduce layers of any size to pictures: cell averages, decibels, stretches, orientation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MAX_ACROSS = 800  # cells along the longer side of a picture
MAX_CELLS = 300_000  # keeps a picture of pure speckle below 400 kB
METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6371 km: enough for an arrow

Averaging = Literal["mean", "power", "phase"]
Reduction = Averaging | Literal["middle"]


@dataclass(frozen=True, kw_only=True)
class DisplayGrid:
    """Division of a radar raster into display cells; arrays are [line, sample], pictures [row, column].

    Attributes
    ----------
    lines, samples : the extent of the raster.
    cell_lines, cell_samples : pixels that one display cell averages over; the last cell of a row or
        column averages over what is left.
    line_spacing, sample_spacing : size of a pixel on the ground, metres; 1 where it is not known.
    on_ground : whether the spacings are metres.
    """

    lines: int
    samples: int
    cell_lines: int
    cell_samples: int
    line_spacing: float
    sample_spacing: float
    on_ground: bool

    @classmethod
    def fit(
        cls,
        lines: int,
        samples: int,
        spacing: tuple[float, float] | None = None,
        *,
        across: int = MAX_ACROSS,
        cells: int = MAX_CELLS,
        square: bool = False,
    ) -> DisplayGrid:
        """Return the finest grid with at most ``across`` cells a side and ``cells`` in all.

        ``spacing`` is (along azimuth, along ground range) in metres: cells grow to be square on the ground.
        None where it is not known: pixels then count as square. A raster that is small enough is not
        averaged at all, unless ``square`` asks for cells that are square on the ground in any case.
        """
        line_spacing, sample_spacing = spacing or (1.0, 1.0)
        size = max(line_spacing, sample_spacing) if square else min(line_spacing, sample_spacing)
        while True:
            view = cls(
                lines=lines,
                samples=samples,
                cell_lines=max(1, min(lines, round(size / line_spacing))),
                cell_samples=max(1, min(samples, round(size / sample_spacing))),
                line_spacing=line_spacing,
                sample_spacing=sample_spacing,
                on_ground=spacing is not None,
            )
            if max(view.shape) <= across and math.prod(view.shape) <= cells:
                return view
            size *= 1.04

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a picture."""
        return -(-self.lines // self.cell_lines), -(-self.samples // self.cell_samples)

    @property
    def extent(self) -> tuple[float, float]:
        """(along azimuth, along range) of the raster: metres on the ground, or pixels."""
        return self.lines * self.line_spacing, self.samples * self.sample_spacing

    def coarser(self, cells: int) -> DisplayGrid:
        """Return a grid of at most ``cells`` square cells, each made of whole cells of this one."""
        rows, columns = self.shape
        spacing = self.line_spacing * self.cell_lines, self.sample_spacing * self.cell_samples
        fit = DisplayGrid.fit(rows, columns, spacing, across=max(rows, columns), cells=cells, square=True)
        return DisplayGrid(
            lines=self.lines,
            samples=self.samples,
            cell_lines=self.cell_lines * fit.cell_lines,
            cell_samples=self.cell_samples * fit.cell_samples,
            line_spacing=self.line_spacing,
            sample_spacing=self.sample_spacing,
            on_ground=self.on_ground,
        )


def _cell_sums(values: NDArray[Any], cells: tuple[int, int]) -> NDArray[np.float64]:
    rows = np.arange(0, values.shape[0], cells[0])
    columns = np.arange(0, values.shape[1], cells[1])
    # along the samples first, which lie side by side
    sums = np.add.reduceat(values.astype(np.float64), columns, axis=1)
    return np.asarray(np.add.reduceat(sums, rows, axis=0))


def cell_average(
    values: NDArray[Any], cells: tuple[int, int], averaging: Averaging = "mean"
) -> NDArray[np.float32]:
    """Average ``values`` (lines, samples) over cells of (lines, samples), ignoring NaN.

    ``mean`` averages the values, ``power`` their squares (amplitude in, intensity out), ``phase`` (radians)
    the unit phasors exp(j phase) and gives the angle of the average: an angle is never averaged itself.
    A cell without any finite value is NaN.
    """
    finite = np.isfinite(values)
    filled = values if finite.all() else np.where(finite, values, 0)
    counts = _cell_sums(finite, cells)
    if averaging == "phase":
        real, imaginary = (_cell_sums(part(filled) * finite, cells) for part in (np.cos, np.sin))
        average = np.arctan2(imaginary, real)
    else:
        sums = _cell_sums(np.square(filled, dtype=np.float64) if averaging == "power" else filled, cells)
        average = sums / np.maximum(counts, 1)
    return np.where(counts > 0, average, np.nan).astype(np.float32)


def cell_middles(values: NDArray[Any], cells: tuple[int, int]) -> NDArray[Any]:
    """Return the values (lines, samples) of the middle pixel of each cell of (lines, samples)."""
    lines, samples = (
        np.minimum(np.arange(0, size, cell) + cell // 2, size - 1)
        for size, cell in zip(values.shape, cells, strict=True)
    )
    return values[np.ix_(lines, samples)]


def decibels(power: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Convert a power to decibels, 10 log10; NaN where it is not positive."""
    positive = np.where(power > 0, power, np.nan)
    return np.asarray(10 * np.log10(positive), dtype=np.float32)


def stretch(
    arrays: Iterable[NDArray[np.floating[Any]]], low: float = 2, high: float = 99
) -> tuple[float, float] | None:
    """Compute the limits of a colour scale shared by ``arrays``: two percentiles of their finite values.

    Widened where they coincide; None where nothing is finite.
    """
    finite = [array[np.isfinite(array)] for array in arrays]
    values = np.concatenate([*finite, np.empty(0, np.float32)])
    if not values.size:
        return None
    bottom, top = (float(value) for value in np.percentile(values, (low, high)))
    if top - bottom < 1e-6 * max(1.0, abs(top)):
        return bottom - 0.5, top + 0.5
    return bottom, top


def fill_coordinates(coordinate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill gaps in coordinates (rows, columns) by a plane fitted to the known ones (at least three).

    For drawing a mesh only: what lies in a gap is not drawn.
    """
    known = np.isfinite(coordinate)
    if known.all():
        return coordinate
    rows, columns = np.indices(coordinate.shape)
    terms = np.stack([np.ones(coordinate.shape), rows, columns], axis=-1)
    plane, *_ = np.linalg.lstsq(terms[known], coordinate[known])
    return np.asarray(np.where(known, coordinate, terms @ plane))


def corners(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the corners (rows + 1, columns + 1) of cells from their centres; both sides at least 2."""
    padded = np.pad(centres, 1, mode="reflect", reflect_type="odd")
    corner_sums = padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]
    return np.asarray(corner_sums / 4)


def unwrap_longitude(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unwrap longitudes (degrees) to within 180 degrees of their first finite one."""
    finite = longitude[np.isfinite(longitude)]
    if not finite.size:
        return longitude
    return np.asarray(longitude - 360 * np.round((longitude - finite[0]) / 360))


def ground_directions(
    longitude: NDArray[np.float64], latitude: NDArray[np.float64], view: DisplayGrid
) -> NDArray[np.float64] | None:
    """Compute the mean derivative (2, 2) of (east, north) by (along range, along azimuth), metres by metres.

    From coordinates at the cell centres of ``view``. None where they do not span a plane.
    """
    rows, columns = (np.asarray(index, dtype=np.float64) for index in np.indices(longitude.shape))
    along_range = columns * (view.cell_samples * view.sample_spacing)
    along_azimuth = rows * (view.cell_lines * view.line_spacing)
    known = np.isfinite(longitude) & np.isfinite(latitude)
    if known.sum() < 3 or min(longitude.shape) < 2:
        return None
    terms = np.stack([np.ones(known.sum()), along_range[known], along_azimuth[known]], axis=-1)
    scale = METRES_PER_DEGREE * math.cos(math.radians(float(latitude[known].mean())))
    ground = np.stack([longitude[known] * scale, latitude[known] * METRES_PER_DEGREE], axis=-1)
    solution, *_ = np.linalg.lstsq(terms, ground)
    derivative: NDArray[np.float64] = solution[1:].T
    return derivative if abs(np.linalg.det(derivative)) > 1e-6 else None


def noise_coherence(looks: float) -> float:
    """Compute the mean estimated coherence of two independent images over ``looks`` independent pixels.

    Gamma(L) Gamma(3/2) / Gamma(L + 1/2): Touzi et al., IEEE TGRS 37, 1999, at zero coherence.
    """
    return math.exp(math.lgamma(looks) + math.lgamma(1.5) - math.lgamma(looks + 0.5))
