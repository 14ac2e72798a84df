"""Splits by regions and by dates, blocks in GeoJSON, and what splits refuse."""

import json
from datetime import date

import geopandas as gpd
import numpy as np
import pytest
import shapely
from chip_places import ORIGIN, UTM, places_at, scene, smallest_distance

from alignsar_gpu.config import validate
from alignsar_gpu.config.chips import ChipsConfig, SplitConfig
from alignsar_gpu.dataset.chips.splits import (
    Places,
    read_blocks,
    split_by_blocks,
    split_by_dates,
    split_by_folds,
    split_by_regions,
    write_blocks,
)
from alignsar_gpu.errors import AlignsarError

SHARES = {"train": 0.6, "test": 0.4}
KEYS = {"side": 3000.0, "buffer": 700.0, "shares": SHARES, "seed": 0}
X, Y = ORIGIN


@pytest.fixture(scope="module")
def places():
    return scene(10, 16, pitch=640.0, size=640.0, classes=2, angle=0.0)


@pytest.fixture(scope="module")
def splits(places):
    return split_by_blocks(places, **KEYS)


def regions_of(*boxes, crs=UTM):
    """Regions (split, left, bottom, right, top) in metres from the origin."""
    squares = [shapely.box(X + left, Y + bottom, X + right, Y + top) for _, left, bottom, right, top in boxes]
    return gpd.GeoDataFrame({"part": [box[0] for box in boxes]}, geometry=squares, crs=UTM).to_crs(crs)


def by_regions(places, *boxes, buffer=1000.0, **more):
    return split_by_regions(places, regions=regions_of(*boxes), field="part", buffer=buffer, **more)


HALVES = (
    ("train", -1000, -1000, 3000, 9000),
    ("train", 3000, -1000, 5000, 9000),
    ("test", 5000, -1000, 12000, 9000),
)


def test_regions_hold_whole_footprints_a_buffer_from_others(places):
    """The two regions of the training split touch: a footprint across their border is in training."""
    splits = by_regions(places, *HALVES, (None, 20_000, 0, 30_000, 9000), ("", 30_000, 0, 31_000, 9000))
    middle = shapely.get_coordinates(shapely.centroid(places.shapes))[:, 0] - X
    expected = np.select([middle + 320 <= 4000, middle - 320 >= 6000], ["train", "test"], "")
    assert (splits.of_place == expected).all()
    assert set(splits.of_place) == {"train", "test", ""}
    assert smallest_distance(places.shapes, splits.of_place) >= 1000.0
    assert splits.blocks["block"].tolist() == ["region_0", "region_1", "region_2"]
    assert splits.blocks["split"].tolist() == ["train", "train", "test"]
    assert set(splits.block_of_place[middle < 2900]) == {"region_0"}


def test_regions_come_in_any_crs(places):
    degrees = regions_of(*HALVES, crs="EPSG:4326")
    splits = split_by_regions(places, regions=degrees, field="part", buffer=1010.0)
    assert (splits.of_place == by_regions(places, *HALVES, buffer=1010.0).of_place).mean() > 0.9
    assert smallest_distance(places.shapes, splits.of_place) >= 1010.0


def test_places_outside_of_regions_are_left_out(places):
    splits = by_regions(places, ("train", -1000, -1000, 3000, 9000), ("test", 6000, -1000, 9000, 9000))
    middle = shapely.get_coordinates(shapely.centroid(places.shapes))[:, 0] - X
    assert set(splits.of_place[middle > 9000]) == {""}
    assert set(splits.block_of_place[middle > 9000]) == {""}


def test_ranges_of_dates_include_both_days():
    dates = [np.datetime64(f"2022-01-{day:02d}T05:59:40") for day in (1, 13, 25, 7)]
    ranges = {"train": (date(2022, 1, 1), date(2022, 1, 13)), "test": (date(2022, 1, 25), date(2022, 3, 1))}
    assert split_by_dates(dates, ranges).tolist() == ["train", "train", "test", "train"]
    ranges["train"] = (date(2022, 1, 1), date(2022, 1, 7))
    assert split_by_dates(dates, ranges).tolist() == ["train", "", "test", "train"]


RANGE = (date(2022, 1, 1), date(2022, 1, 13))


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"test": RANGE}, r"chips.split.dates: has no 'train'; name"),
        (
            {"train": RANGE, "test": (date(2022, 1, 13), date(2022, 2, 1))},
            r"chips.split.dates.test=\[2022-01-13, 2022-02-01\]: overlaps train=\[2022-01-01, 2022-01-13\], .* let one",
        ),
        ({"train": RANGE[::-1]}, r"chips.split.dates.train=.*: ends before it begins"),
        (
            {"train": RANGE, "test": (date(2022, 2, 1), date(2022, 3, 1))},
            r"chips.split.dates.test=.*: holds none of the dates, which are 2022-01-01, 2022-01-25; correct",
        ),
    ],
)
def test_ranges_that_are_refused(ranges, message):
    with pytest.raises(AlignsarError, match=message):
        split_by_dates([np.datetime64("2022-01-25"), np.datetime64("2022-01-01")], ranges)


