"""Tiles of a map: means over the ground, classes and phases against brute force; smooth layers there and back."""

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
from alignsar_gpu.kernels import LAYOVER, SHADOW
from geocoding_scene import GROUND, Scene
from hypothesis import given, settings
from hypothesis import strategies as st
from rough_terrain import GENTLE
from scipy.ndimage import minimum_filter

from alignsar_gpu.geocoding import tiles as tiles_module
from alignsar_gpu.geocoding.map_grid import MapGrid
from alignsar_gpu.geocoding.tiles import MapTiles
from alignsar_gpu.geometry.range_doppler import radar_to_ground

COARSE = 40.0  # m: about 3 lines and 10 samples
UNKNOWN = 255
NEAR = 0.03  # pixels, of the map or the image: what bends between facets of the DEM leave


@pytest.fixture(scope="module")
def hills(tmp_path_factory):
    """Slopes up to 6 degrees, on posts so near that bends between facets are small."""
    return Scene(tmp_path_factory.mktemp("hills"), steepness=0.6 * GENTLE, post=10.0)


@pytest.fixture(scope="module")
def coarse(hills):
    """The tile of a map of pixels that are larger than those of the image."""
    tiles = MapTiles.over(hills.geocoding(hills.map_grid(COARSE), partial=True))
    (tile,) = tiles.row(0)
    return tile


@pytest.fixture(scope="module")
def mountains(tmp_path_factory):
    """Steep slopes, and the flags of layover and shadow of the image."""
    scene = Scene(tmp_path_factory.mktemp("mountains"), steepness=1.2)
    scene.flags = scene.terrain.lines(0, scene.radar.lines).flags
    return scene


def parts_of(tile):
    """Nearest line and sample of each part of pixels of a map, [row, column, part]; -1 outside of the image."""
    shape = tile.geocoding.grid.shape
    places = []
    for position, window, count in zip(
        (tile.line, tile.sample), (tile.lines, tile.samples), shape, strict=True
    ):
        whole = np.floor(position + window.start + 0.5)
        places.append(np.where((whole >= 0) & (whole < count), whole, -1).astype(int))
    (rows, columns), (down, across) = tile.shape, tile.parts
    outside = (places[0] < 0) | (places[1] < 0)
    return [
        np.where(outside, -1, place)
        .reshape(rows, down, columns, across)
        .swapaxes(1, 2)
        .reshape(rows, columns, -1)
        for place in places
    ]


