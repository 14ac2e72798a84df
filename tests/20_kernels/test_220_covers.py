"""Cells covered by polygons: against exact areas of GEOS, partitions, sums of triangles, bits, errors."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pytest
import shapely
from alignsar_gpu.kernels.cells import cpu_covers, scalar_covers
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu import kernels

SHAPE = (37, 23)  # rows in three bands
STEP = 1.0 / kernels.WHOLE_CELL
FRAME = shapely.box(0.0, 0.0, SHAPE[1], SHAPE[0])
# Of each cell that n pieces of edges are in, n + 1 ends are rounded to steps, each by half a step at most and with a
# weight of 1 at most, and n left parts by half a step: n + 1/2 steps, and where none is, nothing is lost.
STEPS_PER_EDGE = 1.5
ROUNDING = 1e-9  # of float64, at coordinates up to 1e5


def cells_of(shape):
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
    return shapely.box(column, row, column + 1, row + 1)


def tables(rings, extents=None):
    """x, y, rings, extents of (vertices, plane, sign)."""
    ends = np.cumsum([0] + [len(vertices) for vertices, _, _ in rings])
    x, y = np.concatenate([vertices for vertices, _, _ in rings]).T.astype(np.float64)
    table = [[ends[k], ends[k + 1], plane, sign] for k, (_, plane, sign) in enumerate(rings)]
    reach = [[vertices[:, 1].min(), vertices[:, 1].max()] for vertices, _, _ in rings]
    return x.copy(), y.copy(), np.array(table, np.int64), np.array(extents or reach, np.float64)


def rings_of(shapes):
    """Rings of polygons, each in the plane of its number, with the sign by the way that they run."""
    rings = []
    for plane, polygon in enumerate(shapes):
        for inner, ring in enumerate([polygon.exterior, *polygon.interiors]):
            vertices = shapely.get_coordinates(ring)
            runs = -1 if shapely.is_ccw(ring) else 1  # left sides go down where it is not, y pointing down
            rings.append((vertices, plane, -runs if inner else runs))
    return rings


def differences(rings, planes, shape=SHAPE):
    cover = np.zeros((planes, *shape), np.int32)
    kernels.cover_cells(*tables(rings), cover)
    return cover


def covers(shapes, shape=SHAPE):
    """Not settled: what rounding makes less than none or more than a whole cell is still there."""
    return np.cumsum(differences(rings_of(shapes), len(shapes), shape), axis=2)


def star(rng, corners, centre, radius):
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, corners))
    reach = radius * rng.uniform(0.2, 1.0, corners)
    place = np.stack([centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle)], axis=1)
    return place[:: rng.choice([-1, 1])]


def ragged(rng):
    return shapely.Polygon(
        star(rng, rng.integers(3, 40), rng.uniform(0, SHAPE[::-1]), rng.uniform(0.3, 12.0))
    )


def holed(rng):
    outer = shapely.Polygon(star(rng, 30, (11.0, 18.0), 14.0)).buffer(0.8)
    holes = shapely.union_all([ragged(rng).buffer(0.0) for _ in range(4)])
    return outer.difference(holes)


def sliver(rng):
    """Thinner than a cell, and than a step."""
    a, b = rng.uniform(-3.0, 40.0, (2, 2))
    across = (b - a)[::-1] * [1.0, -1.0] * 10.0 ** rng.uniform(-8.0, -2.0)
    return shapely.Polygon([a, b, b + across, a + across])


def snapped(rng):
    """Vertices on corners and sides of cells, edges along them."""
    return shapely.Polygon(np.rint(2.0 * star(rng, 8, (11.0, 16.0), 14.0)) / 2.0).buffer(0.0)


def stairs(rng):
    boxes = [
        shapely.box(*p, *(p + rng.integers(1, 7, 2))) for p in rng.integers(-3, 30, (6, 2)).astype(float)
    ]
    return shapely.union_all(boxes)


def beyond(rng):
    """Reaches out on all four sides, or lies outside in part."""
    return shapely.Polygon(star(rng, 9, rng.uniform(-9.0, 45.0, 2), 10.0 ** rng.uniform(1.0, 4.5)))


def within_a_cell(rng):
    return shapely.Polygon(star(rng, 12, rng.uniform(1, 20, 2), 0.1))


KINDS = [ragged, holed, sliver, snapped, stairs, beyond, within_a_cell]


def single_polygons(kind, rng, count):
    found = [part for _ in range(count) for part in shapely.get_parts(kind(rng))]
    return [part for part in found if part.geom_type == "Polygon" and part.is_valid and part.area > 0.0]


# Against exact areas


@pytest.mark.parametrize("kind", KINDS)
def test_covers_are_exact_areas(kind):
    rng = np.random.default_rng(1)
    shapes = single_polygons(kind, rng, 12)
    assert len(shapes) > 5
    got = covers(shapes) * STEP
    cells, tree = cells_of(SHAPE), shapely.STRtree(cells_of(SHAPE).ravel())
    partly = 0
    for polygon, found in zip(shapes, got, strict=True):
        exact = shapely.area(shapely.intersection(cells, polygon))
        points = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
        edges = shapely.linestrings(np.concatenate([np.stack([p[:-1], p[1:]], axis=1) for p in points]))
        touched = np.bincount(tree.query(edges, "intersects")[1], minlength=cells.size).reshape(SHAPE)
        error = np.abs(found - exact)
        assert (error <= STEPS_PER_EDGE * STEP * touched + ROUNDING).all()
        partly += int((touched > 0).sum())
    assert partly >= (1 if kind is within_a_cell else 6) * len(shapes)


def test_rounding_has_no_bias():
    """The sum over all cells of many polygons is that of their areas, far closer than each cell's bound."""
    rng = np.random.default_rng(2)
    shapes = [shapely.Polygon(star(rng, 7, rng.uniform(8.0, 15.0, 2), 7.0)) for _ in range(600)]
    shapes = [polygon for polygon in shapes if polygon.is_valid]
    wanted = sum(shapely.area(shapely.intersection(shapes, FRAME)))
    cells = sum(shapely.length(polygon.exterior) for polygon in shapes)
    got = covers(shapes).sum() * STEP
    assert abs(got - wanted) < 5.0 * STEP * np.sqrt(cells)  # a random walk of a step in each cell of an edge
    assert got != wanted


