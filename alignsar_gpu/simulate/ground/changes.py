"""Simulated changes on the ground between the dates: demolished or new buildings, oil on water."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from rasterio.features import rasterize, shapes
from scipy.ndimage import distance_transform_edt

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.backscatter import (
    BARE_SOIL,
    FIELD,
    GRASSLAND,
    NAMES,
    OIL,
    RUBBLE,
    URBAN,
    WATER,
)
from alignsar_gpu.simulate.ground.noise import power_law
from alignsar_gpu.simulate.ground.raster import shifted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.simulate.ground.raster import Raster

CHANGE_STREAM = 33
SITE = (70.0, 220.0)  # m, sides of what is pulled down or built
SLICK_LENGTH, SLICK_WIDTH = (900.0, 4000.0), (0.08, 0.16)  # m, and share of the length
SEA_ROOM = 0.4  # of the largest length of a slick, to the shore: farther away it may lie anywhere
RAGGED = 0.45  # of half the width, by which the edge of a slick is ragged
LEAST_PIXELS = 6
TRIES = 60
COARSE = 2000  # cells of the long side in which the middle of a lake is looked for


@dataclass(frozen=True, kw_only=True)
class Change:
    """A patch of ground that belongs to another class on some of the dates.

    Attributes
    ----------
    name, kind : "demolition", "construction" or "oil slick".
    before, after : names of classes; ``before`` lists all that were there.
    first, last : indices of the first and the last date on which it is so.
    shape : longitude and latitude of its outline, exactly that of the pixels it takes.
    area : m2.
    """

    name: str
    kind: str
    before: tuple[str, ...]
    after: str
    first: int
    last: int
    shape: Any
    area: float

    def is_there(self, date: int) -> bool:
        """Whether the change is present on a date."""
        return self.first <= date <= self.last

    @cached_property
    def value(self) -> int:
        """Index of the class after the change."""
        return NAMES.index(self.after)

    def apply(self, cover: Raster, values: NDArray[np.uint8]) -> None:
        """Set the changed pixels of ``values``, an array like ``cover``, in place."""
        rasterize([(self.shape, self.value)], out=values, transform=cover.transform)


@dataclass(frozen=True, kw_only=True)
class ChangeParameters:
    """Number of changes of each kind; each has a date of its own, drawn from all but the first.

    ``slick_length`` are the least and the largest length of oil slicks, m.
    """

    demolitions: int = 2
    constructions: int = 2
    oil_slicks: int = 1
    slick_length: tuple[float, float] = SLICK_LENGTH

    def __post_init__(self) -> None:
        low, high = self.slick_length
        if not 50.0 <= low <= high <= 100_000.0:
            raise AlignsarError(
                f"simulated changes: slick_length must lie in 50 to 100000 m and rise, got {low:g} and {high:g}"
            )
        for name in ("demolitions", "constructions", "oil_slicks"):
            if not 0 <= getattr(self, name) <= 1000:
                raise AlignsarError(
                    f"simulated changes: {name} must lie in 0 to 1000, got {getattr(self, name)}"
                )


def generate_changes(
    cover: Raster, dates: int, seed: int, parameters: ChangeParameters | None = None
) -> tuple[Change, ...]:
    """Generate changes of a map (uint8) over ``dates``; none for a single date or if the map has no suitable ground.

    Demolitions (urban becomes rubble) and constructions (field, pasture or bare soil becomes urban) last from
    their date on, oil slicks lie on water for one date. They do not overlap.
    """
    asked = parameters or ChangeParameters()
    if dates < 2:
        return ()
    made: list[Change] = []
    free = np.ones(cover.shape, dtype=bool)
    plans = (
        ("demolition", asked.demolitions, (URBAN,), RUBBLE),
        ("construction", asked.constructions, (FIELD, GRASSLAND, BARE_SOIL), URBAN),
        ("oil slick", asked.oil_slicks, (WATER,), OIL),
    )
    for stream, (kind, count, before, after) in enumerate(plans):
        for number in range(count):
            rng = np.random.default_rng((seed, CHANGE_STREAM, stream, number))
            first = int(rng.integers(1, dates))
            if kind == "oil slick":
                found = _slick(cover, before, free, rng, asked.slick_length)
            else:
                found = _site(cover, before, free, rng)
            if found is None:
                break
            rows, columns, taken = found
            free[rows, columns] &= ~taken
            was = np.unique(cover.values[rows, columns][taken])
            made.append(
                Change(
                    name=f"{kind} {number + 1}",
                    kind=kind,
                    before=tuple(NAMES[index] for index in was.tolist()),
                    after=NAMES[after],
                    first=first,
                    last=first if kind == "oil slick" else dates - 1,
                    shape=_outline(cover, found),
                    area=float(np.count_nonzero(taken) * np.prod(cover.posting)),
                )
            )
    return tuple(made)


_Found = tuple[slice, slice, "NDArray[np.bool_]"]


def _site(
    cover: Raster, before: tuple[int, ...], free: NDArray[np.bool_], rng: np.random.Generator
) -> _Found | None:
    """A rectangle, as far as it is of the classes ``before`` and ``free``: of some, the fullest."""
    wanted = np.isin(np.arange(256), before)
    sample = cover.values[:: 1 + cover.shape[0] // COARSE, :: 1 + cover.shape[1] // COARSE]
    steps = 1 + cover.shape[0] // COARSE, 1 + cover.shape[1] // COARSE
    cells = np.flatnonzero(wanted[sample])
    if not len(cells):
        return None
    best: tuple[float, _Found] | None = None
    least = 3.0 * max(cover.posting)
    for cell in rng.choice(cells, TRIES).tolist():
        row, column = divmod(cell, sample.shape[1])
        sides = np.maximum(rng.uniform(*SITE, 2), least)
        turn = float(rng.uniform(0.0, np.pi))
        found = _window(cover, (row * steps[0], column * steps[1]), float(np.hypot(*sides)) / 2.0)
        rows, columns, y, x = found
        along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        whole = (np.abs(along) <= 0.5 * sides[0]) & (np.abs(across) <= 0.5 * sides[1])
        taken = whole & wanted[cover.values[rows, columns]] & free[rows, columns]
        full = float(taken.sum() / max(1, int(whole.sum())))
        if np.count_nonzero(taken) >= LEAST_PIXELS and (best is None or full > best[0]):
            best = full, (rows, columns, taken)
    return best[1] if best else None


def _slick(
    cover: Raster,
    before: tuple[int, ...],
    free: NDArray[np.bool_],
    rng: np.random.Generator,
    lengths: tuple[float, float],
) -> _Found | None:
    """A long, bent, ragged patch around a place far from the shore, as far as there is water."""
    step = 1 + max(cover.shape) // COARSE
    wanted = np.isin(np.arange(256), before)
    water = wanted[cover.values[::step, ::step]] & free[::step, ::step]
    if not water.any():
        return None
    away = distance_transform_edt(np.pad(water, 1))[1:-1, 1:-1]
    enough = SEA_ROOM * lengths[1] / (step * max(cover.posting))
    far = np.flatnonzero(away >= min(0.7 * away.max(), enough))
    row, column = np.divmod(int(rng.choice(far)) if len(far) else 0, water.shape[1])
    room = float(away[row, column]) * step * max(cover.posting)
    length = min(float(rng.uniform(*lengths)), max(6.0 * room, 8.0 * max(cover.posting)))
    half = 0.5 * length * float(rng.uniform(*SLICK_WIDTH))
    rows, columns, y, x = _window(cover, (int(row) * step, int(column) * step), 0.6 * length)
    turn = float(rng.uniform(0.0, np.pi))
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    across = across - 0.08 * length * np.sin(2.0 * np.pi * along / length + 1.0)
    ragged = power_law(along.shape, cover.posting, 3.2, rng, 0.25 * length)
    reach = half * np.sqrt(np.clip(1.0 - (2.0 * along / length) ** 2, 0.0, None)) + RAGGED * half * ragged
    taken = (np.abs(across) <= reach) & (np.abs(along) <= 0.5 * length)
    taken &= wanted[cover.values[rows, columns]] & free[rows, columns]
    return (rows, columns, taken) if np.count_nonzero(taken) >= LEAST_PIXELS else None


def _window(
    cover: Raster, middle: tuple[int, int], reach: float
) -> tuple[slice, slice, NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns within ``reach`` metres of a pixel, and the metres (down, across) of theirs from it."""
    spans = []
    for place, count, posting in zip(middle, cover.shape, cover.posting, strict=True):
        pixels = int(np.ceil(reach / posting)) + 1
        spans.append(slice(max(0, place - pixels), min(count, place + pixels + 1)))
    rows, columns = spans
    y = (np.arange(rows.start, rows.stop) - middle[0])[:, np.newaxis] * cover.posting[0]
    x = (np.arange(columns.start, columns.stop) - middle[1])[np.newaxis] * cover.posting[1]
    down, across = np.broadcast_arrays(y, x)
    return rows, columns, down, across


def _outline(cover: Raster, found: _Found) -> Any:
    """The outline of pixels in degrees."""
    rows, columns, taken = found
    transform = shifted(cover.transform, rows.start, columns.start)
    parts = [
        shapely.geometry.shape(part)
        for part, _ in shapes(taken.astype(np.uint8), mask=taken, transform=transform)
    ]
    return shapely.multipolygons(parts)
