"""Simulated Sentinel-1 passes: planned, written as SAFE products and orbit files, and read back."""

import hashlib
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rasterio
from fake_safe import FakeSafe, write_safe

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.baselines import baseline_components
from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar, incidence_angle
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.products.sentinel1.burst_id import ascending_node, burst_number, relative_orbit_at
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.sentinel1.relative_orbit import sentinel1_relative_orbit
from alignsar_gpu.products.sentinel1.safe import is_simulated, open_safe
from alignsar_gpu.products.sentinel1.verify import verify_files
from alignsar_gpu.simulate.orbit import CircularPass
from alignsar_gpu.simulate.safe import product as safe_product
from alignsar_gpu.simulate.safe.measurement_writer import MeasurementWriter
from alignsar_gpu.simulate.safe.orbit_eof import write_orbit
from alignsar_gpu.simulate.safe.plan.iw_mode import WAVELENGTH
from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
from alignsar_gpu.simulate.safe.plan.passes import find_track
from alignsar_gpu.simulate.safe.planning import plan_passes
from alignsar_gpu.simulate.safe.product import (
    copy_metadata,
    finish_product,
    measurement_path,
    measurement_writer,
    write_metadata,
)

INTERVAL = 2.055556299999998e-3
SMALL = PassParameters(
    longitude=5.8,
    latitude=52.05,
    pass_direction="ascending",
    first_day=np.datetime64("2022-01-01"),
    dates=3,
    bursts=2,
    lines=100,
    samples=200,
    mean_height=60.0,
    baselines=(0.0, 120.0, -75.0),
    seed=3,
)
FULL = replace(
    SMALL, lines=1500, samples=64, bursts=3, subswaths=("IW1", "IW2", "IW3"), polarizations=("vv",)
)
PLACES = {
    "Otterlo ascending": {},
    "Morocco descending": {"longitude": -8.0, "latitude": 31.0, "pass_direction": "descending"},
    "antimeridian, equator": {"longitude": 179.99, "latitude": 0.0},
    "over the node": {"longitude": 179.99, "latitude": 1.1},
    "south": {"longitude": 20.0, "latitude": -70.0},
    "north": {"longitude": 20.0, "latitude": 79.0, "pass_direction": "descending"},
}


@pytest.fixture(scope="module")
def plans():
    return plan_passes(SMALL)


@pytest.fixture(scope="module")
def folder(plans, tmp_path_factory):
    """The products of `plans` without pixels, and their orbit files in a folder."""
    parent = tmp_path_factory.mktemp("simulated")
    for plan in plans:
        write_metadata(plan, parent)
        write_orbit(plan, parent / "orbits")
    return parent


def safe_of(plan, folder):
    return folder / f"{plan.product_id}.SAFE"


def fill(safe, plan):
    """Write pixels that say where they are, and return those of a subswath and polarization by name."""
    images = {}
    for swath in plan.swaths:
        for name in plan.parameters.polarizations:
            size = swath.image_lines, swath.samples, 2
            images[swath.name, name] = np.arange(np.prod(size)).reshape(size).astype(np.int16) - len(name)
            with measurement_writer(safe, swath.name, name) as writer:
                for first in range(0, swath.image_lines, 30):
                    writer.write(first, images[swath.name, name][first : first + 30])
    finish_product(safe)
    return images