def some(tile, count=200, seed=1):
    """Some pixels of a tile, half of them where the image has its edges."""
    line, _ = parts_of(tile)
    share = (line >= 0).mean(axis=2)
    edges, whole = (np.argwhere(chosen) for chosen in ((share > 0.0) & (share < 1.0), share == 1.0))
    rng = np.random.default_rng(seed)
    assert len(edges) > 20
    assert len(whole) > count
    return [*rng.permutation(edges)[: count // 2], *rng.permutation(whole)[:count]]


def test_parts_lie_where_they_are_by_proj_the_dem_and_bisection(hills, coarse):
    """Those of a pixel of the map, evenly over it."""
    down, across = coarse.parts
    assert down > 2
    assert across > 5
    rng = np.random.default_rng(3)
    row, column = (rng.integers(0, count, 300) for count in coarse.line.shape)
    wanted = hills.expected(
        coarse.geocoding.map_grid, (row + 0.5) / down - 0.5, (column + 0.5) / across - 0.5
    )
    for found, window, true in zip(
        (coarse.line, coarse.sample), (coarse.lines, coarse.samples), wanted, strict=True
    ):
        assert np.abs(found[row, column] + window.start - true).max() < 1e-3


def test_parts_are_no_larger_than_pixels_of_the_image(coarse):
    for place in (coarse.line, coarse.sample):
        for axis in (0, 1):
            assert np.median(np.abs(np.diff(place, axis=axis))) < 1.25


def test_classes_are_the_most_frequent(hills, coarse):
    rng = np.random.default_rng(5)
    image = rng.choice(
        np.array([0, 1, 7, 200, UNKNOWN], np.uint8), hills.radar.shape, p=[0.3, 0.2, 0.1, 0.1, 0.3]
    )
    found = coarse.sampled(image, "bilinear")
    line, sample = parts_of(coarse)
    unknown = 0
    for row, column in some(coarse):
        y, x = line[row, column], sample[row, column]
        codes = [int(code) for code in image[y[y >= 0], x[y >= 0]] if code != UNKNOWN]
        counts = Counter(codes)
        wanted = min(counts, key=lambda code: (-counts[code], code)) if 2 * len(codes) >= y.size else UNKNOWN
        unknown += wanted == UNKNOWN
        assert found[row, column] == wanted
    assert unknown > 10


def test_means_are_of_what_is_known(hills, coarse):
    """By nearest neighbours, and so are the parts' values; half of a pixel must be known."""
    rng = np.random.default_rng(6)
    image = rng.exponential(size=hills.radar.shape).astype(np.float32)
    image[rng.random(image.shape) < 0.45] = np.nan
    found = coarse.sampled(image, "nearest")
    line, sample = parts_of(coarse)
    lost = 0
    for row, column in some(coarse):
        y, x = line[row, column], sample[row, column]
        values = image[y[y >= 0], x[y >= 0]].astype(np.float64)
        values = values[np.isfinite(values)]
        wanted = values.mean() if 2 * len(values) >= y.size else np.nan
        lost += np.isnan(wanted)
        np.testing.assert_allclose(found[row, column], wanted, rtol=1e-5)
    assert lost > 10


def test_phases_are_those_of_averaged_phasors(hills, coarse):
    rng = np.random.default_rng(7)
    image = rng.uniform(-np.pi, np.pi, hills.radar.shape).astype(np.float32)
    image[rng.random(image.shape) < 0.2] = np.nan
    found = coarse.sampled(image, "nearest", phase=True)
    line, sample = parts_of(coarse)
    for row, column in some(coarse):
        y, x = line[row, column], sample[row, column]
        values = image[y[y >= 0], x[y >= 0]].astype(np.float64)
        values = values[np.isfinite(values)]
        if 2 * len(values) < y.size:
            assert np.isnan(found[row, column])
            continue
        mean = np.exp(1j * values).mean()
        assert abs(np.exp(1j * float(found[row, column])) - mean / abs(mean)) * abs(mean) < 1e-5


def cells(tile, parts, rows=3, columns=2):
    """A tile whose parts of pixels are the pixels of an image, one each; and that image's shape."""
    shape = rows * parts[0], columns * parts[1]
    line, sample = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    window = {"lines": slice(0, shape[0]), "samples": slice(0, shape[1]), "line": line, "sample": sample}
    return dataclasses.replace(
        tile, rows=slice(0, rows), columns=slice(0, columns), parts=parts, **window
    ), shape


PARTS = st.tuples(st.integers(1, 4), st.integers(1, 5)).filter(lambda parts: parts != (1, 1))


@settings(max_examples=20, deadline=None)
@given(parts=PARTS, turn=st.floats(-10.0, 10.0), seed=st.integers(0, 99))
def test_phases_may_begin_anywhere(coarse, parts, turn, seed):
    """All turned by an angle, so is their mean: nothing is special where they go round."""
    tile, shape = cells(coarse, parts)
    phase = np.random.default_rng(seed).normal(scale=0.7, size=shape)
    found, turned = (
        tile.sampled(np.angle(np.exp(1j * values)).astype(np.float32), "bilinear", phase=True)
        for values in (phase, phase + turn)
    )
    assert np.abs(np.angle(np.exp(1j * (turned - found - turn)))).max() < 1e-5
    assert np.abs(found).max() <= np.float32(np.pi)


@settings(max_examples=20, deadline=None)
@given(parts=PARTS, seed=st.integers(0, 99), codes=st.integers(1, 5))
def test_classes_keep_their_order(coarse, parts, seed, codes):
    """Other codes in the same order give the same classes: neither their values nor 0 are special."""
    tile, shape = cells(coarse, parts)
    image = np.random.default_rng(seed).integers(0, codes, shape).astype(np.uint8)
    other = np.array([3, 40, 41, 200, 254], np.uint8)
    found = tile.sampled(image, "nearest")
    np.testing.assert_array_equal(tile.sampled(other[image], "nearest"), other[found])
    assert set(np.unique(found)) <= set(np.unique(image))


def test_half_of_a_pixel_must_be_known(coarse):
    tile, shape = cells(coarse, (2, 5))
    for known, there in ((4, False), (5, True), (6, True)):
        chosen = np.zeros((2, 5), bool)
        chosen.flat[np.random.default_rng(known).permutation(10)[:known]] = True
        chosen = np.tile(chosen, (3, 2))
        values = np.where(chosen, np.float32(7.5), np.float32(np.nan))
        assert (tile.sampled(values, "nearest") == 7.5).all() == there
        assert np.isnan(tile.sampled(values, "nearest")).all() != there
        assert (
            tile.sampled(np.where(chosen, np.uint8(3), np.uint8(UNKNOWN)), "nearest")
            == (3 if there else UNKNOWN)
        ).all()
    assert shape == (6, 10)


def test_flags_and_masks_are_where_the_image_has_them(mountains):
    """Of a map as fine as the image, by positions of PROJ, the DEM and bisection."""
    flags = mountains.flags
    assert min((flags & LAYOVER).any(), (flags & SHADOW).any())
    map_grid = mountains.map_grid(20.0)
    tiles = MapTiles.over(mountains.geocoding(map_grid, partial=True), average=False)
    (tile,) = tiles.row(0)
    row, column = np.mgrid[0 : map_grid.shape[0], 0 : map_grid.shape[1]].reshape(2, -1)
    line, sample = mountains.expected(map_grid, row, column)
    with np.errstate(invalid="ignore"):
        clear = [(np.abs(place % 1.0 - 0.5) > 2e-3) & np.isfinite(place) for place in (line, sample)]
        y, x = (np.floor(place + 0.5) for place in (line, sample))
    inside = (y >= 0) & (y < flags.shape[0]) & (x >= 0) & (x < flags.shape[1])
    known = inside & clear[0] & clear[1]
    assert known.sum() > 500
    y, x = y[known].astype(int), x[known].astype(int)
    masked = flags != 0
    for image in (flags, np.where(masked, np.uint8(UNKNOWN), flags), masked):
        found = tile.sampled(image, "bilinear")[row, column]
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found[known], image[y, x])
        assert (found[~inside] == UNKNOWN).mean() > 0.999  # at the very edge they may differ
    assert set(np.unique(flags[y, x])) >= {0, LAYOVER}


@pytest.fixture(scope="module")
def ground(hills):
    """Longitude and latitude of the pixels of the image, on its DEM."""
    line, sample = np.mgrid[0 : hills.radar.lines, 0 : hills.radar.samples].astype(np.float64)
    time, slant_range = hills.radar.azimuth_time(line), hills.radar.slant_range(sample)
    height = np.full(line.shape, GROUND)
    for _ in range(8):
        place = radar_to_ground(hills.orbit, time, slant_range, height, hills.radar.look_side, 0.0)
        height = hills.dem.height_at(*place)
    return place


@pytest.mark.parametrize("resolution", [6.0, COARSE, 75.0])
def test_smooth_layers_have_the_value_at_the_centre_of_pixels(hills, ground, resolution):
    """Longitude and latitude of the ground, as the image shows it, and means of them."""
    map_grid = hills.map_grid(resolution)
    tiles = MapTiles.over(hills.geocoding(map_grid, partial=True))
    (tile,) = tiles.row(0)
    row, column = map_grid.position(*ground)
    rows, columns = np.mgrid[0 : map_grid.shape[0], 0 : map_grid.shape[1]]
    for layer, wanted in ((row, rows), (column, columns)):
        found = tile.sampled(layer, "bilinear")
        whole = tile.sampled(np.ones(row.shape, np.float32), "bilinear") == 1.0
        whole[[0, -1]] = whole[:, [0, -1]] = False
        inner = minimum_filter(whole & np.isfinite(found), 3)
        assert inner.sum() > 20
        assert np.abs(found - wanted)[inner].max() < NEAR


def test_phases_of_the_nearest_pixels_keep_their_bits(hills):
    (tile,) = MapTiles.over(hills.geocoding(hills.map_grid(20.0), partial=True), average=False).row(0)
    image = np.random.default_rng(8).uniform(-np.pi, np.pi, hills.radar.shape).astype(np.float32)
    found = tile.sampled(image, "nearest", phase=True)
    assert np.isfinite(found).sum() > 1000
    assert np.isin(found[np.isfinite(found)], image).all()


def test_complex_pixels_are_those_nearest_to_the_centre(hills, coarse):
    """Of pixels that are divided into an even number of parts too."""
    row, column = np.mgrid[0 : coarse.shape[0], 0 : coarse.shape[1]].reshape(2, -1)
    wanted = hills.expected(coarse.geocoding.map_grid, row, column)
    for parts in (coarse.parts, (2, 4)):
        (tile,) = MapTiles(geocoding=coarse.geocoding, parts=parts).row(0)
        places = (tile.centre.line + tile.lines.start, tile.centre.sample + tile.samples.start)
        for found, true in zip(places, wanted, strict=True):
            assert np.nanmax(np.abs(found[row, column] - true)) < NEAR


@pytest.mark.parametrize("resolution", [1e3, 1e4])
def test_maps_of_few_pixels_take_little_memory(hills, resolution):
    longitude, latitude = hills.centre
    around = [longitude - 0.1, longitude + 0.1], [latitude - 0.1, latitude + 0.1]
    map_grid = MapGrid.over(*around, resolution=resolution)
    tiles = MapTiles.over(hills.geocoding(map_grid, partial=True))
    assert tiles.side**2 * math.prod(tiles.parts) <= tiles_module.MOST_PARTS
    ones = [
        tile.sampled(np.ones(hills.radar.shape, np.float32), "bilinear")
        for tile in tiles.row(tiles.count // 2)
    ]
    known = np.isfinite(np.hstack(ones))
    assert (np.hstack(ones)[known] == 1.0).all()
