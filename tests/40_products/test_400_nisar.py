"""NISAR's RSLC products: what was written is read back; everything broken is refused."""

import os
import warnings

import h5py
import numpy as np
import pytest
from fake_nisar import HALF, VECTORS, FakeNisar
from hydra import compose, initialize_config_module

from alignsar_gpu.application.dataset.description import check_flattening
from alignsar_gpu.application.fingerprints import InputFiles
from alignsar_gpu.application.inputs import find_inputs
from alignsar_gpu.config import Config
from alignsar_gpu.device import choose_device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.frontend.composing import register, typed
from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT, RadarGrid
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.products.nisar import NisarProductsConfig
from alignsar_gpu.products.nisar.ground import ellipsoid_ground
from alignsar_gpu.products.nisar.reader import open_nisar

FAKE = FakeNisar()
TOP = "science/LSAR/RSLC"
IMAGES = f"{TOP}/swaths/frequencyA"
ORBIT = f"{TOP}/metadata/orbit"
TABLES = f"{TOP}/metadata/calibrationInformation/geometry"
IDENTIFICATION = "science/LSAR/identification"


@pytest.fixture
def path(tmp_path):
    return FAKE.write(tmp_path / "product.h5")


def change(path, name, value=None, **units):
    """Another value for a dataset, or none; its attributes are kept but for those that are given."""
    with h5py.File(path, "r+") as file:
        attributes = {**file[name].attrs, **units} if name in file else {}
        if name in file:
            del file[name]
        if value is not None:
            file[name] = value
            file[name].attrs.update(attributes)


def value_of(path, name):
    with h5py.File(path) as file:
        return file[name][()]


