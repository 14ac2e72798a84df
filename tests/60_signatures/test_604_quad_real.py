"""Real products in NISAR's layout: quad-polarization PALSAR around a corner reflector, and UAVSAR.

The PALSAR sample is not calibrated polarimetrically: ISCE3 has it to estimate the imbalance of the channels. Shimada
and Ohki 2009 (Calibration of PALSAR polarimetry using corner reflectors in the Amazon forest and its three-year trend,
PolInSAR workshop) give it as V over H: 1.015 at 20.287 degrees in transmission, 0.725 at -3.174 degrees in reception.
"""

import csv

import h5py
import numpy as np
import pytest
import xarray as xr
from alignsar_gpu.kernels import QUAD_OUTPUTS, polarimetric_signatures
from omegaconf import OmegaConf

from alignsar_gpu.application.pipeline import run
from alignsar_gpu.application.published import Published
from alignsar_gpu.config import Config, DeviceConfig, SignaturesConfig
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.products.nisar import NisarProductsConfig
from alignsar_gpu.products.nisar.reader import open_nisar
from alignsar_gpu.signatures import select

CHANNELS = ("hh", "hv", "vh", "vv")
TRANSMITTED = 1.015 * np.exp(1j * np.radians(20.287))
RECEIVED = 0.725 * np.exp(1j * np.radians(-3.174))
IMBALANCE = {"hh": 1.0, "hv": RECEIVED, "vh": TRANSMITTED, "vv": TRANSMITTED * RECEIVED}
ALPHA = 10.0  # degrees: the bound for a trihedral


@pytest.fixture(scope="module")
def palsar(real_data):
    return real_data("nisar_format_small") / "calib_RSLC_ALPSRP025826990_RIO_BRANCO_CR.h5"


@pytest.fixture(scope="module")
def product(palsar):
    return open_nisar(palsar)


@pytest.fixture(scope="module")
def images(product):
    pixels, valid = product.read_pixels(0, product.grid.lines)
    assert valid.all()
    return dict(zip(product.polarizations, pixels[0], strict=True))


@pytest.fixture(scope="module")
def peak(images):
    span = sum(np.abs(image) ** 2 for image in images.values())
    return tuple(int(i) for i in np.unravel_index(np.argmax(span), span.shape))


@pytest.fixture(scope="module")
def winnipeg(real_data):
    return real_data("winnipeg_uavsar_isce3") / "winnipeg.h5"


