"""Whole runs, as a user starts them: the demo, a stack made on the spot, Amsterdam, interruptions, bad input."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
import xarray as xr
import zarr
from command_line import burst_of, checksums, command, refuse, run
from fake_burst import BURSTS, FAKE, write_orbit, write_scene
from fake_safe import write_safe, write_tiff, zip_of
from fake_snap import date_name, write_znap
from synthetic_stack import SyntheticProductsConfig, simulate_stack
from synthetic_stack.assessment import assess

from alignsar_gpu.__main__ import main
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.products.sentinel1.reader import open_sentinel1

MADE = [
    "products=synthetic",
    "name=made",
    "device=cpu",
    "dataset.chunk_lines=96",
    "dataset.chunk_samples=416",
]
SMALL = [*MADE[:3], "products.lines=160", "products.samples=200", "products.dates=3"]
# The demo but for its size: bursts of fewer pixels, and a date less.
DEMO = [
    "+experiment=demo",
    "device=cpu",
    "simulate.lines=320",
    "simulate.samples=800",
    "simulate.dates=3",
    "simulate.azimuth_errors=[0.0,0.03,-0.05]",
    "simulate.range_errors=[0.0,0.1,-0.05]",
]
LAYERS = ["amplitude", "intensity", "sigma0", "beta0", "slc_phase", "interferometric_phase", "coherence"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    output = tmp_path_factory.mktemp("demo") / "out"
    return output, run(*DEMO, f"output={output}")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    output = tmp_path_factory.mktemp("made") / "out"
    return output, run(*MADE, f"output={output}")


@pytest.fixture(scope="module")
def made_truth(made):
    """What the stack was made from, beside the dataset made of it."""
    keys = asdict(SyntheticProductsConfig())
    del keys["reader"]
    return assess(xr.open_zarr(made[0] / "cube.zarr"), simulate_stack(**keys), (3, 11))


@pytest.fixture(scope="session")
def amsterdam(tmp_path_factory, real_data):
    data = real_data("s1_amsterdam_snap_stack")
    output = tmp_path_factory.mktemp("amsterdam") / "out"
    run("+experiment=amsterdam", f"products.path={data}", "device=cpu", f"output={output}")
    return output, data


class TestDemo:
    """From simulated SAFE products, with known errors of timing, to a dataset."""

    def test_writes_what_the_readme_says(self, demo):
        output, result = demo
        names = {p.name for p in output.iterdir()}
        assert names == {
            "cube.zarr", "manifest.json", "netcdf", "quality.json", "report", "run.yaml", "simulated", "stac",
            "truth.zarr",
        }  # fmt: skip
        assert (output / "simulated" / "README.txt").is_file()
        for words in ("simulated/products", "cube.zarr", "report/index.html", "device", "stages"):
            assert words in result.stdout
        (warning,) = [line for line in result.stdout.splitlines() if "warning" in line]
        assert (
            "changes.geojson has nothing here" in warning
        )  # it is a small part of the demonstration's scene
        assert len(list((output / "netcdf").glob("*.nc"))) == 3

    def test_timing_is_what_was_put_in(self, demo):
        """Within what is said of it, and small: bursts of 1500 lines and 21000 samples have 30 times the pixels."""
        dates = truth_facts(demo[0])["dates"]
        assert [dates[name]["azimuth_true_lines"] for name in dates] == pytest.approx([0.03, -0.05])
        for found in dates.values():
            for kind, unit, bound in (("azimuth", "lines", 0.001), ("range", "samples", 0.005)):
                deviation = found[f"{kind}_deviation_{unit}"]
                assert 0 < deviation < bound
                assert abs(found[f"{kind}_error_{unit}"]) < min(3.5 * deviation, 2 * bound)
        source = json.loads((demo[0] / "quality.json").read_text())["source"]["timing"]
        assert len(source["overlaps"]) == 12  # two subswaths with two overlaps each, three pairs of dates
        before, after = (
            np.sqrt(np.mean([overlap[f"phase_{when}_rad"] ** 2 for overlap in source["overlaps"]]))
            for when in ("before", "after")
        )
        assert after < 0.05 < 0.5 < before

    def test_phase_is_recovered(self, demo):
        for found in truth_facts(demo[0])["dates"].values():
            assert found["phase_bias_deviation_rad"] < 0.003
            assert abs(found["phase_bias_rad"]) < 0.01
            assert abs(found["phase_error_correlation_with_height"]) < 0.01

    def test_bursts_and_subswaths_fit_together(self, demo):
        for found in truth_facts(demo[0])["dates"].values():
            seams = found["seams"]
            assert len(seams) >= 4 + 3  # where bursts follow each other, and where subswaths meet
            for seam in seams.values():
                assert abs(seam["jump_rad"]) < 3.5 * seam["deviation_rad"]
            assert found["mean_jump_deviation_rad"] < 0.015
            assert abs(found["mean_jump_at_seams_rad"]) < 0.02

    def test_coherence_per_class(self, demo):
        """A few hundredths lower than what the ground and the noise leave: baseline, and neighbours' echoes."""
        truth = xr.open_zarr(demo[0] / "truth.zarr")
        error = (truth["coherence_estimated"] - truth["coherence_expected"]).values
        compared = np.isfinite(error)
        assert compared.sum() >= 2 * 4  # two secondaries, four classes or more with enough pixels
        assert np.abs(error[compared]).max() < 0.03

    def test_places_are_true(self, demo):
        places = truth_facts(demo[0])["places"]
        for name in ("east", "north", "up"):
            assert abs(places[f"{name}_mean_m"]) < 0.1
            assert places[f"{name}_deviation_m"] < 0.2

    def test_labels_are_what_is_on_the_ground(self, demo):
        found = truth_facts(demo[0])["labels"]["cover"]
        assert found["agreement"] >= 0.99
        assert found["pixels"] > 10_000
        assert found["certain"] > 0.7
        cube = xr.open_zarr(demo[0] / "cube.zarr")
        cover = np.stack([cube[name].values for name in cube.data_vars if str(name).startswith("cover_")])
        assert np.abs(np.nansum(cover, axis=0)[np.isfinite(cover[0])] - 1.0).max() < 1e-3
        meanings = np.array(cube["land_cover"].attrs["flag_meanings"].split())
        most = cover.max(axis=0) > 0.9
        names = np.array(
            [str(n).removeprefix("cover_") for n in cube.data_vars if str(n).startswith("cover_")]
        )
        assert np.mean(meanings[cube["land_cover"].values[most]] == names[cover.argmax(axis=0)[most]]) > 0.999

    def test_labels_are_not_off(self, demo):
        """Nothing is: what is measured is within its deviation, and said in the cube."""
        found = json.loads((demo[0] / "quality.json").read_text())["radarcoding"]["label_offset"]
        assert found["reason"] == ""
        for axis, largest in (("lines", 0.1), ("samples", 0.3)):
            deviation = found[f"{axis}_standard_deviation"]
            assert abs(found[axis]) < 4.0 * deviation
            assert deviation < largest
            assert xr.open_zarr(demo[0] / "cube.zarr").attrs[f"label_offset_{axis}"] == found[axis]

    def test_truth_lies_on_the_grid_of_the_cube(self, demo):
        cube, truth = xr.open_zarr(demo[0] / "cube.zarr"), xr.open_zarr(demo[0] / "truth.zarr")
        for name in ("time", "azimuth", "range"):
            np.testing.assert_array_equal(truth[name].values, cube[name].values)
        valid = cube["valid"].values.any(axis=0)
        assert 0.7 < valid.mean() < 0.95  # bursts of subswaths begin and end apart: two corners are empty
        known = np.isfinite(truth["height_true"].values)
        assert known[valid].all()
        assert (truth["land_cover"].values[~known] == 255).all()
        baselines = truth["perpendicular_baseline_true"].values
        assert np.abs(cube["perpendicular_baseline"].values - baselines).max() < 0.05
        water = truth["land_cover"].values == truth["land_cover"].attrs["class_names"].split(",").index(
            "water"
        )
        sigma0 = cube["sigma0_vv"][0].values
        assert np.nanmean(sigma0[water]) < 0.5 * np.nanmean(sigma0[~water])

    def test_nobody_takes_it_for_satellite_data(self, demo):
        check_marked_as_simulated(demo[0])
        quality = json.loads((demo[0] / "quality.json").read_text())
        assert quality["source"]["simulated"] is True
        cube = xr.open_zarr(demo[0] / "cube.zarr")
        assert set(cube["processor"].values.tolist()) == {"alignsar_gpu simulator"}
        assert cube.attrs["license"] == "CC0-1.0"

    def test_report_shows_everything(self, demo):
        page = (demo[0] / "report" / "index.html").read_text()
        for picture in ("phase_vv", "coherence_vh", "truth_phase", "truth_difference"):
            names = set(re.findall(rf'<img src="({picture}_2022\d+\.png)"', page))
            assert names == {f"{picture}_20220126.png", f"{picture}_20220207.png"}
        for picture in ("timing_dates", "timing_overlaps", "truth_coherence", "land_cover", "baselines"):
            assert f'src="{picture}.png"' in page
        for chapter in ("Interferograms", "Bringing the dates together", "Against the truth"):
            assert f">{chapter}</h2>" in page

    def test_again_there_is_nothing_to_do(self, demo):
        before = {p: p.stat().st_mtime_ns for p in demo[0].rglob("*") if p.is_file()}
        result = run(*DEMO, f"output={demo[0]}")
        assert result.stdout.count("nothing to do") == 2
        assert before == {p: p.stat().st_mtime_ns for p in demo[0].rglob("*") if p.is_file()}

    def test_elsewhere_it_is_the_same_dataset(self, demo, tmp_path):
        """Where its products lie does not count: a copy under another name is known as what it is."""
        shutil.copytree(demo[0], tmp_path / "elsewhere")
        result = run(*DEMO, f"output={tmp_path / 'elsewhere'}/")
        assert result.stdout.count("nothing to do") == 2

    def test_other_settings_on_the_same_output(self, demo):
        arguments = [*DEMO, f"output={demo[0]}"]
        refuse("simulate.seed: 1 there, 2 now", *arguments, "simulate.seed=2")
        refuse("signatures.slc: False there, True now", *arguments, "signatures.slc=true")

    def test_products_of_another_simulation_have_no_truth_here(self, demo, tmp_path):
        """One date of the demo's products, found by hand: what its own simulation says is of others."""
        (safe, *_) = sorted((demo[0] / "simulated" / "products").iterdir())
        run(
            *DEMO,
            "simulate.lines=120",
            "simulate.samples=200",
            "simulate.bursts=1",
            f"products.path={safe}",
            f"orbits.path={demo[0] / 'simulated' / 'orbits'}",
            f"dem.path={demo[0] / 'simulated' / 'scene' / 'dem.tif'}",
            "products.swaths=[iw1]",
            "signatures.names=[amplitude]",
            f"output={tmp_path / 'out'}",
        )
        assert not (tmp_path / "out" / "truth.zarr").exists()
        assert "truth" not in json.loads((tmp_path / "out" / "quality.json").read_text())

    def test_what_cannot_work_is_refused_before_anything_is_simulated(self, tmp_path):
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "photo.jpg").write_text("mine")
        output = tmp_path / "out"
        for words, arguments in (
            ("is not empty and is no run", [f"output={tmp_path / 'precious'}"]),
            ("signatures.names", [f"output={output}", "signatures.names=[magic]"]),
            ("lies in the output folder", [f"output={output}", "simulate.path=${output}/products"]),
            ("lies in the output folder", [f"output={output}", "simulate.path=${output}"]),
        ):
            refuse(words, *DEMO, *arguments)
            assert [p.name for p in tmp_path.iterdir()] == ["precious"]
            assert [p.name for p in (tmp_path / "precious").iterdir()] == ["photo.jpg"]

    def test_killed_while_simulating_and_continued(self, tmp_path):
        """What both parts make of an interruption is tested in each; here that the second waits for the first."""
        output = tmp_path / "out"
        arguments = [
            *DEMO,
            "simulate.lines=100",
            "simulate.samples=300",
            "simulate.bursts=2",
            f"output={output}",
        ]
        process = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        journal = output / "simulated" / ".unfinished" / "journal"
        while process.poll() is None and not list(journal.glob("date*.json")):
            time.sleep(0.01)
        assert process.poll() is None
        process.kill()
        process.wait()
        assert [p.name for p in output.iterdir()] == ["simulated"]
        result = run(*arguments)
        assert "continues  the unfinished simulation" in result.stderr
        assert truth_facts(output)["dates"].keys() == {"20220126", "20220207"}