class TestRoundTrip:
    @pytest.mark.parametrize("stored", [HALF, np.dtype(np.complex64), np.dtype(np.complex128)])
    def test_pixels(self, stored, tmp_path):
        fake = FakeNisar(stored=stored)
        product = open_nisar(fake.write(tmp_path / "x.h5"))
        assert product.polarizations == ("hh", "hv", "vv", "vh")
        expected = np.stack([fake.pixels(p) for p in product.polarizations])[np.newaxis]
        pixels, valid = product.read_pixels(0, fake.lines)
        assert pixels.dtype == np.complex64
        assert valid.all()
        np.testing.assert_array_equal(pixels, expected)
        np.testing.assert_array_equal(product.read_pixels(13, 31)[0], expected[:, :, 13:31])

    def test_grid(self, path):
        """Lines begin before midnight: the epoch is the midnight before."""
        grid = open_nisar(path).grid
        assert grid == RadarGrid(
            epoch=np.datetime64("2026-07-20"),
            first_azimuth_time=86398.25,
            azimuth_interval=grid.azimuth_interval,
            first_slant_range=850e3,
            range_spacing=grid.range_spacing,
            wavelength=SPEED_OF_LIGHT / 1257.5e6,
            look_side="right",
            lines=40,
            samples=60,
        )
        assert grid.azimuth_interval == pytest.approx(FAKE.azimuth_interval, rel=1e-9)
        assert grid.range_spacing == pytest.approx(FAKE.range_spacing, rel=1e-9)

    @pytest.mark.parametrize(
        ("first", "epoch", "orbit_epoch"),
        [
            ("2026-07-20T23:59:58.250", "2026-07-20T00:00:00", "2026-07-20T00:00:00"),
            ("2026-07-21T00:00:01.500", "2026-07-20T23:59:50", "2026-07-20 23:00:00"),
            ("2026-07-21T00:00:01.500", "2026-07-21 00:00:00.000000000", "2026-07-19T12:00:00"),
            ("2026-07-21T06:00:01.500", "2026-07-21T05:59:59.250000000", "2026-07-21T05:59:00.5"),
            ("2026-07-21T06:00:01.500", "2026-07-21T06:00:30", "2026-07-22T00:00:00"),
        ],
    )
    def test_times_whatever_they_count_from(self, first, epoch, orbit_epoch, tmp_path):
        """Exact to the rounding of seconds of a day, 2e-11 s: all numbers here are."""
        fake = FakeNisar(first=first, epoch=epoch, orbit_epoch=orbit_epoch)
        product = open_nisar(fake.write(tmp_path / "x.h5"))
        acquisition, grid = product.acquisitions[0], product.grid
        midnight = np.datetime64(first, "D")
        assert grid.epoch == acquisition.orbit.epoch == midnight
        seconds = (np.datetime64(first, "ms") - midnight) / np.timedelta64(1, "s")
        assert grid.first_azimuth_time == seconds
        np.testing.assert_array_equal(acquisition.orbit.time, seconds + VECTORS)
        assert acquisition.start == np.datetime64(first, "us")
        assert acquisition.date == first[:10].replace("-", "")

    def test_acquisition(self, path):
        product = open_nisar(path)
        (acquisition,) = product.acquisitions
        assert product.reference == 0
        stated = {
            "product_id": "NISAR_L1_PR_RSLC_FAKE",
            "platform": "NISAR",
            "pass_direction": "ascending",
            "absolute_orbit": 4321,
            "relative_orbit": 98,
            "instrument_mode": "L:SHNA:20M",
            "swath": "frequencyA",
            "processor": "ISCE3 0.25.3",
        }
        assert {name: getattr(acquisition, name) for name in stated} == stated
        np.testing.assert_array_equal(acquisition.orbit.position, FAKE.vectors[0])
        np.testing.assert_array_equal(acquisition.orbit.velocity, FAKE.vectors[1])
        assert acquisition.orbit.source == "in the product, MOE"
        assert product.facts["orbit"] == {"kind": "MOE", "vectors": len(VECTORS)}
        assert "NISAR_L1_PR_RSLC_FAKE" in product.source
        assert not product.has_heights
        assert not product.has_viewing

    def test_units_as_text_of_any_length(self, path):
        """As h5py writes str; ISCE3 writes bytes."""
        before = open_nisar(path).grid
        change(path, f"{TOP}/swaths/zeroDopplerTime", times, units=f"seconds since {FAKE.epoch}")
        assert open_nisar(path).grid == before

    def test_what_a_product_may_leave_out(self, path):
        """As early and converted products do: the file's name, the flight's direction, a mode stand in."""
        for name in ("granuleId", "orbitPassDirection", "listOfObservationModes"):
            change(path, f"{IDENTIFICATION}/{name}")
        change(path, f"{IDENTIFICATION}/trackNumber", np.bytes_("31604"))
        change(path, f"{ORBIT}/orbitType")
        change(path, f"{TOP}/metadata/processingInformation")
        product = open_nisar(path)
        acquisition = product.acquisitions[0]
        assert acquisition.product_id == "product"
        assert acquisition.pass_direction == "ascending"
        assert acquisition.relative_orbit == 31604
        assert acquisition.instrument_mode == "stripmap"
        assert (acquisition.processor, acquisition.orbit.source) == ("unknown", "in the product, unknown")

    @pytest.mark.parametrize(
        ("stated", "expected"), [("DESCEND", "descending"), ("asc", "ascending"), ("-44", "ascending")]
    )
    def test_direction_of_the_pass(self, stated, expected, path):
        change(path, f"{IDENTIFICATION}/orbitPassDirection", np.bytes_(stated))
        assert open_nisar(path).acquisitions[0].pass_direction == expected

    @pytest.mark.parametrize("early", [False, True])
    def test_calibration(self, early, tmp_path):
        fake = FakeNisar(early_layout=early, first="2026-07-21T00:00:01.500")
        product = open_nisar(fake.write(tmp_path / "x.h5"))
        found = product.acquisitions[0].calibration
        assert set(found) == set(product.polarizations)
        assert "dropped" not in product.facts
        for records in found.values():
            for name in ("sigma", "beta", "gamma"):
                np.testing.assert_allclose(
                    getattr(records, f"{name}_nought"), fake.tables[f"{name}0"], rtol=1e-7
                )
            np.testing.assert_allclose(
                records.azimuth_time, product.grid.azimuth_time(np.arange(0, 40, 10)), atol=1e-9
            )
            np.testing.assert_array_equal(records.slant_range, fake.slant_range[::10])
            assert records.source == "NISAR_L1_PR_RSLC_FAKE"

    def test_sigma0_is_beta0_times_the_sine_of_the_incidence_angle(self, path):
        """The sense of the tables: amplitudes that are divided by."""
        product = open_nisar(path)
        records, grid = product.acquisitions[0].calibration["hh"], product.grid
        power = np.abs(product.read_pixels(10, 11)[0][0, 0, 0]) ** 2
        where = grid.azimuth_time([10]), grid.slant_range(np.arange(grid.samples))
        sigma, beta, gamma = (
            power / records.amplitude(name, *where, np)[0] ** 2
            for name in ("sigma_nought", "beta_nought", "gamma_nought")
        )
        np.testing.assert_allclose(beta, power, rtol=1e-6)
        assert sigma[0] / beta[0] == pytest.approx(np.sin(np.radians(33.0) + 0.001 / 3), rel=1e-5)
        assert gamma[0] / beta[0] == pytest.approx(np.tan(np.radians(33.0) + 0.001 / 3), rel=1e-5)

    def test_calibration_that_is_not_filled_in(self, tmp_path):
        product = open_nisar(FakeNisar(flat_tables=True).write(tmp_path / "x.h5"))
        assert not product.acquisitions[0].calibration
        assert "the same for beta0, sigma0 and gamma0" in product.facts["dropped"][0]

    @pytest.mark.parametrize("name", [TABLES, f"{TABLES}/gamma0", TABLES.removesuffix("/geometry")])
    def test_no_calibration(self, name, path):
        change(path, name)
        product = open_nisar(path)
        assert not product.acquisitions[0].calibration
        assert "dropped" not in product.facts

    def test_other_band_kind_frequency_and_polarizations(self, tmp_path):
        fake = FakeNisar(
            band="SSAR", kind="SLC", frequency="B", polarizations=("vh", "vv"), look="left", lines=2
        )
        product = open_nisar(fake.write(tmp_path / "x.h5"), "B")
        assert product.polarizations == ("vv", "vh")
        assert (product.grid.look_side, product.acquisitions[0].swath) == ("left", "frequencyB")
        np.testing.assert_array_equal(product.read_pixels(0, 2)[0][0, 1], fake.pixels("vh"))


