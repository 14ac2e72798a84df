"""Turn shapes into areas: repair them, split collections, widen lines and points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.sources import Shapes

POINTS, LINES, AREAS, COLLECTION = (0, 4), (1, 2, 5), (3, 6), 7  # of Shapely's numbers of types
KINDS = ("point", "line", "polygon")
DISC, CORNER = 16, 8  # pieces of a quarter of a circle: the area of a disc is right to 0.2 %
NO_KIND = -1


def dimension_of(shapes: Shapes) -> NDArray[np.int8]:
    """Return the dimension of shapes: 0 for points, 1 for lines, 2 for areas, -1 for anything else."""
    kinds = shapely.get_type_id(shapes)
    dimensions = np.full(len(shapes), NO_KIND, dtype=np.int8)
    for dimension, numbers in enumerate((POINTS, LINES, AREAS)):
        dimensions[np.isin(kinds, numbers)] = dimension
    return dimensions


def without_collections(shapes: Shapes) -> tuple[Shapes, NDArray[np.int64]]:
    """Split collections into their parts; return also the shape that each part is of, in order."""
    owner = np.arange(len(shapes))
    while (mixed := shapely.get_type_id(shapes) == COLLECTION).any():
        parts, of = shapely.get_parts(shapes[mixed], return_index=True)
        owner = np.concatenate([owner[~mixed], owner[mixed][of]])
        order = np.argsort(owner, kind="stable")
        shapes, owner = np.concatenate([shapes[~mixed], parts])[order], owner[order]
    return shapes, owner


def repaired(shape: Any) -> Any:
    """Make an invalid area valid: the union of its polygons, each its outer ring without the inner ones.

    A ring that crosses itself bounds what is to be left by crossing it an odd number of times. Empty where
    nothing has an area.
    """
    polygons = []
    for polygon in getattr(shape, "geoms", [shape]):
        outer = areas_of(shapely.make_valid(shapely.Polygon(polygon.exterior)))
        holes = [areas_of(shapely.make_valid(shapely.Polygon(ring))) for ring in polygon.interiors]
        polygons.append(outer.difference(shapely.union_all(holes)) if holes else outer)
    return areas_of(shapely.union_all(polygons)) if len(polygons) > 1 else areas_of(polygons[0])


def areas_of(shape: Any) -> Any:
    """Return the parts of a shape that have an area."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == AREAS[0]])


def cut_off(shapes: Shapes, edge: BaseGeometry) -> Shapes:
    """Clip shapes to an edge, keeping the dimension of each; those inside are returned unchanged."""
    shapely.prepare(edge)
    over = np.flatnonzero(~shapely.covers(edge, shapes))
    if not len(over):
        return shapes
    clipped = shapes.copy()
    inside = shapely.intersection(shapes[over], edge)
    parts, owner = without_collections(inside)
    same = dimension_of(parts) == dimension_of(shapes[over])[owner]
    parts, owner = merged(parts[same], owner[same])
    clipped[over] = shapely.Polygon()
    clipped[over[owner]] = parts
    return clipped


def widened(shapes: Shapes, config: VectorLayerConfig) -> Shapes:
    """Widen lines to bands of ``width``, and everything by ``buffer``; in a plane of metres."""
    wider = shapes.copy()
    if config.width:
        lines = dimension_of(shapes) == 1
        wider[lines] = shapely.buffer(
            shapes[lines], 0.5 * config.width, quad_segs=CORNER, cap_style="flat", join_style="round"
        )
    if config.buffer:
        points = dimension_of(wider) == 0
        for which, pieces in ((points, DISC), (~points, CORNER)):
            wider[which] = shapely.buffer(wider[which], config.buffer, quad_segs=pieces)
    return wider


def merged(shapes: Shapes, owner: NDArray[np.int64]) -> tuple[Shapes, NDArray[np.int64]]:
    """Join shapes of the same owner into one; owners come in order."""
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    if len(first) == len(owner):
        return shapes, owner
    joined = shapes[first]
    count = np.diff(first, append=len(owner))
    for number in np.flatnonzero(count > 1):
        joined[number] = shapely.union_all(shapes[first[number] : first[number] + count[number]])
    return joined, owner[first]
