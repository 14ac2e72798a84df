"""Split places by the polygons of a file, each with the name of its split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from alignsar_gpu.dataset.chips.splits import refusals
from alignsar_gpu.dataset.chips.splits.places import HAIR, NONE, TRAIN, Splits
from alignsar_gpu.errors import AlignsarError, choose_from

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.dataset.chips.splits.places import Places

KEY = "chips.split.regions"
SLIVER = 1.0  # square metres that regions of different splits may overlap by: borders drawn twice


def split_by_regions(places: Places, *, regions: GeoDataFrame, field: str, buffer: float) -> Splits:
    """Split places by regions: a place belongs to the split whose regions hold its whole footprint.

    It is left out if it lies in none, or nearer than ``buffer`` to a region of another split. So chips of different
    splits are at least ``buffer`` apart: the one lies within its region, and the other keeps away from that.

    Parameters
    ----------
    places : footprints and classes.
    regions : polygons in any CRS. Regions of one split may overlap or touch, and those without a split are ignored.
    field : column that names the split of a region; one split is "train".
    buffer : smallest distance between chips of different splits, in metres.

    Raises AlignsarError for a column that is not there, regions of different splits that overlap, a split that gets no
    chips, and a class that does not occur in training.
    """
    blocks = _blocks(regions, field, places.footprints.crs)
    names = sorted(set(blocks["split"]), key=lambda name: (name != TRAIN, name))
    refusals.check_training(names, f"{KEY}: the column {field!r}")
    refusals.check_places(len(places), len(names))
    shapes = places.shapes
    areas = [shapely.union_all(blocks.geometry[blocks["split"] == name]) for name in names]
    _check_overlap(areas, names)
    shapely.prepare(areas)
    inside = np.array([shapely.covers(area, shapes) for area in areas])
    near = np.array([shapely.dwithin(area, shapes, buffer + HAIR) for area in areas])
    kept = inside & (near.sum(axis=0) == 1)
    of_place = np.where(kept.any(axis=0), np.array(names)[kept.argmax(axis=0)], NONE)
    remedy = "draw larger regions, or regions in other places"
    chips = dict(zip(names, kept.sum(axis=1).tolist(), strict=True))
    refusals.check_kept(chips, len(places), KEY, remedy)
    pixels = places.classes[kept[0]].sum(axis=0)
    refusals.check_classes((pixels == 0) & (places.classes.sum(axis=0) > 0), places.names, KEY, remedy)
    return Splits(of_place=of_place, block_of_place=_region_of(shapes, blocks), blocks=blocks)


def _blocks(regions: GeoDataFrame, field: str, crs: CRS) -> GeoDataFrame:
    """Make the table of blocks of regions that have a split, named by their rows: region_0, region_1, ..."""
    if field not in regions.columns:
        columns = [str(name) for name in regions.columns if name != regions.geometry.name]
        raise AlignsarError(
            f"chips.split.field={field}: the regions have no such column; {choose_from(field, columns)}"
        )
    if regions.crs is None:
        raise AlignsarError(f"{KEY}: the file names no coordinate reference system; store it with one")
    missing = regions[field].isna()
    splits = regions[field].astype(str).str.strip().where(~missing, NONE).to_numpy(dtype=np.str_)
    shapes = shapely.make_valid(np.asarray(regions.to_crs(crs).geometry.array))
    used = (splits != NONE) & (shapely.get_dimensions(shapes) == 2)
    if not used.any():
        raise AlignsarError(f"{KEY}: has no polygon with a split in its column {field!r}; fill it in")
    names = np.array([f"region_{number}" for number in range(len(regions))])
    data = {"block": names[used], "split": splits[used]}
    return gpd.GeoDataFrame(data, geometry=shapes[used], crs=crs)


def _check_overlap(areas: list[shapely.Geometry], names: list[str]) -> None:
    """Check that the areas of splits do not overlap; raise AlignsarError otherwise."""
    for second in range(len(areas)):
        for first in range(second):
            overlap = shapely.area(shapely.intersection(areas[first], areas[second]))
            if overlap > SLIVER:
                raise AlignsarError(
                    f"{KEY}: regions of {names[first]!r} and {names[second]!r} overlap by {overlap:.0f} m2; correct "
                    "them so that they at most touch"
                )


def _region_of(shapes: NDArray[np.object_], blocks: GeoDataFrame) -> NDArray[np.str_]:
    """Return the name of the first region that holds the middle of each place; "" if none does."""
    tree = shapely.STRtree(np.asarray(blocks.geometry.array))
    place, region = tree.query(shapely.centroid(shapes), predicate="intersects")
    first = np.full(len(shapes), len(blocks))
    np.minimum.at(first, place, region)
    names: NDArray[np.str_] = np.append(blocks["block"].to_numpy(dtype=np.str_), NONE)[first]
    return names
