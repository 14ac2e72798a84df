"""The checker of a dataset of chips: what it proves, and that it fails on each corruption, by name."""

import json
import shutil
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
from fake_chips import BUFFER, make_chips, seal
from numcodecs import Blosc

from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.dataset.chips.checks.chunks import check_chunks, check_shapes
from alignsar_gpu.dataset.chips.checks.content import check_statistics
from alignsar_gpu.dataset.chips.checks.findings import Dataset, Findings
from alignsar_gpu.dataset.chips.checks.separation import check_splits
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.dataset.chips.summing import training_statistics
from alignsar_gpu.dataset.shards import Shard


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checked") / "chips"
    make_chips(folder)
    return folder


@pytest.fixture(scope="module")
def dataset(made):
    """The sound dataset, of which tests of a single check change index and facts."""
    facts = json.loads((made / "dataset.json").read_text())
    return Dataset(folder=made, facts=facts, index=gpd.read_parquet(made / "index.parquet"))


@pytest.fixture
def chips(made, tmp_path):
    return shutil.copytree(made, tmp_path / "chips")


def change_index(chips, change):
    """Change the table of the index, and write it and its checksum."""
    change(gpd.read_parquet(chips / "index.parquet")).to_parquet(chips / "index.parquet", index=False)
    seal(chips)


def change_facts(chips, key, **values):
    facts = json.loads((chips / "dataset.json").read_text())
    facts[key] |= values
    (chips / "dataset.json").write_text(json.dumps(facts))


def changed(dataset, key, **values):
    """A dataset with other values of a key of dataset.json."""
    return replace(dataset, facts={**dataset.facts, key: {**dataset.facts[key], **values}})


def move_west(index, metres):
    """Move the last place, of the test split, on all dates: 2500 m bring it to the places of the validation split."""
    moved = index["footprint"].translate(-metres, 0.0)
    return index.assign(footprint=index["footprint"].where(index["place"] != 11, moved))


def on_splits(dataset):
    findings = Findings()
    check_splits(dataset, findings)
    return findings


def on_chunks(dataset):
    findings = Findings()
    check_chunks(dataset, ChipStore.open(dataset.folder), findings, 1)
    return findings.failures


def only_failure(chips):
    (line,) = check_dataset(chips).failures
    return line


def test_a_sound_dataset_is_proved(made):
    report = check_dataset(made, workers=2)
    assert report.is_sound
    files, places, apart, stored, statistics, classes = report.proofs
    assert files.startswith("26 files, 0.")
    assert places == "12 places are each in one split on all chips: test 12, train 12, validation 12"
    assert apart == "12 places are at least 2000.0 m apart between splits; the buffer is 600.0 m"
    assert stored.startswith(
        "36 chips are stored where the index says (images, pairs, valid, ground, classes, targets)"
    )
    assert statistics == "statistics of 5 layers are those of the split train"
    assert classes == "3 classes that are named occur"


def test_overlapping_chips_of_two_splits(chips):
    change_index(chips, lambda index: move_west(index, 2600.0))
    line = only_failure(chips)
    over = "burst_l00011_s00000_20220101 and burst_l00007_s00000_20220101"
    assert line == f"index.parquet: places of test that overlap places of validation: 1 ({over})"


def test_chips_nearer_than_the_buffer(dataset):
    apart = replace(dataset, index=move_west(dataset.index, 2500.0 - BUFFER))
    assert not on_splits(apart).failures
    assert (
        on_splits(apart).proofs[-1]
        == "12 places are at least 600.0 m apart between splits; the buffer is 600.0 m"
    )
    (line,) = on_splits(replace(dataset, index=move_west(dataset.index, 2510.0 - BUFFER))).failures
    assert line.startswith(
        "index.parquet: places of test nearer than the buffer of 600.0 m to places of validation: 1 ("
    )
    assert line.endswith(" (590.0 m))")


def test_a_buffer_too_small(chips):
    change_facts(chips, "split", buffer_m=599.0)
    assert only_failure(chips) == (
        "dataset.json: split.buffer_m=599.0: is less than a chip and the widest window, 600.0 m"
    )


