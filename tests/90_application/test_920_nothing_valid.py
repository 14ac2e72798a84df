"""Runs in which nothing, or not everything, has data and a place on the ground."""

import json
import re

import numpy as np
import pytest
import xarray as xr
import zarr
from command_line import burst_of, refuse, run
from fake_burst import FAKE, relief, write_dem, write_scene
from fake_safe import write_tiff
from small_runs import CUBE_ALONE

from alignsar_gpu.application.dataset.coverage import Coverage, coverage_of


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"))


def hole(longitude, latitude):
    """The relief, with a hole in the middle of the first burst."""
    height = relief(longitude, latitude)
    inside = (abs(longitude + 8.4) < 0.05) & (abs(latitude - 31.7) < 0.02)
    return np.where(inside, np.nan, height)


class TestHole:
    @pytest.fixture(scope="class")
    @classmethod
    def output(cls, scene, tmp_path_factory):
        folder = tmp_path_factory.mktemp("hole")
        dem = write_dem(folder / "hole.tif", height=hole)
        run(*burst_of(scene[0], dem, f"output={folder / 'out'}", *CUBE_ALONE))
        return folder / "out"

    def test_one_warning_with_its_share(self, output):
        quality = json.loads((output / "quality.json").read_text())
        cube = xr.open_zarr(output / "cube.zarr")
        share = float(np.isnan(cube["longitude"].values).mean())
        assert 0.001 < share < 0.5
        (warning,) = [text for text in quality["warnings"] if "holes" in text]
        stated = re.match(
            r"([\d.]+) % of the pixels have no ground coordinates and no valid values: DEM ", warning
        )
        assert float(stated[1]) == pytest.approx(100.0 * share, rel=0.01)
        assert "hole.tif has holes there" in warning

    def test_the_valid_fraction_counts_it(self, output):
        (date,) = json.loads((output / "quality.json").read_text())["dates"].values()
        cube = xr.open_zarr(output / "cube.zarr")
        both = cube["valid"][0].values & np.isfinite(cube["longitude"].values)
        assert date["valid_fraction"] == both.mean() < cube["valid"][0].values.mean()


class TestNothing:
    def test_all_samples_are_zero(self, tmp_path):
        safe, dem = write_scene(tmp_path)
        for tiff in (safe / "measurement").iterdir():
            write_tiff(tiff, np.zeros((FAKE.bursts * FAKE.lines, FAKE.samples), np.complex64))
        refuse(
            "no pixel of any date is valid: all samples in the files are zero or not finite",
            *burst_of(safe, dem, f"output={tmp_path / 'out'}", *CUBE_ALONE),
        )
        assert not (tmp_path / "out" / "manifest.json").exists()

    def test_all_lines_are_masked(self, tmp_path):
        safe, dem = write_scene(tmp_path)
        for path in (safe / "annotation").glob("*.xml"):
            text = re.sub(r"(?<=ValidSample count=\"160\">)[^<]*", " ".join(["-1"] * 160), path.read_text())
            path.write_text(text)
        arguments = burst_of(safe, dem, f"output={tmp_path / 'out'}", *CUBE_ALONE)
        refuse("have no bursts with valid samples", *(a for a in arguments if "burst=" not in a))

    def test_the_burst_lies_in_a_hole(self, scene, tmp_path):
        def nothing(longitude, latitude):
            return np.full(np.broadcast(longitude, latitude).shape, np.nan)

        dem = write_dem(tmp_path / "dem.tif", height=nothing)
        refuse(
            "nothing but holes where the image lies", *burst_of(scene[0], dem, f"output={tmp_path / 'out'}")
        )


class TestCoverage:
    @pytest.mark.parametrize("chunk", [1, 3, 10])
    def test_of_a_cube(self, tmp_path, chunk):
        rng = np.random.default_rng(920)
        valid, longitude = rng.random((2, 10, 8)) > 0.3, rng.random((10, 8))
        longitude[rng.random((10, 8)) > 0.8] = np.nan
        group = zarr.open_group(tmp_path, mode="w", zarr_format=3)
        group.create_array("valid", data=valid, chunks=(1, chunk, 8))
        group.create_array("longitude", data=longitude, chunks=(chunk, 8))
        known = np.isfinite(longitude)
        assert coverage_of(tmp_path) == Coverage(
            located=known.mean(),
            seen=tuple(valid.mean(axis=(1, 2))),
            valid=tuple((valid & known).mean(axis=(1, 2))),
        )
