"""cube.zarr: what is written comes back, under its names, the right way round."""

import numpy as np
import pytest
import xarray as xr
import zarr

from alignsar_gpu.dataset.cube import (
    CubeLayer,
    CubeLayout,
    CubeWriter,
    create_cube,
    finish_cube,
    layer_bounds,
    open_cube,
)

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


def fill(path, layout, values, rows=1):
    writer = CubeWriter(path, layout)
    step = rows * layout.chunk[0]
    for first in range(0, layout.shape[1], step):
        for layer in layout.layers:
            block = values[layer.name][..., first : first + step, :]
            for date in range(layout.shape[0]) if layer.dated else [None]:
                writer.write(layer.name, first, block if date is None else block[date], date)
    return writer


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


def test_blocks_of_any_size_give_the_same_bytes(layout, tmp_path):
    values = content(layout)
    files = []
    for rows in (1, 3):
        path = tmp_path / f"{rows}.zarr"
        create_cube(path, layout)
        fill(path, layout, values, rows)
        finish_cube(path, {})
        files.append({str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()})
    assert files[0] == files[1]


def test_every_chunk_is_written_and_known_by_its_row(layout, tmp_path):
    path, values = tmp_path / "cube.zarr", content(layout)
    values["valid"][:] = False  # equal to the fill value
    values["height"][:] = np.nan
    create_cube(path, layout)
    writer = fill(path, layout, values)
    rows = [set(writer.chunk_files(row)) for row in range(layout.rows)]
    assert [len(row) for row in rows] == [(3 * 2 + 2) * 3] * 3
    assert len(set.union(*rows)) == sum(map(len, rows))
    every = {f for layer in LAYERS for f in (path / layer.name / "c").rglob("*") if f.is_file()}
    assert set.union(*rows) == every


def test_blocks_start_at_a_row_of_chunks(layout, tmp_path):
    create_cube(tmp_path / "cube.zarr", layout)
    writer = CubeWriter(tmp_path / "cube.zarr", layout)
    with pytest.raises(ValueError, match="not at a multiple of 32"):
        writer.write("height", 10, np.zeros((5, 33), np.float32))


def test_bounds(layout, tmp_path):
    path, values = tmp_path / "cube.zarr", content(layout)
    values["longitude"][:3] = np.nan
    values["longitude"][69, 32] = 7.5
    create_cube(path, layout)
    fill(path, layout, values)
    assert layer_bounds(path, "longitude") == (np.nanmin(values["longitude"]), 7.5)
    zarr.open_array(path, path="longitude", mode="r+")[:] = np.nan
    assert np.isnan(layer_bounds(path, "longitude")).all()
