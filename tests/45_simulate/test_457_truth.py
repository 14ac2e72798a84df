"""The geometry and the truth of simulated products, against the pipeline's own geometry."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from simulated_campaign import Small

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.baselines import baseline_components
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar, incidence_angle
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.simulate.ground.atmosphere import AtmosphereParameters
from alignsar_gpu.simulate.ground.files import write_scene
from alignsar_gpu.simulate.radar.campaign import make_campaign
from alignsar_gpu.simulate.radar.ground_mesh import sight_mesh
from alignsar_gpu.simulate.radar.truth import write_truth

AZIMUTH, RANGE = 1e-5, 1e-3  # s, m: what two geometries may differ by
OFFSET = 2e-4  # lines and samples, in float32


@pytest.fixture(scope="module")
def rough(tmp_path_factory):
    """Two dates over steep mountains with all that moves and delays; errors in time and range."""
    folder = tmp_path_factory.mktemp("rough")
    scene = {
        "relief": 1800.0,
        "roughness": 0.75,
        "terrain_posting": 60.0,
        "bowls": 2,
        "bowl_rate": 2.0,
        "atmosphere": AtmosphereParameters(),
    }
    passes = {"baselines": (0.0, -130.0), "mean_height": 900.0, "samples": 900}
    small = Small(folder, passes=passes, scene=scene, errors=[(0.03, -0.2), (-0.04, 0.1)])
    write_truth(folder / "truth.zarr", small.campaign, small.views, 0, (2, 3), lambda _: None)
    small.truth = {
        burst.name: xr.open_zarr(folder / "truth.zarr", group=burst.name).load()
        for burst in small.views[0].product.bursts
    }
    small.folder = folder
    return small


def test_the_meshes_agree_with_the_geometry_of_the_pipeline(rough):
    mesh = rough.campaign.mesh
    low, high = mesh.box
    u, v, height = np.random.default_rng(7).uniform(low, high, (500, 3)).T
    longitude, latitude = mesh.coordinates(u, v)
    for view in rough.views:
        orbit = view.product.orbit
        time, slant_range = sight_mesh(mesh, view.satellite)(u, v, height) + np.stack([u, v])
        theirs = ground_to_radar(orbit, longitude, latitude, height, time[0])
        assert np.abs(theirs[0] - time).max() < AZIMUTH
        assert np.abs(theirs[1] - slant_range).max() < RANGE
    base = np.full(u.shape, mesh.base_height)
    theirs = incidence_angle(rough.views[0].product.orbit, longitude, latitude, base, u)
    assert np.abs(np.degrees(mesh.incidence(u, v)) - theirs).max() < 1e-5


def test_baselines_are_those_asked_for(rough):
    mesh = rough.campaign.mesh
    u, v = 0.5 * (mesh.coordinates.low + mesh.coordinates.high)
    reference, secondary = (view.product.orbit for view in rough.views)
    found = baseline_components(reference, secondary, *mesh.coordinates(u, v), mesh.base_height)
    assert float(found.perpendicular) == pytest.approx(-130.0, abs=1.0)


def pixel_of(view, burst, longitude, latitude, height):
    """Where the pipeline sees points in a burst; times and ranges as they truly are."""
    grid = burst.grid
    time, slant_range = ground_to_radar(
        view.product.orbit, longitude, latitude, height, grid.first_azimuth_time + 0.3
    )
    line = (time + view.azimuth_error - grid.first_azimuth_time) / grid.azimuth_interval
    return line, (slant_range + view.range_error - grid.first_slant_range) / grid.range_spacing


def test_ground_and_offsets_are_where_the_pipeline_sees_them(rough):
    """The height in the truth is that before motion; delays (at most some centimetres) are known and added."""
    reference, secondary = rough.views
    for burst in reference.product.bursts:
        truth = rough.truth[burst.name]
        other = next(b for b in secondary.product.bursts if b.burst_id == burst.burst_id)
        longitude, latitude = truth.longitude.values, truth.latitude.values
        height = truth.height.values.astype(np.float64)
        lines, samples = burst.valid
        valid = (truth.line.values >= lines.start) & (truth.line.values < lines.stop)
        across = (truth["sample"].values >= samples.start) & (truth["sample"].values < samples.stop)
        assert np.isfinite(height[np.ix_(valid, across)]).mean() > 0.99
        spacing = burst.grid.range_spacing
        line, sample = pixel_of(reference, burst, longitude, latitude, height)
        delay = truth.delay.values.astype(np.float64)
        assert np.nanmax(np.abs(line - truth.line.values[:, np.newaxis])) < OFFSET
        assert np.nanmax(np.abs(sample + delay[0] / spacing - truth["sample"].values)) < OFFSET
        there, beside = pixel_of(secondary, other, longitude, latitude, height)
        apart = there - truth.line.values[:, np.newaxis]
        assert np.nanmax(np.abs(truth.line_offset.values[1] - apart)) < OFFSET
        # The ground moves towards the satellite, which shortens the range.
        moved = (delay[1] - truth.displacement.values[1]) / spacing
        apart = beside + moved - truth["sample"].values
        assert np.nanmax(np.abs(truth.sample_offset.values[1] - apart)) < OFFSET
        for name in ("line_offset", "sample_offset", "flattened_phase", "displacement"):
            assert np.nanmax(np.abs(truth[name].values[0])) == 0.0


def test_the_flattened_phase_is_motion_and_delay(rough):
    reference = rough.views[0]
    for burst in reference.product.bursts:
        truth = rough.truth[burst.name]
        delay, moved = (truth[name].values.astype(np.float64) for name in ("delay", "displacement"))
        expected = 4.0 * np.pi / burst.grid.wavelength * (delay[1] - delay[0] - moved[1])
        assert np.nanmax(np.abs(truth.flattened_phase.values[1] - expected)) < 1e-3
        cosine = np.cos(
            np.radians(
                incidence_angle(
                    reference.product.orbit,
                    truth.longitude.values,
                    truth.latitude.values,
                    truth.height.values.astype(np.float64),
                    burst.grid.first_azimuth_time,
                )
            )
        )
        known = np.isfinite(cosine)
        up = rough.scene.motion(1).sample(truth.longitude.values[known], truth.latitude.values[known])
        assert np.abs(moved[1][known] - up * cosine[known]).max() < 1e-5
        zenith = rough.scene.delay(1).zenith(
            truth.longitude.values[known], truth.latitude.values[known], truth.height.values[known]
        )
        assert np.abs(delay[1][known] - zenith / cosine[known]).max() < 2e-5


def test_layover_and_shadow_agree_with_the_terrain_of_the_pipeline(rough):
    write_scene(rough.scene, rough.folder / "scene")
    dem = open_dem([rough.folder / "scene" / "dem.tif"], "ellipsoid")
    view = rough.views[0]
    compared = set()
    for burst in view.product.bursts:
        shifted = replace(
            burst.grid,
            first_azimuth_time=burst.grid.first_azimuth_time - view.azimuth_error,
            first_slant_range=burst.grid.first_slant_range - view.range_error,
        )
        terrain = Terrain(grid=shifted, orbit=view.product.orbit, dem=dem, partial=True)
        drawn = terrain.lines(0, shifted.lines, np)
        truth = rough.truth[burst.name]
        theirs = drawn.flags[::2, ::3]
        ours = truth.layover_shadow.values
        known = ours < 4
        for bit in (1, 2):
            both = ((theirs & bit) > 0) & ((ours & bit) > 0) & known
            either = (((theirs & bit) > 0) | ((ours & bit) > 0)) & known
            if either.sum() > 200:
                compared.add(bit)
                assert both.sum() / either.sum() > 0.8, bit
        calm = known & (ours == 0) & (theirs == 0)
        assert calm.mean() > 0.5
        assert np.median(np.abs(drawn.height[::2, ::3][calm] - truth.height.values[calm])) < 0.05
    assert compared


def test_land_cover_and_coherence_are_those_of_the_scene(rough):
    truth = rough.truth[rough.views[0].product.bursts[0].name]
    known = np.isfinite(truth.longitude.values)
    for date in (0, 1):
        cover = rough.scene.cover(date).sample(truth.longitude.values[known], truth.latitude.values[known])
        assert np.array_equal(truth.land_cover.values[date][known], cover)
    kinds = truth.land_cover.values
    table = np.array([float(one.coherence(12.0)) for one in rough.scene.classes])
    same = known & (kinds[0] == kinds[1])
    assert np.allclose(truth.coherence.values[1][same], table[kinds[0][same]])
    assert not truth.coherence.values[1][known & ~same].any()
    assert np.all(truth.coherence.values[0][known] == 1.0)


def test_a_scene_too_small_is_refused(rough):
    heights = rough.scene.heights
    cut = replace(heights, values=np.ascontiguousarray(heights.values[:, : heights.shape[1] // 2]))
    scene = replace(rough.scene, heights=cut)
    campaign = make_campaign(rough.views, 0, scene, 3, 2)
    with pytest.raises(AlignsarError, match="terrain"):
        write_truth(rough.folder / "none.zarr", campaign, rough.views, 0, (2, 3), lambda _: None)


def test_a_scene_across_the_antimeridian(tmp_path):
    passes = {"dates": 2, "bursts": 2, "lines": 120, "samples": 300}
    small = Small(tmp_path, passes=passes, scene={"relief": 100.0}, longitude=179.995, latitude=-16.5)
    assert small.scene.bounds.east > 180.0 > small.scene.bounds.west
    write_truth(tmp_path / "truth.zarr", small.campaign, small.views, 0, (1, 1), lambda _: None)
    burst = small.burst()
    truth = xr.open_zarr(tmp_path / "truth.zarr", group=burst.name).load()
    height = truth.height.values.astype(np.float64)
    line, sample = pixel_of(small.views[0], burst, truth.longitude.values, truth.latitude.values, height)
    assert np.nanmax(np.abs(line - truth.line.values[:, np.newaxis])) < OFFSET
    assert np.nanmax(np.abs(sample - truth["sample"].values)) < OFFSET
    assert np.count_nonzero(small.integers()) > 0