def test_simple_shapes_to_the_bit():
    rows = np.array([[1.0, 2.0], [1.0, 5.5], [3.25, 5.5], [3.25, 2.0], [1.0, 2.0]])  # down on the left
    settled = differences([(rows, 0, 1)], 1, (7, 5))
    kernels.resolve_overlaps(settled, np.zeros(0, np.int64))
    wanted = np.zeros((7, 5))
    wanted[2:5, 1:3], wanted[2:5, 3] = 1.0, 0.25
    wanted[5, 1:3], wanted[5, 3] = 0.5, 0.125
    np.testing.assert_array_equal(settled[0] * STEP, wanted)
    assert (
        differences([(rows, 0, -1)], 1, (7, 5)).tolist() == (-differences([(rows, 0, 1)], 1, (7, 5))).tolist()
    )


def test_what_lies_outside():
    """Left of the cells whole rows are behind it, right of them, above and below nothing."""
    square = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 2.0], [2.0, 0.0], [0.0, 0.0]])
    for column, row in itertools.product((-50.0, -2.0, 23.0, 60.0), (-30.0, -2.0, 37.0, 80.0)):
        for place in ([column, row], [column, 5.0], [5.0, row]):
            ring = (square + place, 0, 1)
            assert not np.cumsum(differences([ring], 1), axis=2).any()
    around = (square * 1e5 - 1e5 / 2.0, 0, 1)
    assert (np.cumsum(differences([around], 1), axis=2) == kernels.WHOLE_CELL).all()


def test_rings_out_of_reach_are_left_out():
    """By their extents, which are NaN where a vertex is."""
    square = np.array([[2.0, 3.0], [2.0, 8.0], [9.0, 8.0], [9.0, 3.0], [2.0, 3.0]])
    for extent in ([np.nan, np.nan], [-9.0, 0.0], [37.0, 99.0]):
        cover = np.zeros((1, *SHAPE), np.int32)
        kernels.cover_cells(*tables([(square, 0, 1)], [extent]), cover)
        assert not cover.any()


# Invariants


def partitions():
    rng = np.random.default_rng(3)
    points = shapely.multipoints(rng.uniform(-6.0, 45.0, (300, 2)))
    corners = shapely.multipoints(
        np.concatenate([rng.uniform(-200.0, 200.0, (60, 2)), rng.uniform(0, 23, (60, 2))])
    )
    grid = shapely.multipoints(
        np.stack(np.meshgrid(np.arange(-4.0, 44.5), np.arange(-4.0, 44.5)), -1).reshape(-1, 2)
    )
    return {
        "voronoi": shapely.voronoi_polygons(points, extend_to=FRAME.buffer(100.0)),
        "triangles": shapely.delaunay_triangles(corners),
        "grid": shapely.delaunay_triangles(grid),
    }


