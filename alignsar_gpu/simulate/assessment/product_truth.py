"""Read the truth of simulated products and place it on a mosaic of the reference date's bursts."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TRUTH, FACTS = "truth.zarr", "simulation.json"
NO_CLASS = 255


class MosaicPiece(Protocol):
    """The part of a mosaic that a burst fills; see `coregistration.mosaic.Piece`."""

    @property
    def name(self) -> str:
        """Name of the burst."""

    @property
    def lines(self) -> slice:
        """Lines of the mosaic that it fills."""

    @property
    def samples(self) -> slice:
        """Samples of the mosaic that it fills."""

    @property
    def first_line(self) -> int:
        """Line of the mosaic where the burst's line 0 lies."""

    @property
    def first_sample(self) -> int:
        """Sample of the mosaic where the burst's sample 0 lies."""


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Every so many lines and samples of a mosaic, from its first pixel on; ``step`` says how many."""

    step: tuple[int, int] = (1, 1)

    @classmethod
    def of(cls, shape: tuple[int, int], most: int) -> Lattice:
        """Return the finest lattice, about as fine along both axes, with at most ``most`` pixels of a mosaic."""
        pixels = math.ceil(shape[0] * shape[1] / most)
        samples = math.ceil(math.sqrt(pixels))
        return cls(step=(math.ceil(pixels / samples), samples))

    @property
    def pixels(self) -> int:
        """Number of pixels of the mosaic for each of the lattice."""
        return self.step[0] * self.step[1]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Lines and samples of the mosaic, as slices."""
        return slice(None, None, self.step[0]), slice(None, None, self.step[1])

    def inside(self, piece: MosaicPiece) -> tuple[slice, slice]:
        """Return the rows and columns of the lattice that lie in a piece."""
        rows, columns = (
            slice(-(-own.start // step), -(-own.stop // step))
            for own, step in zip((piece.lines, piece.samples), self.step, strict=True)
        )
        return rows, columns

    def places(self, piece: MosaicPiece) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the lines and the samples of the mosaic that they are."""
        lines, samples = (
            np.arange(part.start, part.stop) * step
            for part, step in zip(self.inside(piece), self.step, strict=True)
        )
        return lines, samples


EVERY_PIXEL = Lattice()


@dataclass(frozen=True, kw_only=True, eq=False)
class PieceTruth:
    """Truth of a burst in the part of a mosaic that it fills.

    Attributes
    ----------
    kept : truth.zarr of the burst at the pixels that it keeps.
    lines, samples : (n,) and (m,) of the mosaic, where these pixels are.
    piece : what of the mosaic the burst fills.
    """

    kept: xr.Dataset
    lines: NDArray[np.intp]
    samples: NDArray[np.intp]
    piece: MosaicPiece
    _fixed: dict[tuple[str, int | None], NDArray[Any]] = field(default_factory=dict)

    def layer(self, name: str, date: int | None = None) -> NDArray[Any]:
        """Return a layer at the kept pixels; ``date`` is an index into the simulated dates."""
        if date:
            return np.asarray(self.kept[name][date].values)
        if (name, date) not in self._fixed:  # of the ground and of the first date: compared with every date
            layer = self.kept[name] if date is None else self.kept[name][date]
            self._fixed[name, date] = np.asarray(layer.values)
        return self._fixed[name, date]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Lines and samples of the mosaic where the kept pixels are, as slices."""
        lines, samples = (
            slice(int(at[0]), int(at[-1]) + 1, int(at[1] - at[0]) if len(at) > 1 else 1)
            for at in (self.lines, self.samples)
        )
        return lines, samples

    def thinned(self, step: int) -> PieceTruth:
        """Return the truth at every so many of the kept lines and samples."""
        part = slice(None, None, step)
        return replace(
            self,
            kept=self.kept.isel(line=part, sample=part),
            lines=self.lines[part],
            samples=self.samples[part],
            _fixed={},
        )

    def nearest(self, name: str, date: int | None = None, lattice: Lattice = EVERY_PIXEL) -> NDArray[Any]:
        """Return a layer at the pixels of a lattice in the piece: the value of the nearest kept one."""
        wanted = lattice.places(self.piece)
        return nearest(self.layer(name, date), (self.lines, self.samples), wanted)

    def linear(
        self, name: str, date: int | None = None, lattice: Lattice = EVERY_PIXEL
    ) -> NDArray[np.float32]:
        """Interpolate a smooth layer linearly to a lattice in the piece; NaN beside a kept pixel without value."""
        wanted = lattice.places(self.piece)
        return linear(self.layer(name, date), (self.lines, self.samples), wanted)


Axes = tuple["NDArray[Any]", ...]  # places along lines and along samples, increasing


def nearest(values: NDArray[Any], at: Axes, wanted: Axes) -> NDArray[Any]:
    """Return an image, known ``at`` lines and samples, at others: the value of the nearest."""
    rows, columns = (
        np.searchsorted(0.5 * (known[1:] + known[:-1]), places)
        for known, places in zip(at, wanted, strict=True)
    )
    return values[np.ix_(rows, columns)]


def linear(values: NDArray[Any], at: Axes, wanted: Axes) -> NDArray[np.float32]:
    """Interpolate an image, known ``at`` lines and samples, linearly to others; NaN beside a pixel without value."""
    for axis in (0, 1):
        values = _between(values, at[axis], wanted[axis], axis)
    return values.astype(np.float32)


def _between(values: NDArray[Any], at: NDArray[Any], wanted: NDArray[Any], axis: int) -> NDArray[Any]:
    """Linear interpolation along an axis; beyond the ends the values there."""
    if len(at) == 1:
        return np.repeat(values, len(wanted), axis=axis)
    before = np.clip(np.searchsorted(at, wanted, side="right") - 1, 0, len(at) - 2)
    share = np.clip((wanted - at[before]) / (at[before + 1] - at[before]), 0.0, 1.0)
    share = share.reshape((-1, 1) if axis == 0 else (1, -1))
    low, high = np.take(values, before, axis=axis), np.take(values, before + 1, axis=axis)
    # where a kept pixel is hit its neighbour does not count, though it be NaN
    return np.where(share == 0.0, low, np.where(share == 1.0, high, low + share * (high - low)))


@dataclass(frozen=True, kw_only=True)
class KnownDate:
    """Simulated timing errors and baseline of a date.

    Attributes
    ----------
    index : in truth.zarr.
    azimuth_lines, range_samples : how much later and farther its annotation has it than it is.
    perpendicular_baseline : m, against the reference date.
    """

    index: int
    azimuth_lines: float
    range_samples: float
    perpendicular_baseline: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductTruth:
    """The truth of a simulation.

    Attributes
    ----------
    folder : of truth.zarr.
    class_names : of the land cover.
    dates : by the name of the product.
    """

    folder: Path
    class_names: tuple[str, ...]
    dates: Mapping[str, KnownDate]

    def of(self, piece: MosaicPiece) -> PieceTruth | None:
        """Return the truth of a burst where it fills a mosaic; None if there is none."""
        kept = xr.open_zarr(self.folder / TRUTH, group=piece.name, chunks=None)
        lines, samples = (
            np.asarray(kept[name].values + first, dtype=np.intp)
            for name, first in (("line", piece.first_line), ("sample", piece.first_sample))
        )
        rows = np.flatnonzero((lines >= piece.lines.start) & (lines < piece.lines.stop))
        columns = np.flatnonzero((samples >= piece.samples.start) & (samples < piece.samples.stop))
        if not (rows.size and columns.size):
            return None
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return PieceTruth(
            kept=kept.isel(line=window[0], sample=window[1]),
            lines=lines[window[0]],
            samples=samples[window[1]],
            piece=piece,
        )


def truth_files(folder: Path) -> list[Path]:
    """List the files that `find_truth` and its result are read from."""
    return [folder / FACTS, *sorted(file for file in (folder / TRUTH).rglob("*") if file.is_file())]


def find_truth(folder: Path, product_ids: Sequence[str], reference: int) -> ProductTruth | None:
    """Find the truth of products simulated in ``folder``; None for other products or another reference date.

    truth.zarr is that of the first simulated date's pixels.
    """
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))["dates"]
    known = {
        one["product"]: KnownDate(
            index=index,
            azimuth_lines=one["azimuth_error_lines"],
            range_samples=one["range_error_samples"],
            perpendicular_baseline=one["perpendicular_baseline_m"],
        )
        for index, one in enumerate(facts)
    }
    if not set(product_ids) <= set(known) or known[product_ids[reference]].index != 0:
        return None
    names = xr.open_zarr(folder / TRUTH, chunks=None).attrs["class_names"]
    return ProductTruth(folder=folder, class_names=tuple(names), dates=known)