class TestNoData:
    def test_zero_and_what_is_not_finite(self, tmp_path):
        fake = FakeNisar(polarizations=("hh", "vv"))
        path = fake.write(tmp_path / "x.h5")
        bad = [(0, 0), (complex(np.nan, np.nan)), complex(np.inf, 1), complex(1, np.nan)]
        with h5py.File(path, "r+") as file:
            image = file[f"{IMAGES}/HH"]
            for sample, value in enumerate(bad):
                pair = complex(*value) if isinstance(value, tuple) else value
                image[7, sample] = np.array((pair.real, pair.imag), HALF)
            image[7, 4] = np.array((0, 1), HALF)  # zero in one part only is a value
        pixels, valid = open_nisar(path).read_pixels(5, 9)
        np.testing.assert_array_equal(valid[0, 0, 2, :5], [False, False, False, False, True])
        assert valid.sum() == valid.size - 4
        np.testing.assert_array_equal(pixels[~valid], 0)
        assert np.isfinite(pixels).all()

    def test_sub_swaths(self, path):
        """First and one behind the last; a line whose first is not below its last has none."""
        windows = np.zeros((2, FAKE.lines, 2), dtype=np.uint32)
        windows[0], windows[1] = (5, 20), (25, 60)
        windows[0, 3], windows[1, 3] = (0, 0), (30, 10)
        windows[0, 4] = (0, 0)
        for index, window in enumerate(windows):
            change(path, f"{IMAGES}/validSamplesSubSwath{index + 1}", window)
        product = open_nisar(path)
        assert product.facts["sub_swaths"] == 2
        expected = np.zeros((FAKE.lines, FAKE.samples), dtype=bool)
        expected[:, 5:20] = expected[:, 25:60] = True
        expected[3] = expected[4, :25] = False
        pixels, valid = product.read_pixels(0, FAKE.lines)
        np.testing.assert_array_equal(valid, np.broadcast_to(expected, valid.shape))
        np.testing.assert_array_equal(pixels != 0, valid)
        np.testing.assert_array_equal(product.read_pixels(2, 6)[1], valid[:, :, 2:6])

    def test_no_sub_swaths(self, path):
        change(path, f"{IMAGES}/validSamplesSubSwath1")
        assert open_nisar(path).read_pixels(0, 3)[1].all()