def contents(folder):
    """Names and hashes of all files below a folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def planned_bursts(plan):
    return [(swath, index, burst) for swath in plan.swaths for index, burst in enumerate(swath.bursts)]


def test_they_say_that_they_are_simulated(plans, folder, tmp_path):
    """By a file of its own or by the manifest, as a folder and as a zip; not a product without either."""
    safe = tmp_path / safe_of(plans[0], folder).name
    shutil.copytree(safe_of(plans[0], folder), safe)
    assert is_simulated(open_safe(Path(shutil.make_archive(safe, "zip", tmp_path, safe.name))))
    text = (safe / "SIMULATED.txt").read_text()
    (safe / "SIMULATED.txt").unlink()
    assert is_simulated(open_safe(safe))
    manifest = (safe / "manifest.safe").read_text()
    (safe / "manifest.safe").write_text(manifest.replace("alignsar_gpu simulator", "Some facility"))
    assert not is_simulated(open_safe(safe))
    product = open_sentinel1(safe)
    assert (product.platform, product.processor) == ("Sentinel-1A", "Sentinel-1 IPF 003.71")
    assert product.facts["simulated"] is False
    (safe / "SIMULATED.txt").write_text(text)
    assert open_sentinel1(safe).facts["simulated"] is True


def test_read_back_as_planned(plans, folder):
    for plan in plans:
        product = open_sentinel1(safe_of(plan, folder))
        assert product.platform == "Simulated Sentinel-1A"
        assert product.processor == "alignsar_gpu simulator"
        assert product.facts["ipf_version"] == "003.71"
        assert product.facts["simulated"] is True
        assert (product.absolute_orbit, product.relative_orbit) == (plan.absolute_orbit, plan.relative_orbit)
        assert product.pass_direction == "ascending"
        assert product.polarizations == ("vv", "vh")
        assert product.facts["burst_ids_from"] == "annotation"
        assert product.facts["node_relative_orbit"] == plan.relative_orbit
        assert product.facts["node_relative_orbit_from"] == "state vectors"
        assert product.bursts[0].grid.epoch == plan.epoch
        for burst, (swath, index, planned) in zip(product.bursts, planned_bursts(plan), strict=True):
            assert burst.grid.first_azimuth_time == planned.azimuth_time
            assert burst.grid.azimuth_interval == INTERVAL
            assert burst.grid.first_slant_range == pytest.approx(
                299792458.0 / 2 * swath.slant_range_time, abs=1e-9
            )
            assert burst.grid.shape == (100, 200)
            assert burst.valid == planned.valid
            assert burst.burst_id == f"t088_{planned.number:06d}_{swath.name.lower()}"
            rate, centroid = burst.azimuth_fm_rate, burst.channels["vh"].doppler_centroid
            np.testing.assert_allclose(
                rate.coefficients, swath.azimuth_fm_rates[index + 1].coefficients, rtol=1e-14
            )
            np.testing.assert_allclose(
                centroid.coefficients, swath.doppler_centroids[index + 1].coefficients, rtol=1e-14
            )
            middle = burst.grid.azimuth_time(49.5)
            assert rate.azimuth_time == centroid.azimuth_time == pytest.approx(middle, abs=1e-6)
            assert np.abs(centroid.at(burst.grid.slant_range(np.array([0, 199])))).max() < 10.0
            for name, channel in burst.channels.items():
                check_tables(channel, swath, name)


def check_tables(channel, swath, name):
    calibration, planned = channel.calibration, swath.calibration[name]
    np.testing.assert_array_equal(calibration.azimuth_time, planned.azimuth_time)
    np.testing.assert_allclose(calibration.sigma_nought, planned.sigma_nought, rtol=1e-6)
    np.testing.assert_allclose(calibration.beta_nought, planned.beta_nought, rtol=1e-6)
    np.testing.assert_allclose(calibration.gamma_nought, planned.gamma_nought, rtol=1e-6)
    noise, planned = channel.noise, swath.noise[name]
    np.testing.assert_array_equal(noise.azimuth_time, planned.azimuth_time)
    np.testing.assert_allclose(noise.range_power, planned.power, rtol=1e-6)
    (block,) = noise.azimuth
    assert (block.first_line, block.last_line) == (0, 199)
    np.testing.assert_array_equal(block.line, planned.azimuth_line)
    np.testing.assert_allclose(block.factor, planned.factor, rtol=1e-6)


@pytest.mark.parametrize("annotated", [True, False], ids=["annotation", "EOF"])
def test_orbits_are_the_true_pass(plans, folder, annotated):
    for plan in plans:
        orbits = None if annotated else folder / "orbits"
        orbit = open_sentinel1(safe_of(plan, folder), orbits=orbits).orbit
        assert orbit.source.startswith("annotation" if annotated else "RESORB")
        assert orbit.time[0] <= plan.start - 70.0
        assert orbit.time[-1] >= plan.stop + 70.0
        np.testing.assert_array_equal(np.diff(orbit.time), 10.0)
        np.testing.assert_allclose(orbit.position, plan.true_pass.position(orbit.time), rtol=0, atol=1e-6)
        np.testing.assert_allclose(orbit.velocity, plan.true_pass.velocity(orbit.time), rtol=0, atol=1e-6)


def test_pass_is_the_same_from_any_place_on_it():
    """Argument of latitude and node longitude go on as the pass does, and have the defaults that they had."""
    default = CircularPass(centre_time=500.0)
    later = CircularPass(
        centre_time=620.0,
        argument_of_latitude=np.radians(50.42) + 2.0 * np.pi * 175 / (12 * 86400) * 120.0,
        node_longitude=np.radians(9.73) - 7.292115e-5 * 120.0,
    )
    np.testing.assert_allclose(later.position(430.0), default.position(430.0), rtol=0, atol=1e-6)
    np.testing.assert_allclose(later.velocity(700.0), default.velocity(700.0), rtol=0, atol=1e-9)


@pytest.mark.parametrize("place", PLACES)
def test_geolocation_grid_is_where_the_pipeline_says(tmp_path, place):
    for plan in plan_passes(replace(SMALL, dates=2, baselines=None, **PLACES[place])):
        product = open_sentinel1(write_metadata(plan, tmp_path))
        assert product.relative_orbit == product.facts["node_relative_orbit"]
        for swath in plan.swaths:
            grid = swath.geolocation
            assert np.abs(grid.longitude).max() <= 180.0
            assert grid.line.tolist() == [0, 100, 199]
            where = grid.longitude, grid.latitude, 60.0, plan.start
            time, slant_range = ground_to_radar(product.orbit, *where)
            expected = np.broadcast_to(grid.azimuth_time[:, np.newaxis], time.shape)
            np.testing.assert_allclose(time, expected, rtol=0, atol=1e-5)
            expected = np.broadcast_to(299792458.0 / 2 * grid.slant_range_time, time.shape)
            np.testing.assert_allclose(slant_range, expected, rtol=0, atol=1e-3)
            np.testing.assert_allclose(
                grid.incidence, incidence_angle(product.orbit, *where), rtol=0, atol=1e-4
            )


@pytest.mark.parametrize("samples", [200, 24_000], ids=["narrow", "wide"])
def test_fm_rates_are_those_of_the_true_ranges(samples):
    step, ends = 0.1, (samples - 1) * np.array([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
    for plan in plan_passes(replace(SMALL, samples=samples)):
        orbit = plan.true_pass.state_vectors(plan.start, plan.stop, plan.epoch)
        for swath, index, burst in planned_bursts(plan):
            middle = burst.azimuth_time + 49.5 * INTERVAL
            slant_range = 299792458.0 / 2 * (swath.slant_range_time + ends / 64.34523812571428e6)
            place = radar_to_ground(orbit, np.full(len(ends), middle), slant_range, 60.0, "right")
            points = geodetic_to_ecef(*place, 60.0)
            before, here, after = (
                np.linalg.norm(points - plan.true_pass.position(middle + shift), axis=-1)
                for shift in (-step, 0.0, step)
            )
            true = -2.0 / WAVELENGTH * (before - 2.0 * here + after) / step**2
            found = swath.azimuth_fm_rates[index + 1].at(slant_range)
            np.testing.assert_allclose(found, true, rtol=0, atol=0.05)


def test_baselines_in_the_middle_are_as_asked(plans, folder):
    orbits = [open_sentinel1(safe_of(plan, folder)).orbit for plan in plans]
    for plan, orbit, wanted in zip(plans, orbits, SMALL.baselines, strict=True):
        found = baseline_components(orbits[0], orbit, 5.8, 52.05, 60.0)
        assert float(found.perpendicular) == pytest.approx(wanted, abs=0.1)
        assert plan.perpendicular_baseline == pytest.approx(float(found.perpendicular), abs=1e-3)
        assert abs(float(found.parallel)) < 21.0


def test_drawn_baselines_count_from_the_reference():
    drawn = plan_passes(replace(SMALL, baselines=None, reference=1, bursts=1))
    apart = [plan.perpendicular_baseline for plan in drawn]
    assert apart[1] == 0.0
    assert 1.0 < min(abs(apart[0]), abs(apart[2])) <= max(map(abs, apart)) <= 151.0
    assert drawn[1].true_pass.offset == (0.0, 0.0, 0.0)


def test_bursts_meet_the_ground_within_four_milliseconds():
    plans = plan_passes(replace(SMALL, dates=10, baselines=None))
    orbits = [plan.true_pass.state_vectors(plan.start, plan.stop, plan.epoch) for plan in plans]
    apart = []
    for plan, orbit in zip(plans[1:], orbits[1:], strict=True):
        for k, swath in enumerate(plan.swaths):
            slant_range = 299792458.0 / 2 * (swath.slant_range_time + 99.5 / 64.34523812571428e6)
            for one, other in zip(plans[0].swaths[k].bursts, swath.bursts, strict=True):
                place = radar_to_ground(orbits[0], one.azimuth_time, slant_range, 60.0, "right")
                apart.append(other.azimuth_time - ground_to_radar(orbit, *place, 60.0, plan.start)[0])
    late = np.array(apart)
    assert np.abs(late).max() < 4e-3
    assert late.min() < -1e-3
    assert late.max() > 1e-3
    assert np.ptp(late / INTERVAL % 1.0) > 0.5, "bursts of all dates begin at the same fraction of a line"


def test_all_lines_of_a_date_lie_on_one_grid(plans):
    for plan in plans:
        first = plan.swaths[0].bursts[0].azimuth_time
        lines = [(burst.azimuth_time - first) / INTERVAL for _, _, burst in planned_bursts(plan)]
        np.testing.assert_allclose(lines, np.round(lines), rtol=0, atol=1e-3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "parameters", [SMALL, replace(SMALL, lines=700), FULL], ids=["small", "medium", "full"]
)
def test_bursts_and_subswaths_overlap(parameters, seed):
    for plan in plan_passes(replace(parameters, seed=seed)):
        for swath in plan.swaths:
            for one, other in zip(swath.bursts[:-1], swath.bursts[1:], strict=True):
                end = one.azimuth_time + one.valid[0].stop * INTERVAL
                shared = (end - other.azimuth_time) / INTERVAL - other.valid[0].start
                assert max(32, 0.06 * parameters.lines) <= shared <= max(60, 0.15 * parameters.lines)
        for near, far in zip(plan.swaths[:-1], plan.swaths[1:], strict=True):
            step = (far.slant_range_time - near.slant_range_time) * 64.34523812571428e6
            assert step == pytest.approx(round(step), abs=1e-6)
            shared = near.bursts[0].valid[1].stop - far.bursts[0].valid[1].start - step
            assert 7.99 <= shared <= max(14, 0.05 * parameters.samples)


def test_subswaths_are_sensed_one_after_the_other():
    (plan,) = plan_passes(replace(FULL, dates=1, baselines=None))
    times = sorted(
        (burst.sensing_time, 2.0 * (burst.azimuth_time + 0.5 * 1499 * INTERVAL - burst.sensing_time))
        for _, _, burst in planned_bursts(plan)
    )
    for (start, length), (following, _) in pairwise(times):
        assert 0.6 < length < 1.1
        assert start + length <= following


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("platform", ["Sentinel-1A", "Sentinel-1B", "Sentinel-1C", "Sentinel-1D"])
def test_burst_numbers_of_full_bursts_are_esas(platform, place):
    day = np.datetime64("2026-04-20" if platform.endswith("D") else "2025-05-01")
    parameters = replace(FULL, platform=platform, first_day=day, dates=2, baselines=None, **PLACES[place])
    plans = plan_passes(parameters)
    for plan in plans:
        for swath, _, burst in planned_bursts(plan):
            since_node = burst.sensing_time - plan.node_time
            assert burst.number == burst_number("IW", swath.name, since_node, plan.relative_orbit)
        assert plan.relative_orbit == sentinel1_relative_orbit(platform, plan.absolute_orbit)
        orbit = plan.true_pass.state_vectors(plan.start, plan.stop, plan.epoch)
        track, off = relative_orbit_at(ascending_node(orbit, plan.start).longitude)
        assert track == plan.relative_orbit
        assert abs(off) < 0.2  # a circle is not how the Earth pulls: up to 45 s and 0.13 tracks in an orbit
        assert 0.0 <= plan.start - plan.node_time < 5925.0
    assert len({tuple(burst.number for _, _, burst in planned_bursts(plan)) for plan in plans}) == 1


def test_burst_numbers_of_short_bursts_count_up(plans):
    for plan in plans:
        first = plan.swaths[0].bursts[0]
        since_node = first.sensing_time - plan.node_time
        assert first.number == burst_number("IW", "IW1", since_node, plan.relative_orbit)
        assert [burst.number - first.number for _, _, burst in planned_bursts(plan)] == [0, 1, 0, 1]


def test_days_and_orbits_are_those_of_the_satellite():
    """Sentinel-1A saw 50.8 N 8.0 E on orbit 41387, track 15, on 2022-01-09 at 17:17 UTC."""
    parameters = replace(
        SMALL, longitude=8.0, latitude=50.8, first_day=np.datetime64("2022-01-09"), revisit_days=24
    )
    plans = plan_passes(parameters)
    assert [plan.absolute_orbit for plan in plans] == [41387, 41387 + 350, 41387 + 700]
    assert [plan.relative_orbit for plan in plans] == [15, 15, 15]
    assert [str(plan.epoch)[:10] for plan in plans] == ["2022-01-09", "2022-02-02", "2022-02-26"]
    for plan in plans:
        assert plan.start == pytest.approx(17 * 3600 + 17 * 60, abs=60.0)
    (later,) = plan_passes(
        replace(parameters, first_day=np.datetime64("2022-01-10"), dates=1, baselines=None)
    )
    assert later.absolute_orbit == 41387 + 175


def test_incidence_and_footprint(plans):
    track = find_track(SMALL)
    assert 30.0 <= track.incidence <= 45.0
    assert track.relative_orbit in {15, 88}
    for plan in plans:
        low, high = plan.footprint.min(axis=0), plan.footprint.max(axis=0)
        assert np.all(low < (5.8, 52.05))
        assert np.all(high > (5.8, 52.05))
        for swath in plan.swaths:
            assert low[0] - 1e-9 <= swath.geolocation.longitude.min()
            assert high[1] + 1e-9 >= swath.geolocation.latitude.max()
            assert 30.0 < swath.mid_incidence < 45.0


def test_scene_at_midnight(tmp_path):
    """A product that begins before midnight counts from the day that it begins on."""
    parameters = replace(
        FULL, longitude=-88.0, latitude=20.0, subswaths=("IW1", "IW2"), dates=2, baselines=None
    )
    for plan in plan_passes(parameters):
        assert plan.start < 86400.0 < plan.stop
        assert plan.node_time < plan.start
        product = open_sentinel1(write_metadata(plan, tmp_path), orbits=write_orbit(plan, tmp_path).parent)
        assert product.bursts[0].grid.first_azimuth_time == plan.swaths[0].bursts[0].azimuth_time
        np.testing.assert_allclose(
            product.orbit.position, plan.true_pass.position(product.orbit.time), rtol=0, atol=1e-6
        )


def test_calibration_follows_the_incidence_angle(plans):
    levels = set()
    for plan in plans:
        for swath in plan.swaths:
            for table in swath.calibration.values():
                ratio = (table.beta_nought / table.sigma_nought) ** 2
                incidence = np.degrees(np.arcsin(ratio[0]))
                expected = np.interp(table.pixel, swath.geolocation.pixel, swath.geolocation.incidence[0])
                np.testing.assert_allclose(incidence, expected, rtol=0, atol=1e-3)
                tangent = (table.beta_nought / table.gamma_nought) ** 2
                np.testing.assert_allclose(np.degrees(np.arctan(tangent[0])), incidence, rtol=0, atol=1e-9)
                assert 0.0 < np.ptp(table.beta_nought) / table.beta_nought[0, 0] < 0.0041
                assert np.all(np.diff(table.line) > 0)
                assert table.azimuth_time[0] <= swath.first_time
                assert table.azimuth_time[-1] >= swath.last_time
                levels.add(round(float(table.beta_nought[0, 0]), 6))
    assert len(levels) == 6, "dates and polarizations cannot be told apart"
    assert min(levels) == 237.0


def test_noise_has_the_asked_level_and_is_descalloped():
    (plan,) = plan_passes(replace(FULL, samples=2000, dates=1, baselines=None, noise_equivalent_sigma0=-22.0))
    for swath in plan.swaths:
        noise, calibration = swath.noise["vv"], swath.calibration["vv"]
        amplitude = [
            np.interp(noise.azimuth_time[1], calibration.azimuth_time, c) for c in calibration.sigma_nought.T
        ]
        level = 10.0 * np.log10(noise.power[1] / np.array(amplitude) ** 2)
        assert level.mean() == pytest.approx(-22.0, abs=0.1)
        assert 2.0 < np.ptp(level) < 3.0
        factor = noise.factor[: len(noise.factor) // 3]
        np.testing.assert_array_equal(noise.factor, np.tile(factor, 3))
        assert factor.min() == pytest.approx(1.0, abs=1e-4)
        assert 1.1 < factor[0] < 1.2  # ESA's of 2023-09-04: 1.17, 1.13, 1.14
        assert noise.line.tolist() == [0, 1500, 3000, 4500]


def test_same_seed_same_bytes(plans, folder, tmp_path):
    for plan in plan_passes(SMALL):
        write_metadata(plan, tmp_path)
        write_orbit(plan, tmp_path / "orbits")
    assert contents(tmp_path) == contents(folder)
    safe = safe_of(plans[0], tmp_path)
    fill(safe, plans[0])
    shutil.copytree(safe_of(plans[0], folder), tmp_path / "again" / safe.name)
    fill(tmp_path / "again" / safe.name, plans[0])
    assert contents(safe) == contents(tmp_path / "again" / safe.name)
    others = plan_passes(replace(SMALL, seed=4))
    assert not {plan.product_id for plan in others} & {plan.product_id for plan in plans}
    assert len({plan.product_id for plan in plans}) == 3


def test_more_dates_change_none_of_the_others(plans):
    more = plan_passes(replace(SMALL, dates=4, baselines=(*SMALL.baselines, 10.0)))
    assert [plan.product_id for plan in more[:3]] == [plan.product_id for plan in plans]


def test_the_manifest_states_true_sums_before_and_after_there_are_pixels(
    plans, folder, tmp_path, monkeypatch
):
    """What has just been written is not read again to check it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    safe = shutil.copytree(safe_of(plans[0], folder), tmp_path / f"{plans[0].product_id}.SAFE")
    assert open_sentinel1(safe, verify=True).bursts
    fill(safe, plans[0])
    renamed = open_safe(safe.rename(tmp_path / "renamed.SAFE"), verify=True)
    assert sum(name.startswith("measurement/") for name in renamed.sums) == 4
    assert verify_files(renamed, renamed.names) == 0
    assert open_sentinel1(renamed.path, verify=True).bursts