def test_a_chip_longer_than_is_said(dataset):
    longer = dataset.index.assign(footprint=dataset.index["footprint"].scale(1.01, 1.01))
    first, second = on_splits(replace(dataset, index=longer)).failures
    assert first == "dataset.json: chip_m=500.000: the longest footprint in index.parquet has 505.000 m"
    assert second.startswith(
        "dataset.json: split.buffer_m=600.0: is less than a chip and the widest window, 605.0 m"
    )


def test_one_date_in_another_split(chips):
    change_index(chips, lambda index: index.assign(split=index["split"].where(index.index != 13, "test")))
    counts, places, blocks, overlap, statistics = check_dataset(chips).failures
    assert counts.startswith(
        "index.parquet: has the chips test 13, train 11, validation 12, and dataset.json says"
    )
    assert places == "index.parquet: places in more than one split: 1 (burst_l00001_s00000)"
    assert (
        "chips in another split than their block in splits.geojson: 1 (burst_l00001_s00000_20220113)"
        in blocks
    )
    assert (
        "places of test that overlap places of train: 1 (burst_l00001_s00000_20220113 and burst_l00001_s0"
        in overlap
    )
    assert statistics.startswith("statistics.json: ")


def test_a_place_has_one_footprint(dataset):
    moved = dataset.index["footprint"].where(
        dataset.index.index != 35, dataset.index["footprint"].translate(1.0)
    )
    lines = on_splits(replace(dataset, index=dataset.index.assign(footprint=moved))).failures
    assert lines == ["index.parquet: places with other footprints on other dates: 1 (burst_l00011_s00000)"]


def test_a_block_that_splits_geojson_lacks(dataset):
    index = dataset.index.assign(block=dataset.index["block"].where(dataset.index["place"] != 0, "b_0"))
    lines = on_splits(replace(dataset, index=index)).failures
    assert lines == ["splits.geojson: blocks of index.parquet that it lacks: 1 (b_0)"]


def test_a_changed_file(chips):
    path = chips / "chips.zarr/images/c/0/0/0/0"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    failures = check_dataset(chips).failures
    assert failures[0] == "dataset.json: files that have changed (SHA-256): 1 (chips.zarr/images/c/0/0/0/0)"
    assert any("chips stored with another checksum than it says: 1 (" in line for line in failures)


def test_a_file_that_is_cut_short(chips):
    path = chips / "splits.geojson"
    path.write_text(path.read_text()[:-20])
    failures = check_dataset(chips).failures
    assert failures[0].startswith("dataset.json: files of another size than it says: 1 (splits.geojson (")
    assert any(line.startswith("splits.geojson: ") and "is not a GeoJSON file" in line for line in failures)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "chips.zarr/images/c/0/0/0/0",
            "chips.zarr/images: chips of index.parquet that are not there: 36 (burst_l00000",
        ),
        ("chips.zarr/zarr.json", "holds no chips"),
        ("index.parquet", "index.parquet: is not there"),
    ],
)
def test_a_missing_file(chips, name, line):
    for path in (chips / name, chips / "statistics.json", chips / "splits.geojson"):
        path.unlink()
    failures = check_dataset(chips).failures
    assert failures[0].startswith("dataset.json: files that are missing: 3 (")
    assert name in failures[0]
    assert any(line in failure for failure in failures)


def test_a_file_besides(chips):
    (chips / "notes.txt").write_text("mine")
    assert only_failure(chips) == "dataset.json: files that it does not name: 1 (notes.txt)"


def test_an_index_row_without_a_chip(chips):
    def change(index):
        more = index.iloc[[35]].assign(id="burst_l00011_s00000_20220206", chip=36, date="20220206")
        return gpd.pd.concat([index, more], ignore_index=True)

    change_index(chips, change)
    change_facts(chips, "counts", test=13)
    lines = check_dataset(chips).failures
    assert [line.partition(":")[0] for line in lines[:3]] == [
        f"chips.zarr/{name}" for name in ("images", "pairs", "valid")
    ]
    assert all(
        "chips of index.parquet that are not there: 1 (burst_l00011_s00000_20220206)" in line
        for line in lines[:3]
    )


