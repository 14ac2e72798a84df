"""Terrain in radar geometry against the converged equations on the same surface, solved by brute force."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import rasterio
from alignsar_gpu.kernels import LAYOVER, SHADOW
from circular_orbit import circular_orbit, grid
from rasterio.transform import Affine
from rasterio.warp import transform as warp
from rough_terrain import DOPPLER, GENTLE, SIZE, STEEP, relief, scene, write_dem, write_heights

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ellipsoid import ellipsoid_normal, geodetic_to_ecef
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.terrain import terrain as terrain_module
from alignsar_gpu.geometry.terrain.terrain import Terrain

MILLIMETRE = 1e-3
PIXEL = 1e-4  # bound of the difference from the converged form, in lines and samples
ROUND_TRIP = 1e-5


def converged(terrain, line, sample, step=1.0):
    """The first place along the ground where the pixel's circle meets the surface, by marching and bisection.

    Along the circle of one range and Doppler the height grows with the look angle; the circle is below the
    surface first, and meets it where it comes out.
    """
    radar, orbit, dem = terrain.grid, terrain.orbit, terrain.dem
    time, slant_range = radar.azimuth_time(line), radar.slant_range(sample)
    doppler = terrain.doppler
    speed = 0.0 if doppler is None else 0.5 * radar.wavelength * doppler.at(time, slant_range)

    def above(height):
        longitude, latitude = radar_to_ground(orbit, time, slant_range, height, radar.look_side, speed)
        return height - dem.height_at(longitude, latitude)

    low = np.full(line.shape, terrain.heights[0] - 1.0)
    found = np.zeros(line.shape, dtype=bool)
    height = low.copy()
    while height.max() < terrain.heights[1] + 2.0:
        height = height + step
        out = ~found & (above(height) >= 0)
        found |= out
        low = np.where(out, height - step, low)
        if found.all():
            break
    assert found.all()
    high = low + step
    for _ in range(40):
        middle = 0.5 * (low + high)
        out = above(middle) >= 0
        low, high = np.where(out, low, middle), np.where(out, middle, high)
    return *radar_to_ground(orbit, time, slant_range, high, radar.look_side, speed), high


def some_pixels(terrain, count, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(0, terrain.grid.lines, count), rng.integers(0, terrain.grid.samples, count)


def metres(longitude, latitude, height, truth):
    return np.linalg.norm(geodetic_to_ecef(longitude, latitude, height) - geodetic_to_ecef(*truth), axis=-1)


class TestAgainstTheConvergedForm:
    @pytest.mark.parametrize(
        ("side", "doppler", "post"),
        [("right", None, 30.0), ("left", None, 30.0), ("right", DOPPLER, 30.0), ("right", None, 90.0)],
    )
    def test_gentle_terrain_everywhere(self, tmp_path, side, doppler, post):
        terrain = scene(tmp_path, side=side, doppler=doppler, post=post, steepness=GENTLE)
        drawing = terrain.lines(0, terrain.grid.lines)
        assert np.isfinite(drawing.height).all()
        assert not drawing.flags.any()
        line, sample = some_pixels(terrain, 3000)
        place = [a[line, sample] for a in drawing[:3]]
        assert metres(*place, converged(terrain, line, sample, step=5.0)).max() < MILLIMETRE

    def test_steep_terrain_everywhere(self, tmp_path):
        """In layover too, where the first place along the ground is meant."""
        terrain = scene(tmp_path)
        drawing = terrain.lines(0, terrain.grid.lines)
        assert np.isfinite(drawing.height).all()
        assert (drawing.flags & LAYOVER > 0).mean() > 0.05
        line, sample = some_pixels(terrain, 2500)
        place = [a[line, sample] for a in drawing[:3]]
        assert metres(*place, converged(terrain, line, sample, step=2.0)).max() < MILLIMETRE

    @pytest.mark.parametrize("post", [10.0, 30.0, 100.0])
    def test_round_trip_of_every_pixel(self, tmp_path, post):
        terrain = scene(tmp_path, post=post)
        radar, drawing = terrain.grid, terrain.lines(0, terrain.grid.lines)
        lines = np.arange(radar.lines)[:, np.newaxis]
        time, slant_range = ground_to_radar(terrain.orbit, *drawing[:3], radar.azimuth_time(lines))
        assert np.abs(radar.line(time) - lines).max() < ROUND_TRIP
        assert np.abs(radar.sample(slant_range) - np.arange(radar.samples)).max() < ROUND_TRIP
        found = terrain.dem.height_at(drawing.longitude, drawing.latitude)
        assert np.abs(found - drawing.height).max() < MILLIMETRE

    def test_posts_a_kilometre_apart(self, tmp_path):
        """Sides bend by metres there: 1e-4 of a pixel is kept, the surface but for facets seen edge-on."""
        terrain = scene(tmp_path, post=1000.0, steepness=0.5)
        radar, drawing = terrain.grid, terrain.lines(0, terrain.grid.lines)
        lines = np.arange(radar.lines)[:, np.newaxis]
        time, slant_range = ground_to_radar(terrain.orbit, *drawing[:3], radar.azimuth_time(lines))
        assert np.abs(radar.line(time) - lines).max() < PIXEL
        assert np.abs(radar.sample(slant_range) - np.arange(radar.samples)).max() < PIXEL
        found = terrain.dem.height_at(drawing.longitude, drawing.latitude)
        assert (np.abs(found - drawing.height) > MILLIMETRE).mean() < 1e-3

    def test_projected_dem(self, tmp_path):
        """Facets are flat in longitude and latitude, the DEM's own in its projection: 30 m do not show it."""
        terrain = scene(tmp_path, steepness=GENTLE)
        west, south = -0.2 + terrain.lines(0, 1).longitude.min(), terrain.lines(0, 1).latitude.min() - 0.2
        (x,), (y,) = warp("EPSG:4326", "EPSG:32631", [west], [south])
        count = 1500
        row, column = np.mgrid[0:count, 0:count]
        height = relief(column * 30.0, row * 30.0, GENTLE).astype(np.float32)
        transform = Affine(30.0, 0.0, x, 0.0, -30.0, y + 30.0 * count)
        path = write_heights(tmp_path / "utm.tif", height, transform, "EPSG:32631")
        utm = Terrain(grid=terrain.grid, orbit=terrain.orbit, dem=open_dem(path, "ellipsoid"))
        drawing = utm.lines(0, utm.grid.lines)
        line, sample = some_pixels(utm, 500)
        place = [a[line, sample] for a in drawing[:3]]
        assert metres(*place, converged(utm, line, sample, step=5.0)).max() < MILLIMETRE