def test_pixels_come_back(plans, folder, tmp_path):
    safe = shutil.copytree(safe_of(plans[0], folder), tmp_path / f"{plans[0].product_id}.SAFE")
    images = fill(safe, plans[0])
    assert not list(safe.rglob("*.part"))
    product = open_sentinel1(safe, verify=True)
    for burst in product.bursts:
        for name in ("vv", "vh"):
            rows = slice(100 * burst.index, 100 * (burst.index + 1))
            whole = images[burst.swath, name][rows].astype(float)
            read = burst.read(name, slice(0, 100), slice(0, 200))
            np.testing.assert_array_equal(read, whole[..., 0] + 1j * whole[..., 1])
    listed = re.findall(
        r'size="(\d+)">\s*<fileLocation[^>]*href="\./([^"]+)"[^>]*>\s*<checksum[^>]*>(\w+)<',
        (safe / "manifest.safe").read_text(),
    )
    assert len(listed) == 4 * (3 + 1)
    for size, name, digest in listed:
        content = (safe / name).read_bytes()
        assert (int(size), digest) == (len(content), hashlib.md5(content).hexdigest())
    tiff = measurement_path(safe, "iw1", "VV")
    offsets = re.findall(r"<byteOffset>(\d+)<", (safe / "annotation" / f"{tiff.stem}.xml").read_text())
    for index, offset in enumerate(map(int, offsets)):
        line = np.frombuffer(tiff.read_bytes()[offset : offset + 800], "<i2").reshape(200, 2)
        np.testing.assert_array_equal(line, images["IW1", "vv"][100 * index])
    with rasterio.open(tiff) as raster:
        points, system = raster.gcps
        assert raster.block_shapes == [(1, 200)]
        assert raster.dtypes == ("complex_int16",)
    grid = plans[0].swaths[0].geolocation
    assert system.to_epsg() == 4326
    np.testing.assert_allclose([point.x for point in points], grid.longitude.ravel(), rtol=1e-12)
    np.testing.assert_allclose([point.row for point in points], np.repeat(grid.line, len(grid.pixel)))