class TestPalsar:
    def test_what_it_is(self, product):
        grid, (acquisition,) = product.grid, product.acquisitions
        assert product.polarizations == ("hh", "hv", "vv", "vh")
        assert grid.shape == (100, 50)
        assert grid.epoch == np.datetime64("2006-07-20")
        assert grid.first_azimuth_time == 3 * 3600 + 15 * 60 + 55.543234
        assert grid.azimuth_interval == pytest.approx(0.000522, rel=1e-6)
        assert grid.range_spacing == pytest.approx(8.922394583350979, rel=1e-9)
        assert grid.look_side == "right"
        assert grid.wavelength == pytest.approx(0.23606, abs=1e-5)
        assert (acquisition.platform, acquisition.pass_direction) == ("ALOS", "ascending")
        assert (acquisition.orbit.time[0], acquisition.orbit.time[-1]) == (10980.0, 12600.0)

    def test_pixels(self, palsar, images):
        with h5py.File(palsar) as file:
            stored = file["science/LSAR/RSLC/swaths/frequencyA/VH"][7, 9]
        assert stored.dtype["r"] == np.float16
        assert images["vh"][7, 9] == complex(float(stored["r"]), float(stored["i"]))

    def test_its_calibration_is_not_filled_in(self, product):
        """Pixels of thousands with tables of ones."""
        assert not product.acquisitions[0].calibration
        assert "they hold no values" in product.facts["dropped"][0]

    def test_the_reflector_is_where_it_was_surveyed(self, palsar, product, images, peak):
        """Less than a pixel from the brightest, and 0.02 pixels from where the band-limited HH image is."""
        with next(palsar.parent.glob("*_NISAR.csv")).open() as file:
            (row,) = csv.DictReader(file, skipinitialspace=True)
        place = [
            float(row[name]) for name in ("Longitude (deg)", "Latitude (deg)", "Height above ellipsoid (m)")
        ]
        grid = product.grid
        time, slant_range = ground_to_radar(product.acquisitions[0].orbit, *place, grid.azimuth_time(50))
        found = np.array([grid.line(time), grid.sample(slant_range)])
        assert np.abs(found - peak).max() < 1
        assert np.abs(found - brightest(images["hh"], peak)).max() < 0.05

    def test_the_ground_below_it(self, palsar, product, peak):
        """The reflector stands on the ellipsoid (0.02 mm below): its pixel lies within one of it."""
        ground = product.read_ground(peak[0], peak[0] + 1)
        found = ground.longitude[0, peak[1]], ground.latitude[0, peak[1]]
        away = geodetic_to_ecef(*found, 0.0) - geodetic_to_ecef(-68.1728216904995, -9.71311741457592, 0.0)
        assert np.linalg.norm(away) < product.grid.range_spacing

    @pytest.mark.parametrize("window", [(1, 1), (3, 3)])
    def test_as_delivered_the_imbalance_of_the_channels_is_in_it(self, images, peak, window):
        """15.6 degrees where a trihedral has 0: what VV/HH = 0.76 at 26 degrees makes, |HH - VV| / |HH + VV|."""
        ratio = images["vv"][peak] / images["hh"][peak]
        assert abs(abs(ratio) - abs(IMBALANCE["vv"])) < 0.13  # the spread that ISCE3 allows for its estimate
        assert abs(np.degrees(np.angle(ratio / IMBALANCE["vv"]))) < 10  # 5 degrees each way
        found = at(peak, images, window)
        expected = np.degrees(np.arctan(abs(1 - ratio) / abs(1 + ratio)))
        assert found["alpha_quad"] == pytest.approx(expected, abs=0.6)
        assert found["alpha_quad"] > ALPHA
        self.is_a_surface(found)

    @pytest.mark.parametrize("window", [(1, 1), (3, 3)])
    def test_without_it_the_reflector_is_a_trihedral(self, images, peak, window):
        balanced = {name: (image / IMBALANCE[name]).astype(np.complex64) for name, image in images.items()}
        found = at(peak, balanced, window)
        assert found["alpha_quad"] < ALPHA
        assert found["krogager_sphere"] > 0.97 * found["span_quad"]
        assert found["mf3cf_theta"] > 42
        self.is_a_surface(found)

    def is_a_surface(self, found):
        span = found["span_quad"]
        assert found["entropy_quad"] < 0.06
        assert found["rvi_quad"] < 0.03
        assert found["krogager_sphere"] > 0.9 * span
        for name in ("freeman", "yamaguchi", "yamaguchi_rotated", "van_zyl"):
            assert found[f"{name}_surface"] > 0.95 * span, name
            assert found[f"{name}_double_bounce"] < 0.02 * span, name
        assert found["pauli_surface"] > 0.9 * span

    def test_a_whole_run(self, palsar, images, peak, tmp_path):
        """A single date; every signature of four polarizations, and the category 1 that needs no calibration."""
        config = Config(
            name="quad",
            output=str(tmp_path / "out"),
            device=DeviceConfig(kind="cpu"),
            products=NisarProductsConfig(path=str(palsar)),
            signatures=SignaturesConfig(names=["category1", "all_quad"]),
        )
        summary = run(config, Published(OmegaConf.create({"name": "quad"})))
        assert any("calibration tables" in warning for warning in summary.warnings)
        with xr.open_zarr(tmp_path / "out" / "cube.zarr") as cube:
            quad = [signature.name for signature in select(["all_quad"])]
            assert len(quad) > 30
            single = [f"{name}_{p}" for name in ("amplitude", "intensity", "slc_phase") for p in CHANNELS]
            assert set(quad) | set(single) | {"incidence_angle", "valid"} <= set(cube.data_vars)
            assert not {name for name in cube.data_vars if name.startswith(("sigma0", "coherence"))}
            assert cube.sizes == {"time": 1, "azimuth": 100, "range": 50}
            assert bool(cube["valid"].all())
            kernel = at(peak, images, (3, 3))
            for name in (
                "alpha_quad",
                "entropy_quad",
                "freeman_surface",
                "yamaguchi_helix",
                "krogager_sphere",
            ):
                assert float(cube[name][0][peak]) == pytest.approx(kernel[name], rel=1e-6), name
            assert cube.attrs["polarizations"] == "hh,hv,vv,vh"
            assert cube.attrs["relative_orbit"] == 1
            assert float(cube["incidence_angle"][peak]) == pytest.approx(23.184, abs=0.01)
            assert np.isnan(cube["height"]).all()
        files = {path.name for path in (tmp_path / "out").iterdir()}
        assert {"netcdf", "stac", "report", "quality.json"} <= files


