"""Footprints: they hold every pixel, are proper GeoJSON, and cross the antimeridian as RFC 7946 has it."""

import datetime as dt

import numpy as np
import pystac
import pytest
import xarray as xr
from pystac.validation import JsonSchemaSTACValidator

from alignsar_gpu.catalog.footprint import footprint
from alignsar_gpu.errors import AlignsarError


def grid(lines=40, samples=60, longitude=4.9, latitude=52.3):
    """Coordinates of a tilted grid, some kilometres wide."""
    line, sample = np.mgrid[0:lines, 0:samples].astype(float)
    return (
        xr.DataArray(longitude + 1e-3 * sample - 5e-4 * line, dims=("azimuth", "range")),
        xr.DataArray(latitude + 1e-3 * line + 2e-4 * sample, dims=("azimuth", "range")),
    )


def signed_area(ring):
    x, y = np.array(ring[:-1]).T
    return 0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)


def outside(ring, x, y):
    """By how much (degrees) points lie outside a convex, counter-clockwise ring."""
    corners = np.array(ring)
    edges = np.diff(corners, axis=0)
    normal = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.hypot(*edges.T)[:, None]
    points = np.stack([x, y], axis=-1)[:, None, :]
    return ((points - corners[:-1]) * normal).sum(axis=-1).max()


def test_footprint_is_the_parallelogram_that_the_corners_span():
    longitude, latitude = grid()
    found = footprint(longitude, latitude)
    (ring,) = found.geometry["coordinates"]
    corners = [(int(line), int(sample)) for line, sample in ((0, 0), (0, -1), (-1, -1), (-1, 0))]
    expected = {(float(longitude[c].round(6)), float(latitude[c].round(6))) for c in corners}
    assert {tuple(position) for position in ring} == expected
    assert ring[0] == ring[-1]
    assert signed_area(ring) > 0
    assert found.bbox == [4.8805, 52.3, 4.959, 52.3508]


def test_footprint_shrinks_to_the_finite_area():
    longitude, latitude = grid()
    longitude[:5], longitude[-3:], latitude[:, :7], latitude[:, -1] = np.nan, np.nan, np.nan, np.nan
    inner = {"azimuth": slice(5, -3), "range": slice(7, -1)}
    assert footprint(longitude, latitude) == footprint(longitude[inner], latitude[inner])


def test_footprint_holds_every_pixel_where_terrain_folds_the_grid():
    """Layover: neighbouring samples change places on the ground, along the edges too."""
    longitude, latitude = grid()
    rng = np.random.default_rng(7)
    longitude += 4e-3 * rng.standard_normal(longitude.shape)
    found = footprint(longitude, latitude)
    (ring,) = found.geometry["coordinates"]
    edges = np.diff(np.array(ring), axis=0)
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    assert (turns > -1e-10).all()  # convex, so it cannot cross itself
    # 32 directions leave out at most 1 - cos(pi / 32) of the distance between two neighbouring corners
    longest = np.hypot(*edges.T).max()
    assert outside(ring, longitude.values.ravel(), latitude.values.ravel()) < longest * np.tan(np.pi / 32)
    west, south, east, north = found.bbox
    assert (west, east) == (float(longitude.min().round(6)), float(longitude.max().round(6)))
    assert (south, north) == (float(latitude.min().round(6)), float(latitude.max().round(6)))


@pytest.mark.parametrize("start", [179.97, -180.03])
def test_footprint_across_the_antimeridian(start):
    longitude, latitude = grid(longitude=start)
    wrapped = (longitude + 180.0) % 360.0 - 180.0
    assert wrapped.max() - wrapped.min() > 359.0
    found = footprint(wrapped, latitude)
    assert found.geometry["type"] == "MultiPolygon"
    (west_of_it,), (east_of_it,) = found.geometry["coordinates"]
    assert max(x for x, _ in west_of_it) == 180.0
    assert min(x for x, _ in west_of_it) > 179.0
    assert min(x for x, _ in east_of_it) == -180.0
    assert max(x for x, _ in east_of_it) < -179.0
    for ring in (west_of_it, east_of_it):
        assert ring[0] == ring[-1]
        assert signed_area(ring) > 0
    (whole,) = footprint(*grid(longitude=0.0)).geometry["coordinates"]
    assert signed_area(west_of_it) + signed_area(east_of_it) == pytest.approx(signed_area(whole), rel=1e-3)
    assert {y for x, y in west_of_it if x == 180.0} == {y for x, y in east_of_it if x == -180.0}
    assert found.bbox == [179.9505, 52.3, -179.971, 52.3508]
    item = pystac.Item("x", found.geometry, found.bbox, dt.datetime(2022, 1, 4, tzinfo=dt.UTC), {})
    JsonSchemaSTACValidator().validate_core(item.to_dict(), item.STAC_OBJECT_TYPE, pystac.get_stac_version())


@pytest.mark.parametrize("west", [-180.0, 180.0 - 0.0785])
def test_footprint_that_only_touches_the_antimeridian(west):
    longitude, latitude = grid()
    assert float(longitude.max() - longitude.min()) == pytest.approx(0.0785)
    found = footprint((longitude - longitude.min() + west).round(6), latitude)
    assert found.geometry["type"] == "Polygon"
    assert [found.bbox[0], found.bbox[2]] == pytest.approx([west, west + 0.0785], abs=1e-6)


def test_footprint_of_nowhere():
    longitude, latitude = grid()
    with pytest.raises(AlignsarError, match="no pixel has longitude and latitude"):
        footprint(longitude * np.nan, latitude)
    with pytest.raises(AlignsarError, match="span no area"):
        footprint(longitude[:1], latitude[:1])
    with pytest.raises(AlignsarError, match="span no area"):
        footprint(longitude[:1, :1], latitude[:1, :1])