def test_opens_like_esas(plans, folder, tmp_path):
    """GDAL and xarray-sentinel find everything; annotations are what ESA's schemas allow."""
    safe = shutil.copytree(safe_of(plans[1], folder), tmp_path / f"{plans[1].product_id}.SAFE")
    fill(safe, plans[1])
    with rasterio.open(safe / "manifest.safe") as raster:
        assert raster.driver == "SAFE"
        assert (raster.shape, raster.count) == ((200, 200), 2)
        assert raster.tags()["SWATH"] == "IW1"
    sentinel = pytest.importorskip("xarray_sentinel")
    groups = sentinel.open_sentinel1_dataset(safe).attrs["subgroups"]
    assert len(groups) == 2 + 2 * 2 * (1 + 5 + 3)
    for group in groups:
        dataset = sentinel.open_sentinel1_dataset(safe, group=group)
        assert dataset.attrs["relative_orbit_number"] == plans[1].relative_orbit
        for name in dataset.data_vars:
            assert np.isfinite(dataset[name]).all(), (group, name)
    swath = plans[1].swaths[1]
    burst = sentinel.open_sentinel1_dataset(safe, group="IW2/VH/1")
    assert burst.attrs["burst_id"] == swath.bursts[1].number
    assert burst.attrs["azimuth_anx_time"] == pytest.approx(
        swath.bursts[1].azimuth_time - plans[1].node_time, abs=2e-6
    )
    assert burst.measurement.shape == (100, 200)
    attitude = sentinel.open_sentinel1_dataset(safe, group="IW1/VV/attitude")
    quaternions = np.stack([attitude[f"q{k}"] for k in range(4)])
    np.testing.assert_allclose(np.sum(quaternions**2, axis=0), 1.0)
    esa = pytest.importorskip("xarray_sentinel.esa_safe")
    for pattern, schema in (
        ("*.xml", "annotation"),
        ("*/calibration-*", "calibration"),
        ("*/noise-*", "noise"),
    ):
        files = list((safe / "annotation").glob(pattern))
        assert len(files) == 4
        for file in files:
            assert not [error.reason for error in esa.cached_sentinel1_schemas(schema).iter_errors(str(file))]


