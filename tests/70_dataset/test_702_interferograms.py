"""interferograms.zarr: what is written comes back under its names, by rows and by pairs, in whole chunks."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
import zarr

from alignsar_gpu.application.dataset.output import record_written
from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.dataset.cube import CubeLayer, CubeLayout, create_cube, finish_cube, open_cube
from alignsar_gpu.dataset.flow import Flow
from alignsar_gpu.dataset.interferograms import (
    Interferograms,
    interferograms_layout,
)
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.errors import AlignsarError

TIMES = np.array(
    ["2022-01-09T17:17:12.123456789", "2022-01-21T17:17:13", "2022-02-14T17:17:12.5"], dtype="datetime64[ns]"
)
WHAT = Interferograms(
    pairs=((1, 0), (0, 2), (1, 2)),
    polarizations=("vv", "vh"),
    looks=(4, 2),
    state="reference (flat-earth) and topographic phase are removed",
    network="small_baseline: at most 36 days and 100 m",
    filtering=("Goldstein filter, alpha 0.5, patches of 32 x 32", "Goldstein and Werner 1998, GRL 25(21)"),
)


@pytest.fixture
def cube():
    coordinates = xr.Dataset(
        coords={
            "time": ("time", TIMES),
            "azimuth": ("azimuth", 100 + 0.25 * np.arange(70), {"units": "s", "long_name": "azimuth time"}),
            "range": ("range", 800e3 + 3.0 * np.arange(33), {"units": "m", "long_name": "slant range"}),
            "product_id": ("time", np.array(["a", "b", "c"], dtype=object)),
            "perpendicular_baseline": ("time", np.array([12.5, 0.0, -30.0]), {"units": "m"}),
            "temporal_baseline": ("time", np.array([-12.0, 0.0, 24.0]), {"units": "day"}),
        }
    )
    return CubeLayout(
        shape=(3, 70, 33),
        chunk=(32, 8),
        coordinates=coordinates,
        layers=[CubeLayer(name="amplitude_vv", dtype="float32", dated=True)],
        attributes={
            "id": "one",
            "title": "a cube",
            "summary": "signatures",
            "looks_azimuth": 1,
            "looks_range": 1,
            "azimuth_interval": 0.25,
            "range_spacing": 3.0,
            "coherence_window_lines": 3,
        },
    )


@pytest.fixture
def layout(cube):
    return interferograms_layout(WHAT, cube)


def content(layout):
    rng = np.random.default_rng(0)
    values = {
        layer.name: rng.normal(size=layout.shape if layer.dated else layout.shape[1:]).astype(layer.dtype)
        for layer in layout.layers
    }
    values["interferogram_phase_vv"][1, 5:9] = np.nan
    values["filtered_interferogram_phase_vh"][0] = np.nan
    return values


def is_filtered(name):
    return name.startswith("filtered")


def fill_rows(writer, layout, values, start=0):
    """Rows of chunks from ``start`` on, as the cube's come."""
    for first in range(start * layout.chunk[0], layout.shape[1], layout.chunk[0]):
        for layer in layout.layers:
            block = values[layer.name][..., first : first + layout.chunk[0], :]
            if not layer.dated:
                writer.write(layer.name, first, block)
            elif not is_filtered(layer.name):
                for pair in range(layout.shape[0]):
                    writer.write(layer.name, first, block[pair], pair)


def fill_pairs(writer, layout, values, start=0):
    for pair in range(start, layout.shape[0]):
        for layer in filter(lambda layer: is_filtered(layer.name), layout.layers):
            writer.write(layer.name, 0, values[layer.name][pair], pair)