class TestAntimeridian:
    def test_a_scene_across_it_is_the_same_elsewhere(self, tmp_path):
        """The orbit and two tiles of the DEM are turned so that the scene lies on longitude 180."""
        here = scene(tmp_path, steepness=GENTLE)
        drawing = here.lines(0, here.grid.lines)
        turn = 180.0 - float(np.mean(drawing.longitude))
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        rotation = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        orbit = dataclasses.replace(
            here.orbit, position=here.orbit.position @ rotation.T, velocity=here.orbit.velocity @ rotation.T
        )
        tiles = []
        with rasterio.open(tmp_path / "dem.tif") as file:
            height, step = file.read(1), file.transform.a
            west, north = file.transform.c + turn, file.transform.f
            seam = round((180.0 - west) / step)
            for name, columns, left in (
                ("west", slice(0, seam), west),
                ("east", slice(seam, None), west + seam * step - 360.0),
            ):
                part = height[:, columns]
                tiles.append(tmp_path / f"{name}.tif")
                profile = file.profile | {
                    "width": part.shape[1],
                    "transform": Affine(step, 0.0, left, 0.0, -step, north),
                }
                with rasterio.open(tiles[-1], "w", **profile) as tile:
                    tile.write(part, 1)
        there = Terrain(grid=here.grid, orbit=orbit, dem=open_dem(tiles, "ellipsoid"))
        turned = there.lines(0, here.grid.lines)
        assert np.isfinite(turned.height).all()
        assert (turned.longitude > 180).any()
        assert (turned.longitude < 180).any()
        place = drawing.longitude + turn, drawing.latitude, drawing.height
        assert metres(*turned[:3], place).max() < MILLIMETRE
        np.testing.assert_array_equal(turned.flags, drawing.flags)


