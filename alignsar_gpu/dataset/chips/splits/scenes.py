"""Split by scene: all places of a run are of one split, so that a scene can be held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from alignsar_gpu.dataset.chips.splits.places import NONE, Splits
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from alignsar_gpu.dataset.chips.splits.places import Places


def split_by_scene(
    places: Places, *, scene: str, split: str, buffer: float, others: GeoDataFrame | None = None
) -> Splits:
    """Give all places of a scene to one split, but those near places of other splits.

    Parameters
    ----------
    places : of the scene.
    scene : its name, which becomes that of its one block, the hull of its places.
    split : name of the split.
    buffer : least distance, m, to places of other splits.
    others : places of earlier scenes: the columns ``split`` and ``footprint``, in the same system.

    Raises AlignsarError where none is left.
    """
    shapes = places.shapes
    of_place = np.full(len(shapes), split, dtype=f"<U{len(split)}")
    if others is not None:
        tree = shapely.STRtree(np.asarray(others["footprint"][others["split"] != split].array))
        near, _ = tree.query(shapes, predicate="dwithin", distance=buffer)
        of_place[near] = NONE
    if not (of_place == split).any():
        raise AlignsarError(
            f"chips.split.scene={split}: every chip is within {buffer:.1f} m of one of another split; hold out a scene "
            "of other ground, or split by blocks"
        )
    outline = shapely.convex_hull(shapely.union_all(shapes[of_place == split]))
    table = {"block": [scene], "split": [split]}
    blocks = gpd.GeoDataFrame(table, geometry=[outline], crs=places.footprints.crs)
    return Splits(of_place=of_place, block_of_place=np.full(len(shapes), scene), blocks=blocks)
