"""A scene that is held out: all its places are of one split, but those near places of another."""

import geopandas
import numpy as np
import pytest
from chip_places import UTM, squares

from alignsar_gpu.dataset.chips.splits.places import Places
from alignsar_gpu.dataset.chips.splits.scenes import split_by_scene
from alignsar_gpu.errors import AlignsarError

CHIP, BUFFER = 500.0, 600.0


def row_of(count, first):
    """Places side by side, from x = ``first``."""
    middles = np.stack([first + CHIP * np.arange(count), np.full(count, 5_000_000.0)], axis=1)
    return geopandas.GeoSeries(squares(middles, CHIP), crs=UTM)


def places(count, first):
    return Places(footprints=row_of(count, first), classes=np.zeros((count, 0), np.int64), names=())


def test_places_near_another_split_are_left_out():
    others = geopandas.GeoDataFrame({"split": ["train"] * 4 + ["test"], "footprint": row_of(5, 500_000.0)})
    held_out = split_by_scene(places(6, 502_500.0), scene="b", split="test", buffer=BUFFER, others=others)
    # Edges of places of train end at 501 750: the first place 500 m on is within 600 m of it, the second is not.
    assert held_out.of_place.tolist() == ["", *["test"] * 5]
    assert held_out.blocks["block"].tolist() == ["b"]
    assert held_out.blocks["split"].tolist() == ["test"]
    assert set(held_out.block_of_place) == {"b"}
    same = split_by_scene(
        places(6, 502_500.0), scene="b", split="train", buffer=BUFFER, others=others.head(4)
    )
    assert set(same.of_place) == {"train"}


def test_a_scene_on_the_ground_of_another_split_is_refused():
    others = geopandas.GeoDataFrame({"split": ["train"] * 3, "footprint": row_of(3, 500_000.0)})
    with pytest.raises(AlignsarError, match=r"chips.split.scene=test: every chip is within 600.0 m"):
        split_by_scene(places(3, 500_100.0), scene="b", split="test", buffer=BUFFER, others=others)
