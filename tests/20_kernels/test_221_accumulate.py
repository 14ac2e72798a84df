"""Ground cells accumulated in pixels: against the model in float64 and sub-samples, conservation, errors."""

from __future__ import annotations

import numpy as np
import pytest
from accumulated_ground import (
    GROUNDS,
    PIXELS,
    SHAPE,
    UNIT,
    Ground,
    accumulate,
    expected,
    four,
    ground,
    placed,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu import kernels

# The model


@pytest.mark.parametrize("planes", ["float32", "int32", "uint8"])
@pytest.mark.parametrize("name", GROUNDS)
def test_sums_are_those_of_the_model(name, planes):
    given = ground(np.random.default_rng(1), name, planes=planes)
    got = accumulate(given)
    wanted, bound = expected(given)
    assert (np.abs(got - wanted) <= bound).all()
    assert (wanted[-1] > 0.0).sum() > (5 if name.startswith("no") else 40)
    assert np.median(bound[-1]) < 1e-4 * wanted[-1].max()
    assert got[-1].min() >= 0.0
    if planes == "uint8":
        assert (got[:-1].sum(axis=0) < got[-1] * (1.0 - 1e-9)).any()  # of classes 4 and 5
    if planes == "int32":
        assert not got[2].any()


@pytest.mark.parametrize("shear", [0.0, 0.35, -2.3])
@pytest.mark.parametrize("width", [0.25, 0.9, -0.6])
def test_shares_are_those_of_points_spread_over_a_cell(width, shear):
    """Points by the corners of their cell, whatever the formulas of the shares are, by lines and by samples."""
    shape, cell, points = (6, 8), (0.4, 0.25), 200
    i, j = np.mgrid[0.0 : shape[0] + 1, 0.0 : shape[1] + 1]
    down = 0.13 * i - 0.02
    across = (width - cell[1]) * j + shear * i
    area = np.random.default_rng(2).uniform(1.0, 2.0, shape).astype(np.float32)
    cells = placed((1.3, 20.4), cell)
    given = Ground(
        cells, down.astype(np.float32), across.astype(np.float32), area, np.ones((1, *shape), np.int32)
    )
    got = accumulate(given, (8, 36))[-1]
    inner = (np.arange(points) + 0.5) / points
    counted = np.zeros_like(got)
    for row, column in np.ndindex(shape):
        v, u = np.meshgrid(row + inner, column + inner, indexing="ij")
        line = np.rint(cells.chart[0] + v * cell[0] + 0.13 * v - 0.02).astype(int)
        sample = np.rint(cells.chart[1] + u * width + shear * v).astype(int)
        np.add.at(counted, (line, sample), area[row, column] / points**2)
    assert counted.sum() == pytest.approx(area.sum(), rel=1e-6)
    for axis in range(
        2
    ):  # at worst, a strip of points is on the wrong side on either side of each of these cells
        bound = 0.01 if shear and axis == 0 else 2.0 * shape[1 - axis] * area.max() / points
        assert np.abs(got.sum(axis=axis) - counted.sum(axis=axis)).max() < bound


def test_one_cell_in_hand():
    """Half in line 1 and half in line 2, a quarter in sample 3 and the rest in sample 4."""
    cells = placed((1.25, 3.25), (0.5, 1.0))
    none = np.zeros((2, 2), np.float32)
    planes = np.array([[[3.0]], [[0.0]], [[-2.0]]], np.float32)
    got = accumulate(Ground(cells, none, none, np.full((1, 1), 8.0, np.float32), planes), (4, 6))
    wanted = np.zeros((4, 6))
    wanted[1:3, 3], wanted[1:3, 4] = 1.0, 3.0
    np.testing.assert_array_equal(got, [3.0 * wanted, 0.0 * wanted, -2.0 * wanted, wanted])


def test_cells_without_extent_are_in_one_pixel():
    """On ground that is seen edge on, along lines, along samples, or both."""
    for size, width in ((0.0, 0.0), (0.0, 0.5), (0.5, 0.0)):
        down, across = np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32)
        down[1], across[:, 1] = size - 0.5, width - 0.5
        one = np.ones((1, 1), np.float32), np.ones((1, 1, 1), np.int32)
        given = Ground(placed((2.25, 3.75), (0.5, 0.5)), down, across, *one)
        wanted = np.zeros((6, 9))
        wanted[2, 4] = 0.5 if size else 1.0
        wanted[3, 4] = 0.5 if size else 0.0
        np.testing.assert_array_equal(accumulate(given, (6, 9))[-1], wanted)


