"""Texts that are nested: JSON, well-known text and well-known binary, none of them deeper than real ones are."""

from __future__ import annotations

import json
from itertools import accumulate
from struct import error as struct_error
from struct import unpack_from
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

DEEPEST = 50  # levels: collections are two or three deep, and GEOS crashes some ten thousand levels down
SMALLEST_UNIT, LARGEST_UNIT = 1e-8, 1e5  # radians or metres: an arc second to a kilometre, and beyond
SMALL = 9 * 1000  # bytes of well-known binary, in which nothing is nested too deep
POINT, LINES, POLYGON = 1, {2, 8}, 3  # codes of well-known binary; others have parts that are geometries
HAS_SRID, HAS_Z, HAS_M = 0x20000000, 0x80000000, 0x40000000


def load_json(text: str | bytes) -> Any:
    """Parse JSON. Raises JSONDecodeError also for what is nested too deep for Python."""
    try:
        return json.loads(text)
    except RecursionError:
        raise json.JSONDecodeError("nested too deep", "", 0) from None


def system_of(stated: Any) -> CRS:
    """Return the coordinate reference system that a file states. Raises CRSError for what is none."""
    from pyproj import CRS  # noqa: PLC0415  (a geospatial library)
    from pyproj.exceptions import CRSError  # noqa: PLC0415

    try:
        system = CRS.from_user_input(stated)
    except RecursionError:
        raise CRSError("nested too deep") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CRSError(f"no system ({error!r})") from None
    if not all(SMALLEST_UNIT < axis.unit_conversion_factor < LARGEST_UNIT for axis in system.axis_info):
        raise CRSError("its units are of no size that units have")
    return system


def is_too_deep(text: str) -> bool:
    """Return whether brackets of a text are nested deeper than those of any geometry."""
    steps = ((char == "(") - (char == ")") for char in text if char in "()")
    return max(accumulate(steps), default=0) > DEEPEST


def shapes_of_wkb(wkb: Sequence[bytes | None] | NDArray[Any], **options: Any) -> NDArray[Any]:
    """Decode shapes from well-known binary, None where there is none.

    Raises GEOSException for damaged ones, and for collections in collections: GEOS would crash.
    """
    import shapely  # noqa: PLC0415  (a geospatial library)
    from shapely.errors import GEOSException  # noqa: PLC0415

    if any(shape is not None and len(shape) > SMALL and _nests_too_deep(shape) for shape in wkb):
        raise GEOSException("collections are nested too deep")
    return np.asarray(shapely.from_wkb(wkb, **options), dtype=object)


def _nests_too_deep(shape: bytes) -> bool:
    """Return whether GEOS would go too deep into a geometry: its parts are followed as GEOS does."""
    at, order, parts = 0, "<", [1]  # how many are left, level by level
    try:
        while 0 < len(parts) <= DEEPEST:
            if not parts[-1]:
                parts.pop()
                continue
            parts[-1] -= 1
            order = {0: ">", 1: "<"}.get(shape[at], order)
            (code,) = unpack_from(f"{order}I", shape, at + 1)
            at += 9 if code & HAS_SRID else 5
            variant, kind = divmod(code & 0xFFFF, 1000)
            size = 8 * (2 + bool(code & HAS_Z or variant in {1, 3}) + bool(code & HAS_M or variant in {2, 3}))
            if kind == POINT:
                at += size
                continue
            (count,) = unpack_from(f"{order}I", shape, at)
            at += 4
            if kind in LINES:
                at += size * count
            elif kind == POLYGON:
                for _ in range(count):
                    at += 4 + size * unpack_from(f"{order}I", shape, at)[0]
            else:
                parts.append(count)
    except (struct_error, IndexError):  # it is cut short, as GEOS will find
        return False
    return bool(parts)
