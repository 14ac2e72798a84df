"""Splits by square blocks of ground: apart by the buffer, the same for all tracks, balanced, and repeatable."""

from contextlib import suppress
from unittest import mock

import geopandas as gpd
import numpy as np
import pytest
import shapely
from chip_places import ORIGIN, UTM, places_at, scene, smallest_distance
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu.dataset.chips.splits import (
    Places,
    assignment,
    choose_buffer,
    least_buffer,
    split_by_blocks,
    split_by_folds,
)
from alignsar_gpu.errors import AlignsarError

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
HALVES = {"train": 0.5, "test": 0.5}


KEYS = {"side": 3000.0, "buffer": 700.0, "shares": SHARES}
SPLITS_OF_SEED_1 = "vatrtrtrvatrtrtrvatrtrtrtevatetetevatete"
MIDDLE = 22  # a block of the small scene


@pytest.fixture(scope="module")
def small():
    """A scene of 384 places."""
    return scene(16, 24, pitch=640.0, size=640.0, classes=3)


@pytest.fixture(scope="module")
def wide():
    """A scene of 3,000 places, and its splits."""
    places = scene(50, 60, pitch=640.0, size=640.0)
    buffer = least_buffer(places.footprints, 100.0)
    return places, buffer, split_by_blocks(places, side=6000.0, buffer=buffer, shares=SHARES, seed=0)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    side=st.floats(500.0, 4000.0),
    buffer=st.floats(0.01, 0.99),
    size=st.floats(1.0, 900.0),
    angle=st.floats(0.0, 90.0),
)
def test_chips_of_different_splits_are_a_buffer_apart(seed, side, buffer, size, angle):
    middles = ORIGIN + np.random.default_rng(seed).uniform(-6000.0, 6000.0, (80, 2))
    places = places_at(middles, size, angle=angle)
    with mock.patch.object(assignment, "MOST_MOVES", 2), suppress(AlignsarError):  # nothing is left for one
        splits = split_by_blocks(places, side=side, buffer=buffer * side, shares=HALVES, seed=seed)
        assert smallest_distance(places.shapes, splits.of_place) >= buffer * side


def test_a_scene_is_split_a_buffer_apart(wide):
    places, buffer, splits = wide
    corner = np.flatnonzero(np.hypot(*(shapely.bounds(places.shapes)[:, :2] - ORIGIN).T) < 15_000.0)
    apart = smallest_distance(places.shapes[corner], splits.of_place[corner])
    assert buffer <= apart < buffer + 640.0


def test_places_are_left_out_only_near_other_splits(wide):
    """Each is within half a buffer of a block of another split, and each that is kept is not."""
    places, buffer, splits = wide
    squares = np.asarray(splits.blocks.geometry.array)
    place, block = shapely.STRtree(squares).query(places.shapes, predicate="dwithin", distance=buffer / 2)
    near = {number: set() for number in range(len(places))}
    for number, split in zip(place, splits.blocks["split"].to_numpy()[block], strict=True):
        near[number].add(split)
    for number, split in enumerate(splits.of_place):
        assert near[number] == {split} if split else len(near[number]) > 1


def test_shares_of_chips_and_classes_are_met(wide):
    places, _, splits = wide
    kept = splits.of_place != ""
    assert kept.mean() > 0.7
    for name, share in SHARES.items():
        chosen = splits.of_place == name
        assert chosen.sum() / kept.sum() == pytest.approx(share, abs=0.02)
        pixels = places.classes[chosen].sum(axis=0) / places.classes[kept].sum(axis=0)
        assert pixels == pytest.approx(share, abs=0.1)


def test_blocks_are_squares_of_the_map_and_hold_the_middles_of_their_places(wide):
    places, _, splits = wide
    corners = shapely.get_coordinates(np.asarray(splits.blocks.geometry.array))
    assert not (corners % 6000.0).any()
    assert splits.blocks["block"].is_unique
    square = splits.blocks.set_index("block").geometry.loc[splits.block_of_place]
    assert shapely.contains(np.asarray(square.array), shapely.centroid(places.shapes)).all()
    split = splits.blocks.set_index("block")["split"].loc[splits.block_of_place].to_numpy()
    assert (split == splits.of_place)[splits.of_place != ""].all()


