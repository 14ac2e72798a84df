"""Layers that are computed when the cube is opened have the bits of those that are stored."""

import numpy as np
import pytest
import xarray as xr
import zarr
from command_line import refuse, run
from small_runs import CUBE_ALONE, NO_REPORT, SMALL

import alignsar_gpu
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.signatures import select
from alignsar_gpu.signatures.derived import rules
from alignsar_gpu.signatures.options import SignatureOptions, Windows

EVERYTHING = ["signatures.names=[category1,all_dual]", "products.lines=80", "products.samples=90"]
PLAIN = SignatureOptions(windows=Windows(coherence=(3, 11), phase=(1, 1)))


def same_bits(first, second):
    return first.dtype == second.dtype and np.array_equal(first.view(np.uint32), second.view(np.uint32))


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Two runs of one stack: everything stored, and what can be computed."""
    top = tmp_path_factory.mktemp("derived")
    for name in ("stored", "computed"):
        run(*SMALL, *EVERYTHING, NO_REPORT, f"dataset.derived={name}", f"output={top / name}")
    return top


def test_every_layer_has_the_same_bits(outputs):
    stored, computed = (alignsar_gpu.open(outputs / name) for name in ("stored", "computed"))
    plain = xr.open_zarr(outputs / "computed" / "cube.zarr")
    missing = {"amplitude", "sigma0", "beta0", "gamma0"}
    expected = {f"{name}_{p}" for name in missing for p in ("vv", "vh")}
    expected |= {"stokes_0", "degree_of_polarization"}
    expected |= {"intensity_sum", "intensity_difference", "intensity_ratio"}
    assert set(stored.data_vars) - set(plain.data_vars) == expected
    assert set(computed.data_vars) == set(stored.data_vars)
    for name in expected:
        assert same_bits(computed[name].values, stored[name].values), name
        assert computed[name].attrs == stored[name].attrs
        assert set(computed[name].coords) == set(stored[name].coords)


def test_parts_are_computed_as_they_are_read(outputs):
    whole = alignsar_gpu.open(outputs / "stored")["sigma0_vh"].values
    lazy = alignsar_gpu.open(outputs / "computed")["sigma0_vh"]
    for key in (
        (1,),
        (slice(None), 5, 9),
        (0, slice(3, 60, 7), slice(None, None, -5)),
        ([2, 0], slice(20, 30), [1, 5, 80]),
        (slice(0, 0), 3),
    ):
        expected = whole
        for axis, part in reversed(list(enumerate(key))):
            expected = expected.take(np.arange(whole.shape[axis])[part], axis)
        np.testing.assert_array_equal(lazy[key].values, expected)
    for chunks in ({}, {"azimuth": 32}):
        tasks = alignsar_gpu.open(outputs / "computed", chunks=chunks)["sigma0_vh"]
        assert tasks.chunks is not None
        np.testing.assert_array_equal(tasks.compute().values, whole)


def test_netcdf_has_all_layers_with_the_same_bytes(outputs):
    for file in sorted((outputs / "stored" / "netcdf").iterdir()):
        with (
            xr.open_dataset(file) as stored,
            xr.open_dataset(outputs / "computed" / "netcdf" / file.name) as computed,
        ):
            assert set(stored.variables) == set(computed.variables)
            for name in stored.data_vars:
                np.testing.assert_array_equal(stored[name].values, computed[name].values)


def test_it_takes_less_space(outputs):
    sizes = [
        sum(file.stat().st_size for file in (outputs / name / "cube.zarr").rglob("c/*/*/*"))
        for name in ("stored", "computed")
    ]
    assert sizes[1] < 0.8 * sizes[0]


class TestWhatFollows:
    def test_nothing_without_what_it_follows_from(self):
        assert not rules(select(["amplitude", "sigma0", "intensity_sum", "span"]), PLAIN, ["vv", "vh"])

    def test_no_sum_without_a_layer_that_tells_where_it_means_something(self):
        assert set(rules(select(["intensity", "intensity_sum"]), PLAIN, ["vv", "vh"])) == set()
        assert set(rules(select(["intensity", "intensity_sum", "alpha"]), PLAIN, ["vv", "vh"])) == {
            "intensity_sum"
        }

    def test_filtered_intensities_tell_no_amplitude(self):
        names = select(["category1", "all_dual"])
        filtered = SignatureOptions(windows=PLAIN.windows, filter="lee")
        found = {rule.signature for rule in rules(names, filtered, ["vv", "vh"]).values()}
        assert found == {
            "sigma0",
            "beta0",
            "gamma0",
            "gamma0_flattened",
            "stokes_0",
            "degree_of_polarization",
        }

    def test_where_noise_is_removed_the_gain_tells_no_backscatter(self):
        without = SignatureOptions(windows=PLAIN.windows, noise="removed")
        found = {rule.signature for rule in rules(select(["category1"]), without, ["vv"]).values()}
        assert found == {"amplitude"}


class TestRounded:
    def test_signatures_are_within_what_they_say(self, outputs, tmp_path):
        run(*SMALL, *EVERYTHING, *CUBE_ALONE, "dataset.digits=3", f"output={tmp_path / 'out'}")
        exact, rounded = alignsar_gpu.open(outputs / "stored"), alignsar_gpu.open(tmp_path / "out")
        for name in exact.variables:
            known, found = exact[name].values, rounded[name].values
            if "maximum_relative_error" in rounded[name].attrs:
                bound = rounded[name].attrs["maximum_relative_error"]
                assert bound <= 0.5e-3
                assert "rounded to 10 bits of its mantissa" in rounded[name].attrs["comment"]
                assert np.all(np.isnan(known) | (np.abs(found - known) <= bound * np.abs(known))), name
            else:
                np.testing.assert_array_equal(known, found)
        plain = {"longitude", "latitude", "height", "incidence_angle", "valid", "azimuth", "range"}
        assert not [name for name in plain if "maximum_relative_error" in rounded[name].attrs]

    def test_not_with_what_is_computed_from_it(self, tmp_path):
        both = ["dataset.digits=3", "dataset.derived=computed", f"output={tmp_path / 'out'}"]
        refuse("dataset.digits=3: layers that are computed from rounded ones", *SMALL, *both)


class TestOpening:
    def test_what_is_no_cube_is_refused(self, tmp_path):
        with pytest.raises(AlignsarError, match="is no cube; name a cube"):
            alignsar_gpu.open(tmp_path)

    @pytest.mark.parametrize("found", [None, 0, 99])
    def test_a_cube_of_another_version_is_refused(self, outputs, tmp_path, found):
        group = zarr.open_group(tmp_path / "cube.zarr", mode="w", zarr_format=3)
        group.attrs.update({} if found is None else {"cube_format": found})
        with pytest.raises(AlignsarError, match=r"is a cube of format .* reads 1; make it again"):
            alignsar_gpu.open(tmp_path)

    def test_a_text_is_a_path(self, outputs):
        assert alignsar_gpu.open(str(outputs / "stored" / "cube.zarr")).sizes["time"] == 3