@pytest.mark.parametrize("name", ["voronoi", "triangles", "grid"])
def test_partitions_cover_cells_to_the_last_bit(name):
    """Whichever way round polygons are given, in planes of their own or all in one."""
    rng = np.random.default_rng(4)
    shapes = [shapely.reverse(s) if rng.random() < 0.5 else s for s in shapely.get_parts(partitions()[name])]
    if name == "triangles":
        rest = FRAME.buffer(500.0, join_style="mitre").difference(shapely.union_all(shapes))
        shapes += list(shapely.get_parts(rest))
    apart = covers(shapes)
    assert (apart.sum(axis=0) == kernels.WHOLE_CELL).all()
    settled = differences(rings_of(shapes), len(shapes))
    kernels.resolve_overlaps(settled, np.zeros(0, np.int64))
    np.testing.assert_array_equal(settled, apart)
    rings = [(vertices, 0, sign) for vertices, _, sign in rings_of(shapes)]
    together = differences(rings, 1)
    assert together[0, :, 0].tolist() == [kernels.WHOLE_CELL] * SHAPE[0]
    assert not together[0, :, 1:].any()


PLACE = st.one_of(st.integers(-3, 12), st.integers(-12, 48).map(lambda n: n / 4), st.floats(-1e4, 1e4))
POINTS = st.lists(st.tuples(PLACE, PLACE), min_size=3, max_size=9)


@settings(max_examples=300, deadline=None)
@given(POINTS)
def test_a_ring_is_the_sum_of_its_triangles(points):
    """To the bit, wherever its vertices are and however often it crosses itself: inner edges cancel."""
    ring = np.array([*points, points[0]], np.float64)
    fan = [(ring[[0, k, k + 1, 0]], 0, 1) for k in range(1, len(ring) - 2)]
    whole = differences([(ring, 0, 1)], 1, (9, 8))
    np.testing.assert_array_equal(differences(fan, 1, (9, 8)), whole)
    turned = np.concatenate([ring[2:-1], ring[:3]])
    np.testing.assert_array_equal(differences([(turned, 0, 1)], 1, (9, 8)), whole)
    np.testing.assert_array_equal(differences([(ring[::-1], 0, -1)], 1, (9, 8)), whole)


@settings(max_examples=150, deadline=None)
@given(POINTS)
def test_areas_of_any_ring(points):
    """Against the signed area by the trapezoids of a ring that lies within the cells, and what is in a row of it."""
    ring = np.abs(np.array([*points, points[0]], np.float64)) % 8.0
    x, y = ring.T
    area = -0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    got = np.cumsum(differences([(ring, 0, 1)], 1, (8, 8)), axis=2).sum() * STEP
    assert abs(got - area) <= STEPS_PER_EDGE * STEP * 17 * len(
        points
    )  # an edge is in 15 cells, and on two sides
    shifted = np.cumsum(differences([(ring + np.array([3.0, 0.0]), 0, 1)], 1, (8, 11)), axis=2)
    assert not shifted[..., :3].any()


def test_order_of_rings_and_calls_and_threads_do_not_matter():
    rng = np.random.default_rng(5)
    rings = rings_of([s for kind in KINDS for s in single_polygons(kind, rng, 6)])
    rings = [(vertices, plane % 4, sign) for vertices, plane, sign in rings]
    wanted = differences(rings, 4)
    np.testing.assert_array_equal(differences([rings[k] for k in rng.permutation(len(rings))], 4), wanted)
    started = rng.integers(-99, 99, wanted.shape).astype(np.int32)
    cover = started.copy()
    for part in (rings[:7], rings[7:9], rings[9:]):
        kernels.cover_cells(*tables(part), cover)
    np.testing.assert_array_equal(cover - started, wanted)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(differences(rings, 4), wanted)
    finally:
        numba.set_num_threads(threads)
    listed = tables(rings)
    plain = np.zeros(wanted.size, np.int32)
    cpu_covers.cover_cells(*listed, SHAPE, plain)
    np.testing.assert_array_equal(plain.reshape(wanted.shape), wanted)