def truth_facts(output):
    """What quality.json says of a dataset beside its truth."""
    return json.loads((output / "quality.json").read_text())["truth"]


def check_marked_as_simulated(output):
    cube = xr.open_zarr(output / "cube.zarr")
    assert cube.attrs["simulated"] == "true"
    assert "acknowledgement" not in cube.attrs
    assert {str(p) for p in cube["platform"].values} == {"Simulated Sentinel-1A"}
    assert "taken by Simulated Sentinel-1A" in (output / "report" / "index.html").read_text()
    (collection,) = pystac.Catalog.from_file(str(output / "stac" / "catalog.json")).get_children()
    assert not collection.providers
    assert collection.summaries.get_list("platform") == ["simulated-sentinel-1a"]


class TestMadeOnTheSpot:
    """The small stack of products=synthetic, which nothing has to be coregistered in."""

    def test_writes_what_the_readme_says(self, made):
        output, _ = made
        names = {p.name for p in output.iterdir()}
        assert names == {
            "cube.zarr", "manifest.json", "netcdf", "quality.json", "report", "run.yaml", "stac",
        }  # fmt: skip
        assert len(list((output / "netcdf").glob("*.nc"))) == 4

    def test_coherence_per_class(self, made_truth):
        """Within 0.02 of the truth with the bias that the window's number of looks gives it."""
        truth, _ = made_truth
        error = (truth["coherence_estimated"] - truth["coherence_expected"]).values
        compared = np.isfinite(error)
        assert compared.sum() >= 3 * 4  # three secondaries, four classes or more with enough pixels
        assert np.abs(error[compared]).max() < 0.02

    def test_phase_is_recovered(self, made_truth):
        dates = made_truth[1]["dates"]
        assert len(dates) == 3
        for facts in dates.values():
            assert abs(facts["phase_bias_rad"]) < 0.01
            assert abs(facts["phase_error_correlation_with_height"]) < 0.02

    def test_baselines_are_those_that_were_put_in(self, made, made_truth):
        cube, truth = xr.open_zarr(made[0] / "cube.zarr"), made_truth[0]
        difference = cube["perpendicular_baseline"].values - truth["perpendicular_baseline_true"].values
        assert np.abs(difference).max() < 0.05

    def test_backscatter_per_class(self, made, made_truth):
        cube, truth = xr.open_zarr(made[0] / "cube.zarr"), made_truth[0]
        for p, polarization in enumerate(("vv", "vh")):
            sigma0 = cube[f"sigma0_{polarization}"].values
            for c in range(truth.sizes["class"]):
                pixels = sigma0[:, truth["land_cover"].values == c]
                decibel = 10 * np.log10(np.nanmean(pixels) / float(truth["sigma0_true"][c, p]))
                assert abs(decibel) < 0.2

    def test_nobody_takes_it_for_satellite_data(self, made):
        check_marked_as_simulated(made[0])

    def test_report_shows_pictures(self, made):
        page = (made[0] / "report" / "index.html").read_text()
        assert page.count("<img") >= 10

    def test_again_there_is_nothing_to_do(self, made):
        before = {p: p.stat().st_mtime_ns for p in made[0].rglob("*")}
        result = run(*MADE, f"output={made[0]}")
        assert "nothing to do" in result.stdout
        assert before == {p: p.stat().st_mtime_ns for p in made[0].rglob("*")}

    def test_nothing_is_written_elsewhere(self, tmp_path):
        result = subprocess.run(
            command(*SMALL, "output=out"), capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert "report" in result.stdout
        assert [p.name for p in tmp_path.iterdir()] == ["out"]

    def test_other_settings_on_the_same_output(self, made):
        arguments = [*MADE, f"output={made[0]}"]
        refuse("products.seed: 1 there, 2 now", *arguments, "products.seed=2")


class TestAmsterdam:
    def test_coherence(self, amsterdam):
        cube = xr.open_zarr(amsterdam[0] / "cube.zarr", chunks=None)
        assert cube["coherence_vv"][0].median() == pytest.approx(0.82, abs=0.01)
        valid = cube["valid"][1].values
        assert valid.mean() > 0.999
        assert (cube["coherence_vv"][1].values[valid] == 1).all()
        assert (cube["interferometric_phase_vv"][1].values[valid] == 0).all()

    def test_coherence_against_plain_numpy(self, amsterdam):
        def snap(date, name):
            group = zarr.open_group(amsterdam[1] / f"{date}-coreg.znap", mode="r", zarr_format=2)
            return (group[f"i_VV_{name}"][:] + 1j * group[f"q_VV_{name}"][:]).astype(np.complex128)

        def windows(image):
            total = np.lib.stride_tricks.sliding_window_view(image, (3, 11))
            return total.sum(axis=(2, 3))

        r, s = snap("20230331", "31Mar2023"), snap("20230319", "19Mar2023")
        with np.errstate(invalid="ignore"):
            expected = np.abs(windows(r * s.conj())) / np.sqrt(
                windows(np.abs(r) ** 2) * windows(np.abs(s) ** 2)
            )
        assert np.median(expected) == pytest.approx(0.82, abs=0.01)
        found = xr.open_zarr(amsterdam[0] / "cube.zarr")["coherence_vv"][0].values[1:-1, 5:-5]
        whole = (
            windows(((r != 0) & (s != 0)).astype(int)) == 33
        )  # elsewhere ours leaves the no-data pixel out
        assert whole.mean() > 0.99
        np.testing.assert_allclose(found[whole], expected[whole], atol=1e-6)

    def test_baseline_and_height_of_ambiguity(self, amsterdam):
        quality = json.loads((amsterdam[0] / "quality.json").read_text())
        secondary = quality["baselines"]["dates"]["20230319"]
        assert secondary["perpendicular_m"] == pytest.approx(33.75, abs=0.05)
        assert secondary["height_of_ambiguity_m"] == pytest.approx(518, rel=0.01)
        assert secondary["temporal_days"] == pytest.approx(-12, abs=1e-3)
        # SNAP's own numbers, for the middle of its burst, stand beside ours
        stated = quality["source"]["baselines_stated_by_snap"]["2023-03-19"]
        assert stated["perpendicular_m"] == pytest.approx(33.8997, abs=1e-4)
        assert abs(stated["height_of_ambiguity_m"]) == pytest.approx(526.36, abs=0.01)

    def test_incidence_against_tie_points(self, amsterdam):
        from alignsar_gpu.products.snap.raster import open_raster  # noqa: PLC0415

        raster = open_raster(amsterdam[1] / "20230331-coreg.znap")
        theirs = raster.tie_points["incident_angle"].at(0, 84, 338)
        ours = zarr.open_array(amsterdam[0] / "cube.zarr", path="incidence_angle", mode="r")[:]
        assert np.abs(ours - theirs).max() < 0.05

    def test_not_flattened_twice(self, amsterdam):
        """The cube's phase is that of the product's own pixels."""

        def pixels(date, name):
            group = zarr.open_group(amsterdam[1] / f"{date}-coreg.znap", mode="r", zarr_format=2)
            return group[f"i_VV_{name}"][:] + 1j * group[f"q_VV_{name}"][:]

        interferogram = pixels("20230331", "31Mar2023") * np.conj(pixels("20230319", "19Mar2023"))
        cube = xr.open_zarr(amsterdam[0] / "cube.zarr")
        phase = cube["interferometric_phase_vv"][0].values
        valid = np.isfinite(phase)
        assert valid.mean() > 0.999
        error = np.angle(np.exp(1j * phase[valid]) * np.conj(interferogram[valid]))
        assert np.abs(error).max() < 1e-5
        assert cube.attrs["flattened"] == "true"

    def test_calibration_is_in_a_plausible_range_and_its_source_said(self, amsterdam):
        cube = xr.open_zarr(amsterdam[0] / "cube.zarr")
        ratio = (cube["sigma0_vv"] / cube["beta0_vv"]).values
        sine = np.sin(np.radians(cube["incidence_angle"].values))
        valid = cube["valid"][1].values
        np.testing.assert_allclose(ratio[1][valid], sine[valid], rtol=2e-3)
        quality = json.loads((amsterdam[0] / "quality.json").read_text())
        assert any("calibrated with the records of" in warning for warning in quality["warnings"])

    def test_netcdf_opens_in_xarray_and_in_gdal(self, amsterdam):
        cube = xr.open_zarr(amsterdam[0] / "cube.zarr")
        for index, date in enumerate(("20230319", "20230331")):
            path = amsterdam[0] / "netcdf" / f"{date}.nc"
            with xr.open_dataset(path, decode_cf=True) as file:
                for name in LAYERS:
                    np.testing.assert_array_equal(file[f"{name}_vv"].values, cube[f"{name}_vv"][index].values)
            with rasterio.open(f'NETCDF:"{path}":intensity_vv') as raster:
                np.testing.assert_array_equal(raster.read(1), cube["intensity_vv"][index].values)

    def test_catalogue_is_valid(self, amsterdam):
        catalogue = pystac.Catalog.from_file(str(amsterdam[0] / "stac" / "catalog.json"))
        items = list(catalogue.get_items(recursive=True))
        assert len(items) == 2
        west, south, east, north = items[0].bbox
        assert 4.88 < west < 4.896 < east < 4.91
        assert 52.36 < south < 52.372 < north < 52.38
        for item in items:
            for asset in item.assets.values():
                assert (Path(item.get_self_href()).parent / asset.href).resolve().exists()


AREA = "products.area=[-8.5,31.66,-8.3,31.74]"


@pytest.fixture(scope="session")
def mountains(tmp_path_factory):
    """A product with a DEM below it: their paths, and a folder with its precise orbit."""
    folder = tmp_path_factory.mktemp("mountains")
    safe, dem = write_scene(folder)
    write_orbit(folder / "orbits", open_sentinel1(safe).orbit)
    return safe, dem, folder / "orbits"


@pytest.fixture(scope="session")
def burst(tmp_path_factory, mountains):
    safe, dem, _ = mountains
    output = tmp_path_factory.mktemp("burst") / "out"
    return output, run(*burst_of(safe, dem, f"output={output}", "dataset.chunk_lines=64"))


class TestSentinel1:
    def test_backscatter_is_that_of_the_pixels_and_the_calibration_vectors(self, burst):
        """The made vectors grow by 0.1 a sample from 301 on, the same on all lines."""
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        lines, samples = FAKE.valid(1)
        assert dict(cube.sizes) == {"time": 1, "azimuth": 157, "range": 214}
        amplitude = 301.0 + 0.1 * np.arange(samples.start, samples.stop)
        for polarization in ("vv", "vh"):
            image = FAKE.pixels_of(1, polarization)[lines, samples]
            power = np.where(image == 0, np.nan, np.abs(image.astype(np.complex128)) ** 2)
            sigma0 = cube[f"sigma0_{polarization}"][0].values
            np.testing.assert_allclose(sigma0, power / amplitude**2, rtol=1e-5)
            np.testing.assert_allclose(cube[f"intensity_{polarization}"][0].values, power, rtol=1e-6)
        valid = cube["valid"][0].values
        assert (~valid).sum() == 4
        assert not valid[39:41, 47:49].any()

    def test_every_pixel_is_where_its_coordinates_say(self, burst, mountains):
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        orbit = open_sentinel1(mountains[0]).orbit
        longitude, latitude = cube["longitude"].values, cube["latitude"].values
        height = open_dem(mountains[1], "ellipsoid").height_at(longitude, latitude)
        np.testing.assert_allclose(cube["height"].values, height, rtol=0, atol=2e-3)
        azimuth, slant_range = cube["azimuth"].values, cube["range"].values
        times, ranges = ground_to_radar(orbit, longitude, latitude, height, azimuth[:, np.newaxis])
        assert np.abs(times - azimuth[:, np.newaxis]).max() < 1e-5 * np.diff(azimuth).min()
        assert np.abs(ranges - slant_range).max() < 1e-5 * np.diff(slant_range).min()
        assert 25.0 < cube["incidence_angle"].min() < cube["incidence_angle"].max() < 45.0

    def test_layover_and_shadow(self, burst):
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        flags = cube["layover_shadow"]
        assert flags.dtype == np.uint8
        assert flags.dims == ("azimuth", "range")
        assert flags.attrs["flag_masks"] == [1, 2]
        assert flags.attrs["flag_meanings"] == "layover shadow"
        quality = json.loads((burst[0] / "quality.json").read_text())
        assert quality["layover_fraction"] == np.mean(flags.values & 1 > 0) > 0.005
        assert quality["shadow_fraction"] == np.mean(flags.values & 2 > 0)
        local = cube["local_incidence_angle"]
        assert local.dtype == np.float32
        assert np.abs(local - cube["incidence_angle"]).max() > 20.0
        page = (burst[0] / "report" / "index.html").read_text()
        assert {"layover_shadow.png", "local_incidence_angle.png"} <= {
            path.name for path in (burst[0] / "report").iterdir()
        }
        assert "of the pixels in layover" in page

    def test_a_single_date_has_nothing_to_compare(self, burst):
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        assert not [name for name in cube.data_vars if name.startswith(("coherence", "interferometric"))]
        assert "no reference to take phase away from" in cube["slc_phase_vv"].attrs["comment"]
        assert "2023-09-04." in cube.attrs["summary"]
        assert (
            "left out, because there is no second date: interferometric_phase, coherence" in burst[1].stdout
        )

    def test_what_was_used_is_said(self, burst):
        quality = json.loads((burst[0] / "quality.json").read_text())
        source = quality["source"]
        assert source["burst"]["id"] == BURSTS[0]
        assert source["product"]["ipf_version"] == "003.61"
        assert source["crop"] == {"first_line": 1, "lines": 157, "first_sample": 3, "samples": 214}
        assert source["orbit"]["kind"] == "annotation"
        assert source["dem"]["vertical_datum"] == "ellipsoid"
        assert source["dropped"] == []
        (warning,) = [text for text in quality["warnings"] if "orbit" in text]
        assert "the geometry is that of the state vectors in the product" in warning
        assert warning in burst[1].stdout
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        assert cube.attrs["burst_id"] == BURSTS[0]
        assert cube.attrs["swath"] == "IW1"
        assert "Copernicus Sentinel data 2023" in cube.attrs["acknowledgement"]
        assert cube.attrs["crop_first_sample"] == 3

    def test_netcdf_and_catalogue(self, burst):
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        path = burst[0] / "netcdf" / "20230904.nc"
        with xr.open_dataset(path) as file:
            flags = file["layover_shadow"]
            np.testing.assert_array_equal(flags.values, cube["layover_shadow"].values)
            np.testing.assert_array_equal(flags.attrs["flag_masks"], [1, 2])
            assert flags.attrs["flag_masks"].dtype == flags.dtype == np.uint8
            assert "units" not in flags.attrs
            assert flags.attrs["coverage_content_type"] == "qualityInformation"
            assert file.attrs["sar_SLC_crop"].tolist() == [1, 157, 3, 214]
            np.testing.assert_array_equal(
                file["local_incidence_angle"].values, cube["local_incidence_angle"].values
            )
        with rasterio.open(f'NETCDF:"{path}":layover_shadow') as raster:
            np.testing.assert_array_equal(raster.read(1), cube["layover_shadow"].values)
            assert raster.nodata is None
        (item,) = pystac.Catalog.from_file(str(burst[0] / "stac" / "catalog.json")).get_items(recursive=True)
        variables = item.properties["cube:variables"]
        assert variables["layover_shadow"]["dimensions"] == ["azimuth", "range"]
        assert variables["local_incidence_angle"]["unit"] == "degree"
        west, south, east, north = item.bbox
        assert -9.0 < west < -8.8 < -7.95 < east < -7.8
        assert 31.5 < south < 31.6 < 31.8 < north < 31.95
        for asset in item.assets.values():
            assert (Path(item.get_self_href()).parent / asset.href).resolve().exists()

    def test_a_zip_gives_the_same(self, burst, mountains, tmp_path):
        safe = shutil.copytree(mountains[0], tmp_path / "safe" / mountains[0].name)
        archive = zip_of(safe)
        shutil.rmtree(safe)
        run(*burst_of(archive, mountains[1], f"output={tmp_path / 'out'}", "dataset.chunk_lines=64"))
        ours, theirs = (xr.open_zarr(output / "cube.zarr") for output in (tmp_path / "out", burst[0]))
        assert set(ours.variables) == set(theirs.variables)
        for name in ours.variables:
            np.testing.assert_array_equal(ours[name].values, theirs[name].values)
        assert ours.attrs["fingerprint"] != theirs.attrs["fingerprint"]

    def test_an_area_and_a_precise_orbit(self, burst, mountains, tmp_path):
        safe, dem, orbits = mountains
        output = tmp_path / "out"
        result = run(*burst_of(safe, dem, AREA, f"orbits.path={orbits}", f"output={output}"))
        quality = json.loads((output / "quality.json").read_text())
        assert quality["source"]["orbit"]["kind"] == "POEORB"
        assert not [text for text in quality["warnings"] if "orbit" in text]
        assert "POEORB" not in result.stdout
        crop = quality["source"]["crop"]
        whole, part = (xr.open_zarr(path / "cube.zarr") for path in (burst[0], output))
        assert part.sizes["range"] == crop["samples"] < 100
        first = {"azimuth": crop["first_line"] - 1, "range": crop["first_sample"] - 3}
        same = whole.isel({name: slice(start, start + part.sizes[name]) for name, start in first.items()})
        np.testing.assert_array_equal(part["sigma0_vh"].values, same["sigma0_vh"].values)
        np.testing.assert_allclose(part["longitude"].values, same["longitude"].values, rtol=0, atol=1e-9)
        assert float(part["longitude"].min()) < -8.5 < -8.3 < float(part["longitude"].max())

    def test_the_experiment_and_a_geoid(self, mountains, tmp_path):
        """The Copernicus DEM's heights count from EGM2008: here from a grid of 50 m everywhere."""
        safe, dem, _ = mountains
        geoid = tmp_path / "geoid.tif"
        with rasterio.open(
            geoid, "w", driver="GTiff", width=8, height=8, count=1, dtype="float32", crs="EPSG:4326",
            transform=rasterio.Affine(1.0, 0.0, -12.0, 0.0, -1.0, 36.0),
        ) as file:  # fmt: skip
            file.write(np.full((1, 8, 8), 50.0, np.float32))
        output, place = tmp_path / "out", [f"products.path={safe}", f"products.burst={BURSTS[0]}", AREA]
        run("+experiment=burst", *place, f"dem.path={dem}", f"dem.geoid={geoid}", f"output={output}")
        cube = xr.open_zarr(output / "cube.zarr")
        height = open_dem(dem, "ellipsoid").height_at(cube["longitude"].values, cube["latitude"].values)
        np.testing.assert_allclose(cube["height"].values, height + 50.0, rtol=0, atol=2e-3)
        assert cube.attrs["title"] == "One burst of Sentinel-1"

    def test_other_inputs_on_the_same_output(self, burst, mountains, tmp_path):
        arguments = [f"output={burst[0]}", "dataset.chunk_lines=64"]
        assert "nothing to do" in run(*burst_of(*mountains[:2], *arguments)).stdout
        safe = shutil.copytree(mountains[0], tmp_path / mountains[0].name)
        assert "nothing to do" in run(*burst_of(safe, mountains[1], *arguments)).stdout
        refuse(
            "products.crop: True there, False now",
            *burst_of(*mountains[:2], "products.crop=false", *arguments),
        )
        write_tiff(safe / "measurement" / f"{FAKE.stem(1, 'vh')}.tiff", FAKE.pixels_of(1, "vh") * 2)
        refuse("holds another run with other settings", *burst_of(safe, mountains[1], *arguments))

    def test_memory_and_threads_do_not_change_a_bit(self, mountains, tmp_path):
        options = {"large": ["device.memory_gib=2"], "small": ["device.memory_gib=0.05", "device.threads=1"]}
        for name, more in options.items():
            budget = [*more, "dataset.chunk_lines=32", f"output={tmp_path / name}"]
            run(*burst_of(*mountains[:2], *budget))
        tops = ("cube.zarr", "netcdf", "stac")
        assert checksums(tmp_path / "large", *tops) == checksums(tmp_path / "small", *tops)
        refuse(
            "device.memory_gib=0.03: one row of chunks of 1 date needs 0.0",
            *burst_of(*mountains[:2], "device.memory_gib=0.03", f"output={tmp_path / 'none'}"),
        )

    def test_killed_and_continued_is_the_same_bits(self, mountains, tmp_path):
        safe = write_safe(tmp_path, replace(FAKE, lines=1000, bursts=1, swaths=(1,)))
        more = ["dataset.chunk_lines=32", "device.memory_gib=0.05"]
        kept = kill_after_rows(burst_of(safe, mountains[1], *more), tmp_path / "killed")
        assert 3 <= kept < 32
        result = run(*burst_of(safe, mountains[1], *more, f"output={tmp_path / 'killed'}"))
        assert "continues" in result.stderr
        run(*burst_of(safe, mountains[1], *more, f"output={tmp_path / 'whole'}"))
        tops = ("cube.zarr", "netcdf")
        assert checksums(tmp_path / "killed", *tops) == checksums(tmp_path / "whole", *tops)

    def test_refused(self, mountains, tmp_path):
        """Each by name, before anything is written."""
        safe, dem, _ = mountains
        output = f"output={tmp_path / 'out'}"
        small = write_scene(tmp_path / "small", replace(FAKE, bursts=1))[1]
        with rasterio.open(dem) as file:
            profile, heights = file.profile, file.read()
        with rasterio.open(small, "w", **{**profile, "crs": "EPSG:9518"}) as file:
            file.write(heights)
        first = burst_of(safe, dem, output)
        named = f"products.burst={BURSTS[0]}"
        for words, arguments in (
            ("says that its heights count from 'egm2008'", burst_of(safe, small, output)),
            ("dem.vertical_datum: must be given", [*first, "dem.vertical_datum=null"]),
            ("they do not lie on one grid", [a for a in first if a != named]),
            ("the area lies outside all 1 bursts", [*first, "products.area=[4.8,52.3,5.0,52.5]"]),
            ("polarizations HH were asked for", [*first, "products.polarizations=[hh]"]),
            ("no orbit files there", [*first, f"orbits.path={safe}"]),
            (
                "products=synthetic takes no orbits or heights",
                ["products=synthetic", f"dem.path={dem}", output],
            ),
        ):
            refuse(words, *arguments)
            assert not (tmp_path / "out").exists(), words

    def test_a_dem_that_ends_too_early(self, mountains, tmp_path):
        with rasterio.open(mountains[1]) as file:
            profile, heights = file.profile, file.read()
        with rasterio.open(tmp_path / "dem.tif", "w", **{**profile, "width": 400}) as file:
            file.write(heights[:, :, :400])
        arguments = burst_of(mountains[0], tmp_path / "dem.tif", f"output={tmp_path / 'out'}")
        refuse("beyond its eastern edge", *arguments)
        assert not (tmp_path / "out").exists()


@pytest.fixture(scope="session")
def lopsided():
    """Non-square, asymmetric, with the reference in the middle."""
    return simulate_stack(lines=96, samples=161, dates=3, polarizations=("vv", "vh"), seed=7, flattened=False)


class TestAxes:
    """Regression A3: no axis is swapped anywhere from reader to NetCDF."""

    def test_from_znap_to_netcdf(self, lopsided, tmp_path):
        data, output = tmp_path / "data", tmp_path / "out"
        data.mkdir()
        for date in range(3):
            write_znap(lopsided, data, [date], ground=date == lopsided.reference, chunks=(40, 50))
        run(
            "products=snap",
            f"products.path={data}",
            "device=cpu",
            f"output={output}",
            "dataset.chunk_lines=32",
        )
        pixels, valid = lopsided.read_pixels(0, 96)
        ground = lopsided.read_ground(0, 96)
        for date, acquisition in enumerate(lopsided.acquisitions):
            with xr.open_dataset(output / "netcdf" / f"{acquisition.date}.nc") as file:
                assert dict(file.sizes) == {"azimuth": 96, "range": 161}
                assert str(file["product_id"].values) == acquisition.product_id
                for p, polarization in enumerate(("vv", "vh")):
                    expected = np.where(valid[date, p], np.abs(pixels[date, p]) ** 2, np.nan)
                    np.testing.assert_allclose(file[f"intensity_{polarization}"].values, expected, rtol=1e-5)
                np.testing.assert_array_equal(file["latitude"].values, np.float32(ground.latitude))
                np.testing.assert_array_equal(file["height"].values, np.float32(ground.height))
        # the phase signal has its own gradient along each axis: flattened here, it must be the truth's
        date = next(i for i in range(3) if i != lopsided.reference)
        with xr.open_dataset(output / "netcdf" / f"{lopsided.acquisitions[date].date}.nc") as file:
            phase = file["interferometric_phase_vv"].values
        good = np.isfinite(phase)
        error = np.exp(1j * (phase - lopsided.truth.phase[date]))[good].mean()
        assert abs(np.angle(error)) < 0.02
        assert abs(error) > 0.3


def kill_after_rows(arguments, output):
    """Start a run and kill it when three rows of chunks or more are finished; returns how many."""
    process = subprocess.Popen(
        command(*arguments, f"output={output}"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    journal = output / ".unfinished" / "journal"
    while process.poll() is None and len(list(journal.glob("row-*.json"))) < 3:
        time.sleep(0.002)
    assert process.poll() is None, "finished before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert {p.name for p in output.iterdir()} == {".unfinished"}
    return len(list(journal.glob("row-*.json")))


NETWORK = [
    "interferometry.network=sequential",
    "interferometry.looks_samples=10",
    "interferometry.goldstein_alpha=0.5",
]


class TestInterruption:
    def test_killed_and_continued_is_the_same_bits(self, tmp_path):
        arguments = [
            *SMALL,
            *NETWORK,
            "dataset.chunk_lines=32",
            "products.lines=640",
            "device.memory_gib=0.03",
        ]
        assert 3 <= kill_after_rows(arguments, tmp_path / "killed") < 20
        result = run(*arguments, f"output={tmp_path / 'killed'}")
        assert "continues" in result.stderr
        run(*arguments, f"output={tmp_path / 'whole'}")
        tops = ("cube.zarr", "interferograms.zarr", "netcdf")
        assert checksums(tmp_path / "killed", *tops) == checksums(tmp_path / "whole", *tops)

    def test_blocks_and_threads_do_not_change_a_bit(self, tmp_path):
        options = {
            "large": ["device.memory_gib=2"],
            "small": ["device.memory_gib=0.03", "device.threads=1"],
        }
        for name, more in options.items():
            run(*SMALL, *NETWORK, "dataset.chunk_lines=32", *more, f"output={tmp_path / name}")
        tops = ("cube.zarr", "interferograms.zarr", "netcdf", "stac")
        assert checksums(tmp_path / "large", *tops) == checksums(tmp_path / "small", *tops)

    def test_a_damaged_product_is_made_again(self, tmp_path):
        output = tmp_path / "out"
        run(*SMALL, f"output={output}")
        before = checksums(output, "cube.zarr", "netcdf")
        measured = (output / "quality.json").stat().st_mtime_ns
        file = next((output / "netcdf").glob("*.nc"))
        file.write_bytes(file.read_bytes()[:-10])
        result = run(*SMALL, f"output={output}")
        assert f"netcdf/{file.name} has changed: made again: netcdf" in result.stderr
        assert checksums(output, "cube.zarr", "netcdf") == before
        assert (output / "quality.json").stat().st_mtime_ns == measured


class TestOptions:
    def test_a_choice_of_signatures_with_complex_pixels(self, tmp_path):
        output = tmp_path / "out"
        run(*SMALL, "signatures.names=[coherence,amplitude]", "signatures.slc=true", f"output={output}")
        cube = xr.open_zarr(output / "cube.zarr")
        layers = {name for name in cube.data_vars if name.endswith(("_vv", "_vh"))}
        assert layers == {f"{n}_{p}" for n in ("coherence", "amplitude", "slc") for p in ("vv", "vh")}
        assert cube["slc_vv"].dtype == np.complex64
        assert "phase are removed" in cube["slc_vv"].attrs["comment"]
        np.testing.assert_allclose(np.abs(cube["slc_vv"].values), cube["amplitude_vv"].values, rtol=1e-6)
        file = next((output / "netcdf").glob("*.nc"))
        with xr.open_dataset(file) as date:
            assert {"slc_vv_real", "slc_vv_imag"} <= set(date.data_vars)

    def test_a_network_of_interferograms(self, tmp_path):
        output = tmp_path / "out"
        run(*SMALL, *NETWORK, f"output={output}")
        cube, pairs = (xr.open_zarr(output / name) for name in ("cube.zarr", "interferograms.zarr"))
        assert dict(pairs.sizes) == {"pair": 2, "azimuth": 40, "range": 20}
        assert pairs["reference_date"].values.tolist() == cube["time"].values[:2].tolist()
        assert pairs["secondary_date"].values.tolist() == cube["time"].values[1:].tolist()
        assert pairs.attrs["network"] == "every date with its next 1"
        for name in ("interferogram_phase", "filtered_interferogram_phase", "interferogram_coherence"):
            assert np.isfinite(pairs[f"{name}_vh"].values).mean() > 0.9
        rough, smooth = (
            np.nanstd(np.diff(np.exp(1j * pairs[f"{name}interferogram_phase_vv"].values), axis=2))
            for name in ("", "filtered_")
        )
        assert smooth < 0.8 * rough
        (collection,) = pystac.Catalog.from_file(str(output / "stac" / "catalog.json")).get_children()
        assert collection.assets["interferograms"].href.endswith("interferograms.zarr")
        refuse(
            "5 lines that are averaged do not divide dataset.chunk_lines=256",
            *[*SMALL, *NETWORK, "interferometry.looks_lines=5", f"output={tmp_path / 'other'}"],
        )

    def test_one_polarization(self, tmp_path):
        run(*SMALL, "products.polarizations=[vv]", f"output={tmp_path / 'out'}")
        assert "coherence_vh" not in xr.open_zarr(tmp_path / "out" / "cube.zarr")

    def test_dataset_metadata_comes_from_the_configuration(self, tmp_path):
        output = tmp_path / "out"
        run(*SMALL, "dataset.creator_name=A Person", "dataset.institution=A University", f"output={output}")
        file = next((output / "netcdf").glob("*.nc"))
        with xr.open_dataset(file) as date:
            assert date.attrs["creator_name"] == "A Person"
            assert date.attrs["institution"] == "A University"
            assert "publisher_name" not in date.attrs


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (
                OSError(errno.ENOSPC, "No space left on device", "/x/y"),
                "cannot write /x/y (No space left on device)",
            ),
            (KeyboardInterrupt(), "interrupted; the same command continues the run"),
        ],
    )
    def test_a_full_disk_and_an_impatient_user(self, error, words, monkeypatch, capsys, tmp_path):
        def fail(*_):
            raise error

        monkeypatch.setattr("alignsar_gpu.application.pipeline.run", fail)
        monkeypatch.setattr(sys, "argv", ["alignsar_gpu", *SMALL, f"output={tmp_path / 'out'}"])
        monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
        assert main() == 2
        assert words in capsys.readouterr().err

    def test_help(self):
        result = run("--help")
        assert "+experiment=demo" in result.stdout
        assert "amsterdam" in result.stdout

    def test_wrong_words(self, tmp_path):
        output = f"output={tmp_path / 'out'}"
        refuse("no 'nope'; choose from amsterdam, burst, demo", "+experiment=nope", output)
        refuse("choose an experiment", output)
        refuse("products.lines=abc", "products=synthetic", "products.lines=abc", output)
        refuse("products.colour", "+experiment=demo", "products.colour=red", output)
        refuse("signatures.names", "+experiment=demo", "device=cpu", "signatures.names=[magic]", output)
        assert not (tmp_path / "out").exists()

    def test_cuda_without_a_gpu(self, tmp_path):
        if Path("/dev/nvidiactl").exists():
            pytest.skip("this machine has a GPU")
        refuse("device=cuda:", "+experiment=demo", "device=cuda", f"output={tmp_path / 'out'}")
        assert not (tmp_path / "out").exists()

    def test_missing_folder(self, tmp_path):
        output = f"output={tmp_path / 'out'}"
        refuse(
            "no such file or folder", "+experiment=amsterdam", f"products.path={tmp_path / 'nowhere'}", output
        )
        refuse("products.path: must be given", "+experiment=amsterdam", output)

    def test_broken_products_leave_nothing_that_looks_finished(self, lopsided, tmp_path):
        data, output = tmp_path / "data", tmp_path / "out"
        data.mkdir()
        path = write_znap(lopsided, data, [0, 1, 2], name="all")
        chunk = path / f"i_VV_{date_name(lopsided.acquisitions[2])}" / "0.0"
        whole = chunk.read_bytes()
        chunk.write_bytes(whole[:5000])
        refuse(
            "cut off or damaged", "products=snap", f"products.path={data}", "device=cpu", f"output={output}"
        )
        assert not output.exists()
        metadata = path / "SNAP" / "product_metadata.json"
        complete = metadata.read_text()
        metadata.write_text(complete[:10_000])
        refuse("not complete JSON", "products=snap", f"products.path={data}", f"output={tmp_path / 'other'}")
        assert not (tmp_path / "other").exists()
        # put right, the same command runs
        chunk.write_bytes(whole)
        metadata.write_text(complete)
        run("products=snap", f"products.path={data}", "device=cpu", f"output={output}")

    def test_two_dates_of_different_size(self, lopsided, tmp_path):
        for date in range(3):
            stop = 96 if date == lopsided.reference else 90
            write_znap(lopsided, tmp_path, [date], ground=date == lopsided.reference, stop=stop)
        refuse(
            "not one coregistered stack",
            "products=snap",
            f"products.path={tmp_path}",
            f"output={tmp_path / 'out'}",
        )

    def test_raw_stack_without_heights(self, lopsided, tmp_path):
        data = tmp_path / "data"
        data.mkdir()
        write_znap(lopsided, data, [0, 1, 2], ground=False)
        arguments = ["products=snap", f"products.path={data}", "device=cpu", f"output={tmp_path / 'out'}"]
        refuse("interferometry.flatten=never", *arguments)
        result = run(*arguments[:3], f"output={tmp_path / 'left'}", "interferometry.flatten=never")
        assert "reference and topographic phase are still in the pixels" in result.stdout
        assert "first line time" in result.stdout
        cube = xr.open_zarr(tmp_path / "left" / "cube.zarr")
        assert "phase are still in it" in cube["interferometric_phase_vv"].attrs["comment"]
        assert cube.attrs["flattened"] == "false"

    def test_too_little_memory(self, tmp_path):
        refuse(
            "raise it, or lower dataset.chunk_lines",
            *SMALL,
            "products.samples=900",
            "device.memory_gib=0.01",
            f"output={tmp_path / 'out'}",
        )

    def test_full_error_shows_the_traceback(self, tmp_path):
        environment = {**os.environ, "HYDRA_FULL_ERROR": "1"}
        result = subprocess.run(
            command("+experiment=amsterdam", f"products.path={tmp_path / 'x'}"),
            capture_output=True, text=True, check=False, env=environment, cwd=tmp_path,
        )  # fmt: skip
        assert "Traceback" in result.stderr
