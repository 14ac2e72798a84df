"""Sampling images on the device against its CPU twin, on images of a realistic size; geocoding on top of it."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest
from speckle import speckle

from alignsar_gpu import kernels

TOLERANCE = 1e-5
IMAGE, SHAPE = (1500, 2500), (1000, 3000)
METHODS = [(dtype, method) for dtype, methods in kernels.GATHER_METHODS.items() for method in methods]


def image_of(dtype):
    """An image with pixels and areas without data."""
    rng = np.random.default_rng(40)
    lost = rng.random(IMAGE) < 0.01
    lost[300:400, 500:900] = True
    if dtype == "uint8":
        return np.where(lost, 255, rng.integers(0, 9, IMAGE)).astype(np.uint8)
    image = 300.0 * (speckle(rng, IMAGE) if dtype == "complex64" else rng.standard_normal(IMAGE, np.float32))
    image[lost] = np.nan
    return image


@pytest.fixture(scope="module")
def positions():
    """All over an image and around it, on its edges, on pixels themselves, some not numbers."""
    rng = np.random.default_rng(41)
    row, column = np.mgrid[0.0 : SHAPE[0], 0.0 : SHAPE[1]]
    row, column = 1.55 * row + 0.05 * column - 100.0, 0.9 * column - 0.2 * row - 3.0
    row[:200] += rng.uniform(-30.0, 30.0, (200, SHAPE[1]))
    row[200:220], column[200:220] = np.rint(row[200:220]), np.rint(column[200:220])
    row[0, ::7], column[1, ::5], row[2, 8], column[3, 9] = np.nan, np.nan, np.inf, -1e300
    return row, column


def known(image):
    return image != 255 if image.dtype == np.uint8 else np.isfinite(image)


@pytest.mark.parametrize(("dtype", "method"), METHODS)
def test_gather(cupy, positions, dtype, method):
    image = image_of(dtype)
    wanted = kernels.gather(image, *positions, method)
    got = kernels.gather(cupy.asarray(image), *(cupy.asarray(p) for p in positions), method)
    assert isinstance(got, cupy.ndarray)
    assert got.dtype == wanted.dtype
    found = cupy.asnumpy(got)
    np.testing.assert_array_equal(known(found), known(wanted))
    mine = known(wanted)
    assert 0.3 < mine.mean() < 0.95
    if method == "nearest":
        np.testing.assert_array_equal(found[mine], wanted[mine])
    else:
        assert np.abs(found[mine] - wanted[mine]).max() <= TOLERANCE * np.abs(image[known(image)]).max()


@pytest.mark.parametrize(("dtype", "method"), METHODS)
def test_parts_have_the_bits_of_the_whole(cupy, positions, dtype, method):
    image, row, column = (cupy.asarray(a) for a in (image_of(dtype), *positions))
    whole = kernels.gather(image, row, column, method)
    cut = np.s_[123:700, 1000:2801]
    part = kernels.gather(image, *(cupy.ascontiguousarray(a[cut]) for a in (row, column)), method)
    assert (part.view("u1") == cupy.ascontiguousarray(whole[cut]).view("u1")).all()


def test_tiny_images(cupy):
    place = cupy.asarray(np.linspace(-1.0, 3.0, 30).reshape(2, 15))
    for dtype, method in METHODS:
        for shape in ((0, 0), (1, 1), (1, 3), (3, 1), (3, 3)):
            image = np.ones(shape, dtype)
            wanted = kernels.gather(image, place.get(), place.get(), method)
            got = kernels.gather(cupy.asarray(image), place, place, method)
            np.testing.assert_array_equal(known(got.get()), known(wanted))


def test_host_and_device_do_not_mix(cupy):
    with pytest.raises(TypeError, match="image is on the host, row is on the device"):
        kernels.gather(np.zeros((4, 4), np.float32), cupy.zeros((2, 2)), cupy.zeros((2, 2)), "nearest")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    for name in ("netCDF4", "pyproj", "rasterio", "scipy", "shapely"):
        pytest.importorskip(name)
    module = importlib.import_module("geocoding_scene")
    size = {"lines": 300, "samples": 2500}
    here = module.Scene(tmp_path_factory.mktemp("gpu"), steepness=0.3, half=14_000.0, size=size)
    return here, module.CPU, module.on_map


@pytest.mark.parametrize("crs", [None, "EPSG:4326"])
def test_geocoding(cupy, scene, crs):
    here, cpu, on_map = scene
    device = dataclasses.replace(cpu, kind="cuda")
    map_grid = here.map_grid(5.0 if crs is None else 5e-5, crs)
    ours, theirs = here.geocoding(map_grid, device=device), here.geocoding(map_grid, device=cpu)
    rows = map_grid.shape[0]
    wanted = theirs.positions(0, rows)
    for got, want in zip(ours.positions(0, rows), wanted, strict=True):
        assert isinstance(got, cupy.ndarray)
        np.testing.assert_array_equal(np.isnan(cupy.asnumpy(got)), np.isnan(want))
        np.testing.assert_allclose(cupy.asnumpy(got), want, rtol=0, atol=2e-4, equal_nan=True)
    lines, samples = np.mgrid[0.0 : here.radar.lines, 0.0 : here.radar.samples]
    waves = np.exp(2j * np.pi * (lines / 11.0 + samples / 17.0)).astype(np.complex64)
    for layer, method in (
        (waves.real.copy(), "bilinear"),
        (waves.real.copy(), "cubic"),
        (waves, "bilinear"),
        (np.full(waves.shape, 3, np.uint8), "nearest"),
    ):
        found, want = (on_map(geocoding, layer, method) for geocoding in (ours, theirs))
        assert isinstance(found, np.ndarray)
        both = known(found) & known(want)
        assert (known(found) == known(want)).mean() > 0.9999  # edges are as near as positions
        assert np.abs(found[both] - want[both]).max() < 1e-3


@pytest.mark.parametrize("dtype", kernels.NO_DATA)
def test_average_parts(cupy, dtype):
    values = image_of(dtype)
    wanted = kernels.average_parts(values, (3, 5), 8)
    got = kernels.average_parts(cupy.asarray(values), (3, 5), 8)
    assert isinstance(got, cupy.ndarray)
    found = cupy.asnumpy(got)
    np.testing.assert_array_equal(known(found), known(wanted))
    np.testing.assert_allclose(found[known(wanted)], wanted[known(wanted)], rtol=TOLERANCE)


def test_spread_parabolas(cupy):
    rng = np.random.default_rng(42)
    given, along = rng.standard_normal((3, 700, 50)), (np.arange(64.0) - 32.0) / 32.0
    wanted = kernels.spread_parabolas(*given, along, slice(5, 3100))
    got = kernels.spread_parabolas(*cupy.asarray(given), along, slice(5, 3100))
    np.testing.assert_allclose(cupy.asnumpy(got), wanted, rtol=0, atol=1e-14)


def test_phases_to_phasors_and_back(cupy):
    phase = image_of("float32")
    wanted = kernels.phases_to_phasors(phase)
    got = kernels.phases_to_phasors(cupy.asarray(phase))
    np.testing.assert_allclose(cupy.asnumpy(got), wanted, rtol=0, atol=1e-6)
    back = cupy.asnumpy(kernels.phasors_to_phases(got))
    apart = back - kernels.phasors_to_phases(wanted)
    assert np.nanmax(np.abs(np.sin(apart))) < 2e-6