def test_names_are_like_esas(plans, folder):
    for plan in plans:
        start, stop = (
            str(plan.epoch + np.timedelta64(int(time * 1e6), "us"))[:19].replace("-", "").replace(":", "")
            for time in (plan.start, plan.stop)
        )
        orbit, take = f"{plan.absolute_orbit:06d}", f"{plan.absolute_orbit * 8:06X}"
        assert re.fullmatch(f"S1A_IW_SLC__1SDV_{start}_{stop}_{orbit}_{take}_[0-9A-F]{{4}}", plan.product_id)
        names = sorted(file.name for file in (safe_of(plan, folder) / "annotation").glob("*.xml"))
        kinds = [(name[:15], name[-7:-4]) for name in names]
        assert kinds == [
            ("s1a-iw1-slc-vh-", "001"),
            ("s1a-iw1-slc-vv-", "003"),
            ("s1a-iw2-slc-vh-", "002"),
            ("s1a-iw2-slc-vv-", "004"),
        ]
        assert all(
            re.fullmatch(rf"[\dt]{{15}}-[\dt]{{15}}-{orbit}-{take.lower()}", name[15:-8]) for name in names
        )
        for kind in ("calibration", "noise"):
            own = {
                file.name for file in (safe_of(plan, folder) / "annotation" / "calibration").glob(f"{kind}-*")
            }
            assert own == {f"{kind}-{name}" for name in names}


