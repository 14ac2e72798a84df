"""cube.zarr: what is written comes back, under its names, the right way round."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
import zarr

from alignsar_gpu.dataset.cube import (
    CubeLayer,
    CubeLayout,
    create_cube,
    finish_cube,
    layer_bounds,
    open_cube,
)
from alignsar_gpu.dataset.flow import Flow
from alignsar_gpu.dataset.writer import CubeWriter

LAYERS = [
    CubeLayer(
        name="amplitude_vv",
        dtype="float32",
        dated=True,
        attributes={"units": "1", "long_name": "VV amplitude"},
    ),
    CubeLayer(name="slc_vv", dtype="complex64", dated=True),
    CubeLayer(name="valid", dtype="bool", dated=True),
    CubeLayer(name="longitude", dtype="float64", dated=False, coordinate=True),
    CubeLayer(name="height", dtype="float32", dated=False),
]


@pytest.fixture
def layout():
    times = np.array(["2022-01-09T17:17:12.123456789", "2022-01-21T17:17:13"], dtype="datetime64[ns]")
    coordinates = xr.Dataset(
        coords={
            "time": ("time", times),
            "azimuth": ("azimuth", 100 + 0.25 * np.arange(70)),
            "range": ("range", 800e3 + np.arange(33.0)),
            "product_id": ("time", np.array(["first <&>", "second"], dtype=object)),
            "perpendicular_baseline": ("time", np.array([0.0, 12.5]), {"units": "m"}),
        }
    )
    return CubeLayout(
        shape=(2, 70, 33),
        chunk=(32, 16),
        coordinates=coordinates,
        layers=LAYERS,
        attributes={"title": "a cube"},
    )


def content(layout):
    rng = np.random.default_rng(0)
    values = {}
    for layer in layout.layers:
        shape = layout.shape if layer.dated else layout.shape[1:]
        image = rng.normal(size=(*shape, 2)) @ [1, 1j]
        values[layer.name] = {"c": image, "f": image.real, "b": image.real > 0}[
            np.dtype(layer.dtype).kind
        ].astype(layer.dtype)
    values["amplitude_vv"][1, 40:60, 3] = np.nan
    return values


def fill(path, layout, values):
    """Write all layers, a row of chunks at a time; returns what is written, by file."""
    step = layout.chunk[0]
    with Flow(2, 10_000) as flow:
        writer = CubeWriter(path, layout, flow)
        for first in range(0, layout.shape[1], step):
            for layer in layout.layers:
                block = values[layer.name][..., first : first + step, :]
                for date in range(layout.shape[0]) if layer.dated else [None]:
                    writer.write(layer.name, first, block if date is None else block[date], date)
    return writer.mark()


def test_there_and_back(layout, tmp_path):
    path, values = tmp_path / "cube.zarr", content(layout)
    create_cube(path, layout)
    fill(path, layout, values)
    finish_cube(path, {"geospatial_lon_min": 1.5})
    cube = open_cube(path)
    assert cube.sizes == {"time": 2, "azimuth": 70, "range": 33}
    for name, expected in values.items():
        np.testing.assert_array_equal(cube[name].values, expected)
        assert cube[name].dtype == expected.dtype
    assert cube.attrs == {"title": "a cube", "geospatial_lon_min": 1.5}
    assert cube["amplitude_vv"].attrs == {"units": "1", "long_name": "VV amplitude"}
    assert list(cube["product_id"].values) == ["first <&>", "second"]
    np.testing.assert_array_equal(cube["time"].values, layout.coordinates["time"].values)
    assert {"longitude", "product_id", "perpendicular_baseline"} <= set(cube["amplitude_vv"].coords)
    assert "longitude" in cube["height"].coords
    with xr.open_zarr(path) as plain:
        assert set(plain.data_vars) == set(cube.data_vars)


@pytest.mark.parametrize("most_chunks", [1, 12, 10_000])
def test_shards_of_any_size_hold_every_chunk(layout, tmp_path, monkeypatch, most_chunks):
    """A shard is all dates of as many rows of chunks as its index may have, one at least."""
    monkeypatch.setattr("alignsar_gpu.dataset.cube.MOST_CHUNKS", most_chunks)
    path, values = tmp_path / "cube.zarr", content(layout)
    values["valid"][:] = False  # equal to the fill value
    values["height"][:] = np.nan
    create_cube(path, layout)
    written = fill(path, layout, values)
    finish_cube(path, {})
    for name, expected in values.items():
        np.testing.assert_array_equal(open_cube(path)[name].values, expected)
    dated, still = {1: (3, 3), 12: (2, 1), 10_000: (1, 1)}[most_chunks]
    files = {f for layer in LAYERS for f in (path / layer.name / "c").rglob("*") if f.is_file()}
    assert len(files) == 3 * dated + 2 * still
    assert set(written) == files
    assert sum(len(mark.chunks) for mark in written.values()) == (3 * 2 + 2) * 3 * 3


def test_checksums_are_those_of_the_files(layout, tmp_path):
    path = tmp_path / "cube.zarr"
    create_cube(path, layout)
    for file, mark in fill(path, layout, content(layout)).items():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == mark.sha256
        assert file.stat().st_size == mark.size


def test_zarr_finds_the_index_that_it_would_write(layout, tmp_path):
    """The same values, written by zarr-python into a cube of the same layout, end in an index of the same chunks."""
    values = content(layout)
    for name in ("ours", "theirs"):
        create_cube(tmp_path / name, layout)
    fill(tmp_path / "ours", layout, values)
    zarr.open_array(tmp_path / "theirs", path="amplitude_vv", mode="r+")[:] = values["amplitude_vv"]
    ours, theirs = ((tmp_path / n / "amplitude_vv/c/0/0/0").read_bytes() for n in ("ours", "theirs"))
    assert len(ours) == len(theirs)
    lengths = [
        np.frombuffer(b[-4 - 18 * 16 : -4], "<u8").reshape(-1, 2)[:, 1].tolist() for b in (ours, theirs)
    ]
    assert lengths[0] == lengths[1]


def test_blocks_start_at_a_row_of_chunks(layout, tmp_path):
    create_cube(tmp_path / "cube.zarr", layout)
    with Flow(1, 1000) as flow:
        writer = CubeWriter(tmp_path / "cube.zarr", layout, flow)
        with pytest.raises(ValueError, match="not at a multiple of 32"):
            writer.write("height", 10, np.zeros((5, 33), np.float32))


def test_a_chunk_is_written_once(layout, tmp_path):
    create_cube(tmp_path / "cube.zarr", layout)
    values = content(layout)
    values["height"] = np.tile(values["height"], (2, 1))
    with pytest.raises(ValueError, match="is written twice"):
        fill(tmp_path / "cube.zarr", replace(layout, layers=[*layout.layers, layout.layers[-1]]), values)


def test_values_may_change_once_they_are_handed_over(layout, tmp_path):
    """They are only good until the next layer is computed."""
    create_cube(tmp_path / "cube.zarr", layout)
    values = np.zeros((70, 33), np.float32)
    with Flow(1, 1 << 20) as flow:
        writer = CubeWriter(tmp_path / "cube.zarr", layout, flow)
        writer.write("height", 0, values)
        values[:] = 1
    assert not zarr.open_array(tmp_path / "cube.zarr", path="height", mode="r")[:].any()


@pytest.mark.parametrize("bits", [4, 10])
def test_a_rounded_layer_is_within_what_is_said(layout, tmp_path, bits):
    """Half a unit of the last bit that is kept (relative); coordinates stay as they are."""
    layers = [
        replace(layer, mantissa_bits=bits if layer.name == "amplitude_vv" else None) for layer in LAYERS
    ]
    layout, values = replace(layout, layers=layers), content(layout)
    create_cube(tmp_path / "cube.zarr", layout)
    fill(tmp_path / "cube.zarr", layout, values)
    finish_cube(tmp_path / "cube.zarr", {})
    found = open_cube(tmp_path / "cube.zarr")
    error = np.abs(found["amplitude_vv"].values / values["amplitude_vv"] - 1)
    assert 0.3 * 2.0**-bits < np.nanmax(error) <= 0.5 * 2.0**-bits
    np.testing.assert_array_equal(np.isnan(found["amplitude_vv"].values), np.isnan(values["amplitude_vv"]))
    np.testing.assert_array_equal(found["longitude"].values, values["longitude"])


def test_bounds(layout, tmp_path):
    path, values = tmp_path / "cube.zarr", content(layout)
    values["longitude"][:3] = np.nan
    values["longitude"][69, 32] = 7.5
    create_cube(path, layout)
    fill(path, layout, values)
    assert layer_bounds(path, "longitude") == (np.nanmin(values["longitude"]), 7.5)
    zarr.open_array(path, path="longitude", mode="r+")[:] = np.nan
    assert np.isnan(layer_bounds(path, "longitude")).all()
