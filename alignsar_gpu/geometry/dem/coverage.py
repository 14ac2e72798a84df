"""Check and describe which part of an area a DEM does not cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyproj import Geod

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.geometry.dem.frame import Frame

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

HAIR = 1e-6  # posts: what rounding of coordinates may put a point outside


def refuse_uncovered(frame: Frame, position: Pair, points: Pair, what: str, source: str) -> None:
    """Raise AlignsarError if points lie outside the posts; ``position`` is their (row, column).

    ``points`` are longitude and latitude (degrees). The message names each side on which the DEM ends too
    early, with the largest distance in degrees and kilometres.
    """
    row, column = position
    last_row, last_column = frame.shape[0] - 1, frame.shape[1] - 1
    nowhere = ~(np.isfinite(row) & np.isfinite(column))
    sides = [
        -row,
        row - last_row,
        -column,
        column - last_column,
    ]
    outside = np.any([side > HAIR for side in sides], axis=0) | nowhere
    if not outside.any():
        return
    edge = np.clip(row, 0, last_row), np.clip(column, 0, last_column)
    said = []
    for number, side in enumerate(sides):
        beyond = np.where(np.isfinite(side), side, -np.inf)
        farthest = int(np.argmax(beyond))
        if beyond[farthest] <= HAIR:
            continue
        # Along one direction of the grid at a time, so that a corner is not counted twice.
        foot = (edge[0], column) if number < 2 else (row, edge[1])
        lon, lat = frame.geodetic(foot[0][[farthest]], foot[1][[farthest]])
        if not np.isfinite(lon).all():
            lon, lat = frame.geodetic(edge[0][[farthest]], edge[1][[farthest]])
        said.append(_beyond(float(lon[0]), float(lat[0]), points[0][farthest], points[1][farthest]))
    if nowhere.any():
        said.append(f"{int(nowhere.sum())} points lie where its map projection has no coordinates")
    raise AlignsarError(
        f"DEM {source} does not cover {what}: {int(outside.sum())} of {len(row)} points of the outline lie "
        f"outside: {'; '.join(said)}. Needed: {_bounds(*points)}; the DEM covers {_bounds(*_outline(frame))}: "
        "name a DEM, or further tiles, that cover the whole area (dem.path)"
    )


def _beyond(lon: float, lat: float, point_lon: float, point_lat: float) -> str:
    """From the foot on the edge to the point outside."""
    east = (point_lon - lon + 180.0) % 360.0 - 180.0
    north = point_lat - lat
    kilometres = Geod(ellps="WGS84").inv(lon, lat, point_lon, point_lat)[2] / 1e3
    if abs(north) >= abs(east) * np.cos(np.radians(lat)):
        degrees, side = abs(north), "northern" if north > 0 else "southern"
    else:
        degrees, side = abs(east), "eastern" if east > 0 else "western"
    return f"{degrees:.4f} degrees ({kilometres:.1f} km) beyond its {side} edge"


def _bounds(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> str:
    lon = lon[0] + (lon - lon[0] + 180.0) % 360.0 - 180.0 if np.ptp(lon) > 180.0 else lon
    return f"longitude {lon.min():.4f} to {lon.max():.4f}, latitude {lat.min():.4f} to {lat.max():.4f}"


def _outline(frame: Frame) -> Pair:
    along = np.linspace(0.0, 1.0, 33)
    none, full = np.zeros_like(along), np.ones_like(along)
    rows, columns = frame.shape
    lon, lat = frame.geodetic(
        np.concatenate([none, along, full, along]) * (rows - 1),
        np.concatenate([along, full, along, none]) * (columns - 1),
    )
    known = np.isfinite(lon)
    return lon[known], lat[known]