def test_nobody_takes_it_for_esas(plans, folder):
    manifest = (safe_of(plans[0], folder) / "manifest.safe").read_text()
    assert 'organisation="simulated by alignsar_gpu, not an ESA product"' in manifest
    assert 'organisation="ESA"' not in manifest
    note = (safe_of(plans[0], folder) / "SIMULATED.txt").read_text()
    assert "not an ESA" in " ".join(note.split())
    for file in (folder / "orbits").iterdir():
        assert "Simulated by alignsar_gpu" in file.read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subswaths": ("IW1", "EW2")}, "'EW2' is not one of IW1, IW2, IW3"),
        ({"subswaths": ("IW1", "IW3")}, "are not neighbours"),
        ({"subswaths": ("IW2", "IW1")}, "are not neighbours"),
        ({"subswaths": ()}, "subswaths none"),
        ({"lines": 50}, "lines 50 is not between 80 and"),
        ({"samples": 10}, "samples 10 is not between"),
        ({"bursts": 0}, "bursts 0 is not between"),
        ({"dates": 0}, "dates 0 is not between"),
        ({"latitude": 80.5}, "latitude 80.5 is beyond 80 degrees"),
        ({"latitude": float("nan")}, "latitude nan is beyond"),
        ({"longitude": 200.0}, "longitude 200 is not between"),
        ({"mean_height": 20_000.0}, "mean_height 20000 is not between"),
        ({"platform": "Sentinel-2A"}, "'Sentinel-2A' is not one of Sentinel-1A"),
        ({"pass_direction": "up"}, "'up' is not one of ascending, descending"),
        ({"revisit_days": 6}, "revisit_days 6 is no multiple of the 12 days"),
        ({"polarizations": ("vv", "hh")}, "polarizations vv, hh are not one of those"),
        ({"baselines": (0.0, 10.0)}, "2 baselines for 3 dates"),
        ({"baselines": (5.0, 10.0, 20.0)}, "the baseline of the reference date is 5 m"),
        ({"baselines": (0.0, float("inf"), 20.0)}, "baselines inf is not between"),
        ({"reference": 3}, "reference 3 is not between 0 and 2"),
        ({"noise_equivalent_sigma0": 10.0}, "noise_equivalent_sigma0 10 is not between"),
        ({"seed": -1}, "seed -1 is not between"),
        ({"platform": "Sentinel-1C", "first_day": np.datetime64("2026-06-01")}, "Sentinel-1C left its place"),
    ],
)
def test_refused_parameters(change, said):
    with pytest.raises(AlignsarError, match="simulated passes: ") as raised:
        replace(SMALL, **change)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"latitude": -79.9}, "no ascending track of Sentinel-1 sees longitude 5.8, latitude -79.9"),
        ({"first_day": np.datetime64("2013-01-01")}, "Sentinel-1A did not fly yet on 2013-01-01"),
    ],
)
def test_refused_places_and_days(change, said):
    with pytest.raises(AlignsarError, match=re.escape(said)):
        plan_passes(replace(SMALL, **change))


