"""The area that a terrain shows, over a DEM: closed form, against layover and shadow as drawn, blocks, holes."""

import numpy as np
import pytest
from alignsar_gpu.kernels import LAYOVER, SHADOW
from rough_terrain import DOPPLER, GENTLE, scene, write_dem

from alignsar_gpu import kernels
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.terrain import terrain as terrain_module
from alignsar_gpu.geometry.terrain.terrain import Terrain


class TestLevelGround:
    @pytest.mark.parametrize(("side", "doppler"), [("right", None), ("left", None), ("right", DOPPLER)])
    def test_has_the_cotangent_of_the_incidence_angle(self, tmp_path, side, doppler):
        """So that beta0 A_beta / A_gamma is gamma0 = beta0 tan(incidence) = sigma0 / cos(incidence)."""
        terrain = scene(tmp_path, side=side, doppler=doppler, steepness=0.0)
        ratio = terrain.area_ratio(0, terrain.grid.lines)
        assert ratio.dtype == np.float32
        assert ratio.shape == terrain.grid.shape
        incidence = np.radians(terrain.lines(0, terrain.grid.lines).incidence.astype(np.float64))
        assert np.abs(ratio * np.tan(incidence) - 1.0).max() < 1e-4

    @pytest.mark.parametrize("post", [1.0, 60.0])
    def test_whatever_the_posting(self, tmp_path, post):
        """Posts closer together than pixels, and far apart: 1e-6 a metre that a facet is spread over evenly."""
        half = 600.0 if post < 10.0 else 9000.0
        terrain = scene(tmp_path, post=post, half=half, steepness=0.0, size={"lines": 20, "samples": 150})
        ratio = terrain.area_ratio(0, 20)
        incidence = np.radians(terrain.lines(0, 20).incidence.astype(np.float64))
        assert np.abs(ratio * np.tan(incidence) - 1.0).max() < 1e-4


class TestRelief:
    def test_goes_with_the_local_incidence_angle_and_the_flags(self, tmp_path):
        terrain = scene(tmp_path, steepness=1.3)
        ratio, drawn = terrain.area_ratio(0, 96), terrain.lines(0, 96)
        shadow, layover = ((drawn.flags & flag) > 0 for flag in (SHADOW, LAYOVER))
        assert shadow.mean() > 0.005
        dark = np.isnan(ratio)
        # apart from edges of shadows, which facets have in steps, and pixels that a second place lights up
        assert (dark & ~shadow).mean() < 0.1 * shadow.mean()
        assert (shadow & ~layover & ~dark).mean() < 0.35 * shadow.mean()
        clear = ~shadow & ~layover & ~dark & (drawn.local_incidence < 85.0)
        assert np.median(ratio[layover & ~dark]) > 2.0 * np.median(ratio[clear])
        local = np.radians(drawn.local_incidence[clear].astype(np.float64))
        assert np.corrcoef(np.log(np.tan(local)), np.log(ratio[clear]))[0, 1] < -0.8

    def test_partial_layover_adds_up(self, tmp_path):
        """Over whole lines the mean of the ratio is that of the sum of all lit facets, layover or not."""
        terrain = scene(tmp_path, steepness=1.0, size={"lines": 40, "samples": 500})
        ratio = terrain.area_ratio(0, 40)
        rows, columns = terrain.window(slice(-1, 41), slice(-1, 501))
        window = terrain.dem.posts(rows, columns)
        seed = np.full(len(window.longitude), float(terrain.grid.azimuth_time(20)))
        table = terrain.orbit.table
        ground = window.longitude, window.latitude, window.height
        time, slant_range = kernels.ground_to_radar(*ground, seed, table)
        pixel = terrain.grid.azimuth_interval * terrain.grid.range_spacing
        points = kernels.sight_points(*ground, time, table, pixel=pixel)
        areas = kernels.facet_areas(points, window.height, 9000.0)
        places = np.stack([terrain.grid.sample(slant_range), terrain.grid.line(time)], axis=-1)
        found = kernels.spread_areas(places, areas, first=0, lines=40, samples=500)
        np.testing.assert_allclose(found, ratio, rtol=1e-6)


class TestBlocks:
    @pytest.mark.parametrize("holes", [False, True])
    def test_any_block_has_the_same_bits(self, tmp_path, holes):
        terrain = scene(tmp_path, holes=holes, steepness=1.2)
        whole = terrain.area_ratio(0, 96)
        assert np.isnan(whole).any()
        for first, stop in [(0, 1), (31, 33), (40, 96)]:
            np.testing.assert_array_equal(terrain.area_ratio(first, stop), whole[first:stop])

    @pytest.mark.parametrize("side", ["right", "left"])
    def test_parts_of_the_samples_show_nowhere(self, tmp_path, monkeypatch, side):
        terrain = scene(tmp_path, side=side, steepness=1.5)
        whole = terrain.area_ratio(0, 96)
        monkeypatch.setattr(terrain_module, "PART_SAMPLES", 90)
        parts = terrain.area_ratio(0, 96)
        np.testing.assert_array_equal(np.isnan(parts), np.isnan(whole))
        np.testing.assert_allclose(parts, whole, rtol=1e-4)


class TestHoles:
    def test_are_not_a_number_to_the_last_pixel_that_they_touch(self, tmp_path):
        terrain = scene(tmp_path, holes=True, steepness=0.0)
        ratio, drawn = terrain.area_ratio(0, 96), terrain.lines(0, 96)
        lost = np.isnan(ratio)
        assert lost[np.isnan(drawn.height)].all()
        assert 0 < (lost & np.isfinite(drawn.height)).sum() < 0.1 * lost.sum()
        # no pixel is too small because half of it has no ground
        known = ~lost
        incidence = np.radians(drawn.incidence[known].astype(np.float64))
        assert np.abs(ratio[known] * np.tan(incidence) - 1.0).max() < 2e-4

    def test_of_a_partial_dem(self, tmp_path):
        whole = scene(tmp_path, steepness=GENTLE)
        centre = [float(a[48, 350]) for a in whole.lines(0, 96)[:2]]
        small = open_dem(
            write_dem(tmp_path / "small.tif", centre, half=1000.0, steepness=GENTLE), "ellipsoid"
        )
        terrain = Terrain(grid=whole.grid, orbit=whole.orbit, dem=small, partial=True)
        ratio = terrain.area_ratio(0, 96)
        assert np.isfinite(ratio[30:60, 250:450]).all()
        assert np.isnan(ratio).any()


def test_nothing_is_computed_before_it_is_asked_for(tmp_path, monkeypatch):
    terrain = scene(tmp_path, steepness=GENTLE)
    monkeypatch.setattr(kernels, "facet_areas", None)
    terrain.lines(0, 4)
    with pytest.raises(TypeError):
        terrain.area_ratio(0, 4)
