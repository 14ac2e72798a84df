"""The demo, as a user starts it: simulated products with known errors of timing, brought together."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
import rasterio
import xarray as xr
from command_line import refuse, run
from pyproj import Transformer
from scipy.ndimage import maximum_filter, minimum_filter
from small_runs import CUBE_ALONE, check_marked_as_simulated, start_and_kill

from alignsar_gpu import geocode
from alignsar_gpu.application.dataset.truth import open_truth
from alignsar_gpu.card.checks import check_card
from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.dataset.cube import open_cube

DEMO = [
    "+experiment=demo",
    "device=cpu",
    "simulate.lines=320",
    "simulate.samples=800",
    "simulate.dates=3",
    "simulate.azimuth_errors=[0.0,0.03,-0.05]",
    "simulate.range_errors=[0.0,0.1,-0.05]",
]


# Of about the size of the image's pixels.
MAP = ["geocoding.resolution=15", "geocoding.layers=[intensity_vv,land_cover]"]

# Everything that the demo writes, of images that are too small to compare with the truth.
WHOLE = [
    *DEMO,
    "simulate.lines=100",
    "simulate.samples=300",
    "simulate.bursts=2",
    "signatures.names=[category1]",
    "quality.levels=false",
    "geocoding.layers=[sigma0_vv,land_cover]",
    "chips.size=[8,24]",
    "chips.layers=[sigma0,coherence,height]",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    output = tmp_path_factory.mktemp("demo") / "out"
    return output, run(*DEMO, *CUBE_ALONE, *MAP, f"output={output}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was killed while it simulated, and continued."""
    output = tmp_path_factory.mktemp("whole") / "out"
    arguments = [*WHOLE, f"output={output}"]
    journal = output / "simulated" / ".unfinished" / "journal"
    start_and_kill(arguments, lambda: list(journal.glob("date*.json")))
    assert [p.name for p in output.iterdir()] == ["simulated"]
    return output, run(*arguments)