@pytest.mark.parametrize("place", [(2.5, 4.5), (3.5, 5.5), (2.25, 4.5), (2.5, 4.75)])
def test_cells_without_extent_on_a_border_are_in_one_of_its_pixels(place):
    """All of them, and not a half here and a half there."""
    down, across = np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32)
    down[1], across[:, 1] = -0.5, -0.5
    one = np.ones((1, 1), np.float32), np.ones((1, 1, 1), np.int32)
    got = accumulate(Ground(placed(place, (0.5, 0.5)), down, across, *one), (7, 9))[-1]
    assert got.sum() == got.max() == 1.0
    (line,), (sample,) = np.nonzero(got)
    assert max(abs(line - place[0]), abs(sample - place[1])) <= 0.5


# What is left out


@pytest.mark.parametrize("planes", ["float32", "int32", "uint8"])
def test_corners_and_values_that_are_no_numbers_leave_cells_out(planes):
    rng = np.random.default_rng(3)
    given = ground(rng, "rough", planes=planes)
    lost = rng.random(given.down.shape) < 0.03  # in both, as `displace_cells` has them
    given.down[lost], given.across[lost] = np.nan, np.nan
    for corners in given.down, given.across:
        corners[3, 8], corners[5, 9] = np.inf, -np.inf
    if planes == "float32":
        given.planes[0][rng.random(SHAPE) < 0.1] = np.nan
        given.planes[0, 2, 2] = np.inf
    wanted, bound = expected(given)
    got = accumulate(given)
    assert (np.abs(got - wanted) <= bound).all()
    whole = np.isfinite(sum(four(given.down)) + sum(four(given.across)))
    assert 0.6 < whole.mean() < 0.95


def test_values_of_later_planes_that_are_no_numbers_show_where_their_cells_are():
    given = ground(np.random.default_rng(4), "gentle")
    clean = accumulate(given)
    given.planes[1, 7, 30] = np.nan
    given.planes[2, 7, 30] = np.inf
    got = accumulate(given)
    np.testing.assert_array_equal(got[[0, 3]], clean[[0, 3]])
    alone = given._replace(area=np.zeros_like(given.area))
    alone.area[7, 30] = 1.0
    seen = accumulate(alone)[-1] > 0.0
    assert 0 < seen.sum() <= 6
    for plane in (1, 2):
        np.testing.assert_array_equal(~np.isfinite(got[plane]), seen)
        np.testing.assert_array_equal(got[plane][~seen], clean[plane][~seen])


def test_classes_beyond_the_planes_are_none():
    given = ground(np.random.default_rng(5), planes="uint8")
    given.planes[0, :, ::3] = 255
    six = accumulate(given, classes=6)
    np.testing.assert_allclose(
        six[:-1].sum(axis=0) + accumulate(given, classes=256)[255], six[-1], rtol=1e-12
    )
    for classes in (1, 3):
        np.testing.assert_array_equal(accumulate(given, classes=classes), six[[*range(classes), 6]])
    kinds = given._replace(planes=np.stack([given.planes[0] == k for k in range(6)]).astype(np.int32))
    np.testing.assert_array_equal(accumulate(kinds), six)


def test_cells_without_area_and_pixels_without_cells():
    given = ground(np.random.default_rng(6))
    for none in (0.0, -1.0, np.nan):
        assert not accumulate(given._replace(area=np.full_like(given.area, none))).any()
    for line, sample in ((-60.0, 3.0), (60.0, 3.0), (2.0, -90.0), (2.0, 90.0)):
        assert not accumulate(given._replace(cells=placed((line, sample)))).any()
    kernels.accumulate_cells(*given, np.zeros((4, 0, 5)))
    kernels.accumulate_cells(*given, np.zeros((4, 5, 0)))
    for cut in (np.s_[:0], np.s_[:, :0]):
        down, across = (np.zeros([n + 1 for n in given.area[cut].shape], np.float32) for _ in range(2))
        values = np.zeros((3, *given.area[cut].shape), np.float32)
        assert not accumulate(Ground(given.cells, down, across, given.area[cut].copy(), values)).any()