def files_of(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def make(path, layout, values):
    create_cube(path, layout)
    with Flow(1, 10_000) as flow:
        fill_rows(CubeWriter(path, layout, flow), layout, values)
    with Flow(1, 10_000) as flow:
        fill_pairs(CubeWriter(path, layout, flow), layout, values)
    finish_cube(path, {})


def test_layout(cube, layout):
    assert layout.shape == (3, 17, 16)
    assert layout.chunk == (8, 8)
    assert layout.rows == 3
    names = [layer.name for layer in layout.layers]
    kinds = ("interferogram_phase", "interferogram_coherence", "filtered_interferogram_phase")
    assert names == [f"{k}_{p}" for p in ("vv", "vh") for k in kinds] + ["longitude", "latitude", "height"]
    unfiltered = interferograms_layout(replace(WHAT, filtering=None), cube)
    assert not [layer for layer in unfiltered.layers if is_filtered(layer.name)]
    attributes = {
        "id": "one-interferograms",
        "title": "a cube",
        "looks_azimuth": 4,
        "looks_range": 2,
        "azimuth_interval": 1.0,
        "range_spacing": 6.0,
        "network": "small_baseline: at most 36 days and 100 m",
    }
    assert {**layout.attributes, **attributes} == layout.attributes
    assert set(layout.attributes) == {*attributes, "summary"}
    assert "3 pairs of dates, 4 lines x 2 samples" in layout.attributes["summary"]


def test_there_and_back(layout, tmp_path):
    path, values = tmp_path / "interferograms.zarr", content(layout)
    make(path, layout, values)
    with xr.open_zarr(path) as found:
        assert found.sizes == {"pair": 3, "azimuth": 17, "range": 16}
        for name, expected in values.items():
            np.testing.assert_array_equal(found[name].values, expected)
            assert found[name].dtype == expected.dtype
        places = {"longitude", "latitude", "height"}
        assert set(found.data_vars) == {name for name in values if name not in places}
        assert {name: str(found[name].dtype) for name in places} == {
            "longitude": "float64",
            "latitude": "float64",
            "height": "float32",
        }
        assert places <= set(found["interferogram_coherence_vh"].coords)
        assert found["interferogram_phase_vv"].dims == ("pair", "azimuth", "range")
    assert zarr.open_group(path, mode="r").metadata.consolidated_metadata is not None


def test_pairs_are_those_of_the_dates(layout, tmp_path):
    make(tmp_path / "i.zarr", layout, content(layout))
    found = open_cube(tmp_path / "i.zarr")
    np.testing.assert_array_equal(found["reference_date"].values, TIMES[[1, 0, 1]])
    np.testing.assert_array_equal(found["secondary_date"].values, TIMES[[0, 2, 2]])
    np.testing.assert_array_equal(found["temporal_baseline"].values, [-12, 36, 24])
    np.testing.assert_array_equal(found["perpendicular_baseline"].values, [12.5, -42.5, -30])
    assert {n: found[n].attrs["units"] for n in ("temporal_baseline", "perpendicular_baseline")} == {
        "temporal_baseline": "day",
        "perpendicular_baseline": "m",
    }
    for name in ("reference_date", "secondary_date", "temporal_baseline", "perpendicular_baseline"):
        assert found[name].attrs["long_name"]
        assert name in found["interferogram_phase_vv"].coords


@pytest.mark.parametrize("looks", [(4, 2), (1, 1), (2, 3), (8, 33), (32, 4)])
def test_axes_are_the_centres_of_cells(cube, looks):
    layout = interferograms_layout(replace(WHAT, looks=looks), cube)
    lines, samples = 70 // looks[0], 33 // looks[1]
    assert layout.shape == (3, lines, samples)
    assert layout.chunk == (32 // looks[0], min(8, samples))
    for name, count, number in (("azimuth", looks[0], lines), ("range", looks[1], samples)):
        pixels = cube.coordinates[name].values[: number * count].reshape(number, count)
        np.testing.assert_allclose(layout.coordinates[name].values, pixels.mean(axis=1), rtol=1e-15)
        assert layout.coordinates[name].attrs == cube.coordinates[name].attrs


def test_every_variable_says_what_it_is(layout, tmp_path):
    make(tmp_path / "i.zarr", layout, content(layout))
    found = open_cube(tmp_path / "i.zarr")
    for name in found.data_vars:
        assert {"units", "long_name", "description", "valid_range", "references"} <= set(found[name].attrs)
    phase = found["interferogram_phase_vh"].attrs
    assert phase["long_name"].startswith("VH ")
    assert phase["valid_range"] == [-np.float32(np.pi), np.float32(np.pi)]
    assert phase["comment"] == WHAT.state
    assert "4 lines x 2 samples" in phase["description"]
    filtered = found["filtered_interferogram_phase_vv"].attrs
    assert (filtered["description"], filtered["references"]) == WHAT.filtering
    assert found["interferogram_coherence_vv"].attrs["valid_range"] == [0, 1]
    for name in ("longitude", "latitude", "height"):
        assert {"units", "long_name", "standard_name"} <= set(found[name].attrs)


def test_lines_that_make_no_cell(cube, tmp_path):
    """66 lines are two rows of chunks and two lines more: the cube's last row has nothing here."""
    axis = cube.coordinates.isel(azimuth=slice(66))
    layout = interferograms_layout(WHAT, replace(cube, shape=(3, 66, 33), coordinates=axis))
    assert (layout.shape[1], layout.rows) == (16, 2)
    values = content(layout)
    make(tmp_path / "i.zarr", layout, values)
    before = files_of(tmp_path / "i.zarr")
    with Flow(1, 10_000) as flow:
        writer = CubeWriter(tmp_path / "i.zarr", layout, flow)
        writer.write("interferogram_phase_vv", 16, np.empty((0, 16), np.float32), 0)
        writer.write("height", 16, np.empty((0, 16), np.float32))
    assert writer.mark() == {}
    assert files_of(tmp_path / "i.zarr") == before
    np.testing.assert_array_equal(open_cube(tmp_path / "i.zarr")["height"].values, values["height"])


RECORD = StageRecord(name="dataset", digest="f", products=("interferograms.zarr",))


def work(folder, layout, values, stopped):
    """All units that the journal does not know, until the moment ``stopped``; returns their names."""
    path, done = folder.work / "interferograms.zarr", []
    if not folder.is_recorded("layout"):
        create_cube(path, layout)
        folder.record("layout", sorted(path.glob("*/zarr.json")))

    def rows(writer, index, part):
        fill_rows(writer, replace(layout, shape=(3, min(8 * index + 8, 17), 16)), part, start=index)

    def pairs(writer, index, part):
        fill_pairs(writer, replace(layout, shape=(index + 1, 17, 16)), part, start=index)

    for kind, fill in (("row", rows), ("pair", pairs)):
        with Flow(1, 10_000) as flow:
            writer = CubeWriter(path, layout, flow)
            for index in range(folder.journal.resume(kind, 3, [writer]), 3):
                name = f"{kind}-{index}"
                done.append(name)
                if stopped == f"in {name}":  # what is written of it so far is wrong
                    fill(writer, index, {name: layer + np.float32(1) for name, layer in values.items()})
                    return done
                fill(writer, index, values)
                record_written(flow, folder, name, [writer], lambda _: None)
                if stopped == f"after {name}":
                    return done
    finish_cube(path, {})
    return done


@pytest.mark.parametrize("stopped", ["in row-1", "after row-1", "in pair-1", "after pair-1"])
def test_a_killed_run_continues_to_the_same_bytes(layout, tmp_path, stopped):
    """Units that the journal knows and whose files are what they were are kept, others are written again."""
    values, done = content(layout), []
    for moment in (stopped, "never"):
        with RunFolder(tmp_path / "killed", [RECORD], "name: a\n") as folder:
            assert folder.begin() is (moment == "never")
            done.append(work(folder, layout, values, moment))
            killed = files_of(folder.work / "interferograms.zarr")
    units = ["row-0", "row-1", "row-2", "pair-0", "pair-1", "pair-2"]
    last = units.index(stopped.split()[1])
    assert done[0] == units[: last + 1]
    assert done[1] == units[last if stopped.startswith("in") else last + 1 :]
    make(tmp_path / "whole.zarr", layout, values)
    assert killed == files_of(tmp_path / "whole.zarr")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": ()}, "the network has no pair"),
        ({"looks": (0, 2)}, "0 x 2 looks of an image of 70 x 33"),
        ({"looks": (4, 34)}, "4 x 34 looks of an image of 70 x 33"),
        (
            {"looks": (5, 2)},
            r"5 lines that are averaged do not divide dataset\.chunk_lines=32; .*multiple of 160 for dataset",
        ),
    ],
)
def test_refused(cube, change, message):
    with pytest.raises(AlignsarError, match=message):
        interferograms_layout(replace(WHAT, **change), cube)