@settings(max_examples=200, deadline=None)
@given(st.floats(-50.0, 50.0), st.integers(-40, 40))
def test_fixed_point_is_the_nearest_step_and_moves_with_whole_cells(value, cells):
    found = int(scalar_covers.fixed_point(value))
    assert abs(found * STEP - value) <= STEP / 2.0
    exact = found * STEP
    assert scalar_covers.fixed_point(exact) == found
    assert scalar_covers.fixed_point(exact + cells) == found + cells * kernels.WHOLE_CELL


@settings(max_examples=200, deadline=None)
@given(st.floats(-2.0, 5.0), st.floats(-2.0, 5.0), st.integers(0, 3), st.integers(0, kernels.WHOLE_CELL))
def test_left_parts_are_the_nearest_steps(one, other, column, count):
    """By the middle of what of an edge is in the column; rounded up or down, not always down."""
    xa, xb = sorted((one, other))
    left, right = np.clip([xa, xb], column, column + 1) - column
    if xa <= column + 1 and xb >= column:
        found = scalar_covers.left_part(xa, xb, column, np.int64(count))
        assert abs(int(found) - (left + right) / 2.0 * count) <= 0.5 + 1e-9


def test_polygons_upon_each_other_cover_once_and_2000_of_them_fit():
    square = np.array([[0.5, 0.0], [0.5, 3.0], [2.0, 3.0], [2.0, 0.0], [0.5, 0.0]])
    for sign, most in ((1, kernels.WHOLE_CELL), (-1, 0)):
        cover = differences([(square, 0, sign)] * 2000, 1, (3, 3))
        assert np.abs(np.cumsum(cover, axis=2, dtype=np.int64)).max() == 2000 * kernels.WHOLE_CELL
        kernels.resolve_overlaps(cover, np.zeros(0, np.int64))
        np.testing.assert_array_equal(cover, np.broadcast_to([most, most, 0], (1, 3, 3)))


def test_nothing_to_cover():
    empty = (np.zeros(0), np.zeros(0), np.zeros((0, 4), np.int64), np.zeros((0, 2)))
    cover = np.ones((2, 3, 4), np.int32)
    kernels.cover_cells(*empty, cover)
    assert (cover == 1).all()
    ring = tables([(np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), 0, 1)])
    for shape in ((0, 3, 4), (2, 0, 4), (2, 3, 0)):
        kernels.cover_cells(*ring, np.zeros(shape, np.int32))
    for first, stop in ((0, 0), (3, 3), (1, 2)):  # no edges
        kernels.cover_cells(*ring[:2], np.array([[first, stop, 1, 1]]), np.array([[0.0, 3.0]]), cover)
    assert (cover == 1).all()


# Errors


def test_what_is_refused():
    x, y, rings, extents = tables([(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]), 1, 1)])
    cover = np.zeros((2, 3, 4), np.int32)

    def refused(match, error=ValueError, **changed):
        given = {"x": x, "y": y, "rings": rings, "extents": extents, "cover": cover} | changed
        with pytest.raises(error, match=match):
            kernels.cover_cells(**given)

    refused("x: expected dtype float64", TypeError, x=x.astype(np.float32))
    refused(r"y: expected the shape \(4,\) of x, got \(3,\)", y=y[:3])
    refused("rings: expected dtype int64", TypeError, rings=rings.astype(np.int32))
    refused(r"rings: expected \[ring, 4\], got \(4,\)", rings=rings[0])
    refused(r"rings: expected \[ring, 4\], got \(1, 3\)", rings=np.ascontiguousarray(rings[:, :3]))
    refused(r"extents: expected the shape \(1, 2\), got \(2,\)", extents=extents[0])
    refused("extents: expected dtype float64", TypeError, extents=extents.astype(np.float32))
    refused("cover: expected dtype int32", TypeError, cover=cover.astype(np.int64))
    refused(r"cover: expected \[plane, row, column\], got \(3, 4\)", cover=cover[0])
    refused("cover: expected a C-contiguous array", cover=cover[..., ::2])
    for first, stop in ((-1, 4), (2, 1), (0, 5)):
        refused(
            "rings: expected the numbers of vertices, of which there are 4",
            rings=np.array([[first, stop, 1, 1]]),
        )
    for plane in (-1, 2):
        refused(
            "rings: expected the numbers of planes, of which there are 2", rings=np.array([[0, 4, plane, 1]])
        )
    assert not cover.any()