class TestGround:
    def test_pixels_are_seen_where_they_lie(self, path):
        product = open_nisar(path)
        ground, grid = product.read_ground(5, 30), product.grid
        assert np.isnan(ground.height).all()
        lines = np.arange(5, 30)
        time, slant_range = ground_to_radar(
            product.acquisitions[0].orbit,
            ground.longitude,
            ground.latitude,
            0.0,
            grid.azimuth_time(lines)[:, None],
        )
        np.testing.assert_allclose(grid.line(time), np.broadcast_to(lines[:, None], time.shape), atol=1e-5)
        np.testing.assert_allclose(
            grid.sample(slant_range), np.broadcast_to(np.arange(60), time.shape), atol=1e-5
        )
        assert product.ground_bytes(10) > 0

    @pytest.mark.parametrize(("side", "turn"), [("right", 0.0), ("left", 0.0), ("right", 163.0)])
    def test_splines_over_a_whole_frame(self, side, turn, path):
        """36 s and 150 km of slant range, also across the antimeridian: within 1 mm, the same bits in any block."""
        orbit = open_nisar(path).acquisitions[0].orbit
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        turned = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
        orbit = Orbit(
            epoch=orbit.epoch,
            time=orbit.time,
            position=orbit.position @ turned,
            velocity=orbit.velocity @ turned,
            source="turned",
        )
        grid = RadarGrid(
            epoch=orbit.epoch,
            first_azimuth_time=86398.25,
            azimuth_interval=1.0 / 1520.0,
            first_slant_range=850e3,
            range_spacing=150.0,
            wavelength=0.24,
            look_side=side,
            lines=54720,
            samples=1000,
        )
        ground = ellipsoid_ground(grid, orbit, "frame")
        if turn:
            longitude = ground.coordinates(27000, 27001)[0]
            assert longitude.min() < -179
            assert longitude.max() > 179
        for first in (0, 12345, 54718):
            found = ground.coordinates(first, first + 2)
            time, slant_range = grid.azimuth_time([first, first + 1]), grid.slant_range(np.arange(1000))
            exact = radar_to_ground(orbit, time[:, None], slant_range, 0.0, side)
            away = geodetic_to_ecef(*found, 0.0) - geodetic_to_ecef(*exact, 0.0)
            assert np.linalg.norm(away, axis=-1).max() < 1e-3
            np.testing.assert_array_equal(ground.coordinates(first + 1, first + 2)[0][0], found[0][1])
            np.testing.assert_array_equal(ground.coordinates(first + 1, first + 2)[1][0], found[1][1])


