"""Terrain drawn into a radar grid on the CPU: against planes, and against a march along the ground."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.terrain import cpu as cpu_terrain
from alignsar_gpu.kernels.terrain import scalar as scalar_terrain
from hypothesis import given, settings
from hypothesis import strategies as st
from radar_scene import MIDDLE, TURNING, Grid, Path, ecef, mesh, place, posts_and_bends, slopes

from alignsar_gpu import kernels

POLAR = Path(tilt=np.pi / 2)
METRE = 1.0 / 111_320.0  # degrees of longitude on the equator


def draw(posts, bends, lines, samples, first=0, margin=0):
    return kernels.rasterize_terrain(posts, bends, first=first, lines=lines, samples=samples, margin=margin)


def same_bits(a, b):
    return all(
        x.dtype == y.dtype and np.array_equal(x.view(np.uint8), y.view(np.uint8))
        for x, y in zip(a, b, strict=True)
    )


def scene(spacing, shape, height, grid=None, path=TURNING, middle=(30, 60)):
    """Grid, coordinates and posts of a terrain whose middle is seen at ``middle``, a line and a sample."""
    grid = grid or Grid()
    centre = place(path, grid.times(middle[0]), grid.ranges(middle[1]))
    lon, lat = mesh(centre, spacing, shape)
    h = height((lon - centre[0]) / METRE, (lat - centre[1]) / METRE)
    return grid, (lon, lat, h), posts_and_bends(path.table(), grid, lon, lat, h)


def rough(seed=1, size=250.0):
    """Hills whose steepest slopes are about 0.6."""
    rng = np.random.default_rng(seed)
    waves = rng.uniform(0.5, 2.0, (12, 1, 1)) * 2.0 * np.pi / 1500.0
    way, phase = rng.uniform(0, 2 * np.pi, (2, 12, 1, 1))

    def height(x, y):
        along = waves * (x * np.cos(way) + y * np.sin(way)) + phase
        return size * 0.2 * np.sum(np.sin(along), axis=0)

    return height


def surface(coordinates, lon, lat):
    """Height of the facets between posts on meridians and parallels."""
    mesh_lon, mesh_lat, h = coordinates
    x = (lon - mesh_lon[0, 0]) / (mesh_lon[0, 1] - mesh_lon[0, 0])
    y = (lat - mesh_lat[0, 0]) / (mesh_lat[1, 0] - mesh_lat[0, 0])
    j = np.clip(np.floor(x).astype(int), 0, h.shape[1] - 2)
    i = np.clip(np.floor(y).astype(int), 0, h.shape[0] - 2)
    u, v = x - j, y - i
    a, b, c, d = h[i, j], h[i, j + 1], h[i + 1, j], h[i + 1, j + 1]
    upper = a + u * (b - a) + v * (c - a)
    return np.where(u + v <= 1.0, upper, d + (1.0 - u) * (c - d) + (1.0 - v) * (b - d))


def assert_seen_where_drawn(grid, path, drawing, first=0):
    """The coordinates of every pixel, put back through ground_to_radar, give its line and sample."""
    lon, lat, h = (np.nan_to_num(a) for a in drawing[:3])
    time, slant_range = kernels.ground_to_radar(lon, lat, h, grid.times(np.arange(len(lon))), path.table())
    there = np.isfinite(drawing.height)
    assert there.any()
    line, sample = np.indices(lon.shape)
    assert np.abs(grid.line(time) - line - first)[there].max() < 1e-5
    assert np.abs(grid.sample(slant_range) - sample)[there].max() < 1e-5


# Where it is


@pytest.mark.parametrize(
    ("metres", "shape"), [(900.0, (12, 14)), (90.0, (40, 50)), (30.0, (70, 90)), (5.0, (220, 200))]
)
@pytest.mark.parametrize("side", [1.0, -1.0], ids=["right", "left"])
def test_drawn_pixels_are_seen_where_they_were_drawn_and_lie_on_the_surface(metres, shape, side):
    grid = Grid()
    lon, lat = mesh(place(TURNING, grid.times(30), grid.ranges(60), side), metres * METRE, shape)
    h = rough()((lon - lon[0, 0]) / METRE, (lat - lat[0, 0]) / METRE)
    posts, bends = posts_and_bends(TURNING.table(), grid, lon, lat, h)
    drawing = draw(posts, bends, 61, 121)
    assert_seen_where_drawn(grid, TURNING, drawing)
    there = np.isfinite(drawing.height)
    assert np.count_nonzero(there) > 0.6 * there.size
    assert drawing.longitude.dtype == drawing.latitude.dtype == drawing.height.dtype == np.float64
    assert drawing.incidence.dtype == drawing.local_incidence.dtype == np.float32
    error = np.abs(surface((lon, lat, h), drawing.longitude, drawing.latitude) - drawing.height)[there]
    assert np.median(error) < 1e-8
    # A pixel between the straight side of its facet and the bent one is on the plane beyond the side.
    assert error.max() < 1e-6 + np.abs(bends).max() * grid.range_step
    for image in drawing[:5]:
        np.testing.assert_array_equal(np.isfinite(image), there)


@pytest.mark.parametrize("metres", [400.0, 30.0, 6.0])
def test_a_plane_is_drawn_once_everywhere_with_its_own_angles(metres):
    """Flat in longitude, latitude and height over the whole grid: one height, one normal, no holes."""
    count = int(2400.0 / metres) + 6
    grid, coordinates, (posts, bends) = scene(
        metres * METRE, (count, count), lambda x, y: 300.0 + 0.1 * x - 0.2 * y
    )
    lines, samples = 61, 121
    drawing = draw(posts, bends, lines, samples)
    assert (drawing.flags == 0).all()
    lon, lat, h = drawing[:3]
    assert np.isfinite(h).all()
    centre = coordinates[0][0, count // 2], coordinates[1][count // 2, 0]
    plane = 300.0 + 0.1 * (lon - centre[0]) / METRE - 0.2 * (lat - centre[1]) / METRE
    assert np.abs(h - plane).max() < 1e-6
    east, north = (s.mean() for s in slopes(*coordinates))
    level = np.zeros_like(h)
    time = np.repeat(grid.times(np.arange(lines))[:, None], samples, axis=1)
    versine, local, _ = kernels.viewing_angles(
        lon, lat, h, time, level + east, level + north, TURNING.table()
    )
    assert np.abs(drawing.incidence - np.degrees(np.arccos(1.0 - versine))).max() < 1e-4
    assert np.abs(drawing.local_incidence - np.degrees(np.arccos(1.0 - local))).max() < 1e-3
    assert 25.0 < drawing.incidence.min() < drawing.incidence.max() < 50.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_pixel_inside_belongs_to_exactly_one_facet(seed):
    """A mesh of posts shaken in the radar grid, many of them on lines and samples, without folds."""
    rng = np.random.default_rng(seed)
    rows, columns = 9, 12
    posts = np.zeros((rows, columns, scalar_terrain.QUANTITIES))
    j, i = np.meshgrid(np.arange(columns), np.arange(rows))
    shake = rng.integers(-3, 4, (2, rows, columns)) / 4.0
    posts[..., scalar_terrain.SAMPLE] = 4.0 * j + 1.0 * i + shake[0]
    posts[..., scalar_terrain.LINE] = 4.0 * i - 0.5 * j + shake[1]
    posts[..., scalar_terrain.HEIGHT] = 1.0
    posts[..., scalar_terrain.LOOK] = 0.8 - 0.001 * j
    lines, samples = 45, 60
    drawing = draw(posts, np.zeros((rows, columns, 6), np.float32), lines, samples, first=-8)
    assert (drawing.flags & kernels.LAYOVER == 0).all()
    there = np.isfinite(drawing.height)
    y, x = np.mgrid[-8 : lines - 8, :samples].astype(float)
    inside = np.zeros(there.shape, dtype=int)
    border = np.zeros(there.shape, dtype=bool)
    outline = np.concatenate([posts[0, :-1], posts[:-1, -1], posts[-1, :0:-1], posts[:0:-1, 0]])[:, :2]
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        crosses = (y0 <= y) != (y1 <= y)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
        inside += crosses & (x < at)
        border |= crosses & (np.abs(x - at) < 1e-9)
        border |= (y == y0) & (y == y1)
    np.testing.assert_array_equal(there[~border], (inside % 2 == 1)[~border])


# Layover and shadow


@dataclasses.dataclass(frozen=True, kw_only=True)
class Profile:
    """What a march along the ground meets in the order of its distance from the antenna."""

    sample: np.ndarray
    look: np.ndarray
    height: np.ndarray

    def truth(self, samples):
        """Layover, shadow and height of the first crossing, by sample; NaN where there is none."""
        low = np.minimum(self.sample[:-1], self.sample[1:])
        high = np.maximum(self.sample[:-1], self.sample[1:])
        steepest = np.minimum.accumulate(self.look)
        layover, shadow = np.zeros((2, samples), dtype=bool)
        height = np.full(samples, np.nan)
        for s in range(samples):
            steps = np.flatnonzero((low < s) & (s <= high))
            if steps.size:
                k = steps[0]
                share = (s - self.sample[k]) / (self.sample[k + 1] - self.sample[k])
                height[s] = self.height[k] + share * (self.height[k + 1] - self.height[k])
                layover[s] = steps.size > 1
                shadow[s] = self.look[k] > steepest[k] + 1e-12
        return layover, shadow, height


def march(grid, line, lon, height, side):
    """The profile of a terrain that does not change with latitude, along a line of a polar orbit.

    Its points lie in the plane through the antenna and the Earth's centre across the velocity.
    """
    time = grid.times(line)
    antenna, velocity = POLAR.position(time), POLAR.velocity(time)
    low, high = np.full(lon.shape, -0.1), np.full(lon.shape, 0.1)
    for _ in range(55):
        lat = 0.5 * (low + high)
        ahead = ecef(lon, lat, height) @ velocity > 0.0
        low, high = np.where(ahead, low, lat), np.where(ahead, lat, high)
    sight = ecef(lon, lat, height) - antenna
    distance = np.linalg.norm(sight, axis=-1)
    order = slice(None, None, 1 if side > 0 else -1)
    look = -(sight @ antenna) / distance / np.linalg.norm(antenna)
    return Profile(sample=grid.sample(distance)[order], look=look[order], height=height[order])


def ridge(x, front, back, top=300.0):
    """Height at ``x`` metres along the ground: up with one slope, down with the other."""
    return np.maximum(0.0, np.minimum(top + front * np.minimum(x, 0.0), top - back * np.maximum(x, 0.0)))


def away_from_borders(mask, pixels=2):
    """Where a mask does not change within so many samples."""
    steady = np.ones(mask.shape, dtype=bool)
    for shift in range(-pixels, pixels + 1):
        steady &= np.roll(mask, shift, axis=-1) == mask
    return steady


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["right", "left"])
@pytest.mark.parametrize(
    ("front", "back"),
    [(0.3, 0.3), (2.0, 0.4), (0.4, 4.0), (3.0, 5.0)],
    ids=["gentle", "front", "back", "both"],
)
def test_layover_and_shadow_of_a_ridge_against_a_march_along_the_ground(front, back, side):
    grid = Grid()
    lines, samples = 6, 1100
    lon0, _ = place(POLAR, grid.times(3), grid.ranges(450), side)
    x = np.arange(-2000.0, 2600.0, 20.0)  # away from the antenna; the ridge begins and ends at posts
    edge = {0.3: 1000.0, 0.4: 760.0, 2.0: 160.0, 3.0: 100.0, 4.0: 80.0, 5.0: 60.0}
    front_slope, back_slope = 300.0 / edge[front], 300.0 / edge[back]
    lon = np.sort(lon0 + side * x * METRE)
    lat = np.arange(8, -9, -1) * 20.0 * METRE
    mesh_lon, mesh_lat = (np.ascontiguousarray(a) for a in np.meshgrid(lon, lat))
    h = ridge(side * (mesh_lon - lon0) / METRE, front_slope, back_slope)
    drawing = draw(*posts_and_bends(POLAR.table(), grid, mesh_lon, mesh_lat, h), lines, samples, margin=200)
    fine = np.linspace(0.0, 1.0, 81)[:-1]
    dense = np.concatenate([(lon[:-1, None] + fine * np.diff(lon)[:, None]).ravel(), lon[-1:]])
    compared = 0
    for line in range(lines):
        height = np.interp(dense, lon, h[0])
        layover, shadow, first = march(grid, line, dense, height, side).truth(samples)
        steady = away_from_borders(layover) & away_from_borders(shadow) & np.isfinite(first)
        got = drawing.flags[line]
        np.testing.assert_array_equal((got & kernels.LAYOVER != 0)[steady], layover[steady])
        np.testing.assert_array_equal((got & kernels.SHADOW != 0)[steady], shadow[steady])
        assert np.abs(drawing.height[line] - first)[steady].max() < 1e-5
        compared += np.count_nonzero(steady)
        assert (np.count_nonzero(layover) > 30) == layover.any() == (front > 1.0)
        assert (np.count_nonzero(shadow) > 30) == shadow.any() == (back > 1.0)
    assert compared > 0.95 * lines * samples
    assert_seen_where_drawn(grid, POLAR, drawing)


def test_what_lies_before_the_first_sample_casts_shadows_if_the_margin_holds_it():
    grid = Grid()
    lon0, _ = place(POLAR, grid.times(3), grid.ranges(60))
    x = np.arange(-800.0, 2000.0, 20.0)
    lon, lat = lon0 + x * METRE, np.arange(8, -9, -1) * 20.0 * METRE
    mesh_lon, mesh_lat = (np.ascontiguousarray(a) for a in np.meshgrid(lon, lat))
    h = ridge((mesh_lon - lon0) / METRE, 0.5, 5.0)
    terrain = posts_and_bends(POLAR.table(), grid, mesh_lon, mesh_lat, h)
    with_margin = draw(*terrain, 6, 150, margin=250)
    without = draw(*terrain, 6, 150)
    shadow = with_margin.flags & kernels.SHADOW != 0
    assert shadow[:, 0].all()
    assert not shadow[:, -1].any()
    assert not without.flags[:, 0].any()
    assert same_bits(with_margin[:5], without[:5])


# Holes, blocks, threads


def test_a_hole_stays_a_hole_and_changes_nothing_else():
    _, (lon, lat, _), (posts, bends) = scene(30.0 * METRE, (70, 90), rough())
    whole = draw(posts, bends, 61, 121, margin=30)
    holes = np.zeros(lon.shape, dtype=bool)
    holes[30:36, 40:47] = True
    holes[20, 50] = True
    spoiled = posts.copy()
    spoiled[holes] = np.nan
    drawing = draw(spoiled, np.where(holes[..., None], np.float32(np.nan), bends), 61, 121, margin=30)
    missing = np.isnan(drawing.height)
    touched = np.zeros((69, 89), dtype=bool)  # cells with a corner in a hole
    for i in range(2):
        for j in range(2):
            touched |= holes[i : i + 69, j : j + 89]
    column = np.floor((whole.longitude - lon[0, 0]) / (lon[0, 1] - lon[0, 0])).astype(int)
    row = np.floor((whole.latitude - lat[0, 0]) / (lat[1, 0] - lat[0, 0])).astype(int)
    assert np.count_nonzero(missing) > 100
    assert touched[row, column][missing].all()
    inside = holes[row, column] & holes[row + 1, column] & holes[row, column + 1] & holes[row + 1, column + 1]
    np.testing.assert_array_equal(missing[inside], True)
    for got, before in zip(drawing[:5], whole[:5], strict=True):
        np.testing.assert_array_equal(np.isnan(got), missing)
        np.testing.assert_array_equal(got[~missing], before[~missing])
    assert (drawing.flags[missing] == 0).all()


def test_outside_the_terrain_there_is_nothing():
    _, _, (posts, bends) = scene(30.0 * METRE, (20, 20), rough())
    for first in (-500, 500):
        drawing = draw(posts, bends, 40, 50, first=first, margin=5)
        assert all(np.isnan(image).all() for image in drawing[:5])
        assert (drawing.flags == 0).all()


def steep():
    """Folded enough for facets to compete: a fifth of the pixels are in layover."""
    return scene(40.0 * METRE, (80, 90), rough(3, 900.0), middle=(40, 90))[2]


def test_blocks_of_lines_and_larger_windows_of_posts_keep_the_bits():
    posts, bends = steep()
    whole = draw(posts, bends, 81, 181, margin=40)
    assert 0.1 < np.mean(whole.flags & kernels.LAYOVER != 0) < 0.9
    assert 0.1 < np.mean(whole.flags & kernels.SHADOW != 0) < 0.9
    for step in (1, 7, 33):
        parts = [draw(posts, bends, min(step, 81 - a), 181, first=a, margin=40) for a in range(0, 81, step)]
        assert same_bits(whole, [np.concatenate(part) for part in zip(*parts, strict=True)])
    needed = np.flatnonzero((posts[..., 1] > 30).any(axis=1) & (posts[..., 1] < 50).any(axis=1))
    window = np.s_[max(needed[0] - 1, 0) : needed[-1] + 2]
    assert window.stop - window.start < 80
    cut = draw(
        np.ascontiguousarray(posts[window]), np.ascontiguousarray(bends[window]), 15, 181, first=33, margin=40
    )
    assert same_bits(cut, [image[33:48] for image in whole])


def test_threads_do_not_change_a_bit():
    posts, bends = steep()
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = draw(posts, bends, 81, 181, margin=40)
    finally:
        numba.set_num_threads(before)
    assert same_bits(draw(posts, bends, 81, 181, margin=40), alone)


def test_of_facets_at_the_same_level_the_first_is_kept():
    """Two sheets over the same pixels, apart by less than a level of the look angle, then by more."""
    posts = np.zeros((2, 4, scalar_terrain.QUANTITIES))
    posts[..., scalar_terrain.SAMPLE] = [-1.0, 20.0, -1.0, 20.0]
    posts[..., scalar_terrain.LINE] = [[-1.0], [10.0]]
    posts[..., scalar_terrain.HEIGHT] = [1.0, 1.0, 3.0, 3.0]
    for step, kept in ((1e-11, 1.0), (2e-9, 3.0), (-2e-9, 1.0)):
        sheets = posts[:, [0, 1, 1, 2, 2, 3]].copy()
        sheets[:, 2:4] = np.nan
        sheets[:, 4:, scalar_terrain.HEIGHT] = 3.0
        sheets[..., scalar_terrain.LOOK] = [0.8, 0.8, 0.8, 0.8, 0.8 + step, 0.8 + step]
        drawing = draw(sheets, np.zeros((2, 6, 6), np.float32), 8, 15)
        assert (drawing.flags & kernels.LAYOVER != 0).all()
        assert (drawing.height == kept).all()


def test_the_compiled_driver_is_the_plain_python_one():
    posts, bends = steep()
    posts[40, 45] = np.nan
    part = np.ascontiguousarray(posts[30:52, 30:60]), np.ascontiguousarray(bends[30:52, 30:60])
    first = int(np.nanmedian(part[0][..., 1])) - 4
    shape = (9, 120)
    images = tuple(np.empty(shape, kind) for kind in (np.float64,) * 3 + (np.float32,) * 2)
    flags = np.empty(shape, np.uint8)
    with np.errstate(invalid="ignore", divide="ignore"):
        cpu_terrain.rasterize_terrain(*part, first, 20, images, flags)
    got = draw(*part, *shape, first=first, margin=20)
    assert np.isfinite(got.height).mean() > 0.3
    assert (got.flags == kernels.LAYOVER + kernels.SHADOW).any()
    for array, wanted in zip(got, (*images, flags), strict=True):
        np.testing.assert_array_equal(array, wanted)


# Shadows of a line, and its parts joined

PIXELS = st.lists(
    st.sampled_from(
        [(-1, 2**31 - 1), (5, 2**31 - 1), (3, 2**31 - 1), (9, 2**31 - 1), (8, 2), (6, 4), (9, 7)]
    ),
    max_size=30,
)
START = (scalar_terrain.FARTHEST,) * 3 + (False,)


def after(pixels, state=START):
    for nearest, farthest in pixels:
        state = scalar_terrain.met(state, nearest, farthest)
    return state


@given(PIXELS, PIXELS)
def test_parts_of_a_line_joined_are_the_line(before, behind):
    joined = scalar_terrain.joined(after(before), after(behind))
    assert joined[:3] == after(before + behind)[:3]
    assert joined[3] == after(before + behind)[3]


@given(PIXELS)
def test_shadows_of_a_line_by_the_definition(pixels):
    nothing = scalar_terrain.FARTHEST
    for k, (nearest, farthest) in enumerate(pixels):
        ahead = [p for p in pixels[:k] if p[0] >= 0]
        own = 0  # how many pixels before this one are of the layover that it is in
        while farthest != nothing and own < len(ahead) and ahead[-1 - own][1] != nothing:
            own += 1
        done = ahead[: len(ahead) - own]
        lowest = min([p[0] for p in ahead] + [min(p) for p in done], default=nothing)
        state = after(pixels[:k])
        shadow = scalar_terrain.in_shadow(state, scalar_terrain.met(state, nearest, farthest), nearest)
        assert shadow == (nearest > lowest)


# Arguments


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"posts": np.zeros((3, 4, 7))}, ValueError, r"posts: expected \[row, column, 8\].*got \(3, 4, 7\)"),
        ({"posts": np.zeros((1, 4, 8))}, ValueError, "two rows and columns at least"),
        ({"posts": np.zeros((3, 4, 8), np.float32)}, TypeError, "posts: expected dtype float64"),
        ({"bends": np.zeros((3, 4, 5), np.float32)}, ValueError, r"bends: expected the shape \(3, 4, 6\)"),
        ({"bends": np.zeros((3, 4, 6))}, TypeError, "bends: expected dtype float32"),
        ({"lines": 0}, ValueError, "lines, samples, margin: expected 1, 1, 0 or more, got 0, 9, 0"),
        ({"samples": 0}, ValueError, "got 8, 0, 0"),
        ({"margin": -1}, ValueError, "got 8, 9, -1"),
    ],
)
def test_errors_name_the_argument(change, error, message):
    given_ = {"posts": np.zeros((3, 4, 8)), "bends": np.zeros((3, 4, 6), np.float32)}
    given_ |= {"first": 0, "lines": 8, "samples": 9}
    with pytest.raises(error, match=message):
        kernels.rasterize_terrain(**(given_ | change))


def test_the_grid_of_the_tests_has_its_middle_where_it_says():
    grid = Grid()
    lon, lat = place(TURNING, grid.times(30), grid.ranges(60))
    one = np.array([[lon]]), np.array([[lat]]), np.zeros((1, 1))
    time, slant_range = kernels.ground_to_radar(*one, np.array([MIDDLE]), TURNING.table())
    assert abs(grid.line(time) - 30) < 30
    assert abs(grid.sample(slant_range) - 60) < 60
