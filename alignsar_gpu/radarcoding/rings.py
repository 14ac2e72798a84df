"""Rings: the outlines of features, flat arrays of vertices, and counts of what was met on the way."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import shapely

from alignsar_gpu.radarcoding.vector_shapes import (
    NO_KIND,
    dimension_of,
    merged,
    repaired,
    widened,
    without_collections,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.radarcoding.vector_choice import VectorChoice
    from alignsar_gpu.radarcoding.vector_place import Place
    from alignsar_gpu.radarcoding.vector_sources import Shapes


@dataclass(frozen=True, kw_only=True, eq=False)
class Rings:
    """Outlines of some features (f), as rings (r) of vertices (n).

    Attributes
    ----------
    x, y : float64 (n,), vertices; rings are closed, outer ones turn left, holes right.
    start : int64 (r + 1,), where each ring begins.
    hole : bool (r,), whether a ring bounds a hole.
    owner : int64 (r,), the feature of each ring, in order.
    class_index : int32 (f,), the class of each feature; 0 where there are none.
    height : float64 (f,), metres, see `VectorFile.above_terrain`; NaN: on the terrain.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    start: NDArray[np.int64]
    hole: NDArray[np.bool_]
    owner: NDArray[np.int64]
    class_index: NDArray[np.int32]
    height: NDArray[np.float64]


@dataclass(kw_only=True)
class Counts:
    """What was met while reading.

    Attributes
    ----------
    features : that became rings.
    repaired : of these, those whose shape crossed itself or the like.
    dropped : features without a shape, or whose shape bounds no area.
    lines, points : features left out because nothing says how wide they are.
    other_values : features around the area left out because their attribute's value is in no class.
    """

    features: int = 0
    repaired: int = 0
    dropped: int = 0
    lines: int = 0
    points: int = 0
    other_values: int = 0

    def clear(self) -> None:
        """Begin anew."""
        for one in fields(self):
            setattr(self, one.name, 0)

    def as_dict(self) -> dict[str, int]:
        """For a report."""
        return asdict(self)

    def sentences(self, name: str) -> list[str]:
        """What users should know of the file called ``name``."""
        said = []
        if not self.features:
            said.append(f"{name} has nothing here: the layer is empty")
        if self.repaired:
            said.append(
                f"{name}: {self.repaired} of {self.features} features had invalid shapes, which were repaired"
            )
        if self.dropped:
            said.append(f"{name}: {self.dropped} features were left out because their shapes bound no area")
        if self.lines:
            said.append(f"{name}: {self.lines} lines were left out; a width makes bands of them")
        if self.points:
            said.append(f"{name}: {self.points} points were left out; a buffer makes discs of them")
        return said


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Features (f) with the classes and heights that they have, see `Rings`."""

    shapes: Shapes
    class_index: NDArray[np.int32]
    height: NDArray[np.float64]


def rings_of(
    features: Features,
    choice: VectorChoice,
    place: Place,
    areas: Sequence[BaseGeometry],
    counts: Counts,
) -> Rings:
    """Rings of the features that meet the last of the ``areas`` and none before it.

    In coordinates of the file, or in degrees where these are no metres and shapes are widened.
    """
    there = ~(shapely.is_missing(features.shapes) | shapely.is_empty(features.shapes))
    counts.dropped += int(np.count_nonzero(~there))
    origin = np.flatnonzero(there)
    flat = features.shapes[there]
    shapes, part = without_collections(shapely.force_2d(flat) if shapely.has_z(flat).any() else flat)
    owner = origin[part]
    dimension = dimension_of(shapes)
    bad = np.flatnonzero((dimension == 2) & ~shapely.is_valid(shapes))
    if len(bad):
        shapes = shapes.copy()
        shapes[bad] = [repaired(shape) for shape in shapes[bad]]
    met = _meet(shapes, owner, areas)
    empty = shapely.is_empty(shapes)
    counts.dropped += len(np.unique(owner[empty | (dimension == NO_KIND)]))
    useful = (
        ((dimension == 0) & bool(choice.buffer)) | ((dimension == 1) & bool(choice.reach)) | (dimension == 2)
    )
    counts.points += len(np.unique(owner[met & ~useful & (dimension == 0)]))
    counts.lines += len(np.unique(owner[met & ~useful & (dimension == 1)]))
    keep = met & useful & ~empty
    counts.repaired += len(np.intersect1d(owner[bad], owner[keep]))
    shapes, owner = shapes[keep], owner[keep]
    if choice.reach:
        change = partial(widened, choice=choice)
        shapes = change(shapes) if place.metric else place.in_planes(shapes, change)
        lost = shapely.is_missing(shapes) | shapely.is_empty(shapes)
        counts.dropped += len(np.unique(owner[lost]))
        shapes, owner = shapes[~lost], owner[~lost]
    shapes, owner = merged(shapes, owner)
    counts.features += len(shapes)
    return _flat(shapes, features.class_index[owner], features.height[owner])


def _meet(shapes: Shapes, owner: NDArray[np.int64], areas: Sequence[BaseGeometry]) -> NDArray[np.bool_]:
    """Which shapes are of features that meet the last area, and none of those before it."""
    met = np.zeros((len(areas), len(shapes)), dtype=bool)
    for number, area in enumerate(areas):
        shapely.prepare(area)
        single = np.asarray(shapely.intersects(area, shapes), dtype=bool)
        met[number] = np.isin(owner, owner[single])
    return np.asarray(met[-1] & ~met[:-1].any(axis=0))


def _flat(shapes: Shapes, class_index: NDArray[np.int32], height: NDArray[np.float64]) -> Rings:
    polygons, feature = shapely.get_parts(shapes, return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    hole = np.diff(polygon, prepend=-1) == 0
    wrong = shapely.is_ccw(rings) == hole
    rings[wrong] = shapely.reverse(rings[wrong])
    x, y = shapely.get_coordinates(rings).T
    return Rings(
        x=np.ascontiguousarray(x),
        y=np.ascontiguousarray(y),
        start=np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(rings))]).astype(np.int64),
        hole=hole,
        owner=feature[polygon].astype(np.int64),
        class_index=class_index,
        height=height,
    )
