"""Ground in cells: where corners are seen, lattices at middles, against numpy in float64; edges, bits, errors."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels import Cells
from alignsar_gpu.kernels.cells import cpu as cpu_cells
from alignsar_gpu.kernels.cells import scalar as scalar_cells
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu import kernels

UNIT = 2.0**-24  # half of what float32 rounds to, relative
NO_SHIFTS = np.zeros((2, 0, 0), np.float32)


class Scene(NamedTuple):
    """What `displace_cells` is given, in its order."""

    lattice: np.ndarray
    cells: Cells
    shape: tuple
    posts: np.ndarray
    origin: tuple
    shifts: np.ndarray
    nodes: tuple


def scene(rng, shape=(23, 300), start=(3, 7), steps=(5, 40), posts=(40, 50), missing=0.03):
    """Rough ground, some of it beyond the posts; steps, cells and shifts of different sizes along both axes."""
    cells = Cells(start=start, steps=steps, chart=(-4.3, 20.7), cell=(0.25, 0.4))
    nodes = [(start[k] + shape[k]) // steps[k] + 2 for k in range(2)]
    lattice = np.empty((6, *nodes))
    row, column = np.mgrid[0 : nodes[0], 0 : nodes[1]]
    down, across = (1.1 * posts[k] * steps[k] / shape[k] for k in range(2))  # posts from a node to the next
    lattice[0] = 998.7 + row * down + rng.uniform(-0.5, 0.5, nodes)
    lattice[1] = -2001.3 + column * across + 0.3 * row + rng.uniform(-0.5, 0.5, nodes)
    lattice[2] = rng.uniform(1e-3, 3e-3, nodes)
    lattice[3] = rng.uniform(-2e-6, 2e-6, nodes)
    lattice[4] = rng.uniform(-0.08, -0.04, nodes)
    lattice[5] = rng.uniform(-4e-6, 4e-6, nodes)
    heights = rng.uniform(-150.0, 400.0, posts).astype(np.float32)
    heights[rng.random(posts) < missing] = rng.choice([np.nan, np.inf])
    shifts = rng.uniform(-3.0, 3.0, (2, 6, 9)).astype(np.float32)
    return Scene(lattice, cells, shape, heights, (1000, -2000), shifts, (-3, 30, 11))


def bilinear(lattice, steps, row, column):
    """Planes of a lattice at rows and columns, counted in cells, the way they are written in a textbook."""
    y, x = row / steps[0], column / steps[1]
    i, j = np.floor(y).astype(int)[:, None], np.floor(x).astype(int)[None]
    v, u = y[:, None] - i, x[None] - j
    upper = (1.0 - u) * lattice[:, i, j] + u * lattice[:, i, j + 1]
    lower = (1.0 - u) * lattice[:, i + 1, j] + u * lattice[:, i + 1, j + 1]
    return (1.0 - v) * upper + v * lower


def on_triangles(posts, row, column):
    """Heights as `geometry.dem.Dem.height_at` has them; one at a time; and the largest of the three posts."""
    height, largest = np.full(row.shape, np.nan), np.zeros(row.shape)
    for at in np.ndindex(row.shape):
        y, x = row[at], column[at]
        if not (-1e-6 <= y <= posts.shape[0] - 1 + 1e-6 and -1e-6 <= x <= posts.shape[1] - 1 + 1e-6):
            continue
        y, x = np.clip(y, 0, posts.shape[0] - 1), np.clip(x, 0, posts.shape[1] - 1)
        i, j = min(int(y), posts.shape[0] - 2), min(int(x), posts.shape[1] - 2)
        v, u = y - i, x - j
        (a, b), (d, e) = posts[i : i + 2, j : j + 2].astype(float)
        three = (a, b, d) if u + v <= 1.0 else (e, d, b)
        if np.isfinite(three).all():
            s, t = (u, v) if u + v <= 1.0 else (1.0 - u, 1.0 - v)
            height[at] = three[0] + s * (three[1] - three[0]) + t * (three[2] - three[0])
            largest[at] = np.abs(three).max()
    return height, largest


def expected(given):
    """In float64; and a bound of what float32 makes of it; NaN where two answers are as good."""
    lattice, cells, shape, posts, origin, shifts, nodes = given
    row, column = (np.arange(shape[k] + 1.0) for k in range(2))
    planes = bilinear(lattice, cells.steps, cells.start[0] + row, cells.start[1] + column)
    place = planes[0] - origin[0], planes[1] - origin[1]
    height, largest = on_triangles(posts, *place)
    with np.errstate(invalid="ignore"):
        down = height * (planes[2] + planes[3] * height)
        across = height * (planes[4] + planes[5] * height)
        # Differences of posts, twice a share of them, and sums: ten roundings of twice the largest.
        uncertain = 20.0 * UNIT * largest
        bounds = [
            uncertain * np.abs(planes[k] + 2.0 * planes[k + 1] * height) + 8.0 * UNIT * np.abs(moved)
            for k, moved in ((2, down), (4, across))
        ]
    unsure = np.zeros(height.shape, bool)
    if shifts.size:
        line = cells.chart[0] + row[:, None] * cells.cell[0] + down
        sample = cells.chart[1] + column[None] * cells.cell[1] + across
        moves, unsure = np.zeros((2, *height.shape)), np.zeros(height.shape, bool)
        for at in zip(*np.nonzero(np.isfinite(height)), strict=True):
            near = line[at] - nodes[0]
            unsure[at] = abs(near + 0.5 - np.rint(near + 0.5)) < 1e-4
            n = int(np.clip(np.floor(near + 0.5), 0, shifts.shape[1] - 1))
            where = nodes[1] + nodes[2] * np.arange(shifts.shape[2])
            for axis in range(2):
                moves[axis][at] = np.interp(sample[at], where, shifts[axis, n].astype(float))
        down, across = down - moves[0], across - moves[1]
        slope = np.abs(np.diff(shifts, axis=2)).max() / nodes[2]
        both = 8.0 * UNIT * np.abs(shifts).max() + slope * bounds[1]
        bounds = [bounds[k] + both + 2.0 * UNIT * np.abs(one) for k, one in enumerate((down, across))]
    return (down, across), bounds, unsure


# Where corners are seen


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("steps", [(5, 40), (4, 16), (7, 700), (64, 1), (1, 257)])
def test_corners_are_seen_where_float64_has_them(steps, shifted):
    given = scene(np.random.default_rng(1), steps=steps)
    if not shifted:
        given = given._replace(shifts=NO_SHIFTS)
    got = kernels.displace_cells(*given)
    wanted, bounds, unsure = expected(given)
    for one, value, bound in zip(got, wanted, bounds, strict=True):
        assert one.dtype == np.float32
        assert one.shape == (24, 301)
        np.testing.assert_array_equal(np.isnan(one), np.isnan(value))
        sure = np.isfinite(value) & ~unsure
        assert (np.abs(one - value) <= bound)[sure].all()
        assert bound[sure].max() < 1e-5 * np.abs(value[sure]).max()
        assert 0.03 < np.isnan(one).mean() < 0.7
    assert unsure.mean() < 0.01


def flat(shape, height=100.0, shifts=NO_SHIFTS, nodes=(0, 0, 1)):
    """Level ground seen 2 lines lower and 5 samples nearer."""
    lattice = np.zeros((6, 2, 2))
    lattice[0], lattice[1] = np.mgrid[0.0:2.0, 0.0:2.0] * 10.0
    lattice[2], lattice[4] = 2e-2, -5e-2
    cells = Cells(start=(0, 0), steps=(100, 100), chart=(10.0, 20.0), cell=(0.5, 0.25))
    return Scene(lattice, cells, shape, np.full((12, 13), height, np.float32), (0, 0), shifts, nodes)


def test_slope_and_bend_of_height():
    given = flat((3, 4))
    down, across = kernels.displace_cells(*given)
    np.testing.assert_allclose(down, 2.0, rtol=4 * UNIT)
    np.testing.assert_allclose(across, -5.0, rtol=4 * UNIT)
    given.lattice[3], given.lattice[5] = 1e-4, 3e-4
    for height in (-100.0, 200.0):
        down, across = kernels.displace_cells(*given._replace(posts=np.full((12, 13), height, np.float32)))
        np.testing.assert_allclose(down, 0.02 * height + 1e-4 * height**2, rtol=8 * UNIT)
        np.testing.assert_allclose(across, -0.05 * height + 3e-4 * height**2, rtol=2e-6)


def test_ground_ends_with_the_posts_but_for_a_hair():
    given = flat((9, 9))
    lost = {
        -1e-4: True,
        -5e-7: False,
        0.0: False,
        9.9999: False,
        10.0: False,
        10.0 + 5e-7: False,
        10.0001: True,
    }
    for place, missing in lost.items():
        for axis in range(2):
            lattice = given.lattice.copy()
            lattice[axis] = place if place < 5.0 else place + given.posts.shape[axis] - 11
            down, across = kernels.displace_cells(*given._replace(lattice=lattice))
            assert np.isnan(down).all() == np.isnan(across).all() == missing
            assert np.isnan(down).any() == missing


def test_holes_take_the_triangles_around_them_alone():
    given = flat((99, 99))
    given.posts[4, 5] = np.nan
    down, across = kernels.displace_cells(*given)
    row, column = np.mgrid[0:100, 0:100] / 10.0 - np.array([4.0, 5.0])[:, None, None]
    # The six triangles of a post: divided from the upper right to the lower left.
    hidden = (np.abs(row) < 1.0) & (np.abs(column) < 1.0) & (np.abs(row + column) < 1.0)
    edge = (
        np.isclose(np.abs(row), 1.0) | np.isclose(np.abs(column), 1.0) | np.isclose(np.abs(row + column), 1.0)
    )
    np.testing.assert_array_equal(np.isnan(down)[~edge], hidden[~edge])
    np.testing.assert_array_equal(np.isnan(down), np.isnan(across))


def test_shifts_are_of_the_nearest_line_linear_in_samples_and_held_at_the_ends():
    shifts = np.zeros((2, 3, 3), np.float32)
    shifts[0] = [[1.0, 3.0, 3.0], [10.0, 10.0, 10.0], [20.0, 20.0, 20.0]]
    shifts[1] = shifts[0] / 4.0
    given = flat((8, 99), shifts=shifts, nodes=(13, 18, 8))
    down, across = kernels.displace_cells(*given)
    # Corners are seen from line 12 on, half a line apart, and from sample 15 on, a quarter of one apart.
    first = np.interp(15.0 + np.arange(100) / 4.0, [18.0, 26.0, 34.0], [1.0, 3.0, 3.0])
    for row, taken in enumerate([first, first, first, 10.0, 10.0, 20.0, 20.0, 20.0, 20.0]):
        np.testing.assert_allclose(down[row], np.broadcast_to(2.0 - taken, 100), atol=2e-6)
        np.testing.assert_allclose(across[row], np.broadcast_to(-5.0 - taken / 4.0, 100), atol=2e-6)


def test_both_shifts_are_taken_where_the_corner_is_seen_without_them():
    """Not where the first of them has moved it."""
    shifts = np.stack([np.tile([0.0, 8.0], (30, 1)), np.tile([4.0, 0.0], (30, 1))]).astype(np.float32)
    shifts += np.arange(30, dtype=np.float32)[:, None]
    given = flat((2, 1), shifts=shifts, nodes=(0, 15, 16))
    down, across = kernels.displace_cells(*given)
    assert down[0].tolist() == pytest.approx([2.0 - 12.0, 2.0 - 12.125], abs=2e-6)
    assert across[0].tolist() == pytest.approx([-5.0 - 16.0, -5.0 - 15.9375], abs=2e-6)


def test_corners_without_ground_get_no_shift_and_no_other_cell_minds():
    given = scene(np.random.default_rng(2), missing=0.0)
    whole = kernels.displace_cells(*given)
    posts = given.posts.copy()
    posts[10:20, 10:20] = np.nan
    holed = kernels.displace_cells(*given._replace(posts=posts))
    for one, other in zip(holed, whole, strict=True):
        kept = ~np.isnan(one)
        assert 0.02 < np.mean(~kept & ~np.isnan(other)) < 0.3
        np.testing.assert_array_equal(one[kept], other[kept])


def test_no_cells_but_corners():
    for shape in ((0, 0), (0, 5), (4, 0)):
        given = flat(shape)
        for one in kernels.displace_cells(*given):
            assert one.shape == (shape[0] + 1, shape[1] + 1)
            assert np.isfinite(one).all()
        assert kernels.lattice_cells(given.lattice, given.cells, shape).shape == (shape[0], 6, shape[1])


# Lattices


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(0, 30), st.integers(0, 700)),
    st.tuples(st.integers(1, 9), st.integers(1, 600)),
    st.tuples(st.integers(1, 12), st.integers(1, 600)),
    st.integers(1, 7),
)
def test_lattices_at_the_middles_of_cells(start, steps, shape, planes):
    rng = np.random.default_rng(sum(start) + sum(shape))
    nodes = [(start[k] + shape[k]) // steps[k] + 2 for k in range(2)]
    lattice = rng.uniform(-1e6, 1e6, (planes, *nodes))
    cells = Cells(start=start, steps=steps, chart=(0.0, 0.0), cell=(0.25, 0.25))
    got = kernels.lattice_cells(lattice, cells, shape)
    assert got.dtype == np.float64
    assert got.shape == (shape[0], planes, shape[1])
    row, column = (start[k] + np.arange(shape[k]) + 0.5 for k in range(2))
    wanted = bilinear(lattice, steps, row, column).transpose(1, 0, 2)
    # The share of the way is off by roundings of cells from the first node; differences of nodes are twice as large.
    bound = 2.0**-53 * 2e6 * (8.0 + 2.0 * (start[0] + shape[0] + start[1] + shape[1]))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=bound)


def test_a_plane_is_a_plane():
    """Linear in rows and columns: at the middle of the first cell a half of a cell after its corner."""
    cells = Cells(start=(2, 3), steps=(4, 8), chart=(0.0, 0.0), cell=(1.0, 1.0))
    row, column = np.mgrid[0.0:5.0, 0.0:8.0]
    lattice = (4.0 * row + 800.0 * column)[None]
    got = kernels.lattice_cells(lattice, cells, (9, 40))[:, 0]
    i, j = np.mgrid[0:9, 0:40]
    np.testing.assert_allclose(got, (i + 2.5) + 100.0 * (j + 3.5), rtol=1e-14)


# Bits


def test_bits_depend_neither_on_threads_nor_on_blocks():
    given = scene(np.random.default_rng(3), shape=(40, 900), steps=(5, 300))
    given = given._replace(cells=given.cells._replace(chart=(-4.25, 20.5), cell=(0.25, 0.5)))
    whole = kernels.displace_cells(*given)
    values = kernels.lattice_cells(*given[:3])
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = kernels.displace_cells(*given)
        assert kernels.lattice_cells(*given[:3]).tobytes() == values.tobytes()
    finally:
        numba.set_num_threads(threads)
    assert [one.tobytes() for one in alone] == [one.tobytes() for one in whole]
    top, left = 13, 321
    cells = given.cells._replace(
        start=(given.cells.start[0] + top, given.cells.start[1] + left),
        chart=(given.cells.chart[0] + top * 0.25, given.cells.chart[1] + left * 0.5),
    )
    part = kernels.displace_cells(*given._replace(cells=cells, shape=(20, 500)))
    for one, other in zip(part, whole, strict=True):
        np.testing.assert_array_equal(one, other[top : top + 21, left : left + 501])
    part = kernels.lattice_cells(given.lattice, cells, (20, 500))
    np.testing.assert_array_equal(part, values[top : top + 20, :, left : left + 500])


@np.errstate(invalid="ignore")  # of infinities, which no compiler minds
def test_the_compiled_drivers_do_what_they_do_as_python():
    given = scene(np.random.default_rng(4), shape=(6, 290), steps=(5, 600))
    wanted = kernels.displace_cells(*given)
    got = tuple(np.empty_like(one) for one in wanted)
    cells, flat_posts = given.cells, given.posts.reshape(-1)
    # Plain Python numbers take numpy's float32 for as good as they are; a compiler does not.
    chart, cell = (tuple(np.float64(number) for number in pair) for pair in (cells.chart, cells.cell))
    cpu_cells.displace_cells(
        *(given.lattice, cells.start, cells.steps, flat_posts, given.posts.shape, given.origin),
        *(chart, cell, given.shifts, given.nodes, *got),
    )
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    values = kernels.lattice_cells(*given[:3])
    plain = np.empty_like(values)
    cpu_cells.lattice_cells(given.lattice, cells.start, cells.steps, plain)
    np.testing.assert_array_equal(plain, values)


def test_scalar_functions_agree_with_the_runs():
    """What CUDA calls for one corner, `post_height` and `at_node`, is what the CPU does for many."""
    given = scene(np.random.default_rng(5))._replace(shifts=NO_SHIFTS)
    down, across = kernels.displace_cells(*given)
    lattice, cells, shape, posts, origin = given[:5]
    seen = 0
    for i, j in np.ndindex(4, shape[1] + 1):
        place = [scalar_cells.node_of(cells.start[k] + at, cells.steps[k]) for k, at in enumerate((i, j))]
        row, column, slope, bend, tilt, curve = (scalar_cells.at_node(lattice, k, *place) for k in range(6))
        height = scalar_cells.post_height(posts.reshape(-1), posts.shape, row - origin[0], column - origin[1])
        if np.isnan(height):
            assert np.isnan(down[i, j])
            continue
        seen += 1
        assert scalar_cells.displacement(height, slope, bend) == down[i, j]
        assert scalar_cells.displacement(height, tilt, curve) == across[i, j]
    assert seen > 300


# Errors


def test_what_is_refused():
    given = scene(np.random.default_rng(6))

    def refused(match, error=ValueError, **changed):
        with pytest.raises(error, match=match):
            kernels.displace_cells(*given._replace(**changed))

    refused("lattice: expected dtype float64", TypeError, lattice=given.lattice.astype(np.float32))
    refused("lattice: expected 6 planes or more", lattice=given.lattice[:5])
    refused("lattice: expected 6 planes or more", lattice=given.lattice[0])
    needed = given.lattice.shape
    short = [np.ascontiguousarray(given.lattice[cut]) for cut in (np.s_[:, :-1], np.s_[:, :, :-1])]
    refused(
        f"lattice: expected {needed[1]} nodes or more along axis 1 for 23 cells from 3 on", lattice=short[0]
    )
    refused(
        f"lattice: expected {needed[2]} nodes or more along axis 2 for 300 cells from 7 on", lattice=short[1]
    )
    refused("posts: expected dtype float32", TypeError, posts=given.posts.astype(np.float64))
    refused("posts: expected two rows and columns at least", posts=given.posts[:1])
    refused("posts: expected two rows and columns at least", posts=given.posts[0])
    refused("posts: expected a C-contiguous array", posts=given.posts[:, ::2])
    refused("shifts: expected dtype float32", TypeError, shifts=given.shifts.astype(np.float64))
    for shifts in (given.shifts[:1], given.shifts[0], np.zeros((2, 3, 1), np.float32)):
        refused(r"shifts: expected \[2, line, node\] with two nodes at least", shifts=shifts)
    refused("nodes: expected a sample or more from one to the next, got 0", nodes=(0, 0, 0))
    refused("cannot be interpreted as an integer", TypeError, origin=(0.5, 0))
    refused("shape: expected rows and columns of cells, none or more", shape=(-1, 3))
    for changed in (
        {"start": (-1, 0)},
        {"steps": (0, 4)},
        {"cell": (0.0, 1.0)},
        {"cell": (1.0, np.nan)},
        {"cell": (1.0, np.inf)},
        {"chart": (np.inf, 0.0)},
    ):
        refused(
            "cells: expected a start of 0 or more, steps of 1 or more", cells=given.cells._replace(**changed)
        )
    with pytest.raises(ValueError, match="lattice: expected 1 planes or more"):
        kernels.lattice_cells(given.lattice[0], given.cells, given.shape)
    with pytest.raises(ValueError, match="nodes or more along axis 2"):
        kernels.lattice_cells(short[1], given.cells, given.shape)
    with pytest.raises(TypeError, match="lattice: expected a numpy array"):
        kernels.lattice_cells(given.lattice.tolist(), given.cells, given.shape)