class TestConfiguration:
    @pytest.fixture(autouse=True)
    def hydra(self):
        register()
        with initialize_config_module("alignsar_gpu.configs", version_base="1.3"):
            yield

    def make(self, *overrides):
        return typed(compose("config", ["products=nisar", *overrides]))

    def test_keys(self):
        config = self.make("products.path=x")
        assert isinstance(config.products, NisarProductsConfig)
        assert (config.products.path, config.products.frequency) == ("x", "A")
        assert self.make("products.path=x", "products.frequency=B").products.frequency == "B"

    @pytest.mark.parametrize(
        ("overrides", "words"),
        [
            ([], "products.path: must be given"),
            (["products.path=x", "products.frequency=C"], "products.frequency=C: choose from A, B"),
            (
                ["products.path=x", "dem.path=y"],
                "dem.vertical_datum: must be given: egm2008 for the Copernicus DEM",
            ),
        ],
    )
    def test_wrong_values(self, overrides, words):
        with pytest.raises(AlignsarError) as caught:
            self.make(*overrides)
        assert words in str(caught.value)

    def test_found_and_opened(self, path):
        """A single date has nothing to be flattened against: interferometry.flatten=auto lets it pass."""
        config = Config(products=NisarProductsConfig(path=str(path)))
        inputs = find_inputs(config)
        assert inputs.settings == {"reader": "nisar", "frequency": "A", "polarizations": []}
        assert inputs.files == ((path,),)
        product = inputs.open(choose_device(config.device))
        assert product.grid.shape == (40, 60)
        assert config.interferometry.flatten == "auto"
        check_flattening(product, config)

    def test_fingerprint_is_of_the_content(self, tmp_path):
        def fingerprint(path):
            inputs = find_inputs(Config(products=NisarProductsConfig(path=str(path))))
            return InputFiles().fingerprint(inputs.settings, *inputs.files)

        (tmp_path / "elsewhere").mkdir()
        first = FAKE.write(tmp_path / "x.h5")
        second = tmp_path / "elsewhere" / "x.h5"
        second.write_bytes(first.read_bytes())
        assert fingerprint(first) == fingerprint(second)
        change(second, f"{IMAGES}/processedCenterFrequency", 1.2e9)
        assert fingerprint(first) != fingerprint(second)