def at(peak, images, window):
    """The signatures of one pixel."""
    channels = [np.ascontiguousarray(images[name]) for name in CHANNELS]
    layers = polarimetric_signatures(channels, np.ones(channels[0].shape, bool), QUAD_OUTPUTS, window=window)
    return {name: float(layer[peak]) for name, layer in layers.items()}


def brightest(image, peak, around=16):
    """Line and sample of the maximum of the band-limited image near a pixel, to 0.02 pixels."""
    first = [index - around for index in peak]
    chip = image[tuple(slice(index, index + 2 * around) for index in first)].astype(complex)
    steps = around + np.arange(-1, 1, 0.02)
    waves = []
    for axis in range(2):
        ahead, behind = (np.take(chip, range(*ends), axis) for ends in ((1, 2 * around), (0, 2 * around - 1)))
        centre = np.angle(np.vdot(behind, ahead)) / (2 * np.pi)  # of the band, cycles per pixel
        frequency = np.fft.fftfreq(2 * around)
        frequency += np.round(centre - frequency)
        waves.append(np.exp(2j * np.pi * np.outer(steps, frequency)))
    power = np.abs(waves[0] @ np.fft.fft2(chip) @ waves[1].T)
    return np.array(first) + steps[list(np.unravel_index(np.argmax(power), power.shape))]


class TestUavsar:
    """Airborne, left-looking; the product's group is SLC, and its times count from two days before."""

    def test_what_it_is(self, winnipeg):
        product = open_nisar(winnipeg)
        grid, (acquisition,) = product.grid, product.acquisitions
        assert product.polarizations == ("hh",)
        assert grid.shape == (250, 250)
        assert grid.look_side == "left"
        assert acquisition.start == np.datetime64("2012-07-17T14:36:47")  # zeroDopplerStartTime
        assert (grid.epoch, grid.first_azimuth_time) == (np.datetime64("2012-07-17"), 52607.0)
        assert (acquisition.platform, acquisition.pass_direction) == (
            "UAVSAR",
            "ascending",
        )  # it states -44 degrees
        assert (acquisition.absolute_orbit, acquisition.relative_orbit) == (12061, 31604)
        assert not acquisition.calibration
        assert "dropped" not in product.facts
        pixels, valid = product.read_pixels(0, 250)
        assert valid.all()
        with h5py.File(winnipeg) as file:
            np.testing.assert_array_equal(pixels[0, 0], file["science/LSAR/SLC/swaths/frequencyA/HH"][()])

    def test_ground_and_radar(self, winnipeg):
        """Where ISCE3 puts a pixel at its height is where ours is seen."""
        product = open_nisar(winnipeg)
        grid, orbit = product.grid, product.acquisitions[0].orbit
        isce3 = [
            np.fromfile(winnipeg.parent / "topo_winnipeg" / f"{axis}.rdr", "<f8").reshape(250, 250)
            for axis in "xyz"
        ]
        lines, samples = np.arange(250)[:, np.newaxis], np.arange(250)
        time, slant_range = ground_to_radar(orbit, *isce3, grid.azimuth_time(lines))
        assert np.abs(grid.line(time) - lines).max() < 1e-5
        assert np.abs(grid.sample(slant_range) - samples).max() < 1e-5

    def test_frequency_b_has_no_images(self, winnipeg):
        with pytest.raises(
            AlignsarError, match=r"frequencyB: no image of HH, HV, VH, VV: the file is cut off"
        ):
            open_nisar(winnipeg, "B")


def test_a_simulated_point_target(real_data):
    """129 x 129 pixels, the target in the middle."""
    product = open_nisar(real_data("nisar_format_small") / "rslc_pt.h5")
    pixels = np.abs(product.read_pixels(0, 129)[0][0, 0])
    assert np.unravel_index(np.argmax(pixels), pixels.shape) == (64, 64)


def test_another_kind_of_product(real_data):
    with pytest.raises(AlignsarError, match=r"GUNW_product\.h5: is no RSLC product .* it holds GUNW"):
        open_nisar(real_data("nisar_format_small") / "GUNW_product.h5")