class TestDemo:
    """From simulated SAFE products, with known errors of timing, to a dataset."""

    def test_writes_what_the_readme_says(self, whole):
        output, result = whole
        names = {p.name for p in output.iterdir()} - {".checked.json", "run.log"}
        assert names == {
            "README.md", "card", "card.html", "chips", "cogs", "croissant.json", "cube.zarr", "manifest.json",
            "map.zarr", "netcdf", "objects.parquet", "quality.json", "report", "run.yaml", "simulated", "stac",
            "taster", "truth.zarr",
        }  # fmt: skip
        assert (output / "simulated" / "README.txt").is_file()
        for words in ("simulated/products", "cube.zarr", "report/index.html", "device", "stages"):
            assert words in result.stdout
        warnings = [line for line in result.stdout.splitlines() if "warning" in line]
        assert len(warnings) == 2  # the layers of changes: this is a small part of the demonstration's scene
        assert all("changes.geojson has nothing here" in warning for warning in warnings)
        assert len(list((output / "netcdf").glob("*.nc"))) == 3
        assert check_dataset(output / "chips").is_sound
        assert check_card(output).is_sound
        assert "The images are simulated." in (output / "README.md").read_text()

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
        np.testing.assert_array_equal(truth["time"].values, cube["time"].values)
        step = np.searchsorted(cube["azimuth"].values, truth["azimuth"].values[1])
        step = step, np.searchsorted(cube["range"].values, truth["range"].values[1])
        assert truth["land_cover"].size <= 250_000 < 2 * truth["land_cover"].size
        cube = cube.isel(azimuth=slice(None, None, step[0]), range=slice(None, None, step[1]))
        for name in ("azimuth", "range"):
            np.testing.assert_array_equal(truth[name].values, cube[name].values)
        assert len([file for file in (demo[0] / "truth.zarr").rglob("*") if file.is_file()]) < 40
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

    def test_truth_is_shown_on_the_grid_of_the_cube(self, demo):
        cube, kept = open_cube(demo[0] / "cube.zarr"), open_cube(demo[0] / "truth.zarr")
        truth = open_truth(demo[0] / "truth.zarr", cube)
        for name in ("time", "azimuth", "range"):
            np.testing.assert_array_equal(truth[name].values, cube[name].values)
        there = truth.sel(azimuth=kept["azimuth"], range=kept["range"])
        xr.testing.assert_equal(there.load().drop_vars("class"), kept.load().drop_vars("class"))
        phase = truth["phase_true"].variable
        assert phase.shape == cube["coherence_vv"].shape
        part = phase.isel(time=1).transpose("range", "azimuth")[5:40, 100:103].values
        np.testing.assert_array_equal(part, phase.values[1, 100:103, 5:40].T)
        assert phase[1, 300].shape == cube["range"].shape
        assert phase[1, 300, 7].values == phase.values[1, 300, 7]
        assert truth["land_cover"].dtype == np.uint8

    def test_nobody_takes_it_for_satellite_data(self, whole):
        check_marked_as_simulated(whole[0])
        quality = json.loads((whole[0] / "quality.json").read_text())
        assert quality["source"]["simulated"] is True
        cube = xr.open_zarr(whole[0] / "cube.zarr")
        assert set(cube["processor"].values.tolist()) == {"alignsar_gpu simulator"}
        assert cube.attrs["license"] == "CC0-1.0"

    def test_report_shows_everything(self, whole):
        page = (whole[0] / "report" / "index.html").read_text()
        for picture in ("phase_vv", "coherence_vh", "truth_phase", "truth_difference"):
            names = set(re.findall(rf'<img src="({picture}_2022\d+\.svg)"', page))
            assert names == {f"{picture}_20220126.svg", f"{picture}_20220207.svg"}
        for picture in (
            "timing_dates",
            "timing_overlaps",
            "truth_coherence",
            "land_cover",
            "baselines",
            "splits",
        ):
            assert f'src="{picture}.svg"' in page
        for chapter in ("Interferograms", "Bringing the dates together", "Against the truth", "Chips"):
            assert f">{chapter}</h2>" in page

    def test_again_there_is_nothing_to_do(self, whole):
        before = {p: p.stat().st_mtime_ns for p in whole[0].rglob("*") if p.is_file()}
        result = run(*WHOLE, f"output={whole[0]}")
        assert result.stdout.count("nothing to do") == 2
        assert before == {p: p.stat().st_mtime_ns for p in whole[0].rglob("*") if p.is_file()}

    def test_elsewhere_it_is_the_same_dataset(self, whole, tmp_path):
        """Where its products lie does not count: a copy under another name is known as what it is."""
        shutil.copytree(whole[0], tmp_path / "elsewhere")
        result = run(*WHOLE, f"output={tmp_path / 'elsewhere'}/")
        assert result.stdout.count("nothing to do") == 2

    def test_other_settings_on_the_same_output(self, whole):
        arguments = [*WHOLE, f"output={whole[0]}"]
        refuse("simulate.seed: 1 there, 2 now", *arguments, "simulate.seed=2")
        refuse("signatures.slc: false there, true now", *arguments, "signatures.slc=true")

    def test_products_of_another_simulation_have_no_truth_here(self, whole, tmp_path):
        """One date of the demo's products, found by hand: what its own simulation says is of others."""
        (safe, *_) = sorted((whole[0] / "simulated" / "products").iterdir())
        run(
            *WHOLE,
            *CUBE_ALONE,
            "geocoding.resolution=null",
            "chips.size=[]",
            "card.write=false",
            "objects.layers=[]",
            "simulate.lines=120",
            "simulate.samples=200",
            "simulate.bursts=1",
            "simulate.swaths=[iw1]",
            f"products.path={safe}",
            f"orbits.path={whole[0] / 'simulated' / 'orbits'}",
            f"dem.path={whole[0] / 'simulated' / 'scene' / 'dem.tif'}",
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

    def test_killed_while_simulating_and_continued(self, whole):
        """What both parts make of an interruption is tested in each; here that the second waits for the first."""
        assert "continues  the unfinished simulation" in whole[1].stderr
        assert truth_facts(whole[0])["dates"].keys() == {"20220126", "20220207"}


@pytest.fixture(scope="module")
def reflector(demo):
    """Longitude and latitude of the corner reflector in the image."""
    with (demo[0] / "simulated" / "targets.csv").open() as file:
        (row, *_) = [row for row in csv.DictReader(file) if row["kind"] == "corner_reflector"]
    return float(row["longitude"]), float(row["latitude"])


class TestMap:
    """Beside what the simulated scene is: its targets, and its land cover."""

    def off(self, place, x, y, power, crs, size):
        """Columns and rows from a place to where the power around it is: from its centroid, above the median."""
        centre = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*place)
        above = np.clip(power - np.median(power), 0.0, None)
        above[above < 0.02 * above.max()] = 0.0
        assert above.max() > 100.0 * np.median(power)
        return (
            ((above * x).sum() / above.sum() - centre[0]) / size,
            ((above * y[:, np.newaxis]).sum() / above.sum() - centre[1]) / size,
        )

    def test_a_reflector_is_where_it_stands_in_the_file(self, demo, reflector):
        with rasterio.open(demo[0] / "cogs" / "intensity_vv_20220114.tif") as raster:
            place = Transformer.from_crs("EPSG:4326", raster.crs, always_xy=True).transform(*reflector)
            column, row = (int(number) for number in ~raster.transform @ place)
            rows, columns = (np.arange(number - 4, number + 5) for number in (row, column))
            x, _ = raster.transform @ (columns + 0.5, 0.0 * columns)
            _, y = raster.transform @ (0.0 * rows, rows + 0.5)
            power = raster.read(1)[np.ix_(rows, columns)].astype(np.float64)
            assert np.abs(self.off(reflector, x, y, power, raster.crs, raster.transform.a)).max() < 0.2

    @pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
    def test_a_reflector_is_where_it_stands_on_finer_and_coarser_maps(self, demo, reflector, resampling):
        """In pixels far larger than it, it is in that which holds it, with its share of the ground."""
        crs = xr.open_zarr(demo[0] / "map.zarr")["spatial_ref"].attrs["crs_wkt"]
        x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*reflector)
        left, bottom = (50.0 * np.floor(value / 50.0) for value in (x, y))

        def on(size, around):
            bounds = [left - around, bottom - around, left + 50.0 + around, bottom + 50.0 + around]
            found = geocode(
                demo[0], resolution=size, bounds=bounds, layers=["intensity_vv"], resampling=resampling
            )
            return found["x"].values, found["y"].values, found["intensity_vv"][0].values.astype(np.float64)

        fine, coarse = on(5.0, 50.0), on(50.0, 50.0)
        assert np.abs(self.off(reflector, *fine, crs, 5.0)).max() < 0.2
        assert coarse[2].shape == (3, 3)
        assert coarse[2].argmax() == 4  # in the middle
        means = fine[2].reshape(3, 10, 3, 10).mean(axis=(1, 3))
        assert coarse[2][1, 1] == pytest.approx(means[1, 1], rel=0.05)

    def test_classes_are_those_of_the_ground(self, demo):
        """All that lie a cell of the scene from other classes: pixels are hardly larger; most of the others."""
        scene = demo[0] / "simulated" / "scene" / "land_cover.tif"
        with rasterio.open(demo[0] / "cogs" / "land_cover.tif") as raster, rasterio.open(scene) as truth:
            found, cells, names = raster.read(1), truth.read(1), (raster.tags(), truth.tags())
            row, column = np.nonzero(found != 255)
            a, _, c, _, e, f = raster.transform[:6]
            place = Transformer.from_crs(raster.crs, truth.crs, always_xy=True).transform(
                c + a * (column + 0.5), f + e * (row + 0.5)
            )
            a, _, c, _, e, f = truth.transform[:6]
            there = np.floor((place[1] - f) / e).astype(int), np.floor((place[0] - c) / a).astype(int)
        named = np.array([names[0].get(f"class_{code}", "") for code in range(256)])
        true = np.array([names[1].get(f"class_{code:02}", "") for code in range(256)])
        agrees = named[found[row, column]] == true[cells[there]]
        far = (minimum_filter(cells, 3) == maximum_filter(cells, 3))[there]
        assert far.sum() > 10_000
        assert agrees[far].mean() > 0.999
        assert agrees.mean() > 0.94


def truth_facts(output):
    """What quality.json says of a dataset beside its truth."""
    return json.loads((output / "quality.json").read_text())["truth"]
