"""The geometry kernels on the device against their CPU twins, on images of a realistic size."""

from __future__ import annotations

import numpy as np
import pytest
from radar_scene import MIDDLE, TURNING, Grid, mesh, place, posts_and_bends, slopes

from alignsar_gpu import kernels

ORBIT = TURNING.table()
DOPPLER = kernels.DopplerTable(
    np.array([[210.0, -60.0, 5.0], [-400.0, 30.0, 0.0]]), MIDDLE, 850e3, 1.0, 50e3, 0.028
)
SEEN, ANGLES, DRAWN = (1e-10, 1e-6), (1e-12,) * 3, (1e-9, 1e-9, 1e-6, 1e-5, 1e-5, 0)


def points(shape=(300, 5000), spacing=2e-5):
    lon, lat = mesh(place(TURNING, MIDDLE, 850e3), spacing, shape)
    h = 3000.0 * np.sin(lon * 900.0) * np.cos(lat * 700.0)
    h[0, :1000] = np.nan
    h[5:8, 128::256] = np.nan
    return lon, lat, h


def terrain(spacing=1.0 / 3600.0, shape=(260, 330), size=0.9):
    """Posts and bends of hills steep enough for layover and shadow, with a hole."""
    grid = Grid()
    lon, lat = mesh(place(TURNING, grid.times(200), grid.ranges(900)), spacing, shape)
    rng = np.random.default_rng(5)
    h = np.zeros(shape)
    for _ in range(20):
        way, phase = rng.uniform(0, 2 * np.pi, 2)
        wavelength = rng.uniform(300.0, 3000.0) / 111e3
        along = (lon * np.cos(way) + lat * np.sin(way)) * 2 * np.pi / wavelength + phase
        h += size * 0.05 * wavelength * 111e3 * np.sin(along)
    h[100:104, 150:170] = np.nan
    return posts_and_bends(ORBIT, grid, lon, lat, h)


def assert_same(cupy, got, wanted, bounds):
    for g, w, bound in zip(got, wanted, bounds, strict=True):
        assert isinstance(g, cupy.ndarray)
        assert g.dtype == w.dtype
        found = cupy.asnumpy(g)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(w))
        np.testing.assert_allclose(found, w, rtol=0, atol=bound, equal_nan=True)


def same_bits(got, wanted):
    return all((g.view("u1") == w.view("u1")).all() for g, w in zip(got, wanted, strict=True))


@pytest.mark.parametrize("doppler", [kernels.ZERO_DOPPLER, DOPPLER], ids=["zero", "doppler"])
@pytest.mark.parametrize("spacing", [2e-5, 2e-3, 4e-3], ids=["pixels", "posts", "scattered"])
def test_ground_to_radar(cupy, doppler, spacing):
    lon, lat, h = points((70, 1500) if spacing > 1e-3 else (300, 5000), spacing)
    seed = np.full(len(lon), MIDDLE)
    wanted = kernels.ground_to_radar(lon, lat, h, seed, ORBIT, doppler)
    device = [cupy.asarray(array) for array in (lon, lat, h, seed)]
    assert_same(cupy, kernels.ground_to_radar(*device, ORBIT, doppler), wanted, SEEN)
    assert np.isfinite(wanted[0]).any()


def test_viewing_angles(cupy):
    lon, lat, h = points()
    time, _ = kernels.ground_to_radar(lon, lat, h, np.full(len(lon), MIDDLE), ORBIT)
    given = (lon, lat, h, time, *slopes(lon, lat, h))
    wanted = kernels.viewing_angles(*given, ORBIT)
    got = kernels.viewing_angles(*(cupy.asarray(array) for array in given), ORBIT)
    assert_same(cupy, got, wanted, ANGLES)


@pytest.mark.parametrize(
    ("spacing", "shape"), [(1.0 / 3600.0, (260, 330)), (1.0 / 120.0, (12, 14)), (5e-5, (900, 900))]
)
def test_rasterize_terrain(cupy, spacing, shape):
    posts, bends = terrain(spacing, shape, 0.9 if spacing < 1e-3 else 0.1)
    size = {"first": -10, "lines": 450, "samples": 1900, "margin": 256}
    wanted = kernels.rasterize_terrain(posts, bends, **size)
    got = kernels.rasterize_terrain(cupy.asarray(posts), cupy.asarray(bends), **size)
    assert_same(cupy, got, wanted, DRAWN)
    assert np.isfinite(wanted.height).mean() > 0.2


def test_blocks_have_the_bits_of_the_whole(cupy):
    lon, lat, h = (cupy.asarray(array) for array in points((40, 1100)))
    seed = cupy.full(40, MIDDLE)
    whole = kernels.ground_to_radar(lon, lat, h, seed, ORBIT)
    part = (cupy.ascontiguousarray(a[7:30, kernels.SEGMENT :]) for a in (lon, lat, h))
    got = kernels.ground_to_radar(*part, seed[:23].copy(), ORBIT)
    cut = [cupy.ascontiguousarray(a[7:30, kernels.SEGMENT :]) for a in whole]
    assert same_bits(got, cut)
    posts, bends = (cupy.asarray(array) for array in terrain())
    drawn = kernels.rasterize_terrain(posts, bends, first=0, lines=400, samples=1900, margin=256)
    again = kernels.rasterize_terrain(posts, bends, first=0, lines=400, samples=1900, margin=256)
    assert same_bits(drawn, again)
    block = kernels.rasterize_terrain(posts, bends, first=133, lines=50, samples=1900, margin=256)
    assert same_bits(block, [image[133:183] for image in drawn])


def test_tables_stay_on_the_host_and_points_do_not_mix(cupy):
    lon, lat, h = points((3, 10))
    with pytest.raises(TypeError, match="longitude is on the device, latitude is on the host"):
        kernels.ground_to_radar(cupy.asarray(lon), lat, h, np.zeros(3), ORBIT)