GONE = [
    ("science", "no group science/LSAR"),
    (TOP, "is no RSLC product .* give a product of kind RSLC"),
    (IDENTIFICATION, "no group 'identification'"),
    (f"{IDENTIFICATION}/missionId", "no dataset 'missionId'"),
    (f"{IDENTIFICATION}/lookDirection", "no dataset 'lookDirection'"),
    (f"{IDENTIFICATION}/absoluteOrbitNumber", "no dataset 'absoluteOrbitNumber'"),
    (f"{IDENTIFICATION}/trackNumber", "no dataset 'trackNumber'"),
    (f"{TOP}/swaths", "no group 'swaths'"),
    (f"{TOP}/swaths/zeroDopplerTime", "no dataset 'zeroDopplerTime'"),
    (IMAGES, r"no frequency A in the product; say products\.frequency=A \(it has none\)"),
    (f"{IMAGES}/slantRange", "no dataset 'slantRange'"),
    (f"{IMAGES}/processedCenterFrequency", "no dataset 'processedCenterFrequency'"),
    (f"{IMAGES}/listOfPolarizations", "no dataset 'listOfPolarizations'"),
    (ORBIT, "no group 'metadata/orbit'"),
    (f"{ORBIT}/time", "no dataset 'time'"),
    (f"{ORBIT}/position", "no dataset 'position'"),
    (f"{ORBIT}/velocity", "no dataset 'velocity'"),
    (f"{TABLES}/slantRange", "no dataset 'slantRange'"),
]
times, ranges = FAKE.azimuth_time, FAKE.slant_range
orbit_times = FAKE.since(FAKE.orbit_epoch, VECTORS)
swapped = np.arange(FAKE.lines)
swapped[[4, 5]] = swapped[[5, 4]]
WRONG = [
    (f"{IDENTIFICATION}/lookDirection", np.bytes_("down"), "expected left or right, got 'down'"),
    (f"{IDENTIFICATION}/missionId", np.bytes_(" "), "missionId: expected a text"),
    (f"{IDENTIFICATION}/absoluteOrbitNumber", np.bytes_("many"), "absoluteOrbitNumber: cannot be read"),
    (f"{IDENTIFICATION}/absoluteOrbitNumber", 1.5, "expected a whole number, got 1.5"),
    (f"{IDENTIFICATION}/trackNumber", -3, "expected a whole number, got -3"),
    (f"{IDENTIFICATION}/trackNumber", [1, 2], "trackNumber: cannot be read"),
    (f"{TOP}/swaths/zeroDopplerTime", times[swapped], "zeroDopplerTime: does not increase"),
    (
        f"{TOP}/swaths/zeroDopplerTime",
        times[:-1],
        "39 values of zeroDopplerTime for images of 40 x 60 pixels",
    ),
    (
        f"{TOP}/swaths/zeroDopplerTime",
        times + 1e-5 * (swapped == 20),
        "zeroDopplerTime: is not evenly spaced",
    ),
    (f"{TOP}/swaths/zeroDopplerTime", np.where(swapped == 3, np.nan, times), "not a finite number"),
    (f"{TOP}/swaths/zeroDopplerTime", times + 1e12, "s away from its epoch"),
    (f"{TOP}/swaths/zeroDopplerTime", times.astype(str).astype("S"), r"expected numbers, got \|S"),
    (f"{IMAGES}/slantRange", ranges[::-1], "slantRange: does not increase"),
    (f"{IMAGES}/slantRange", ranges[:, None], r"slantRange: expected the shape \(any\), got \(60, 1\)"),
    (f"{IMAGES}/slantRange", ranges[:0], r"slantRange: expected the shape \(any\), got \(0,\)"),
    (f"{IMAGES}/slantRange", ranges + 2 * (np.arange(60) == 9), "slantRange: is not evenly spaced"),
    (f"{IMAGES}/slantRange", ranges - 600e3, "100 % of the pixels do not see the ellipsoid"),
    (f"{IMAGES}/slantRange", ranges - 860e3, "first_slant_range must be positive"),
    (f"{IMAGES}/processedCenterFrequency", 0.0, "processedCenterFrequency: expected Hz, got 0"),
    (f"{IMAGES}/processedCenterFrequency", np.inf, "processedCenterFrequency: expected a number, got inf"),
    (
        f"{IMAGES}/listOfPolarizations",
        np.bytes_(["RH", "HH", "RV"]),
        "polarization RH, RV: only HH, HV, VH and VV",
    ),
    (f"{IMAGES}/listOfPolarizations", np.bytes_([""])[:0], "no image of any polarization"),
    (f"{IMAGES}/HH", np.ones((40, 60)), "HH: expected a complex image .* got float64"),
    (f"{IMAGES}/HH", np.ones(40, np.complex64), r"HH: expected a complex image .* of shape \(40,\)"),
    (f"{IMAGES}/HH", np.ones((40, 59), np.complex64), "images of HH 40 x 59, HV 40 x 60"),
    (f"{IMAGES}/validSamplesSubSwath1", np.full((39, 2), 3), r"expected the shape \(40, 2\)"),
    (f"{IMAGES}/validSamplesSubSwath1", np.full((40, 2), 61), "samples 61 to 61 of an image with 60"),
    (f"{IMAGES}/validSamplesSubSwath1", np.full((40, 2), -1), "samples -1 to -1 of an image with 60"),
    (f"{ORBIT}/time", orbit_times[::-1], "orbit/time: does not increase"),
    (f"{ORBIT}/time", orbit_times + 3600, "but the acquisition needs .* give an orbit that covers it"),
    (f"{ORBIT}/time", orbit_times[:1], r"position: expected the shape \(1, 3\)"),
    (f"{ORBIT}/position", FAKE.vectors[0].T, r"position: expected the shape \(13, 3\), got \(3, 13\)"),
    (f"{ORBIT}/position", FAKE.vectors[0] * np.nan, "position: holds what is not a finite number"),
    (f"{ORBIT}/position", FAKE.vectors[0] * 1j, "position: expected numbers, got complex128"),
    (f"{ORBIT}/position", FAKE.vectors[0] / 2, "from the Earth's centre"),
    (f"{ORBIT}/velocity", FAKE.vectors[1] * 10, "speed of the antenna is .* m/s"),
    (f"{TABLES}/sigma0", np.ones((3, 6)), r"sigma0: expected the shape \(4, 6\)"),
    (f"{TABLES}/sigma0", -np.ones((4, 6)), "sigma_nought must be positive"),
]


