"""Rings in windows of their own: covers and areas by pixel against those of whole planes, and against the simulator."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.cells import cuda_rings
from simulated_kernels import run_simulated

from alignsar_gpu import kernels

SHAPE = (24, 40)  # rows and columns of cells
PIXELS = (8, 12)  # lines and samples of pixels
SCALE = 2.0**12
CELLS = {"start": (0, 0), "steps": (4, 4), "chart": (-1.5, -1.25), "cell": (0.25, 0.25)}


def rings_and_windows():
    """Polygons all over the cells and beyond, holes among them, each with the window that its corners span."""
    rng = np.random.default_rng(5)
    x, y, rings, windows, at, place = [], [], [], [], 0, 0
    for k in range(30):
        angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, rng.integers(3, 9)))
        angle = np.append(angle, angle[0])
        radius = 10.0 ** rng.uniform(-0.3, 1.2)
        column = rng.uniform(-4.0, SHAPE[1] + 4.0) + radius * np.cos(angle)
        row = rng.uniform(-4.0, SHAPE[0] + 4.0) + radius * np.sin(angle)
        low, high = ((np.floor(side.min()), np.ceil(side.max())) for side in (row, column))
        top, bottom = np.clip([low[0], low[1]], 0, SHAPE[0]).astype(int)
        left, right = np.clip([high[0], high[1]], 0, SHAPE[1]).astype(int)
        rings.append([at, at + len(angle), 1 if k % 4 else -1])
        windows.append([top, bottom, left, right, place])
        place += (bottom - top) * (right - left)
        at += len(angle)
        x.append(column)
        y.append(row)
    return {
        "x": np.concatenate(x),
        "y": np.concatenate(y),
        "rings": np.array(rings),
        "windows": np.array(windows),
        "covers": np.zeros(place, np.int32),
    }


def ground():
    rng = np.random.default_rng(6)
    corners = SHAPE[0] + 1, SHAPE[1] + 1
    down, across = (rng.normal(0.0, 0.3, corners).astype(np.float32) for _ in range(2))
    across[5:9, 10:14] = np.nan
    across += np.float32(0.1) * np.arange(corners[1], dtype=np.float32)
    return {"down": down, "across": across, "area": rng.uniform(0.5, 1.5, SHAPE).astype(np.float32)}


def spread(covered):
    count = len(covered["rings"])
    pixels = np.tile(np.array([0, PIXELS[0], 0, PIXELS[1], 0]), (count, 1))
    pixels[:, 4] = np.arange(count) * PIXELS[0] * PIXELS[1]
    pixels[3, :4] = 2, 5, 3, 9  # some pixels alone
    return ground() | {
        "windows": covered["windows"],
        "covers": covered["covers"],
        "pixels": pixels,
        "scale": np.float64(SCALE),
        "areas": np.zeros(count * PIXELS[0] * PIXELS[1], np.int64),
    }


@pytest.fixture(scope="module")
def covered():
    given = rings_and_windows()
    kernels.cover_rings(**given)
    return given


@pytest.fixture(scope="module")
def areas(covered):
    given = spread(covered)
    kernels.spread_rings(kernels.Cells(**CELLS), **given | {"scale": float(given["scale"])})
    return given


def planes_of(covered):
    """The covers of each ring by `cover_cells`, in a plane of its own."""
    given, count = covered, len(covered["rings"])
    rings = np.insert(given["rings"], 2, np.arange(count), axis=1)
    extents = np.array([[given["y"][a:b].min(), given["y"][a:b].max()] for a, b, _ in given["rings"]])
    planes = np.zeros((count, *SHAPE), np.int32)
    kernels.cover_cells(given["x"], given["y"], rings, extents, planes)
    return np.cumsum(planes, axis=2)


def test_covers_are_those_of_whole_planes(covered):
    planes = planes_of(covered)
    for plane, (top, bottom, left, right, place) in zip(planes, covered["windows"], strict=True):
        own = covered["covers"][place : place + (bottom - top) * (right - left)]
        np.testing.assert_array_equal(own.reshape(bottom - top, right - left), plane[top:bottom, left:right])
        assert np.abs(plane).sum() == np.abs(own.astype(np.int64)).sum()
    assert covered["covers"].min() == -kernels.WHOLE_CELL
    assert covered["covers"].max() == kernels.WHOLE_CELL


def test_areas_are_those_of_whole_planes_to_half_a_step_for_each_part_of_a_cell(covered, areas):
    planes = planes_of(covered).astype(np.int32)
    sums = np.zeros((len(planes) + 1, *PIXELS))
    given = [areas[name] for name in ("down", "across", "area")]
    kernels.accumulate_cells(kernels.Cells(**CELLS), *given, planes, sums)
    got = areas["areas"].reshape(len(planes), *PIXELS)
    wanted = sums[:-1] * SCALE
    wanted[3, [0, 1, 5, 6, 7]] = 0.0
    wanted[3, :, [0, 1, 2, 9, 10, 11]] = 0.0
    assert np.abs(got - wanted).max() <= 0.5 * SHAPE[0] * SHAPE[1]
    assert np.abs(wanted).max() > 1e9
    assert (got[~np.isclose(wanted, 0.0)] != 0).all()


def test_what_has_no_ground_has_no_area(covered):
    given = spread(covered)
    given["across"][:] = np.nan
    kernels.spread_rings(kernels.Cells(**CELLS), **given | {"scale": 1.0})
    assert not given["areas"].any()


def test_simulated_kernels_have_the_bits_of_the_cpu(covered, areas, tmp_path):
    cases = {"cover_rings-some": rings_and_windows(), "spread_rings-some": CELLS | spread(covered)}
    cases["reach_rings-some"] = reach = {name: areas[name] for name in ("windows", "down", "across")}
    assert {case.split("-")[0] for case in cases} == set(cuda_rings.DECLARED)
    simulated = run_simulated("run_cells.py", cases, tmp_path)
    np.testing.assert_array_equal(simulated["cover_rings-some/0"], covered["covers"])
    np.testing.assert_array_equal(simulated["spread_rings-some/0"], areas["areas"])
    np.testing.assert_array_equal(simulated["reach_rings-some/0"], kernels.reach_rings(**reach))


def test_reach_is_that_of_the_corners_of_windows(areas):
    got = kernels.reach_rings(areas["windows"], areas["down"], areas["across"])
    for found, (top, bottom, left, right, _) in zip(got, areas["windows"], strict=True):
        corners = [areas[name][top : bottom + 1, left : right + 1] for name in ("down", "across")]
        known = np.isfinite(corners[0] + corners[1])
        ends = [end for corner in corners for end in (corner[known].min(), corner[known].max())]
        np.testing.assert_array_equal(found, ends)
    nothing = np.full_like(areas["down"], np.nan)
    got = kernels.reach_rings(areas["windows"][:1], nothing, nothing)
    assert got.tolist() == [[np.inf, -np.inf, np.inf, -np.inf]]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("rings", np.array([[0, 9999, 1]]), "numbers of vertices"),
        ("rings", np.zeros((1, 4), np.int64), r"expected \[ring, 3\]"),
        ("windows", np.array([[0, 9, 0, 9, 0]]), "lie within 1 numbers"),
        ("windows", np.array([[1, 0, 0, 1, 0]]), "lie within 1 numbers"),
    ],
)
def test_wrong_rings_are_refused(covered, name, value, text):
    given = {
        "x": covered["x"],
        "y": covered["y"],
        "rings": np.array([[0, 3, 1]]),
        "windows": np.array([[0, 1, 0, 1, 0]]),
        "covers": np.zeros(1, np.int32),
    }
    with pytest.raises(ValueError, match=text):
        kernels.cover_rings(**given | {name: value})


def test_windows_beyond_the_cells_are_refused(covered):
    given = spread(covered)
    given["windows"] = given["windows"].copy()
    given["windows"][0, :4] = SHAPE[0] - 1, SHAPE[0] + 1, 0, 1
    with pytest.raises(ValueError, match="expected rows and columns"):
        kernels.spread_rings(kernels.Cells(**CELLS), **given | {"scale": 1.0})
