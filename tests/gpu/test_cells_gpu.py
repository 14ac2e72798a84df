"""Ground cells on the device against their CPU twin, on tiles of a realistic size."""

from __future__ import annotations

import numpy as np
import pytest

from alignsar_gpu import kernels

SHAPE = (800, 1800)  # rows and columns of cells, 4 x 4 to a pixel
PIXELS = (190, 440)
CELLS = kernels.Cells(start=(37, 11), steps=(128, 128), chart=(-4.5, -3.5), cell=(0.25, 0.25))
NODES = [(CELLS.start[k] + SHAPE[k]) // CELLS.steps[k] + 2 for k in range(2)]
POSTS = (160, 340)
PLACED = 1e-5  # pixels: displacements of tens of pixels in float32
NEAR = 1e-5  # of what a pixel holds: shares of forty cells, each rounded in float32
CELL_AREA = 3.0


@pytest.fixture(scope="module")
def ground():
    """Lattice, heights and shifts of a tile, with holes and a part that lies beyond the heights."""
    rng = np.random.default_rng(50)
    row, column = np.mgrid[0.0 : NODES[0], 0.0 : NODES[1]]
    factors = rng.uniform(0.99, 1.01, (4, *row.shape))
    factors *= np.array([1e-4, 1e-9, -0.04, 1e-6])[:, None, None]
    lattice = np.stack([0.37 + 19.3 * row + 0.71 * column, -1.2 + 21.7 * column - 0.9 * row, *factors])
    y, x = np.mgrid[0.0 : POSTS[0], 0.0 : POSTS[1]]
    posts = (300.0 + 250.0 * np.sin(0.02 * y + 0.31) * np.cos(0.017 * x)).astype(np.float32)
    posts[rng.random(POSTS) < 0.001] = np.nan
    shifts = np.cumsum(rng.normal(0.0, 1e-3, (2, 210, 30)), axis=1).astype(np.float32)
    return lattice, posts, shifts


def moved(ground, put=np.asarray):
    lattice, posts, shifts = (put(array) for array in ground)
    return kernels.displace_cells(lattice, CELLS, SHAPE, posts, (0, 3), shifts, (-6, -5, 16))


def test_displacements(cupy, ground):
    wanted = moved(ground)
    got = moved(ground, cupy.asarray)
    assert 0.001 < np.isnan(wanted[0]).mean() < 0.5
    for g, w in zip(got, wanted, strict=True):
        assert isinstance(g, cupy.ndarray)
        assert g.dtype == w.dtype
        found = cupy.asnumpy(g)
        # Places on the DEM may differ in the last bit, and be in the next triangle; of lines, the next may be nearest.
        assert (np.isnan(found) == np.isnan(w)).mean() > 0.99999
        assert (np.abs(found - w)[np.isfinite(found) & np.isfinite(w)] <= PLACED).mean() > 0.9999
        assert np.nanmax(np.abs(found - w)) < 0.02


def test_lattices(cupy, ground):
    wanted = kernels.lattice_cells(ground[0], CELLS, SHAPE)
    got = kernels.lattice_cells(cupy.asarray(ground[0]), CELLS, SHAPE)
    assert isinstance(got, cupy.ndarray)
    np.testing.assert_allclose(cupy.asnumpy(got), wanted, rtol=1e-14, atol=1e-12)


def polygons(planes=5, count=20_000):
    """Rings of all sizes, some on the sides of cells, some backwards."""
    rng = np.random.default_rng(51)
    corners = rng.integers(3, 40, count)
    stop = np.cumsum(corners + 1)
    ring = np.repeat(np.arange(count), corners + 1)
    turn = np.sort(rng.uniform(0.0, 1.0, ring.size) + ring) - ring
    turn[stop - 1] = turn[stop - corners - 1]
    angle = 2.0 * np.pi * turn * rng.choice([-1.0, 1.0], count)[ring]
    radius = 10.0 ** rng.uniform(-0.5, 2.2, count)
    y = rng.uniform(-50.0, SHAPE[0] + 50.0, count)[ring] + radius[ring] * np.sin(angle)
    x = rng.uniform(-50.0, SHAPE[1] + 50.0, count)[ring] + radius[ring] * np.cos(angle)
    whole = (ring % 4) == 0
    x[whole], y[whole] = np.rint(x[whole]), np.rint(y[whole])
    begin = stop - corners - 1
    rings = np.stack([begin, stop, rng.integers(0, planes, count), rng.choice([-1, 1, 1], count)], axis=1)
    extents = np.stack([np.minimum.reduceat(y, begin), np.maximum.reduceat(y, begin)], axis=1)
    return x, y, np.ascontiguousarray(rings), extents


@pytest.mark.parametrize("order", [[], [0, 1, 2, 3, 4], [3, 1]])
def test_covers_have_the_bits_of_the_cpu(cupy, order):
    arrays = polygons()
    wanted = np.zeros((5, *SHAPE), np.int32)
    got = cupy.zeros((5, *SHAPE), np.int32)
    kernels.cover_cells(*arrays, wanted)
    kernels.cover_cells(*(cupy.asarray(array) for array in arrays), got)
    np.testing.assert_array_equal(cupy.asnumpy(got), wanted)
    for cover in (wanted, got):
        kernels.resolve_overlaps(cover, np.array(order, np.int64))
    np.testing.assert_array_equal(cupy.asnumpy(got), wanted)
    assert 0.1 < (wanted > 0).mean() < 0.9
    assert len(np.unique(wanted)) > 1000


def test_a_cover_without_edges_stays(cupy):
    cover = cupy.arange(24, dtype=np.int32).reshape(1, 4, 6)
    nothing = cupy.zeros(0)
    kernels.cover_cells(nothing, nothing, cupy.zeros((1, 4), np.int64), cupy.zeros((1, 2)), cover)
    np.testing.assert_array_equal(cupy.asnumpy(cover), np.arange(24).reshape(1, 4, 6))


def planes_of(kind):
    """Planes of cells, planes of pixels, and the largest magnitude in each."""
    rng = np.random.default_rng(52)
    if kind == "uint8":
        return rng.integers(0, 9, (1, *SHAPE)).astype(np.uint8), 8, np.ones(8)
    if kind == "int32":
        planes = rng.integers(0, kernels.WHOLE_CELL + 1, (3, *SHAPE)).astype(np.int32)
        planes[1, rng.random(SHAPE) < 0.7] = 0
        return planes, 4, np.array([*np.full(3, kernels.WHOLE_CELL), 1.0])
    planes = rng.uniform(-1.0, 1.0, (2, *SHAPE)).astype(np.float32)
    planes[0, 300:320, 500:700] = np.nan
    return planes, 3, np.ones(3)


@pytest.mark.parametrize("kind", ["float32", "int32", "uint8"])
def test_accumulated_cells(cupy, ground, kind):
    down, across = moved(ground)
    area = np.random.default_rng(53).uniform(0.9 * CELL_AREA, CELL_AREA, SHAPE).astype(np.float32)
    planes, count, largest = planes_of(kind)
    wanted = np.zeros((count, *PIXELS))
    got = cupy.zeros((count, *PIXELS))
    kernels.accumulate_cells(CELLS, down, across, area, planes, wanted)
    kernels.accumulate_cells(CELLS, *(cupy.asarray(array) for array in (down, across, area, planes)), got)
    found = cupy.asnumpy(got)
    assert 0.5 < (wanted[-1] > 0.0).mean() < 1.0
    bound = NEAR * largest * wanted[-1].max()
    assert (np.abs(found - wanted) <= bound[:, None, None]).all()


def test_cells_that_lie_over_each_other_keep_their_area(cupy):
    rng = np.random.default_rng(54)
    shape = (400, 600)
    corners = (shape[0] + 1, shape[1] + 1)
    down = (5.0 + rng.normal(0.0, 0.3, corners)).astype(np.float32)
    across = (60.0 + rng.normal(0.0, 6.0, corners)).astype(np.float32)
    area = rng.uniform(1.0, 2.0, shape).astype(np.float32)
    sums = cupy.zeros((2, 120, 300))
    planes = cupy.ones((1, *shape), np.float32)
    kernels.accumulate_cells(CELLS, *(cupy.asarray(array) for array in (down, across, area)), planes, sums)
    for plane in cupy.asnumpy(sums):
        assert plane.sum() == pytest.approx(area.sum(dtype=np.float64), rel=1e-12)


def test_host_and_device_do_not_mix(cupy):
    with pytest.raises(TypeError, match="cover is on the device"):
        kernels.cover_cells(
            np.zeros(0),
            np.zeros(0),
            np.zeros((0, 4), np.int64),
            np.zeros((0, 2)),
            cupy.zeros((1, 2, 2), "i4"),
        )


def windows_of(x, y, rings):
    """The window of cells that each ring spans, and how many cells these are."""
    begin = rings[:, 0]
    ends = [extreme.reduceat(place, begin) for place in (y, x) for extreme in (np.minimum, np.maximum)]
    places = [np.floor(ends[0]), np.ceil(ends[1]), np.floor(ends[2]), np.ceil(ends[3])]
    sides = np.clip(np.stack(places, axis=1), 0, np.repeat(SHAPE, 2)).astype(np.int64)
    size = (sides[:, 1] - sides[:, 0]) * (sides[:, 3] - sides[:, 2])
    return np.column_stack([sides, np.cumsum(size) - size]), int(size.sum())


def test_areas_of_rings(cupy, ground):
    """Covers and reaches have the bits of the CPU; areas are whole steps, the same in every run."""
    x, y, rings, _ = polygons(count=300)
    rings = np.ascontiguousarray(rings[:, [0, 1, 3]])
    windows, cells = windows_of(x, y, rings)
    down, across = moved(ground)
    area = np.full(SHAPE, CELL_AREA, np.float32)
    pixels = np.zeros_like(windows)
    pixels[:, 1], pixels[:, 3] = PIXELS
    pixels[:, 4] = np.arange(len(rings)) * PIXELS[0] * PIXELS[1]
    scale = 2.0**-10
    found = []
    for put in (np.asarray, cupy.asarray, cupy.asarray):
        covers = put(np.zeros(cells, np.int32))
        areas = put(np.zeros(len(rings) * PIXELS[0] * PIXELS[1], np.int64))
        places = [put(array) for array in (down, across, area)]
        kernels.cover_rings(put(x), put(y), put(rings), put(windows), covers)
        reach = kernels.reach_rings(put(windows), *places[:2])
        kernels.spread_rings(CELLS, *places, put(windows), covers, put(pixels), scale, areas)
        found.append([cupy.asnumpy(array) for array in (covers, reach, areas)])
    wanted, got, again = found
    np.testing.assert_array_equal(got[0], wanted[0])
    np.testing.assert_array_equal(got[1], wanted[1])
    np.testing.assert_array_equal(got[2], again[2])
    pixel = 16 * CELL_AREA * kernels.WHOLE_CELL * scale
    assert np.abs(got[2] - wanted[2]).max() <= NEAR * pixel + 40
    assert wanted[2].max() > 0.5 * pixel