def test_failing_write_leaves_nothing(plans, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "write_bytes", failing_after(Path.write_bytes, 5))
    with pytest.raises(AlignsarError, match=r"\.SAFE: cannot be written \(No space left"):
        write_metadata(plans[0], tmp_path)
    monkeypatch.undo()
    assert not list(tmp_path.iterdir())
    safe = write_metadata(plans[0], tmp_path)
    before = contents(safe)
    with pytest.raises(AlignsarError, match="exists already"):
        write_metadata(plans[0], tmp_path)
    assert contents(tmp_path) == {f"{safe.name}/{name}": digest for name, digest in before.items()}


def failing_after(function, calls):
    done = []

    def call(*arguments):
        done.append(arguments)
        if len(done) > calls:
            raise OSError(28, "No space left on device")
        return function(*arguments)

    return call


def interrupted(path, pixels):
    with MeasurementWriter(path, 8, 30) as writer:
        writer.write(0, pixels)
        raise ZeroDivisionError


def test_failing_measurement_leaves_nothing(tmp_path):
    path = tmp_path / "measurement" / "image.tiff"
    pixels = np.ones((4, 30, 2), dtype=np.int16)
    with pytest.raises(ZeroDivisionError):
        interrupted(path, pixels)
    assert not list(path.parent.iterdir())
    for first, wrong, said in (
        (1, pixels, "next is 0 of 8"),
        (0, np.ones((9, 30, 2), dtype=np.int16), "lines 0:9 cannot be written"),
        (0, pixels[:, :20], "int16 of shape"),
        (0, pixels.astype(np.float32), "int16 of shape"),
    ):
        with pytest.raises(AlignsarError, match=said), MeasurementWriter(path, 8, 30) as writer:
            writer.write(first, wrong)
        assert not list(path.parent.iterdir())
    with pytest.raises(AlignsarError, match="only 4 of 8 lines"), MeasurementWriter(path, 8, 30) as writer:
        writer.write(0, pixels)
    assert not list(path.parent.iterdir())
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(AlignsarError, match="cannot be written"),
        MeasurementWriter(tmp_path / "file" / "a.tiff", 8, 30),
    ):
        pass
    extremes = np.array([[[-32768, 32767]] * 30] * 8, dtype=np.int16)
    with MeasurementWriter(path, 8, 30) as writer:
        writer.write(0, extremes)
    assert [file.name for file in path.parent.iterdir()] == ["image.tiff"]


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_copied_metadata(tmp_path, zipped):
    fake = FakeSafe(swaths=(1, 2), polarizations=("vv", "vh"))
    root = write_safe(tmp_path, fake)
    rfi = root / "annotation" / "rfi" / f"rfi-{fake.stem(1, 'vv')}.xml"
    rfi.parent.mkdir()
    rfi.write_text("<rfi/>")
    (root / "preview").mkdir()
    (root / "preview" / "quick-look.png").write_bytes(b"picture")
    source = root
    if zipped:
        archive = shutil.make_archive(str(tmp_path / "product"), "zip", tmp_path, root.name)
        source = Path(archive)
    copy = copy_metadata(source, tmp_path / "copies")
    assert copy == tmp_path / "copies" / root.name
    copied = contents(copy)
    note = (copy / "SIMULATED.txt").read_text()
    assert "simulated" in note
    assert "copy" in note
    del copied["SIMULATED.txt"]
    whole = contents(root)
    assert copied == {n: whole[n] for n in whole if not n.startswith(("measurement/", "preview/"))}
    assert rfi.relative_to(root).as_posix() in copied
    assert open_sentinel1(copy).facts["has_pixels"] is False
    assert measurement_path(copy, "IW2", "vh") == copy / "measurement" / f"{fake.stem(2, 'vh')}.tiff"
    with pytest.raises(AlignsarError, match="0 annotations of IW3 VV, not one"):
        measurement_path(copy, "IW3", "vv")
    with pytest.raises(AlignsarError, match="exists already"):
        copy_metadata(source, tmp_path / "copies")
    with pytest.raises(AlignsarError, match="none of the measurements"):
        finish_product(copy)