def test_a_chip_without_an_index_row(dataset):
    lines = on_chunks(replace(dataset, index=dataset.index.iloc[:-1]))
    assert len(lines) == 3
    assert lines[0] == "chips.zarr/images: chips that index.parquet does not have, by number: 1 (35)"


def test_a_pair_of_the_reference_date_is_not_expected(dataset):
    """Each scene has its own: were it another date, chips of that date would be too many, and of this too few."""
    scenes = [{"id": "scene", "reference_date": "20220113"}]
    lines = on_chunks(replace(dataset, facts={**dataset.facts, "scenes": scenes}))
    assert [line.partition(" (")[0] for line in lines] == [
        "chips.zarr/pairs: chips of index.parquet that are not there: 12",
        "chips.zarr/pairs: chips that index.parquet does not have, by number: 12",
    ]


def test_chips_stored_elsewhere_than_the_index_says(dataset):
    index = dataset.index.assign(offset=dataset.index["offset"] + 1, shard="../../elsewhere")
    assert [line.partition(" (burst")[0] for line in on_chunks(replace(dataset, index=index))] == [
        "index.parquet: chips stored with another shard than it says: 36",
        "index.parquet: chips stored with another offset than it says: 36",
    ]


def test_a_chip_of_a_wrong_shape(chips):
    array = ChipStore.open(chips).arrays["targets"]
    chunks = [array.chunk_of(number)[2] for number in range(12)]
    chunks[7] = Blosc().encode(np.zeros((1, 8, 4), np.float32))
    shard = Shard(path=chips / "chips.zarr/targets/c/0/0/0/0", shape=array.shard, count=12)
    shard.append([(number, 0, 0, 0) for number in range(12)], chunks)
    seal(chips)
    lines = check_dataset(chips).failures
    assert (
        lines[0]
        == "chips.zarr/targets: places that are of another shape than (1, 8, 8): 1 (burst_l00007_s00000)"
    )


def test_shapes_and_layers_are_those_of_dataset_json(dataset):
    findings, layers = Findings(), dataset.facts["layers"]
    swapped = {"sigma0_vv": layers["entropy"], "entropy": {**layers["sigma0_vv"], "type": "float16"}}
    other = {**dataset.facts, "size": [8, 4], "halo": 1, "layers": {**layers, **swapped}}
    assert not check_shapes(replace(dataset, facts=other), ChipStore.open(dataset.folder), findings)
    said, exchanged = "dataset.json", "sigma0_vv for entropy, entropy for sigma0_vv"
    assert findings.failures[:4] == [
        f"chips.zarr/images: chips are of the shape (2, 8, 8), and {said} says (2, 10, 6)",
        f"chips.zarr/images: layers of another type in {said} than float32: 1 (entropy)",
        f"chips.zarr/images: layers called otherwise than in {said}: 2 ({exchanged})",
        f"chips.zarr/pairs: chips are of the shape (1, 8, 8), and {said} says (1, 10, 6)",
    ]
    few = {name: layer for name, layer in layers.items() if layer["array"] != "pairs"}
    assert not check_shapes(
        replace(dataset, facts={**dataset.facts, "layers": few}), ChipStore.open(dataset.folder), findings
    )
    assert (
        "chips.zarr: has the arrays classes, ground, images, pairs, targets, valid; dataset.json"
        in "".join(findings.failures)
    )


def test_statistics_of_all_chips(chips):
    index = gpd.read_parquet(chips / "index.parquet")
    columns = {name: index[name].to_numpy() for name in ("chip", "place", "split")}
    store = ChipStore.open(chips)
    everything = training_statistics(store, columns, {"sigma0_vv": 10.0}, ["test", "train", "validation"], 1)
    (chips / "statistics.json").write_text(json.dumps({**everything, "split": ["train"]}))
    seal(chips)
    line = only_failure(chips)
    assert line.startswith("statistics.json: values that are not those of the split train: ")
    assert " (layers.sigma0_vv.linear.count is 2304 for 768, " in line