def test_blocks_come_back_from_geojson(tmp_path, splits):
    write_blocks(tmp_path / "splits.geojson", splits.blocks)
    back = read_blocks(tmp_path / "splits.geojson", splits.blocks.crs)
    assert back[["block", "split"]].equals(splits.blocks[["block", "split"]])
    off = shapely.bounds(np.asarray(back.geometry.array)) - shapely.bounds(
        np.asarray(splits.blocks.geometry.array)
    )
    assert np.abs(off).max() < 1e-3
    write_blocks(tmp_path / "again.geojson", splits.blocks)
    assert (tmp_path / "again.geojson").read_bytes() == (tmp_path / "splits.geojson").read_bytes()
    read = gpd.read_file(tmp_path / "splits.geojson")
    assert read.crs == "EPSG:4326"
    assert shapely.is_ccw(shapely.get_exterior_ring(np.asarray(read.geometry.array))).all()


def test_blocks_across_the_antimeridian_come_back(tmp_path):
    square = shapely.box(280_000, 5_500_000, 290_000, 5_510_000)
    blocks = gpd.GeoDataFrame({"block": ["b"], "split": ["train"]}, geometry=[square], crs="EPSG:32601")
    write_blocks(tmp_path / "b.geojson", blocks)
    ring = json.loads((tmp_path / "b.geojson").read_text())["features"][0]["geometry"]["coordinates"][0]
    west, east = min(x % 360.0 for x, _ in ring), max(x % 360.0 for x, _ in ring)
    assert west < 180.0 < east
    assert np.ptp(np.array(ring)[:, 0]) == pytest.approx(east - west)
    back = read_blocks(tmp_path / "b.geojson", blocks.crs).geometry.iloc[0]
    assert shapely.hausdorff_distance(back, square) < 1e-3


POINT = '"geometry": {"type": "Point", "coordinates": [5, 52]}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no such file"),
        ("{", "is not a GeoJSON file"),
        ("[]", "is not a GeoJSON file"),
        ('{"features": []}', "has no polygons"),
        ('{"features": [{"properties": {"block": "b", "split": 1}, "geometry": null}]}', "1 is no text"),
        ('{"features": [{"properties": {"block": "b"}, "geometry": null}]}', "split"),
        (
            f'{{"features": [{{"properties": {{"block": "b", "split": "train"}}, {POINT}}}]}}',
            "others than polygons",
        ),
    ],
)
def test_files_without_blocks_are_refused(tmp_path, text, message):
    path = tmp_path / "splits.geojson"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AlignsarError, match=rf"chips.split.file=.*splits.geojson: .*{message}"):
        read_blocks(path, UTM)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"side": 700.0},
            r"chips.split.block=700: a block is not larger than the buffer of 700.0 m, .* give a block",
        ),
        ({"shares": {"train": 0.7, "test": 0.2}}, r"shares=\{train: 0.7, test: 0.2\}: sum to 0.9; correct"),
        ({"shares": {"train": 1.2, "test": -0.2}}, r"shares=.*: shares must be above 0; remove"),
        ({"shares": {"a": 0.5, "b": 0.5}}, r"shares=.*: has no 'train'; name"),
        ({"shares": {"train": 0.5, "": 0.5}}, r"shares=.*: has a split without a name"),
        (
            {"side": 40_000.0},
            r"chips.split.block=40000: of 160 places none is left for test after the buffer .* try a smaller",
        ),
    ],
)
def test_wrong_blocks_are_refused(places, changed, message):
    with pytest.raises(AlignsarError, match=message):
        split_by_blocks(places, **{**KEYS, **changed})


def test_blocks_too_small_for_a_chip_and_the_buffer_are_refused(places):
    neighbours = places_at([ORIGIN, ORIGIN + 640.0], 640.0)
    with pytest.raises(
        AlignsarError, match=r"block=701: of 2 places none is left .* larger chips.split.block .* need 1340 m"
    ):
        split_by_blocks(neighbours, **{**KEYS, "side": 701.0})


def test_a_class_absent_from_training_is_refused_by_name(places):
    """Only one place has it, which is in one fold or region, or between two blocks that must differ."""
    rare = np.zeros(len(places), int)
    rare[40] = 5
    named = Places(
        footprints=places.footprints,
        classes=np.column_stack([places.classes, rare, 0 * rare]),
        names=["field", "wood", "pond", "sea"],
    )
    with pytest.raises(
        AlignsarError, match=r"folds=2: the class pond would not occur in training; try a smaller .*seed"
    ):
        split_by_folds(named, side=3000.0, buffer=700.0, count=2, seed=0)
    named.classes[:, 2] = np.where(shapely.get_x(shapely.centroid(places.shapes)) > X + 8000, 1, 0)
    with pytest.raises(AlignsarError, match=r"chips.split.regions: the class pond .* draw larger regions"):
        by_regions(named, ("train", -1000, -1000, 3000, 9000), ("test", 3000, -1000, 12_000, 9000))
    middles = [[601_500.0, 5_800_500.0], [603_000.0, 5_800_500.0], [604_500.0, 5_800_500.0]]
    between = places_at(middles, 640.0, [[9, 0], [9, 5], [9, 0]])
    with pytest.raises(
        AlignsarError, match=r"block=3000: the class class_1 would not occur in training; .* leave the class"
    ):
        split_by_blocks(between, **KEYS)


