"""Outlines of features as rings: flat arrays of vertices; and counts of repaired and dropped features."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from alignsar_gpu.radarcoding.vectors.shapes import (
    NO_KIND,
    cut_off,
    dimension_of,
    merged,
    repaired,
    widened,
    without_collections,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.crs import Georeference
    from alignsar_gpu.radarcoding.vectors.formats.sources import Shapes


@dataclass(frozen=True, kw_only=True, eq=False)
class Rings:
    """Outlines of some features (f), as rings (r) of vertices (n).

    Attributes
    ----------
    x, y : float64 (n,), vertices; rings are closed, and turn either way.
    start : int64 (r + 1,), where each ring begins.
    hole : bool (r,), whether a ring bounds a hole.
    owner : int64 (r,), the feature of each ring, in order.
    class_index : int32 (f,), the class of each feature; 0 where there are none.
    height : float64 (f,), metres, see `VectorFile.above_terrain`; NaN: on the terrain.
    dates : bool (f, d), on which dates each feature is there; of one that stands for all, or of each.
    columns : Arrow arrays (f,) of attributes by name, where features have values of their own.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    start: NDArray[np.int64]
    hole: NDArray[np.bool_]
    owner: NDArray[np.int64]
    class_index: NDArray[np.int32]
    height: NDArray[np.float64]
    dates: NDArray[np.bool_]
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Counts:
    """Numbers of features that were read, repaired and left out.

    Attributes
    ----------
    features : that became rings.
    repaired : of these, those whose shape crossed itself or the like.
    dropped : features around the area whose shape bounds none.
    not_valid : features around the area left out because they are not valid on the reference date, or on any date.
    changing : features around the area that are valid on some images and not on others.
    backwards : features around the area that end before they start.
    lines, points : features left out because nothing says how wide they are.
    other_values : features around the area left out because their attribute's value is in no class, or there is none.
    """

    features: int = 0
    repaired: int = 0
    dropped: int = 0
    lines: int = 0
    points: int = 0
    other_values: int = 0
    not_valid: int = 0
    changing: int = 0
    backwards: int = 0

    def clear(self) -> None:
        """Reset all counts to 0."""
        for count in fields(self):
            setattr(self, count.name, 0)

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name, for a report."""
        return asdict(self)

    def sentences(self, name: str, *, each_date: bool = False) -> list[str]:
        """Return what users should know of the file called ``name``, as sentences.

        ``each_date`` : whether each date has the features of its day.
        """
        sentences = []
        if not self.features:
            sentences.append(f"{name} has nothing here: the layer is empty")
        if self.repaired:
            sentences.append(
                f"{name}: {self.repaired} of {self.features} features had invalid shapes, which were repaired"
            )
        if self.dropped:
            sentences.append(
                f"{name}: {self.dropped} features were left out because their shapes bound no area"
            )
        if self.lines:
            sentences.append(f"{name}: {self.lines} lines were left out; a width makes bands of them")
        if self.points:
            sentences.append(f"{name}: {self.points} points were left out; a buffer makes discs of them")
        if self.changing and not each_date:
            sentences.append(
                f"{name}: {self.changing} features begin or end between the images; layers are as on the reference "
                "date (each_date=true: as on each)"
            )
        if self.backwards:
            sentences.append(f"{name}: {self.backwards} features end before they start, and are never valid")
        return sentences


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassifiedFeatures:
    """Features (f) with their classes, heights and dates, see `Rings`."""

    shapes: Shapes
    class_index: NDArray[np.int32]
    height: NDArray[np.float64]
    dates: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureWindow:
    """Area from which features are wanted, in coordinates of the file.

    Attributes
    ----------
    area : what they meet.
    before : areas that were asked for before: features that meet one of them were counted.
    edge : around the area: what is beyond is cut off.
    """

    area: BaseGeometry
    before: Sequence[BaseGeometry]
    edge: BaseGeometry


def rings_of(
    features: ClassifiedFeatures,
    config: VectorLayerConfig,
    place: Georeference,
    window: FeatureWindow,
    counts: Counts,
) -> Rings:
    """Convert the features that meet a window to rings.

    In coordinates of the file, or in degrees where these are no metres and shapes are widened.
    """
    flat = features.shapes
    shapes, owner = without_collections(shapely.force_2d(flat) if shapely.has_z(flat).any() else flat)
    dimension = dimension_of(shapes)
    bad = np.flatnonzero((dimension == 2) & ~shapely.is_valid(shapes))
    if len(bad):
        shapes = shapes.copy()
        shapes[bad] = [repaired(shape) for shape in shapes[bad]]
    met = _meet(shapes, owner, window.area)
    new = np.ones(len(shapes), dtype=bool)
    for area in window.before:
        new &= ~_meet(shapes, owner, area)
    empty = shapely.is_empty(shapes)
    counts.dropped += _different(owner[(empty | (dimension == NO_KIND)) & new])
    useful = (
        ((dimension == 0) & bool(config.buffer)) | ((dimension == 1) & bool(config.reach)) | (dimension == 2)
    )
    counts.points += _different(owner[met & new & ~useful & (dimension == 0)])
    counts.lines += _different(owner[met & new & ~useful & (dimension == 1)])
    keep = met & useful & ~empty
    counts.repaired += len(np.intersect1d(owner[bad], owner[keep & new]))
    uncounted = owner[keep & ~new]
    shapes, owner = cut_off(shapes[keep], window.edge), owner[keep]
    inside = ~shapely.is_empty(shapes)
    shapes, owner = shapes[inside], owner[inside]
    if config.reach:
        change = partial(widened, config=config)
        shapes = change(shapes) if place.metric else place.in_planes(shapes, change)
        lost = shapely.is_missing(shapes) | shapely.is_empty(shapes)
        counts.dropped += _different(owner[lost & ~np.isin(owner, uncounted)])
        shapes, owner = shapes[~lost], owner[~lost]
    shapes, owner = merged(shapes, owner)
    counts.features += int(np.count_nonzero(~np.isin(owner, uncounted)))
    return _flat(shapes, features, owner)


def _meet(shapes: Shapes, owner: NDArray[np.int64], area: BaseGeometry) -> NDArray[np.bool_]:
    """Return which shapes belong to features that meet an area."""
    shapely.prepare(area)
    single = np.asarray(shapely.intersects(area, shapes), dtype=bool)
    return single if single.all() else np.isin(owner, owner[single])


def _different(owner: NDArray[np.int64]) -> int:
    return len(np.unique(owner))


def _flat(shapes: Shapes, features: ClassifiedFeatures, of: NDArray[np.int64]) -> Rings:
    """Take apart shapes ``of`` features."""
    single = (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON) & (
        shapely.get_num_interior_rings(shapes) == 0
    )
    size, hole, owner = shapely.get_num_coordinates(shapes), ~single, np.arange(len(shapes))
    if not single.all():  # polygons with one ring, which nearly all are, need not be taken apart
        polygons, feature = shapely.get_parts(shapes[~single], return_index=True)
        rings, polygon = shapely.get_rings(polygons, return_index=True)
        size = np.concatenate([size[single], shapely.get_num_coordinates(rings)])
        hole = np.concatenate([hole[single], np.diff(polygon, prepend=-1) == 0])
        owner = np.concatenate([owner[single], owner[~single][feature[polygon]]])
        order = np.argsort(owner, kind="stable")
        order = order[size[order] > 0]
        size, hole, owner = size[order], hole[order], owner[order]
    x, y = shapely.get_coordinates(shapes).T
    return Rings(
        x=np.ascontiguousarray(x),
        y=np.ascontiguousarray(y),
        start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        hole=hole,
        owner=owner.astype(np.int64),
        class_index=features.class_index[of],
        height=features.height[of],
        dates=features.dates[of],
    )
