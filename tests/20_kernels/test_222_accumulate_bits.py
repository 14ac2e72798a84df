"""Ground cells in pixels: the bits of the scalar functions, whatever the runs, blocks, threads and places."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from accumulated_ground import SHAPE, Ground, accumulate, expected, ground, placed
from alignsar_gpu.kernels.cells import cpu_accumulate
from alignsar_gpu.kernels.cells import scalar as scalar_cells
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu import kernels


def by_scalars(given, pixels):
    """One cell after the other, one pixel after the other, with the scalar functions as Python."""
    cells, down, across, area, planes = given
    sums = np.zeros((len(planes) + 1, *pixels))
    left = [cells.chart[1] + j * cells.cell[1] for j in range(area.shape[1])]
    size, width = (np.float32(number) for number in cells.cell)
    for line in range(pixels[0]):
        for i, j in np.ndindex(area.shape):
            row = cells.chart[0] + i * cells.cell[0]
            begin, column = int(np.floor(row)), int(np.floor(left[j]))
            corners = down[i, j], down[i, j + 1], down[i + 1, j], down[i + 1, j + 1]
            sides, whole = scalar_cells.from_whole(*corners)
            low, high = scalar_cells.line_reach(sides, size, np.float32(row - begin))
            share = scalar_cells.line_share(low, high, np.float32(line - begin) - whole)
            corners = across[i, j], across[i, j + 1], across[i + 1, j], across[i + 1, j + 1]
            weight = scalar_cells.cell_area(share, area[i, j], sides, corners, planes[0, i, j])
            if weight == 0.0:
                continue
            sides, whole = scalar_cells.from_whole(*corners)
            span = scalar_cells.sample_span(sides, width, np.float32(left[j] - column))
            reach = scalar_cells.pixel_reach(span)
            for pixel in range(int(reach[0]), int(reach[1]) + 1):
                before, after = (
                    np.float64(scalar_cells.share_through(np.float32(p), reach, span))
                    for p in (pixel - 1, pixel)
                )
                if 0 <= column + int(whole) + pixel < pixels[1]:
                    at = np.s_[line, column + int(whole) + pixel]
                    for plane, value in enumerate([*planes[:, i, j], 1]):
                        sums[plane][at] += scalar_cells.weighted(weight * (after - before), np.float64(value))
    return sums


@pytest.mark.parametrize("name", ["gentle", "rough", "far", "layover"])
def test_bits_are_those_of_the_scalar_functions_cell_by_cell(name):
    given = ground(np.random.default_rng(7), name, (3, 40), "int32")
    got = accumulate(given, (6, 20))
    np.testing.assert_array_equal(got, by_scalars(given, (6, 20)))
    assert (got[-1] > 0.0).mean() > 0.1


def test_the_compiled_driver_does_what_it_does_as_python():
    for planes in ("float32", "uint8"):
        for name in ("gentle", "far"):
            given = ground(np.random.default_rng(8), name, (3, 30), planes)
            given.down[1, 4] = np.nan
            wanted = accumulate(given, (4, 9), 4)
            got = np.zeros_like(wanted)
            chart, cell = (
                tuple(np.float64(n) for n in pair) for pair in (given.cells.chart, given.cells.cell)
            )
            with np.errstate(invalid="ignore"):
                cpu_accumulate.accumulate_cells(chart, cell, *given[1:], planes == "uint8", got)
            np.testing.assert_array_equal(got, wanted)


def exact(given, cell=(0.25, 0.5), chart=(1.5, 3.25)):
    """The same, whose places are counted in halves of halves: whole pixels and cells are added without rounding."""
    return given._replace(cells=placed(chart, cell))


@pytest.mark.parametrize("planes", ["float32", "int32", "uint8"])
@pytest.mark.parametrize("before", [1, 100, 255, 256])
def test_bits_do_not_depend_on_where_runs_begin(before, planes):
    """Nor on whether another cell of the run reaches far, nor on how many pixels are between."""
    given = exact(ground(np.random.default_rng(9), "rough", (6, 300), planes))
    wanted = accumulate(given, (7, 160))
    padded = [np.pad(x, [*[(0, 0)] * (x.ndim - 1), (before, 0)], constant_values=0) for x in given[3:]]
    moved = [np.pad(x, [(0, 0), (before, 0)], constant_values=np.nan) for x in given[1:3]]
    cells = placed((1.5, 3.25 - 0.5 * before), (0.25, 0.5))
    np.testing.assert_array_equal(accumulate(Ground(cells, *moved, *padded), (7, 160)), wanted)
    # A cell of its own, before the others, that reaches over 4000 pixels below the line: all take the long way.
    moved[0][:, :1], moved[1][:, 0] = 900.0, 0.0
    gentle = ground(np.random.default_rng(9), "gentle", (6, 300), planes)
    near = exact(gentle)
    far = near._replace(across=near.across.copy(), area=near.area.copy())
    far.across[:, -1] = 5000.0
    far.area[:, -1] = 1.0
    near.area[:, -1] = 0.0
    last = int(3.25 + 0.5 * 298) - 2
    np.testing.assert_array_equal(
        accumulate(far, (7, 160))[..., :last], accumulate(near, (7, 160))[..., :last]
    )


@pytest.mark.parametrize("width", [30.0, 300.0, 4000.0])
def test_cells_over_very_many_pixels(width):
    """More pairs of pixels than there is room for at once: continued where it ended, as if there had been room."""
    rng = np.random.default_rng(10)
    shape = (2, 280)
    down, across = (rng.normal(0.0, 0.4, (3, 281)) for _ in range(2))
    down, across = down.astype(np.float32), (across * width).astype(np.float32)
    area = rng.uniform(1.0, 2.0, shape).astype(np.float32)
    planes = rng.integers(0, 9, (2, *shape)).astype(np.int32)
    given = Ground(placed((1.5, 100.25), (0.5, 0.5)), down, across, area, planes)
    wanted, bound = expected(given, (4, 700))
    got = accumulate(given, (4, 700))
    assert (np.abs(got - wanted) <= bound).all()
    alone = np.zeros_like(got)
    for j in range(shape[1]):  # every cell by itself: sums in the same order
        cells = placed((1.5, 100.25 + 0.5 * j), (0.5, 0.5))
        one = np.s_[..., j : j + 1]
        corners = [np.ascontiguousarray(x[:2, j : j + 2]) for x in (down, across)]
        part = Ground(cells, *corners, area[:1][one].copy(), np.ascontiguousarray(planes[:, :1][one]))
        kernels.accumulate_cells(*part, alone)
    first = given._replace(
        down=down[:2].copy(), across=across[:2].copy(), area=area[:1].copy(), planes=planes[:, :1].copy()
    )
    np.testing.assert_array_equal(accumulate(first, (4, 700)), alone)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["gentle", "rough", "sheared"]),
    st.sampled_from(["float32", "uint8"]),
    st.tuples(st.integers(0, 8), st.integers(0, 25)),
    st.tuples(st.integers(1, 9), st.integers(1, 20)),
)
def test_bits_do_not_depend_on_blocks(name, planes, first, size):
    """A part of the pixels, from all cells, or from those alone that may be seen there."""
    given = exact(ground(np.random.default_rng(11), name, planes=planes))
    whole = accumulate(given, (18, 46))[:, first[0] : first[0] + size[0], first[1] : first[1] + size[1]]
    chart = 1.5 - first[0], 3.25 - first[1]
    np.testing.assert_array_equal(accumulate(exact(given, chart=chart), size), whole)
    reach = [np.abs(corners).max() + 1.0 for corners in (given.down, given.across)]
    spans = []
    for k in range(2):
        cell = given.cells.cell[k]
        low = max(int((-0.5 - reach[k] - chart[k]) / cell), 0)
        high = min(int((size[k] + reach[k] - chart[k]) / cell) + 2, SHAPE[k])
        spans.append((low, max(high, low)))
    (top, bottom), (left, right) = spans
    cells = placed((chart[0] + top * 0.25, chart[1] + left * 0.5), (0.25, 0.5))
    corners = [np.ascontiguousarray(x[top : bottom + 1, left : right + 1]) for x in given[1:3]]
    inner = [np.ascontiguousarray(x[..., top:bottom, left:right]) for x in given[3:]]
    np.testing.assert_array_equal(accumulate(Ground(cells, *corners, *inner), size), whole)


def test_bits_depend_neither_on_threads_nor_on_what_is_there_before():
    for planes in ("float32", "int32", "uint8"):
        rng = np.random.default_rng(12)
        given = ground(rng, "far", (18, 300), planes)
        wanted = accumulate(given, (30, 200))
        threads = numba.get_num_threads()
        try:
            numba.set_num_threads(1)
            np.testing.assert_array_equal(accumulate(given, (30, 200)), wanted)
        finally:
            numba.set_num_threads(threads)
        start = rng.uniform(0.0, 1e4, wanted.shape)
        np.testing.assert_array_equal(accumulate(given, (30, 200), start=start), start + wanted)


@pytest.mark.parametrize("whole", [(0, 600), (-4000, 0), (1_000_000, 200), (200, -1_000_000)])
def test_places_far_from_the_chart_cost_nothing(whole):
    """As many pixels more in the chart as less in displacements, which float32 has in sixteenths: the same bits."""
    rng = np.random.default_rng(13)
    corners = SHAPE[0] + 1, SHAPE[1] + 1
    given = exact(ground(rng))
    given = given._replace(
        down=(rng.integers(-30, 30, corners) / 16).astype(np.float32),
        across=(rng.integers(-60, 60, corners) / 16).astype(np.float32),
    )
    moved = exact(given, chart=(1.5 + whole[0], 3.25 + whole[1]))
    moved = moved._replace(down=given.down - np.float32(whole[0]), across=given.across - np.float32(whole[1]))
    np.testing.assert_array_equal(accumulate(moved), accumulate(given))


def test_a_million_lines_and_samples():
    rng = np.random.default_rng(14)
    given = exact(ground(rng, planes="uint8"))
    wanted = accumulate(given, (12, 46), 1)
    for lines, samples in ((1_000_000, 0), (0, 1_000_000)):
        sums = np.zeros((2, 12 + lines, 46 + samples))
        kernels.accumulate_cells(*exact(given, chart=(1.5 + lines, 3.25 + samples)), sums)
        np.testing.assert_array_equal(sums[:, lines:, samples:], wanted)
