"""Footprint of an image in radar geometry on Earth, as GeoJSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.blocks import ChunkGrid
from alignsar_gpu.dataset.bounds import bounds_of, longitude_bounds
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import xarray as xr
    from numpy.typing import NDArray

# Directions in which the outermost pixel is looked for. A multiple of 4, so that the bounding box is exact.
DIRECTIONS = 32
READ_PIXELS, MOST_READ_PIXELS = 4_000_000, 16_000_000  # at once; where a row of chunks has more
CELL = 32  # lines and samples, whose extents say whether one of their pixels may be the outermost
SLACK = 1e-9  # degrees: rounding
DECIMALS = 6

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """A GeoJSON geometry (Polygon, or MultiPolygon across the antimeridian) and its bounding box.

    ``bbox`` is west, south, east, north in degrees; as RFC 7946 has it, west is greater than east where it
    crosses the antimeridian.
    """

    geometry: dict[str, Any]
    bbox: list[float]


def footprint(longitude: xr.DataArray, latitude: xr.DataArray) -> Footprint:
    """Trace the outline of the pixels whose longitude and latitude (degrees, [line, sample]) are finite.

    A ring through the outermost pixels in 32 directions, counter-clockwise, closed, with 6 decimals. It is
    convex, as the footprint of a burst is but for some metres; a walk along the image's edge would cross
    itself where terrain folds over the radar's view, and the result would be no polygon. The box holds
    every pixel. Read block by block. Raises AlignsarError when no pixel has coordinates, or when all of them
    lie on one line.
    """
    points = _outermost(longitude, latitude)
    ends = [(float(x), float(y)) for x, y in points.round(DECIMALS)]
    ring = [end for index, end in enumerate(ends) if end != ends[index - 1]]
    if _area(ring) <= 0.0:
        raise AlignsarError("cube: its pixels span no area on the ground, so they have no footprint")
    (west, east), (south, north) = longitude_bounds([points[:, 0]]), bounds_of([points[:, 1]])
    turn = (points[:, 0].min() + 180.0) // 360.0
    box = [west, south, east, north]
    return Footprint(geometry=_geometry(ring, turn), bbox=[round(value, DECIMALS) for value in box])


def _outermost(longitude: xr.DataArray, latitude: xr.DataArray) -> NDArray[np.float64]:
    """The pixels (longitude, latitude) farthest out in each direction, in the order of the directions.

    Longitudes are counted from the first pixel's, so they may leave -180 to 180 and never jump.
    """
    angle = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
    directions = np.zeros((DIRECTIONS, 2))
    best = np.full(DIRECTIONS, -np.inf)
    points = np.full((DIRECTIONS, 2), np.nan)
    origin = None
    for rows in ChunkGrid.of(longitude).rows(READ_PIXELS, most=MOST_READ_PIXELS):
        x, y = (array.isel(azimuth=rows).values.astype(np.float64) for array in (longitude, latitude))
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            continue
        if not known.all():
            x[~known] = y[~known] = np.nan
        if origin is None:
            first_known = np.unravel_index(known.argmax(), known.shape)
            origin = x[first_known]
            # A degree of longitude is cos(latitude) as long as one of latitude.
            directions = np.stack([np.cos(angle) * np.cos(np.radians(y[first_known])), np.sin(angle)], axis=1)
        if max(origin - np.fmin.reduce(x, axis=None), np.fmax.reduce(x, axis=None) - origin) >= 180.0:
            x = (x - origin + 180.0) % 360.0 - 180.0 + origin
        extents = _extents(x), _extents(y)
        for number, direction in enumerate(directions):
            reach, point = _farthest((x, y), extents, direction, best[number])
            if reach > best[number]:
                best[number], points[number] = reach, point
    if origin is None:
        raise AlignsarError("cube: no pixel has longitude and latitude, so the dataset's place is unknown")
    return points


def _extents(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest and the highest value of every cell of CELL x CELL pixels; NaN without any."""
    rows, columns = (np.arange(0, size, CELL) for size in values.shape)
    # along the samples first, which lie side by side
    low, high = (
        choose.reduceat(choose.reduceat(values, columns, axis=1), rows, axis=0)
        for choose in (np.fmin, np.fmax)
    )
    return low, high


def _farthest(
    pixels: tuple[NDArray[np.float64], NDArray[np.float64]],
    extents: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...],
    direction: NDArray[np.float64],
    least: float,
) -> tuple[float, Point]:
    """The pixel farthest out in a direction, if any is beyond ``least``: how far that is, and where.

    Only cells are looked into whose extents reach as far as some cell does with all its pixels.
    """
    signs = [int(component > 0.0) for component in direction]
    beyond = sum(d * extent[sign] for d, extent, sign in zip(direction, extents, signs, strict=True))
    within = sum(d * extent[1 - sign] for d, extent, sign in zip(direction, extents, signs, strict=True))
    best, point = least, (np.nan, np.nan)
    for row, column in np.argwhere(beyond >= max(least, float(np.nanmax(within))) - SLACK):
        cell = (
            slice(row * CELL, (row + 1) * CELL),
            slice(column * CELL, (column + 1) * CELL),
        )
        x, y = (values[cell] for values in pixels)
        reach = direction[0] * x + direction[1] * y
        at = np.unravel_index(np.nanargmax(reach), reach.shape)
        if reach[at] > best:
            best, point = float(reach[at]), (float(x[at]), float(y[at]))
    return best, point


def _geometry(ring: list[Point], turn: float) -> dict[str, Any]:
    """The ring as GeoJSON; cut in two where it crosses the antimeridian (RFC 7946, section 3.1.9)."""
    border = 360.0 * turn + 180.0
    if max(x for x, _ in ring) <= border:
        return {"type": "Polygon", "coordinates": [_closed(ring, turn)]}
    parts = [
        _closed(_clipped(ring, border, keep=lambda x: x <= border), turn),
        _closed(_clipped(ring, border, keep=lambda x: x >= border), turn + 1),
    ]
    return {"type": "MultiPolygon", "coordinates": [[part] for part in parts]}


def _clipped(ring: list[Point], border: float, keep: Callable[[float], bool]) -> list[Point]:
    """The part of a convex ring on one side of the meridian ``border`` (Sutherland and Hodgman, 1974)."""
    part: list[Point] = []
    for (x0, y0), (x1, y1) in _edges(ring):
        if keep(x0):
            part.append((x0, y0))
        if (x0 - border) * (x1 - border) < 0:
            part.append((border, round(y0 + (y1 - y0) * (border - x0) / (x1 - x0), DECIMALS)))
    return part


def _closed(ring: list[Point], turn: float) -> list[list[float]]:
    """GeoJSON positions of the ring, its first again at the end; longitudes less ``turn`` times around."""
    return [[round(x - 360.0 * turn, DECIMALS), y] for x, y in [*ring, ring[0]]]


def _area(ring: list[Point]) -> float:
    """Twice the signed area, square degrees: positive for a counter-clockwise ring."""
    x, y = ring[0] if ring else (0.0, 0.0)
    return sum((x0 - x) * (y1 - y) - (x1 - x) * (y0 - y) for (x0, y0), (x1, y1) in _edges(ring))


def _edges(ring: list[Point]) -> Iterator[tuple[Point, Point]]:
    return zip(ring, ring[1:] + ring[:1], strict=True)
