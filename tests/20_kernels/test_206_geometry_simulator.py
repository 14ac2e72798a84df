"""The CUDA kernels of the geometry, run in numba's simulator, against the CPU drivers."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.geometry import cuda as cuda_geometry
from alignsar_gpu.kernels.terrain import cuda as cuda_terrain
from alignsar_gpu.kernels.terrain import launch
from radar_scene import MIDDLE, TURNING, Grid, mesh, place, posts_and_bends, slopes
from simulated_kernels import run_simulated

from alignsar_gpu import kernels

GRID = Grid(time_step=0.004, range_step=12.0)
ORBIT = TURNING.table()
DOPPLER = kernels.DopplerTable(
    np.array([[210.0, -60.0, 5.0], [-400.0, 30.0, 0.0]]), MIDDLE, 850e3, 1.0, 50e3, 0.028
)
# The same functions in the same arithmetic, but that angles are not taken around anchors.
BOUNDS = {"ground_to_radar": 0.0, "viewing_angles": 1e-12, "rasterize_terrain": 0.0}


def points(shape, spacing=2e-4):
    lon, lat = mesh(place(TURNING, MIDDLE, 850e3), spacing, shape)
    return {"longitude": lon, "latitude": lat, "height": 400.0 * np.sin(lon * 900.0) * np.cos(lat * 700.0)}


def terrain(spacing, shape, size, middle=(12, 30)):
    lon, lat = mesh(place(TURNING, GRID.times(middle[0]), GRID.ranges(middle[1])), spacing, shape)
    x, y = (lon - lon[0, 0]) * 111e3, (lat - lat[0, 0]) * 111e3
    h = size * np.sin(x / 90.0) * np.cos(y / 150.0)
    posts, bends = posts_and_bends(ORBIT, GRID, lon, lat, h)
    return {"posts": posts, "bends": bends}


def sheets():
    """Two sheets over the same pixels, seen under look angles of the same level: the first is kept."""
    posts = np.full((2, 6, 8), np.nan)
    for columns, height, look in ((slice(0, 2), 1.0, 0.8), (slice(4, 6), 3.0, 0.8 + 1e-11)):
        posts[:, columns] = np.array([0.0, 0.0, 1.0, 2.0, height, 0.1, 0.1, look])
        posts[:, columns, 0] = [-1.0, 20.0]
        posts[:, columns, 1] = [[-1.0], [10.0]]
    size = {"first": 0, "lines": 8, "samples": 15, "margin": 2}
    return {"posts": posts, "bends": np.zeros((2, 6, 6), np.float32)} | size


def arguments():
    """The arguments of every case, by case."""
    seen = {}
    near = points((3, 280))
    near["height"][0, [5, 128]] = np.nan
    near["latitude"][1] = np.nan
    seen["near"] = near
    far = points((3, 40), 0.05)
    far["longitude"][0, 20] = np.nan
    far["latitude"][1] += 40.0
    far["latitude"][2, 20] += 40.0  # the anchor: nothing is seen from it
    seen["far"] = far
    seen["row"] = points((1, 7))
    cases = {}
    for name, given in seen.items():
        rows = len(given["longitude"])
        table = {"seed": np.full(rows, MIDDLE), "orbit_time": ORBIT.time, "orbit_coefficients": ORBIT[1]}
        cases[f"ground_to_radar-{name}"] = given | table
        numbers = {"doppler_coefficients": DOPPLER.coefficients, "doppler_numbers": np.array(DOPPLER[1:])}
        cases[f"ground_to_radar-{name}-doppler"] = given | table | numbers
    lon, lat, h = near.values()
    del table["seed"]
    time = kernels.ground_to_radar(lon, lat, h, np.full(len(lon), MIDDLE), ORBIT)[0]
    east, north = slopes(lon, points((3, 280))["latitude"], h)
    looks = near | {"time": time, "east_slope": east, "north_slope": north}
    cases["viewing_angles"] = looks | table
    fold = terrain(40.0 / 111e3, (34, 36), 140.0)
    fold["posts"][14:16, 17] = np.nan
    size = {"first": -2, "lines": 25, "samples": 64, "margin": 12}
    cases["rasterize_terrain-folded"] = fold | size
    cases["rasterize_terrain-coarse"] = terrain(900.0 / 111e3, (4, 4), 30.0) | size
    cases["rasterize_terrain-elsewhere"] = terrain(40.0 / 111e3, (3, 3), 70.0) | (size | {"first": 900})
    cases["rasterize_terrain-sheets"] = sheets()
    cases["rasterize_terrain-narrow"] = fold | {"first": 10, "lines": 1, "samples": 3, "margin": 0}
    return {
        case: {n: np.asarray(v) if isinstance(v, np.ndarray) else np.array(v) for n, v in given.items()}
        for case, given in cases.items()
    }


CASES = arguments()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return run_simulated("run_geometry.py", CASES, tmp_path_factory.mktemp("simulator"))


def on_cpu(case):
    given = {
        name: int(value) if value.dtype == np.int64 else value
        for name, value in CASES[case].items()
        if not name.startswith(("orbit_", "doppler_"))
    }
    if "orbit_time" in CASES[case]:
        given["orbit"] = ORBIT
    if "doppler_numbers" in CASES[case]:
        given["doppler"] = DOPPLER
    return getattr(kernels, case.split("-")[0])(**given)


@pytest.mark.parametrize("case", CASES)
def test_simulated_kernel_gives_what_the_cpu_gives(case, simulated):
    wanted = on_cpu(case)
    assert sum(key.startswith(f"{case}/") for key in simulated) == len(wanted)
    bound = BOUNDS[case.split("-")[0]]
    for i, array in enumerate(wanted):
        got = simulated[f"{case}/{i}"]
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(np.isnan(got), np.isnan(array))
        np.testing.assert_allclose(got, array, rtol=0, atol=bound, equal_nan=True)


def test_cases_reach_every_kernel_and_every_way_through_it():
    assert {case.split("-")[0] for case in CASES} == set(BOUNDS)
    missing = {case: np.isnan(on_cpu(case)[0]).mean() for case in CASES}
    assert 0.3 < missing["ground_to_radar-near"] < 0.4
    assert 0.3 < missing["ground_to_radar-far"] < 0.4
    lon = CASES["ground_to_radar-far"]["longitude"]
    assert np.nanmax(np.abs(lon[2] - lon[2, 20])) > 0.57  # iterated, as all of a row whose anchor is not seen
    drawn = on_cpu("rasterize_terrain-folded")
    for flags in range(4):
        assert np.count_nonzero(drawn.flags == flags) > 10
    assert 0.01 < missing["rasterize_terrain-folded"] < 0.5
    assert missing["rasterize_terrain-elsewhere"] == 1.0
    assert (on_cpu("rasterize_terrain-sheets").height == 1.0).all()
    coarse = CASES["rasterize_terrain-coarse"]
    cells = (coarse["posts"].shape[0] - 1) * (coarse["posts"].shape[1] - 1)
    assert coarse["lines"] * coarse["samples"] > 64 * cells  # so that threads share facets
    assert launch.MOST_SHARES > 1
    assert CASES["rasterize_terrain-folded"]["lines"] > 2 * cuda_terrain.LINES
    assert 2 * cuda_terrain.PARTS < 64 + 12
    assert CASES["ground_to_radar-near"]["longitude"].shape[1] > cuda_geometry.SEGMENT
