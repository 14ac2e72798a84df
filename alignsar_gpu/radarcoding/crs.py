"""The coordinate reference system of a file: as it states it, or as the configuration does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj.exceptions import ProjError
from pyproj.transformer import AreaOfInterest

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.frame import transform, turn
from alignsar_gpu.opening.texts import system_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyproj import CRS

Box = tuple[float, float, float, float]  # lowest x and y, highest x and y


def given_crs(given: str | None, where: str) -> CRS | None:
    """Return the system that the key ``crs`` names. Raises AlignsarError for an unknown one."""
    try:
        return None if given is None else system_of(given)
    except ProjError as error:
        raise AlignsarError(
            f"{where}: crs={given!r} is not a known coordinate reference system ({error}); write, for example, "
            "EPSG:28992, or EPSG:28992+5709 with a vertical one"
        ) from None


def stated_system(stated: Any, where: str) -> CRS | None:
    """Return the system that a file states, None for none. Raises AlignsarError for one that PROJ cannot use."""
    try:
        return None if stated is None else system_of(stated)
    except ProjError as error:
        raise AlignsarError(
            f"{where}: its coordinate reference system cannot be used ({error}): write the right one into the file "
            "(ogr2ogr -a_srs)"
        ) from None


def agreed_crs(stated: CRS | None, given: CRS | None, where: str) -> CRS:
    """Return the system that the file or the configuration states; if both do, the one with heights.

    Raises AlignsarError where neither does, or where they contradict each other.
    """
    if stated is None and given is None:
        raise AlignsarError(
            f"{where}: states no coordinate reference system; name it (key crs, for example EPSG:28992)"
        )
    if stated is None or given is None:
        return stated or given  # type: ignore[return-value]  # one of them is there
    flat, other = stated.to_2d(), given.to_2d()
    same = flat.equals(other, ignore_axis_order=True)
    if not same and (flat.to_epsg() is None or flat.to_epsg() != other.to_epsg()):
        raise AlignsarError(
            f"{where}: the file states {stated.name!r}, but crs says {given.name!r}; remove the key, or write the "
            "right system into the file"
        )
    return given if len(given.axis_info) > len(stated.axis_info) else stated


def box_of(numbers: Sequence[float]) -> Box:
    """Convert four numbers to a box."""
    west, south, east, north = map(float, numbers)
    return west, south, east, north


def area_of(bounds: Box | None, pipeline: str) -> AreaOfInterest | None:
    """Return the bounds in degrees, which PROJ's choice of an operation depends on; None if not on Earth."""
    if bounds is None:
        return None
    west, south, east, north = bounds
    longitude, latitude = transform(
        pipeline, np.array([west, west, east, east]), np.array([south, north, south, north])
    )
    if not np.isfinite(longitude).all():
        return None
    longitude = turn(longitude, float(longitude[0]), 360.0)
    low, high = float(longitude.min()), float(longitude.max())
    return AreaOfInterest(_wrapped(low), float(latitude.min()), _wrapped(high), float(latitude.max()))


def _wrapped(longitude: float) -> float:
    """Wrap a longitude to between -180 and 180 degrees."""
    return (longitude + 180.0) % 360.0 - 180.0