def test_a_dataset_grows_on_blocks_of_one_split(places, splits):
    """The new places lie in blocks of training alone: splits with blocks there need no chips, others do."""
    train = splits.of_place == "train"
    few = Places(footprints=places.footprints[train], classes=places.classes[train], names=places.names)
    grown = split_by_blocks(few, **KEYS, known=splits.blocks)
    assert set(grown.of_place) == {"train"}
    one = Places(footprints=few.footprints[:1], classes=few.classes[:1], names=few.names)
    assert split_by_blocks(one, **KEYS, known=splits.blocks).of_place.tolist() == ["train"]
    more = {**KEYS, "shares": {"train": 0.6, "test": 0.2, "validation": 0.2}}
    with pytest.raises(AlignsarError, match="none is left for validation"):
        split_by_blocks(few, **more, known=splits.blocks)


def test_too_few_places_are_refused():
    places = places_at([ORIGIN], 500.0)
    with pytest.raises(
        AlignsarError, match=r"chips: 1 places are too few for 2 splits; get more by a smaller chips.size"
    ):
        split_by_blocks(places, **KEYS)
    with pytest.raises(AlignsarError, match=r"chips: 1 places are too few for 5 splits"):
        split_by_folds(places, side=3000.0, buffer=700.0, count=5, seed=0)
    with pytest.raises(AlignsarError, match=r"chips.split.folds=1: give 2 to 100 folds"):
        split_by_folds(places, side=3000.0, buffer=700.0, count=1, seed=0)


@pytest.mark.parametrize("by", ["random", "pixels", "chips"])
def test_random_splits_are_refused_with_the_reason(by):
    with pytest.raises(
        AlignsarError, match=rf"chips.split.by={by}: neighbouring .* measures memory; choose from blocks"
    ):
        validate(ChipsConfig(split=SplitConfig(by=by)), "chips.")


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (
            (HALVES[0], ("test", 2000, 0, 9000, 9000)),
            r"regions: regions of 'train' and 'test' overlap by 9000000 m2",
        ),
        ((HALVES[0], HALVES[1]), None),
        ((HALVES[2],), r"regions: the column 'part': has no 'train'"),
        (
            (HALVES[0], ("test", 3500, 0, 4500, 9000)),
            r"regions: of 160 places none is left for test after .* draw",
        ),
        (((None, 0, 0, 1, 1),), r"regions: has no polygon with a split in its column 'part'; fill"),
    ],
)
def test_wrong_regions_are_refused(places, boxes, message):
    if message is None:
        assert set(by_regions(places, *boxes).of_place) == {"train", ""}
        return
    with pytest.raises(AlignsarError, match=message):
        by_regions(places, *boxes)


def test_regions_need_their_column_and_a_crs(places):
    regions = regions_of(*HALVES)
    with pytest.raises(
        AlignsarError, match=r"chips.split.field=prt: the regions have no such column; .* part"
    ):
        split_by_regions(places, regions=regions, field="prt", buffer=700.0)
    bare = gpd.GeoDataFrame({"part": ["train"]}, geometry=[shapely.box(0, 0, 1, 1)])
    with pytest.raises(AlignsarError, match=r"regions: the file names no coordinate reference system"):
        split_by_regions(places, regions=bare, field="part", buffer=700.0)


def test_known_blocks_of_another_grid_are_refused(places, splits):
    with pytest.raises(
        AlignsarError, match=r"chips.split.file: its block 'b_199_1933_EPSG32631' is no square of 3100 m"
    ):
        split_by_blocks(places, **{**KEYS, "side": 3100.0}, known=splits.blocks)
    with pytest.raises(
        AlignsarError, match=r"chips.split.file: has blocks of the split 'test', and .* train, valid"
    ):
        split_by_blocks(places, **{**KEYS, "shares": {"train": 0.7, "valid": 0.3}}, known=splits.blocks)
    twice = splits.blocks.iloc[[0, 0]].assign(split=["train", ""])
    with pytest.raises(
        AlignsarError, match=r"chips.split.file: has the block .* twice, with the splits 'train' and ''"
    ):
        split_by_blocks(places, **KEYS, known=twice)


def test_places_need_a_map_in_metres():
    for crs in (None, "EPSG:4326", "EPSG:2263"):
        footprints = gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=crs)
        with pytest.raises(AlignsarError, match="distances need a map projection in metres; choose"):
            Places(footprints=footprints, classes=np.ones((1, 1), int), names=["one"])
    with pytest.raises(ValueError, match="names"):
        places_at([ORIGIN], 10.0, np.ones((2, 1), int))
