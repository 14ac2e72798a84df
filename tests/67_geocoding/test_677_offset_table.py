"""Offsets of an image from its geometry, by line and sample."""

import numpy as np
import zarr
from geocoding_scene import Scene
from scipy.interpolate import RegularGridInterpolator

from alignsar_gpu.geometry.stored.dem import DemPart
from alignsar_gpu.geometry.stored.geometry import read_geometry, write_geometry
from alignsar_gpu.geometry.stored.offset import OffsetTable


def table(rng):
    return OffsetTable(
        lines=np.array([0.0, 1.0, 2.0, 40.0]),
        samples=np.array([0.0, 64.0, 100.0, 101.0, 128.0]),
        values=rng.standard_normal((2, 4, 5)).astype(np.float32),
    )


def test_linear_between_nodes_and_held_beyond():
    rng = np.random.default_rng(1)
    offset = table(rng)
    line, sample = rng.uniform(-10.0, 50.0, (30, 40)), rng.uniform(-20.0, 150.0, (30, 40))
    line[3, 4] = np.nan
    found = offset(line, sample)
    inside = np.clip(np.nan_to_num(line), 0.0, 40.0), np.clip(sample, 0.0, 128.0)
    for values, wanted in zip(offset.values, found, strict=True):
        exact = RegularGridInterpolator((offset.lines, offset.samples), values.astype(np.float64))(inside)
        np.testing.assert_allclose(wanted, exact, atol=1e-6)


def test_it_comes_back_from_a_cube(tmp_path):
    scene, offset = Scene(tmp_path), table(np.random.default_rng(2))
    zarr.create_group(tmp_path / "cube.zarr", zarr_format=3)
    shown = {"grid": scene.radar, "orbit": scene.orbit, "offset": offset}
    window = tuple(slice(0, count) for count in scene.dem.shape)
    write_geometry(tmp_path / "cube.zarr", DemPart(dem=scene.dem, window=window), **shown)
    kept = read_geometry(tmp_path / "cube.zarr")
    for name in ("lines", "samples", "values"):
        assert getattr(kept.offset, name).tobytes() == getattr(offset, name).tobytes()
    map_grid = scene.map_grid(40.0)
    plain = scene.geocoding(map_grid).positions(0, map_grid.shape[0])
    moved = scene.geocoding(map_grid, **vars(kept)).positions(0, map_grid.shape[0])
    for a, b, step in zip(moved, plain, offset(*plain), strict=True):
        np.testing.assert_array_equal(a, b + step)