class TestBadInput:
    """Each is one clear message that says what, where, and what to do."""

    def refuse(self, path, words, frequency="A"):
        with pytest.raises(AlignsarError, match=words) as caught:
            open_nisar(path, frequency).read_pixels(0, FAKE.lines)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value) or "calibration of" in words or "must be positive" in words

    @pytest.mark.parametrize(("name", "words"), GONE, ids=[name for name, _ in GONE])
    def test_what_is_missing(self, name, words, path):
        change(path, name)
        self.refuse(path, words)

    @pytest.mark.parametrize(("name", "value", "words"), WRONG, ids=range(len(WRONG)))
    def test_what_is_wrong(self, name, value, words, path):
        change(path, name, value)
        self.refuse(path, words)

    @pytest.mark.parametrize(
        "units",
        [
            b"",
            b"days since 2026-07-20",
            b"seconds since 2026-13-40T00:00:00",
            b"seconds since 0026-07-20T00:00:00",
        ],
    )
    def test_times_since_when(self, units, path):
        change(path, f"{TOP}/swaths/zeroDopplerTime", times, units=np.bytes_(units))
        self.refuse(path, "expected units such as 'seconds since 2026-07-20T00:00:00', got")

    def test_no_file_or_another(self, tmp_path):
        self.refuse(
            tmp_path / "nowhere.h5", r"products\.path=.*: no such file; give the HDF5 file of an RSLC product"
        )
        self.refuse(tmp_path, r"products\.path=.*: is a folder; give the HDF5 file")
        (tmp_path / "text.h5").write_text("no product")
        self.refuse(
            tmp_path / "text.h5", "cannot be read .* the file is cut off, damaged, or of another kind"
        )

    @pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
    def test_cut_off(self, share, path):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        self.refuse(path, "the file is cut off, damaged, or of another kind; get the product again")

    def test_damaged_chunk(self, path):
        with h5py.File(path) as file:
            chunk = file[f"{IMAGES}/VV"].id.get_chunk_info(3)
        whole = bytearray(path.read_bytes())
        whole[chunk.byte_offset + 5 : chunk.byte_offset + 60] = bytes(55)
        path.write_bytes(whole)
        open_nisar(path)
        self.refuse(path, "VV: cannot be read")

    def test_a_product_of_another_kind(self, path):
        with h5py.File(path, "r+") as file:
            file.move(TOP, "science/LSAR/GCOV")
        self.refuse(path, "is no RSLC product in NISAR's layout: it holds GCOV")

    def test_a_frequency_that_is_not_there(self, path):
        self.refuse(path, r"no frequency B in the product; say products\.frequency=A \(there is A\)", "B")

    def test_a_frequency_without_images(self, path):
        with h5py.File(path, "r+") as file:
            file[f"{TOP}/swaths/frequencyB/listOfPolarizations"] = np.bytes_(["HH"])
        self.refuse(path, r"no image of HH.*the product also has frequencyA \(products\.frequency\)", "B")

    def test_a_group_in_place_of_a_dataset_and_the_other_way_round(self, path):
        with h5py.File(path, "r+") as file:
            for name in ("HH", "HV", "VH", "VV"):
                del file[f"{IMAGES}/{name}"]
                file.create_group(f"{IMAGES}/{name}")
            del file[ORBIT]
            file[ORBIT] = 1.0
        self.refuse(path, "no image of HH")
        change(path, f"{IMAGES}/HH", np.ones((40, 60), np.complex64))
        self.refuse(path, "no group 'metadata/orbit'")

    @pytest.mark.parametrize("way", ["link", "external", "virtual"])
    def test_data_in_another_file(self, way, path, tmp_path):
        """Nothing outside the file is read, whatever it asks for."""
        other = FAKE.write(tmp_path / "other.h5")
        with h5py.File(path, "r+") as file:
            del file[f"{IMAGES}/HH"]
            if way == "link":
                file[f"{IMAGES}/HH"] = h5py.ExternalLink(os.fspath(other), f"{IMAGES}/HH")
            elif way == "external":
                file[IMAGES].create_dataset(
                    "HH", (40, 60), np.complex64, external=[(os.fspath(other), 0, 40 * 60 * 8)]
                )
            else:
                layout = h5py.VirtualLayout((40, 60), HALF)
                layout[...] = h5py.VirtualSource(os.fspath(other), f"{IMAGES}/HH", (40, 60))
                file[IMAGES].create_virtual_dataset("HH", layout)
        self.refuse(path, "HH: is kept in another file")

    def test_a_table_without_end(self, path):
        """Of a size that is only claimed: not read."""
        change(path, f"{ORBIT}/time")
        with h5py.File(path, "r+") as file:
            file[ORBIT].create_dataset("time", (1 << 40,), float, chunks=(1024,))
        self.refuse(path, r"orbit/time: cannot be read \(its shape is \(1099511627776,\)\)")

    def test_anything_in_place_of_anything_is_read_or_refused(self, path):
        """Values of another type, shape or size in a file that is whole: never another error.

        Bytes changed at random would try the HDF5 library, which does not survive all of them.
        """
        names = []
        with h5py.File(path) as file:
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            shapes = {name: file[name].shape for name in names}
        whole = path.read_bytes()
        rng = np.random.default_rng(9)
        messages = []
        for turn in range(20 * len(names)):
            name = names[turn % len(names)]
            path.write_bytes(whole)
            change(path, name, odd_value(rng, shapes[name]))
            try:
                product = open_nisar(path)
                product.read_pixels(0, FAKE.lines)
                product.read_ground(0, 2)
            except AlignsarError as error:
                messages.append(str(error))
        assert len(messages) > 10 * len(names)
        assert not any("\n" in message for message in messages)


def odd_value(rng, shape):
    """Something that may not belong where it is put."""
    shape = shape if rng.random() < 0.6 else tuple(rng.integers(0, 5, rng.integers(0, 4)))
    kind = rng.integers(10)
    if kind == 0:
        return h5py.Empty("f8")
    if kind == 1:
        return np.bytes_(b"text\xff\0more")
    if kind == 2:
        return np.full(shape, b"12", dtype="S2")
    if kind == 3:
        return np.zeros(shape, dtype=[("r", "<f2"), ("x", "<i4")])
    if kind == 4:
        return rng.random(shape) > 0.5
    if kind == 5:
        return rng.integers(-(2**62), 2**62, shape)
    if kind == 6:
        return rng.random(shape) * 1e300
    if kind == 7:
        return np.full(shape, rng.choice([np.nan, np.inf, -np.inf, 0.0, -1.0]))
    if kind == 8:
        return rng.random(shape) * (1 + 1j)
    return np.sort(rng.random(shape), axis=None).reshape(shape) * 10.0 ** rng.integers(-300, 300)


def test_reading_says_nothing_of_its_own(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_nisar(path).read_pixels(0, FAKE.lines)
