"""Layers straight from their shards: the values of zarr-python, whatever is asked for, and damage is named."""

import math
import pickle
import re
import shutil

import google_crc32c
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu.dataset.cube import CubeLayer, CubeLayout, create_cube, finish_cube, open_cube
from alignsar_gpu.dataset.shards import CHECKSUM
from alignsar_gpu.dataset.stored import StoredLayer
from alignsar_gpu.errors import AlignsarError

SHAPE, CHUNK = (3, 70, 33), (32, 16)
LAYERS = [
    CubeLayer(name="intensity", dtype="float32", dated=True),
    CubeLayer(name="slc", dtype="complex64", dated=True),
    CubeLayer(name="valid", dtype="bool", dated=True),
    CubeLayer(name="longitude", dtype="float64", dated=False, coordinate=True),
    CubeLayer(name="cover", dtype="uint8", dated=False),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A cube that zarr-python has filled; nothing of the second date is written, nor of the layer cover."""
    coordinates = xr.Dataset(
        coords={
            "time": np.array(["2022-01-09", "2022-01-21", "2022-02-02"], dtype="datetime64[ns]"),
            "azimuth": np.arange(SHAPE[1]) * 0.002,
            "range": 800e3 + np.arange(SHAPE[2]),
        }
    )
    layout = CubeLayout(shape=SHAPE, chunk=CHUNK, coordinates=coordinates, layers=LAYERS, attributes={})
    path, rng = tmp_path_factory.mktemp("stored") / "cube.zarr", np.random.default_rng(4)
    create_cube(path, layout)
    for layer in LAYERS[:-1]:
        array = zarr.open_array(path, path=layer.name, mode="r+")
        for date in (0, 2) if layer.dated else (...,):
            array[date] = rng.normal(size=SHAPE[1:]).astype(layer.dtype)
    finish_cube(path, {})
    return path


@pytest.fixture(scope="module")
def cubes(path):
    return open_cube(path), xr.open_zarr(path, chunks=None).load()


def indices(count):
    places = st.integers(-count, count - 1)
    slices = st.slices(count).filter(lambda part: (part.step or 1) > 0 or range(count)[part])  # xarray cannot
    return st.one_of(places, slices, st.lists(places, min_size=1, max_size=4))


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from([layer.name for layer in LAYERS]))
def test_any_part_has_the_values_of_zarr_python(cubes, data, name):
    ours, theirs = (cube[name] for cube in cubes)
    key = {dim: data.draw(indices(count)) for dim, count in theirs.sizes.items()}
    ours, theirs = (layer.isel(key) for layer in (ours, theirs))
    assert ours.dims == theirs.dims
    assert ours.dtype == theirs.dtype
    assert ours.values.tobytes() == theirs.values.tobytes()


def test_all_else_is_as_xarray_opens_it(cubes):
    xr.testing.assert_identical(*cubes)
    assert list(cubes[0].coords) == list(cubes[1].coords)
    for name in cubes[1].variables:
        for key in ("chunks", "shards", "preferred_chunks", "dtype"):
            assert cubes[0][name].encoding.get(key) == cubes[1][name].encoding.get(key), name


def test_dask_reads_it_in_parallel(cubes):
    chunked = cubes[0].chunk({"azimuth": 32})
    xr.testing.assert_equal(chunked.compute(scheduler="threads"), cubes[1].compute())


def test_it_goes_to_other_processes(cubes):
    copied = pickle.loads(pickle.dumps(cubes[0]))
    xr.testing.assert_identical(copied, cubes[1])


def test_a_file_that_is_written_again_is_read_again(path, tmp_path):
    shutil.copytree(path, tmp_path / "cube.zarr")
    cube = open_cube(tmp_path / "cube.zarr")
    before = cube["intensity"][0].values
    zarr.open_array(tmp_path / "cube.zarr", path="intensity", mode="r+")[0] = 2.0 * before
    assert np.array_equal(cube["intensity"][0].values, 2.0 * before)


def test_arrays_stored_in_another_way_are_left_to_zarr_python(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", shape=(8, 8), chunks=(4, 4), dtype="f4")
    assert StoredLayer.of(array, tmp_path / "a.zarr") is None
    array = zarr.create_array(tmp_path / "b.zarr", shape=(8, 8), shards=(8, 8), chunks=(4, 4), dtype="f4")
    assert StoredLayer.of(array, tmp_path / "b.zarr") is None  # by another codec than Blosc


def cut(content):
    return content[: len(content) // 2]


def turn_a_bit(place):
    return lambda content: content[:place] + bytes([content[place] ^ 16]) + content[place:][1:]


def with_index(offset, length):
    """Let the first chunk lie elsewhere, with the checksum that belongs to it."""

    def change(content):
        count = math.prod((3, 3, 3)) * 16
        index = np.frombuffer(content[-count - 4 : -4], "<u8").copy()
        index[:2] = offset, length
        return content[: -count - 4] + index.tobytes() + CHECKSUM.pack(google_crc32c.value(index.tobytes()))

    return change


@pytest.mark.parametrize(
    "damage",
    [
        *(
            cut,
            lambda content: b"",
            lambda content: content[-4:],
            turn_a_bit(-9),
            turn_a_bit(4),
            turn_a_bit(2),
        ),
        *(with_index(1 << 63, 20), with_index(0, 1 << 63), with_index(0, 3), with_index(40, 2000)),
    ],
)
def test_damage_is_named(path, tmp_path, damage):
    shutil.copytree(path, tmp_path / "cube.zarr")
    cube, file = open_cube(tmp_path / "cube.zarr"), tmp_path / "cube.zarr/intensity/c/0/0/0"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(
        AlignsarError, match=re.escape(f"{file}: is damaged; copy it again, or make it again")
    ):
        _ = cube["intensity"].values