def test_another_track_later_is_split_as_the_first_one(small):
    """On known blocks: no two chips of both are too near, and blocks keep their splits."""
    other = scene(16, 24, pitch=640.0, size=640.0, angle=-9.0)
    first = split_by_blocks(small, **KEYS, seed=3)
    second = split_by_blocks(other, **KEYS, seed=4, known=first.blocks)
    shapes = np.concatenate([small.shapes, other.shapes])
    assert smallest_distance(shapes, np.concatenate([first.of_place, second.of_place])) >= KEYS["buffer"]
    names = second.blocks.set_index("block")["split"]
    assert (names.loc[first.blocks["block"]].to_numpy() == first.blocks["split"].to_numpy()).all()
    assert len(names) > len(first.blocks)


def test_the_same_place_from_two_tracks_is_in_one_split():
    middles = ORIGIN + np.random.default_rng(1).uniform(0.0, 30_000.0, (300, 2))
    both = places_at(np.concatenate([middles, middles + 30.0]), 500.0)
    splits = split_by_blocks(both, side=4000.0, buffer=600.0, shares=SHARES, seed=0).of_place.reshape(2, -1)
    assert ((splits[0] == splits[1]) | (splits == "").any(axis=0)).all()
    assert ((splits[0] == splits[1]) & (splits[0] != "")).mean() > 0.3


def test_a_seed_gives_the_same_splits_in_any_order_of_places(small):
    one, again, other = (split_by_blocks(small, **KEYS, seed=seed) for seed in (5, 5, 6))
    assert (one.of_place == again.of_place).all()
    assert one.blocks.equals(again.blocks)
    assert (one.of_place != other.of_place).any()
    order = np.random.default_rng(0).permutation(len(small))
    mixed = Places(footprints=small.footprints.iloc[order], classes=small.classes[order], names=small.names)
    assert (split_by_blocks(mixed, **KEYS, seed=5).of_place == one.of_place[order]).all()


def test_the_splits_of_a_seed_stay_what_they_are():
    """On any machine and with any version of the libraries: random numbers are PCG64's, sums are of integers."""
    splits = split_by_blocks(scene(12, 16, pitch=640.0, size=640.0), **KEYS, seed=1)
    assert "".join(name[:2] for name in splits.blocks["split"]) == SPLITS_OF_SEED_1


def test_known_blocks_without_a_split_keep_chips_out(small):
    known = split_by_blocks(small, **KEYS, seed=0).blocks
    known["split"] = known["split"].where(known.index != MIDDLE, "")
    splits = split_by_blocks(small, **KEYS, seed=0, known=known)
    near = shapely.dwithin(small.shapes, known.geometry.iloc[MIDDLE], KEYS["buffer"] / 2)
    assert near.sum() > 10
    assert not (splits.of_place[near] != "").any()
    assert splits.blocks.equals(known)


def test_folds_are_equal_and_apart(small):
    splits = split_by_folds(small, side=2500.0, buffer=700.0, count=4, seed=0)
    names, chips = np.unique(splits.of_place[splits.of_place != ""], return_counts=True)
    assert names.tolist() == ["fold_0", "fold_1", "fold_2", "fold_3"]
    assert chips / chips.sum() == pytest.approx(0.25, abs=0.05)
    assert smallest_distance(small.shapes, splits.of_place) >= 700.0


def test_the_least_buffer_is_the_longest_chip_and_a_window():
    places = places_at([[0.0, 0.0], [5000.0, 0.0]], 800.0, angle=30.0)
    assert least_buffer(places.footprints, 150.0) == pytest.approx(950.0)
    oblong = gpd.GeoSeries([shapely.box(0, 0, 300, 1000), shapely.box(0, 0, 500, 500)], crs=UTM)
    assert least_buffer(oblong, 0.0) == 1000.0
    assert choose_buffer(oblong, 100.0) == 1100.0
    assert choose_buffer(oblong, 100.0, 1200.0) == 1200.0
    with pytest.raises(
        AlignsarError, match=r"chips.split.buffer=1099: is less than a chip \(1000.0 m\) plus .* 1100.0,"
    ):
        choose_buffer(oblong, 100.0, 1099.0)