class TestAngles:
    def test_incidence_and_local_incidence(self, tmp_path):
        terrain = scene(tmp_path, steepness=GENTLE)
        radar, drawing = terrain.grid, terrain.lines(0, terrain.grid.lines)
        place = drawing.longitude, drawing.latitude, drawing.height
        antenna = terrain.orbit.position_at(radar.azimuth_time(np.arange(radar.lines)))[:, np.newaxis]
        sight = antenna - geodetic_to_ecef(*place)
        sight /= np.linalg.norm(sight, axis=-1, keepdims=True)
        incidence = np.degrees(np.arccos(np.sum(sight * ellipsoid_normal(*place[:2]), axis=-1)))
        assert np.abs(drawing.incidence - incidence).max() < 1e-4
        # the normal of the surface through places 60 m to the east and to the north
        step = 60.0 / 111_000.0
        height = terrain.dem.height_at
        east, north = (
            geodetic_to_ecef(place[0] + a, place[1] + b, height(place[0] + a, place[1] + b))
            - geodetic_to_ecef(place[0] - a, place[1] - b, height(place[0] - a, place[1] - b))
            for a, b in ((step, 0.0), (0.0, step))
        )
        normal = np.cross(east, north)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        local = np.degrees(np.arccos(np.sum(sight * normal, axis=-1)))
        assert np.abs(drawing.local_incidence - local).max() < 0.5
        assert np.ptp(drawing.local_incidence) > 5.0


class TestLayoverAndShadow:
    def test_against_marching_over_the_ground(self, tmp_path):
        """Every 2 m of ground along one line: where ranges repeat, and where look angles fall behind."""
        terrain = scene(tmp_path, size={"lines": 3, "samples": 900})
        radar, orbit = terrain.grid, terrain.orbit
        flags = terrain.lines(1, 2).flags[0]
        time = radar.azimuth_time(1.0)
        flat = np.arange(radar.slant_range(-700), radar.slant_range(1500), 1.0)
        height = np.full(flat.shape, 700.0)
        longitude, latitude = radar_to_ground(orbit, time, flat, height, radar.look_side)
        for _ in range(5):  # onto the terrain, and along the track back into the antenna's plane
            height = terrain.dem.height_at(longitude, latitude)
            _, seen = ground_to_radar(orbit, longitude, latitude, height, time)
            longitude, latitude = radar_to_ground(orbit, time, seen, height, radar.look_side)
        slant_range = ground_to_radar(orbit, longitude, latitude, height, time)[1]
        antenna = orbit.position_at(time)
        sight = geodetic_to_ecef(longitude, latitude, height) - antenna
        look = np.arccos(-(sight @ antenna) / np.linalg.norm(sight, axis=-1) / np.linalg.norm(antenna))
        sample = radar.sample(slant_range)
        hidden = look < np.maximum.accumulate(look) - 1e-12
        crossings = np.zeros(radar.samples, dtype=int)
        shadow = np.full(radar.samples, -1)
        for k in range(len(sample) - 1):
            low, high = sorted(sample[k : k + 2])
            inside = np.arange(max(int(np.ceil(low)), 0), min(int(np.ceil(high)), radar.samples))
            fresh = inside[shadow[inside] < 0]
            shadow[fresh] = hidden[k]
            crossings[inside] += 1
        layover = crossings > 1
        assert layover.mean() > 0.1
        assert (shadow > 0).mean() > 0.05
        assert (((flags & LAYOVER) > 0) != layover).sum() <= 2 * np.abs(np.diff(layover.astype(int))).sum()
        assert (((flags & SHADOW) > 0) != (shadow > 0)).sum() <= 2 * np.abs(np.diff(shadow)).sum()