def test_statistics_of_folds_are_those_of_all_chips(dataset, chips):
    names = {"train": "fold_1", "validation": "fold_2", "test": "fold_0"}
    index = dataset.index.assign(split=dataset.index["split"].map(names))
    columns, store = (
        {name: index[name].to_numpy() for name in ("chip", "place", "split")},
        ChipStore.open(chips),
    )
    statistics = training_statistics(store, columns, {"sigma0_vv": 10.0}, ["fold_1", "fold_2", "fold_0"], 1)
    (chips / "statistics.json").write_text(json.dumps(statistics))
    findings = Findings()
    check_statistics(replace(dataset, folder=chips, index=index), store, findings, 1)
    assert not findings.failures
    assert findings.proofs[0] == "statistics of 5 layers are those of the split fold_0, fold_1, fold_2"


def test_a_class_that_does_not_occur(chips):
    change_facts(chips, "classes", land_cover={"water": 1, "glacier": 7})
    assert (
        only_failure(chips)
        == "dataset.json: classes that it names and that do not occur: 1 (land_cover glacier (7))"
    )


def test_splits_by_dates_need_one_split_a_date(dataset):
    """Places are then in all splits, so that distances say nothing."""
    splits = {"20220101": "train", "20220113": "validation", "20220125": "test"}
    by_dates = changed(dataset, "split", by="dates")
    index = dataset.index.assign(split=dataset.index["date"].map(splits))
    found = on_splits(replace(by_dates, index=index))
    assert not found.failures
    assert found.proofs == ["3 dates are each in one split on all chips: test 12, train 12, validation 12"]
    mixed = index.assign(split=index["split"].where(index.index % 12 != 3, "train"))
    assert on_splits(replace(by_dates, index=mixed)).failures[1] == (
        "index.parquet: dates in more than one split: 2 (20220113, 20220125)"
    )


def test_all_failures_are_collected(chips):
    (chips / "notes.txt").write_text("mine")
    change_facts(chips, "split", buffer_m=2200.0)
    change_facts(chips, "classes", land_cover={"glacier": 7})
    besides, one, other, classes = check_dataset(chips).failures
    assert "does not name: 1 (notes.txt)" in besides
    assert "places of test nearer than the buffer of 2200.0 m to places of validation: 2 (burst_l00008" in one
    assert (
        "places of train nearer than the buffer of 2200.0 m to places of validation: 2 (burst_l00002" in other
    )
    assert "glacier" in classes


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("dataset.json", "{", "dataset.json: cannot be read"),
        ("dataset.json", '{"format": 9}', "holds chips of format 9"),
        (
            "dataset.json",
            '{"format": 1, "size": 3}',
            "dataset.json: keys that are missing or of another type: 10 (size",
        ),
        ("index.parquet", "PAR1", "index.parquet: cannot be read"),
        ("chips.zarr/zarr.json", "{", "chips.zarr: cannot be opened"),
        ("statistics.json", "[1]", "values that are not those of the split train"),
    ],
)
def test_files_that_cannot_be_read_are_failures(chips, name, content, line):
    (chips / name).write_text(content)
    assert any(line in failure for failure in check_dataset(chips).failures)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda index: index.drop(columns=["split", "offset"]).assign(
                chip=0.5, place_id=None, footprint=index["footprint"].centroid
            ),
            "index.parquet: columns that are missing or of another type: 5 (place_id, split, chip, ...)",
        ),
        (
            lambda index: index.assign(chip=0),
            "index.parquet: chips with the same chip as another: 35 (0, 0, 0, ...)",
        ),
    ],
)
def test_columns_of_the_index_are_looked_at(chips, change, line):
    change_index(chips, change)
    assert line in only_failure(chips)
