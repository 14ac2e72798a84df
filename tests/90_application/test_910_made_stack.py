"""Runs on a small stack that is made on the spot: what is written is what was put in."""

from dataclasses import asdict

import numpy as np
import pytest
import xarray as xr
from command_line import refuse, run
from small_runs import SYNTHETIC, check_marked_as_simulated
from synthetic_stack import SyntheticProductsConfig, simulate_stack
from synthetic_stack.assessment import assess

MADE = [*SYNTHETIC, "dataset.chunk_lines=96", "dataset.chunk_samples=416"]


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


class TestMadeOnTheSpot:
    """The small stack of products=synthetic, which nothing has to be coregistered in."""

    def test_writes_what_the_readme_says(self, made):
        output, _ = made
        names = {p.name for p in output.iterdir()} - {".checked.json", "run.log"}
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

    def test_nothing_is_written_elsewhere(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        result = run(*SYNTHETIC, "products.lines=64", "products.samples=64", "products.dates=2", "output=out")
        assert "report" in result.stdout
        assert [p.name for p in tmp_path.iterdir()] == ["out"]

    def test_other_settings_on_the_same_output(self, made):
        arguments = [*MADE, f"output={made[0]}"]
        refuse("products.seed: 1 there, 2 now", *arguments, "products.seed=2")
