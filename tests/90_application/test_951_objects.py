"""Objects of classes, added to a finished run: each number against the cube, and what is refused."""

import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pystac
import pytest
from chipped_cube import cube_of, with_label
from scipy.ndimage import gaussian_filter, label

import alignsar_gpu
from alignsar_gpu.application.dataset.description import bounds
from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.application.objects import stage
from alignsar_gpu.config.objects import ObjectsConfig, check_objects
from alignsar_gpu.dataset.cube import OF_REFERENCE, finish_cube, write_dataset
from alignsar_gpu.dataset.wrapped import is_wrapped
from alignsar_gpu.errors import AlignsarError

LINES, SAMPLES, DATES = 70, 90, 2
NAMES = {1: "field", 2: "water"}
CLASSES = {"flag_values": [0, 1, 2, 255], "flag_meanings": "none field water unknown"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of a cube with a layer of classes, and shares of a class."""
    smooth = gaussian_filter(np.random.default_rng(5).normal(size=(LINES, SAMPLES)), 2.5)
    cube = cube_of(LINES, SAMPLES, DATES)
    codes = np.digitize(smooth, [-0.1, 0.02, 0.15]).astype(np.uint8)
    codes[codes == 3] = 255
    with_label(cube, "land_cover", codes, **CLASSES)
    with_label(cube, "building", np.where(smooth > 0.2, np.nan, 0.5 + smooth).astype(np.float32))
    with_label(cube, "rain", smooth.astype(np.float32), valid_range=[-9.0, 9.0])
    cube["coherence_vv"].attrs[OF_REFERENCE] = 1.0
    cube["ground_area"] = (("azimuth", "range"), np.abs(smooth) + 1.0, {"units": "m2"})
    output = tmp_path_factory.mktemp("objects") / "run"
    record = StageRecord(name="dataset", digest="f", products=("cube.zarr", "quality.json"))
    with RunFolder(output, [record], "name: made\n") as folder:
        folder.begin()
        write_dataset(folder.work / "cube.zarr", cube)
        finish_cube(folder.work / "cube.zarr", bounds(folder.work / "cube.zarr"))
        (folder.work / "quality.json").write_text("{}")
        folder.seal()
        folder.publish()
    return output


def add(output, memory_gib=None, **keys):
    """Add objects to a run, with keys of objects."""
    objects = {"layers": ["land_cover", "building"], "smallest": 12, **keys}
    alignsar_gpu.run(output=output, device="cpu", **{"device.memory_gib": memory_gib}, objects=objects)
    return pd.read_parquet(output / "objects.parquet")


@pytest.fixture(scope="module")
def table(finished):
    return add(finished)


def copied(finished, folder):
    """The run without its objects."""
    shutil.copytree(finished, folder / "run")
    (folder / "run" / "objects.parquet").unlink()
    return folder / "run"


def regions(cube):
    """Every region of each class: layer, class, and the mask of its pixels."""
    for layer, classes in (("land_cover", NAMES), ("building", {None: "building"})):
        for code, name in classes.items():
            mask = cube[layer].values >= 0.5 if code is None else cube[layer].values == code
            numbers, count = label(mask, np.ones((3, 3)))
            yield from ((layer, name, numbers == number) for number in range(1, count + 1))


def test_every_number_is_that_of_the_cube(finished, table):
    cube = alignsar_gpu.open(finished)
    expected = [(layer, name, mask) for layer, name, mask in regions(cube) if mask.sum() >= 12]
    assert len(table) == len(expected) > 10
    assert set(table["class"]) == {"field", "water", "building"}
    rows = table.set_index(["layer", "class", "first_line", "pixels", "centroid_sample"]).sort_index()
    for layer, name, mask in expected:
        line, sample = np.nonzero(mask)
        row = rows.loc[(layer, name, line[0], mask.sum(), sample.mean())]
        assert (row["last_line"], row["first_sample"], row["last_sample"]) == (
            line.max(), sample.min(), sample.max()
        )  # fmt: skip
        assert row["centroid_line"] == line.mean()
        assert row["ground_area"] == pytest.approx(cube["ground_area"].values[mask].sum())
        assert row["longitude"] == pytest.approx(np.nanmean(cube["longitude"].values[mask]), abs=1e-9)
        assert row["latitude"] == pytest.approx(np.nanmean(cube["latitude"].values[mask]), abs=1e-9)
        for date, day in enumerate(("20220104", "20220110")):
            values = cube["sigma0_vv"].values[date][mask].astype(float)
            assert row[f"sigma0_vv_{day}_count"] == np.isfinite(values).sum() > 0
            assert row[f"sigma0_vv_{day}_mean"] == pytest.approx(np.nanmean(values), rel=1e-6)
            assert row[f"sigma0_vv_{day}_deviation"] == pytest.approx(np.nanstd(values), rel=1e-5, abs=1e-9)
        phase = cube["interferometric_phase_vv"]
        assert is_wrapped(phase.attrs)
        phasor = np.nanmean(np.exp(1j * phase.values[0][mask]))
        assert row["interferometric_phase_vv_20220104_mean"] == pytest.approx(np.angle(phasor), abs=1e-5)
        deviation = np.sqrt(-2.0 * np.log(abs(phasor)))
        assert row["interferometric_phase_vv_20220104_deviation"] == pytest.approx(deviation, abs=1e-5)
    assert (table.groupby("layer")["number"].diff().dropna() == 1).all()


def test_columns_have_units_and_what_compares_a_date_with_itself_is_left_out(finished, table):
    schema = pq.read_schema(finished / "objects.parquet")
    assert schema.field("ground_area").metadata[b"units"] == b"m2"
    assert schema.field("interferometric_phase_vv_20220104_mean").metadata[b"units"] == b"rad"
    assert b"sides or corners" in schema.metadata[b"description"]
    assert "sigma0_vv_20220110_mean" in table
    assert "height_mean" in table
    assert not [name for name in table if name.startswith("coherence_vv_20220110")]
    assert not [name for name in table if name.startswith(("rain", "valid", "building", "land_cover"))]


def test_the_catalogue_has_it_and_the_rest_is_left_alone(finished, table):
    (collection,) = pystac.Catalog.from_file(str(finished / "stac" / "catalog.json")).get_children()
    assert collection.assets["objects"].media_type == "application/vnd.apache.parquet"
    assert (finished / "run.yaml").read_text().startswith("name: made\nobjects:\n")
    before = (finished / "objects.parquet").stat().st_mtime_ns
    add(finished)
    assert (finished / "objects.parquet").stat().st_mtime_ns == before


def test_memory_makes_no_difference(finished, table, monkeypatch, tmp_path):
    """Two lines at a time."""
    monkeypatch.setattr(stage, "PIXEL", 2**28 // (2 * SAMPLES))
    output = copied(finished, tmp_path)
    pd.testing.assert_frame_equal(add(output, memory_gib=1.0), table)


def test_more_objects_than_memory_has_room_for_are_refused(finished, table, monkeypatch, tmp_path):
    monkeypatch.setattr(stage, "SUM", 2**20)
    with pytest.raises(
        AlignsarError, match=r"objects.smallest=12: \d+ objects with means of \d+ layers take 3.. MB"
    ):
        add(copied(finished, tmp_path), memory_gib=1.0)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"layers": ["land_covr"]}, "objects.layers=land_covr: no such layer; .*land_cover"),
        ({"layers": ["rain"]}, "objects.layers=rain: has neither classes nor shares of a class"),
        ({"signatures": ["sigma"]}, "objects.signatures=sigma: no such layer; .*sigma0"),
        ({"signatures": ["ground_area"]}, "objects.signatures=ground_area: flags, places"),
        ({"connectivity": 6}, "objects.connectivity=6: must be a multiple of 4"),
    ],
)
def test_what_cannot_be_is_refused_by_name(finished, table, keys, words):
    with pytest.raises(AlignsarError, match=words):
        add(finished, **keys)


def test_keys_without_layers_are_refused():
    with pytest.raises(
        AlignsarError, match=r"objects.signatures=\[sigma0\]: objects need objects.layers too"
    ):
        check_objects(ObjectsConfig(signatures=["sigma0"]))
