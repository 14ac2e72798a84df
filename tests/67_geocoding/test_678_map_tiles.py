"""Tiles of a map: means over the ground, classes and phases against brute force; smooth layers there and back."""

from collections import Counter

import numpy as np
import pytest
from geocoding_scene import Scene
from rough_terrain import GENTLE

from alignsar_gpu.geocoding.tiles import MapTiles

COARSE = 40.0  # m: about 3 lines and 10 samples
UNKNOWN = 255
NEAR = 0.02  # pixels of the map: smooth layers against the value at the pixel's centre


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