def test_what_is_no_product_is_not_copied(tmp_path, monkeypatch):
    root = write_safe(tmp_path, FakeSafe())
    with pytest.raises(AlignsarError, match="one annotation is no product"):
        copy_metadata(next((root / "annotation").glob("*.xml")), tmp_path / "copies")
    monkeypatch.setattr(safe_product, "LARGEST_XML", 100)
    with pytest.raises(AlignsarError, match="too many for metadata"):
        copy_metadata(root, tmp_path / "copies")
    monkeypatch.undo()
    (root / "manifest.safe").unlink()
    with pytest.raises(AlignsarError, match="not a whole SAFE product"):
        copy_metadata(root, tmp_path / "copies")
    assert not (tmp_path / "copies").exists()


def test_copied_real_metadata_take_pixels(real_data, tmp_path):
    root = real_data("s1_pair_morocco_20230904_20230916")
    source = next(root.glob("*20230904T063730*.SAFE"))
    copy = copy_metadata(source, tmp_path)
    whole = contents(source)
    assert whole.items() <= contents(copy).items()
    for name in ("vv", "vh"):
        writer = measurement_writer(copy, "IW1", name)
        assert (writer.lines, writer.samples) == (9 * 1507, 23055)
    # a whole image has a gigabyte: a file of the right name is enough to be described
    with MeasurementWriter(measurement_path(copy, "IW1", "vv"), 9 * 1507, 2) as short:
        short.write(0, np.ones((9 * 1507, 2, 2), dtype=np.int16))
    finish_product(copy)
    digest = hashlib.md5(measurement_path(copy, "IW1", "vv").read_bytes()).hexdigest()
    assert digest in (copy / "manifest.safe").read_text()
    changed = {name for name, own in contents(copy).items() if whole.get(name, own) != own}
    assert {Path(name).name.split("-")[1] for name in changed if name != "manifest.safe"} == {"iw1"}
    assert len(changed) == 2