class TestBlocks:
    @pytest.mark.parametrize("holes", [False, True])
    def test_any_block_has_the_same_bits(self, tmp_path, holes):
        terrain = scene(tmp_path, holes=holes, steepness=GENTLE if holes else STEEP)
        whole = terrain.lines(0, terrain.grid.lines)
        assert np.isnan(whole.height).any() == holes
        for first, stop in [(0, 1), (31, 33), (40, 96)]:
            for values, block in zip(whole, terrain.lines(first, stop), strict=True):
                np.testing.assert_array_equal(values[first:stop], block)

    @pytest.mark.parametrize("side", ["right", "left"])
    def test_parts_of_the_samples_show_nowhere(self, tmp_path, monkeypatch, side):
        """Layover and shadow reach across the edges of parts."""
        terrain = scene(tmp_path, side=side, steepness=1.5)
        whole = terrain.lines(0, terrain.grid.lines)
        assert (whole.flags & SHADOW > 0).mean() > 0.01
        monkeypatch.setattr(terrain_module, "PART_SAMPLES", 90)
        parts = terrain.lines(0, terrain.grid.lines)
        assert metres(*whole[:3], parts[:3]).max() < 1e-8
        for values, pieces in zip(whole[3:5], parts[3:5], strict=True):
            np.testing.assert_allclose(values, pieces, atol=1e-5, rtol=0)
        np.testing.assert_array_equal(whole.flags, parts.flags)

    def test_blocks_fit_into_the_memory_that_is_given(self, tmp_path):
        terrain = scene(tmp_path, half=20_000.0)
        memory = 2 * terrain.bytes_of(0, 1)
        blocks = list(terrain.blocks(memory))
        assert blocks[0][0] == 0
        assert blocks[-1][1] == terrain.grid.lines
        assert all(a[1] == b[0] for a, b in pairwise(blocks))
        assert len(blocks) > 1
        assert all(terrain.bytes_of(first, stop - first) <= memory for first, stop in blocks)
        with pytest.raises(AlignsarError, match="give more memory or a coarser DEM"):
            terrain.block_lines(1000)

    def test_holes_are_holes(self, tmp_path):
        terrain = scene(tmp_path, holes=True, steepness=GENTLE)
        drawing = terrain.lines(0, terrain.grid.lines)
        lost = np.isnan(drawing.height)
        assert 0 < lost.mean() < 0.3
        np.testing.assert_array_equal(np.isnan(drawing.longitude), lost)
        np.testing.assert_array_equal(np.isnan(drawing.incidence), lost)
        assert not drawing.flags[lost].any()


class TestRefused:
    def test_a_dem_that_ends_too_early(self, tmp_path):
        with pytest.raises(AlignsarError, match=r"does not cover the image.*km"):
            scene(tmp_path, half=1000.0)

    def test_what_a_partial_one_does_not_reach_is_nan(self, tmp_path):
        whole = scene(tmp_path, steepness=GENTLE)
        centre = [float(a[48, 350]) for a in whole.lines(0, 96)[:2]]
        path = write_dem(tmp_path / "small.tif", centre, half=1000.0, steepness=GENTLE)
        small = open_dem(path, "ellipsoid")
        terrain = Terrain(grid=whole.grid, orbit=whole.orbit, dem=small, partial=True)
        assert np.isfinite(terrain.lines(30, 60).height[:, 250:450]).all()
        assert np.isnan(terrain.lines(0, 96).height).any()

    def test_an_orbit_of_another_day(self, tmp_path):
        terrain = scene(tmp_path)
        other = circular_orbit(10.0, 9, start=980.0, epoch=np.datetime64("2024-03-01", "D"))
        with pytest.raises(AlignsarError, match="count from"):
            Terrain(grid=terrain.grid, orbit=other, dem=terrain.dem)

    def test_a_grid_that_does_not_reach_the_ground(self, tmp_path):
        terrain = scene(tmp_path)
        high = grid(first_slant_range=500e3, **SIZE)
        with pytest.raises(AlignsarError, match="do not meet the ground"):
            Terrain(grid=high, orbit=terrain.orbit, dem=terrain.dem)