# Conservation


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(-3.0, 1.5),
    st.floats(-2.0, 2.0),
    st.floats(-2.0, 2.0),
    st.integers(1, 200),
    st.integers(1, 200),
)
def test_all_of_a_cell_goes_somewhere(seed, noise, tilt, shear, size, width):
    """However cells are folded, sheared and divided: pixels have all of the area that falls into them and no more."""
    rng = np.random.default_rng(seed)
    i, j = np.mgrid[0:7, 0:13]
    down, across = (10.0**noise * rng.normal(0.0, 1.0, i.shape) for _ in range(2))
    down, across = (down + tilt * i).astype(np.float32), (across + shear * i + tilt * j).astype(np.float32)
    area = rng.uniform(0.0, 1.0, (6, 12)).astype(np.float32)
    cell = size / 64.0, width / 64.0
    given = Ground(placed((200.0, 300.0), cell), down, across, area, np.ones((1, 6, 12), np.int32))
    got = accumulate(given, (420, 620))
    assert got[1].sum() == pytest.approx(area.sum(dtype=np.float64), rel=1e-12)
    np.testing.assert_array_equal(got[0], got[1])
    assert got.min() >= -UNIT * area.sum()
    # What falls beside the pixels is lost, and changes nothing in them.
    part = accumulate(given._replace(cells=placed((0.0, 100.0), cell)), (150, 220))
    np.testing.assert_array_equal(part, got[:, 200:350, 200:420])


# Errors


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_cell_with_a_corner_that_is_nowhere_along_one_axis_is_left_out(corner, axis):
    displaced = np.zeros((2, 2, 2), np.float32)
    displaced[(axis, *corner)] = np.nan
    cells = kernels.Cells(start=(0, 0), steps=(1, 1), chart=(0.5, 0.5), cell=(1.0, 1.0))
    sums, one = np.zeros((2, 4, 4)), np.ones((1, 1), np.float32)
    kernels.accumulate_cells(cells, displaced[0], displaced[1], one, one[np.newaxis], sums)
    assert (sums == 0.0).all()


def test_what_is_refused():
    given = ground(np.random.default_rng(15))
    sums = np.zeros((4, *PIXELS))

    def refused(match, error=ValueError, into=sums, **changed):
        with pytest.raises(error, match=match):
            kernels.accumulate_cells(*given._replace(**changed), into)

    refused("down: expected dtype float32", TypeError, down=given.down.astype(np.float64))
    refused(r"across: expected the shape \(19, 71\) of down, got \(18, 71\)", across=given.across[:-1])
    refused("area: expected dtype float32", TypeError, area=given.area.astype(np.float64))
    refused(r"area: expected one less than \(19, 71\) along both axes, got \(17, 70\)", area=given.area[:-1])
    refused("area: expected one less", area=given.area[0])
    refused("area: expected a C-contiguous array", area=np.asfortranarray(given.area))
    refused(
        "planes: expected dtype int32, float32 or uint8, got int16",
        TypeError,
        planes=given.planes.astype(np.int16),
    )
    refused(
        r"planes: expected \[plane, row, column\] with cells of \(18, 70\), got \(18, 70\)",
        planes=given.planes[0],
    )
    refused("planes: expected .* with cells of", planes=given.planes[:0])
    refused("planes: expected .* with cells of", planes=np.ascontiguousarray(given.planes[:, :, 1:]))
    refused("sums: expected dtype float64", TypeError, into=sums.astype(np.float32))
    refused(r"sums: expected 4 planes \[plane, line, sample\], got \(3, 9, 26\)", into=sums[:3])
    refused("sums: expected 4 planes", into=np.zeros((5, *PIXELS)))
    refused("sums: expected 4 planes", into=sums[0])
    classes = np.zeros((1, *SHAPE), np.uint8)
    refused("sums: expected 2 planes at least", into=sums[:1], planes=classes)
    refused("cells: expected a start of 0 or more", cells=given.cells._replace(cell=(0.25, -0.25)))
    refused("cells: expected a start of 0 or more", cells=given.cells._replace(chart=(np.nan, 0.0)))
    refused("a chart within 1e", cells=given.cells._replace(chart=(-0.5, 2.0**32)))
    refused("planes: expected one plane of numbers", planes=np.zeros((2, *given.area.shape), np.uint8))
    refused("planes: a masked array is not accepted", TypeError, planes=np.ma.array(given.planes))
    assert not sums.any()
