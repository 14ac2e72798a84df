"""Calibration and thermal noise: the records of the Morocco products, made-up ones, and tables at every pixel."""

import dataclasses

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator
from synthetic_stack import simulate_stack

from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT, RadarGrid
from alignsar_gpu.products.sentinel1.calibration import read_calibration, read_noise
from alignsar_gpu.products.xml import parse_xml
from alignsar_gpu.signatures.options import SignatureOptions, Windows
from alignsar_gpu.signatures.views.powers import Powers
from alignsar_gpu.stack.block import load_stack
from alignsar_gpu.stack.noise import AzimuthNoise, JoinedNoise, Noise, NoisyPart
from alignsar_gpu.stack.tables import positions, table_at

EPOCH = np.datetime64("2023-09-04", "us")
SUBSWATHS = [(swath, polarization) for swath in ("iw1", "iw2", "iw3") for polarization in ("vv", "vh")]
QUANTITIES = ("sigma_nought", "beta_nought", "gamma_nought")
FIRST_RANGE, SPACING = 800_000.0, 2.5
PLACE = {"epoch": EPOCH, "first_slant_range": FIRST_RANGE, "range_spacing": SPACING, "source": "made up"}


def seconds(time):
    return float((time - EPOCH) / np.timedelta64(1, "us")) / 1e6


class Subswath:
    """The records of one subswath and polarization of the first Morocco product."""

    def __init__(self, folder, swath, polarization):
        (safe,) = folder.glob("S1A_*_20230904T*.SAFE")
        annotation, calibration, noise = (
            parse_xml(path.read_bytes(), path.name)
            for kind in ("", "calibration/calibration-", "calibration/noise-")
            for path in safe.glob(f"annotation/{kind}s1a-{swath}-slc-{polarization}-*.xml")
        )
        self.annotation, self.noise_document = annotation, noise
        near = annotation.number("imageAnnotation/imageInformation/slantRangeTime")
        rate = annotation.number("generalAnnotation/productInformation/rangeSamplingRate")
        place = {
            "epoch": EPOCH,
            "first_slant_range": 0.5 * SPEED_OF_LIGHT * near,
            "range_spacing": 0.5 * SPEED_OF_LIGHT / rate,
            "source": safe.stem,
        }
        self.calibration = read_calibration(calibration, **place)
        self.noise = read_noise(noise, swath=swath, **place)
        self.lines = int(annotation.number("swathTiming/linesPerBurst"))
        self.samples = int(annotation.number("swathTiming/samplesPerBurst"))
        self.starts = [seconds(b.time("azimuthTime")) for b in annotation.all("swathTiming/burstList/burst")]
        self.interval = annotation.number("imageAnnotation/imageInformation/azimuthTimeInterval")
        self.place = place

    def grid(self, burst):
        return RadarGrid(
            epoch=EPOCH,
            first_azimuth_time=self.starts[burst],
            azimuth_interval=self.interval,
            first_slant_range=self.place["first_slant_range"],
            range_spacing=self.place["range_spacing"],
            wavelength=0.0555,
            look_side="right",
            lines=self.lines,
            samples=self.samples,
        )

    def power(self, burst, lines=None, samples=None):
        lines, samples = lines or slice(0, self.lines), samples or slice(0, self.samples)
        return self.noise.power(self.grid(burst), burst * self.lines, lines, samples, np)


@pytest.fixture(scope="module")
def morocco(real_data):
    folder, made = real_data("s1_pair_morocco_20230904_20230916"), {}

    def get(swath, polarization):
        if (swath, polarization) not in made:
            made[swath, polarization] = Subswath(folder, swath, polarization)
        return made[swath, polarization]

    return get


class TestTable:
    def test_against_scipy(self):
        rng = np.random.default_rng(1)
        table = rng.uniform(50.0, 900.0, (7, 11))
        rows, columns = rng.uniform(0, 6, 300), rng.uniform(0, 10, 200)
        exact = RegularGridInterpolator((np.arange(7), np.arange(11)), table)(
            np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
        )
        found = table_at(table, rows, columns, np)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, rtol=2e-7)

    def test_edges_are_held(self):
        table = np.array([[1.0, 2.0], [3.0, 5.0]])
        found = table_at(table, np.array([-4.0, 0.5, 9.0]), np.array([-1.0, 1.0, 7.0]), np)
        np.testing.assert_array_equal(found, np.array([[1, 2, 2], [2, 3.5, 3.5], [3, 5, 5]], np.float32))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1)])
    def test_a_single_vector(self, shape):
        table = np.full(shape, 7.0)
        assert np.all(table_at(table, np.linspace(0, 2, 5), np.linspace(0, 2, 4), np) == 7.0)

    def test_bits_do_not_depend_on_the_lines_asked_for(self):
        rng = np.random.default_rng(2)
        table, columns = rng.uniform(50.0, 900.0, (7, 11)), rng.uniform(-1, 11, 97)
        rows = np.linspace(-0.5, 6.5, 60)
        whole = table_at(table, rows, columns, np)
        for first, stop in ((0, 1), (17, 31), (31, 60)):
            np.testing.assert_array_equal(table_at(table, rows[first:stop], columns, np), whole[first:stop])

    @pytest.mark.parametrize("as_gain", [False, True])
    def test_numpy_gives_the_bits_of_the_kernel(self, as_gain):
        rng = np.random.default_rng(3)
        for shape in ((7, 11), (1, 4), (2, 1)):
            table = rng.uniform(50.0, 900.0, shape)
            rows, columns = rng.uniform(-1.0, shape[0], 60), rng.uniform(-1.0, shape[1], 97)
            one, other = (
                table_at(table, rows, columns, np, as_gain=as_gain, compiled=how) for how in (True, False)
            )
            np.testing.assert_array_equal(one, other)

    def test_positions(self):
        nodes = np.array([10.0, 20.0, 50.0])
        np.testing.assert_allclose(
            positions(nodes, np.array([0, 10, 15, 35, 50, 60])), [0, 0, 0.5, 1.5, 2, 2]
        )


@pytest.fixture(scope="module")
def product():
    return simulate_stack(lines=60, samples=90, dates=2, polarizations=("vv",), seed=5, flattened=True)


class TestSignature:
    """Calibrated intensity by the table, against float64 on every pixel, and in blocks."""

    def intensity(self, product, first, stop, quantity):
        stack = load_stack(product, Device("cpu", "test", "test", 1 << 30), first, stop, 2)
        options = SignatureOptions(windows=Windows(coherence=(3, 5), phase=(1, 1)))
        return Powers(stack=stack, options=options).calibrated(1, 0, quantity)

    @pytest.mark.parametrize("quantity", QUANTITIES)
    def test_within_a_millionth(self, product, quantity):
        found = self.intensity(product, 0, 60, quantity)
        records, grid = product.acquisitions[1].calibration["vv"], product.grid
        places = np.meshgrid(grid.azimuth_time(np.arange(60)), grid.slant_range(np.arange(90)), indexing="ij")
        amplitude = RegularGridInterpolator(
            (records.azimuth_time, records.slant_range), getattr(records, quantity)
        )(np.stack(places, axis=-1))
        pixels, valid = product.read_pixels(0, 60)
        expected = np.where(
            valid[1, 0], np.abs(pixels[1, 0].astype(np.complex128)) ** 2 / amplitude**2, np.nan
        )
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_blocks(self, product):
        whole = self.intensity(product, 0, 60, "sigma_nought")
        for first, stop in ((0, 7), (7, 41), (41, 60)):
            np.testing.assert_array_equal(
                self.intensity(product, first, stop, "sigma_nought"), whole[first:stop]
            )


@pytest.mark.parametrize(("swath", "polarization"), SUBSWATHS)
class TestMorocco:
    def test_calibration_against_incidence(self, morocco, swath, polarization):
        """beta0 = sigma0 / sin(incidence) and gamma0 = sigma0 / cos(incidence) at the annotation's own points.

        The vectors also hold corrections of up to 1.3 % that are not the same in the three tables.
        """
        data = morocco(swath, polarization)
        points = list(data.annotation.all("geolocationGrid/geolocationGridPointList/geolocationGridPoint"))
        assert len(points) == 210
        for point in points:
            time = np.array([seconds(point.time("azimuthTime"))])
            slant_range = np.array([0.5 * SPEED_OF_LIGHT * point.number("slantRangeTime")])
            sigma, beta, gamma = (
                float(data.calibration.amplitude(name, time, slant_range, np)[0, 0]) ** 2
                for name in QUANTITIES
            )
            incidence = np.radians(point.number("incidenceAngle"))
            assert beta / sigma == pytest.approx(np.sin(incidence), rel=0.015)
            assert gamma / sigma == pytest.approx(np.cos(incidence), rel=0.015)

    def test_range_vectors_lie_at_the_bursts(self, morocco, swath, polarization):
        """Their times are those of the bursts, to a line; their lines are not, in IW1 and IW2."""
        data = morocco(swath, polarization)
        times = data.noise.azimuth_time
        np.testing.assert_allclose(times[:-1], data.starts, atol=data.interval)
        assert data.starts[-1] < times[-1] < data.starts[-1] + data.lines * data.interval
        lines = [v.number("line") for v in data.noise_document.all("noiseRangeVectorList/noiseRangeVector")]
        off_by = {"iw1": data.lines, "iw2": data.lines, "iw3": 0}[swath]
        np.testing.assert_array_equal(lines[:-1], data.lines * np.arange(9) - off_by)

    def test_azimuth_factor_starts_again_with_every_burst(self, morocco, swath, polarization):
        """By the image's line every burst has the same factor: the antenna's, symmetric about its middle."""
        data = morocco(swath, polarization)
        (block,) = data.noise.azimuth
        ranges_only = dataclasses.replace(data.noise, azimuth=())
        lines, samples = slice(0, data.lines), slice(9000, 9001)
        factors = [
            (
                data.power(burst, lines, samples)
                / ranges_only.power(data.grid(burst), burst * data.lines, lines, samples, np)
            )[:, 0]
            for burst in range(9)
        ]
        np.testing.assert_allclose(factors, np.broadcast_to(factors[0], np.shape(factors)), rtol=5e-3)
        ends, middle = factors[0][[0, -1]], factors[0][data.lines // 2]
        assert abs(ends[0] / ends[1] - 1.0) < 0.05
        assert 1.1 < ends.min() / middle < 1.2
        # Were the factor taken by time, the second burst would begin where the first is 165 lines from its end.
        by_time = np.interp((data.starts[1] - data.starts[0]) / data.interval, block.line, block.factor)
        assert by_time < 0.98 * ends[0]

    def test_power_against_plain_numpy(self, morocco, swath, polarization):
        """Range x azimuth at some pixels, straight from the XML: samples and lines as numbers, not as places."""
        data = morocco(swath, polarization)
        vectors = list(data.noise_document.all("noiseRangeVectorList/noiseRangeVector"))
        azimuth = data.noise_document.require("noiseAzimuthVectorList/noiseAzimuthVector")
        times = [seconds(v.time("azimuthTime")) for v in vectors]
        for burst, line, sample in [(0, 0, 0), (0, 1490, 77), (4, 703, 12345), (8, 1400, data.samples - 1)]:
            along = [np.interp(sample, v.numbers("pixel"), v.numbers("noiseRangeLut")) for v in vectors]
            expected = np.interp(data.starts[burst] + line * data.interval, times, along) * np.interp(
                burst * data.lines + line, azimuth.numbers("line"), azimuth.numbers("noiseAzimuthLut")
            )
            found = data.power(burst, slice(line, line + 1), slice(sample, sample + 1))
            assert found.dtype == np.float32
            assert found[0, 0] == pytest.approx(expected, rel=5e-7)

    def test_noise_equivalent_sigma0(self, morocco, swath, polarization):
        """Below the -22 dB that Sentinel-1's IW mode is specified for, apart from the subswath's outermost part."""
        data = morocco(swath, polarization)
        lines, samples = slice(300, 1200, 50), slice(1000, data.samples - 4000, 500)
        power = data.power(4)[lines, samples]
        grid = data.grid(4)
        amplitude = data.calibration.amplitude(
            "sigma_nought",
            grid.azimuth_time(np.arange(data.lines)[lines]),
            grid.slant_range(np.arange(data.samples)[samples]),
            np,
        )
        decibel = 10.0 * np.log10(power / amplitude**2)
        assert decibel.min() > -31.0
        assert decibel.max() < -22.0

    def test_blocks(self, morocco, swath, polarization):
        data = morocco(swath, polarization)
        samples = slice(100, 2000)
        whole = data.power(3, samples=samples)
        for first, stop in ((0, 1), (333, 700), (700, data.lines)):
            np.testing.assert_array_equal(data.power(3, slice(first, stop), samples), whole[first:stop])


def numbers(values):
    return " ".join(f"{value:.6e}" for value in values)


def calibration_xml(vectors):
    """``vectors``: (time, samples, sigma, beta, gamma)."""
    inside = "".join(
        f"<calibrationVector><azimuthTime>{time}</azimuthTime><line>0</line>"
        f"<pixel>{' '.join(map(str, samples))}</pixel><sigmaNought>{numbers(sigma)}</sigmaNought>"
        f"<betaNought>{numbers(beta)}</betaNought><gamma>{numbers(gamma)}</gamma></calibrationVector>"
        for time, samples, sigma, beta, gamma in vectors
    )
    text = f"<calibration><calibrationVectorList>{inside}</calibrationVectorList></calibration>"
    return parse_xml(text.encode(), "calibration.xml")


def noise_xml(vectors, azimuth=None):
    """The old layout without ``azimuth`` vectors (swath, extent, lines, factors), else the new one."""
    old = azimuth is None
    name, lut = ("noiseVector", "noiseLut") if old else ("noiseRangeVector", "noiseRangeLut")
    inside = "".join(
        f"<{name}><azimuthTime>{time}</azimuthTime><line>0</line><pixel>{' '.join(map(str, samples))}</pixel>"
        f"<{lut}>{numbers(power)}</{lut}></{name}>"
        for time, samples, power in vectors
    )
    more = "".join(
        f"<noiseAzimuthVector><swath>{swath}</swath><firstAzimuthLine>{extent[0]}</firstAzimuthLine>"
        f"<firstRangeSample>{extent[2]}</firstRangeSample><lastAzimuthLine>{extent[1]}</lastAzimuthLine>"
        f"<lastRangeSample>{extent[3]}</lastRangeSample><line>{' '.join(map(str, lines))}</line>"
        f"<noiseAzimuthLut>{numbers(factors)}</noiseAzimuthLut></noiseAzimuthVector>"
        for swath, extent, lines, factors in azimuth or ()
    )
    more = "" if old else f"<noiseAzimuthVectorList>{more}</noiseAzimuthVectorList>"
    return parse_xml(f"<noise><{name}List>{inside}</{name}List>{more}</noise>".encode(), "noise.xml")


T0, T1 = "2023-09-04T00:00:10.000000", "2023-09-04T00:00:12.000000"
ONES, THREES = (1.0, 1.0, 1.0), (3.0, 3.0, 3.0)
GRID = RadarGrid(
    epoch=EPOCH,
    first_azimuth_time=10.0,
    azimuth_interval=0.1,
    first_slant_range=FIRST_RANGE,
    range_spacing=SPACING,
    wavelength=0.0555,
    look_side="right",
    lines=20,
    samples=41,
)


class TestCalibrationRecords:
    def test_different_samples(self):
        """Vectors on other sample numbers than the first's lose nothing."""
        document = calibration_xml(
            [(T0, (0, 20, 40), (4, 6, 8), THREES, THREES), (T1, (0, 10, 40), (3, 9, 6), THREES, THREES)]
        )
        found = read_calibration(document, **PLACE)
        np.testing.assert_array_equal(found.azimuth_time, [10.0, 12.0])
        at = FIRST_RANGE + SPACING * np.array([0.0, 10.0, 20.0, 40.0])
        amplitude = found.amplitude("sigma_nought", np.array([10.0, 11.0, 12.0]), at, np)
        expected = np.array([[4, 5, 6, 8], [3.5, 7, 7, 7], [3, 9, 8, 6]])
        np.testing.assert_allclose(amplitude, expected, rtol=2e-7)

    @pytest.mark.parametrize(
        ("vectors", "message"),
        [
            ([], "no calibration vectors"),
            ([(T0, (0, 20), ONES, ONES, ONES)], "2 samples, but 3 values of sigmaNought"),
            ([(T0, (0, 20, 10), ONES, ONES, ONES)], "sample numbers do not increase"),
            (
                [(T1, (0, 9, 20), ONES, ONES, ONES), (T0, (0, 9, 20), ONES, ONES, ONES)],
                "azimuth_time .* increase",
            ),
            ([(T0, (0, 9, 20), ONES, ONES, (1, 0, 1))], "gamma_nought must be positive"),
            ([(T0, (0, 9, 20), (1, -1, 1), ONES, ONES)], "sigma_nought must be positive"),
            ([(T0, (0, 9, 20), ONES, (1, float("nan"), 1), ONES)], "not finite"),
            ([("yesterday", (0, 9, 20), ONES, ONES, ONES)], "'yesterday' is not a time"),
        ],
    )
    def test_refused(self, vectors, message):
        with pytest.raises(AlignsarError, match=message):
            read_calibration(calibration_xml(vectors), **PLACE)

    def test_another_kind_of_file(self):
        with pytest.raises(AlignsarError, match=r"noise\.xml: no element 'calibrationVectorList'"):
            read_calibration(noise_xml([(T0, (0, 9, 20), ONES)]), **PLACE)


class TestNoiseRecords:
    RANGE = ((T0, (0, 20, 40), (100, 200, 100)), (T1, (0, 40), (300, 300)))

    def noise(self, vectors=RANGE, azimuth=None):
        return read_noise(noise_xml(vectors, azimuth), swath="IW2", **PLACE)

    def power(self, azimuth, image_line=0, grid=GRID):
        return self.noise(azimuth=azimuth).power(grid, image_line, slice(0, 20), slice(0, 41), np)

    def test_before_2_90(self):
        """No azimuth part, and vectors of different sizes."""
        noise = self.noise()
        assert noise.azimuth == ()
        power = self.power(None, image_line=500)
        np.testing.assert_allclose(power[0, [0, 10, 20, 30, 40]], [100, 150, 200, 150, 100], rtol=2e-7)
        np.testing.assert_allclose(power[10, [0, 10, 20, 30, 40]], [200, 225, 250, 225, 200], rtol=2e-7)

    def test_azimuth_by_line_of_the_image(self):
        """The same times a burst further down take other factors."""
        azimuth = [("IW2", (0, 39, 0, 40), (0, 19, 20, 39), (2, 4, 8, 6))]
        flat = self.power([])
        np.testing.assert_allclose(
            self.power(azimuth) / flat,
            np.broadcast_to(np.linspace(2, 4, 20)[:, np.newaxis], (20, 41)),
            rtol=1e-6,
        )
        np.testing.assert_allclose(
            self.power(azimuth, 20) / flat,
            np.broadcast_to(np.linspace(8, 6, 20)[:, np.newaxis], (20, 41)),
            rtol=1e-6,
        )

    def test_other_swaths_are_left_out(self):
        azimuth = [("IW1", (0, 19, 0, 40), (0, 19), (7, 7)), ("iw2", (0, 19, 0, 40), (0, 19), (2, 2))]
        np.testing.assert_allclose(self.power(azimuth) / self.power([]), 2.0, rtol=1e-6)

    def test_several_rectangles(self):
        """Each applies inside its own; beyond them all, the nearest: whatever part of the image is asked for."""
        azimuth = [
            ("IW2", (2, 9, 0, 15), (2, 9), (2, 2)),
            ("IW2", (2, 9, 16, 38), (2,), (3,)),
            ("IW2", (10, 17, 0, 38), (10, 17), (5, 5)),
        ]
        factor = self.power(azimuth) / self.power([])
        expected = np.full((20, 41), 5.0)
        expected[:10, :16], expected[:10, 16:] = 2.0, 3.0
        np.testing.assert_allclose(factor, expected, rtol=1e-6)
        noise = self.noise(azimuth=azimuth)
        whole = self.power(azimuth)
        for lines, samples in (
            (slice(9, 11), slice(14, 41)),
            (slice(0, 1), slice(39, 41)),
            (slice(18, 20), slice(3, 4)),
        ):
            np.testing.assert_array_equal(noise.power(GRID, 0, lines, samples, np), whole[lines, samples])

    def test_a_gap_between_rectangles(self):
        azimuth = [("IW2", (0, 4, 0, 40), (0, 4), (2, 2)), ("IW2", (15, 19, 0, 40), (15, 19), (5, 5))]
        noise, flat = self.noise(azimuth=azimuth), self.power([])
        whole = self.power(azimuth)
        assert set(np.round(whole[:5] / flat[:5], 3).ravel()) == {2.0}
        assert set(np.round(whole[15:] / flat[15:], 3).ravel()) == {5.0}
        for line in range(5, 15):
            one = noise.power(GRID, 0, slice(line, line + 1), slice(0, 41), np)
            np.testing.assert_array_equal(one, whole[line : line + 1])

    def test_zeros_are_missing_values(self):
        noise = self.noise(
            [
                (T0, (0, 10, 20, 40), (0, 100, 0, 300)),
                (T1, (0, 40), (0, 0)),
                ("2023-09-04T00:00:14", (0, 40), (50, 50)),
            ],
            [("IW2", (0, 19, 0, 40), (0, 10, 19), (2, 0, 2)), ("IW2", (0, 19, 0, 40), (0, 19), (0, 0))],
        )
        np.testing.assert_array_equal(noise.azimuth_time, [10.0, 14.0])
        power = noise.power(GRID, 0, slice(0, 20), slice(0, 41), np)
        np.testing.assert_allclose(power[0, [0, 10, 25, 40]], [200, 200, 400, 600], rtol=5e-7)
        np.testing.assert_allclose(
            power[10, [0, 10, 25, 40]], 0.75 * power[0, [0, 10, 25, 40]] + 25, rtol=5e-7
        )

    @pytest.mark.parametrize("power", [(0.0, 0.0, 0.0), (3e-9, 2e-9, 3e-9)])
    def test_nothing_to_subtract(self, power):
        assert self.noise([(T0, (0, 20, 40), power)]) is None
        assert self.noise([]) is None

    @pytest.mark.parametrize(
        ("vectors", "azimuth", "message"),
        [
            ([(T0, (0, 20), ONES)], None, "2 samples, but 3 values of noiseLut"),
            ([(T0, (0, 20, 40), (5, -5, 5))], None, "range table must be positive"),
            ([RANGE[1], RANGE[0]], None, "azimuth_time of its vectors does not increase"),
            (RANGE, [("IW2", (0, 9, 0, 40), (0, 9), (1, 1, 1))], "2 lines, but 3 values"),
            (RANGE, [("IW2", (0, 9, 0, 40), (9, 0), (1, 1))], "must be as many and increase"),
            (RANGE, [("IW2", (0, 9, 0, 40), (0, 9), (1, -1))], "factors must be positive"),
            (RANGE, [("IW2", (9, 0, 0, 40), (0, 9), (1, 1))], "ends before it begins"),
        ],
    )
    def test_refused(self, vectors, azimuth, message):
        with pytest.raises(AlignsarError, match=message):
            self.noise(vectors, azimuth)

    def test_another_kind_of_file(self):
        with pytest.raises(AlignsarError, match=r"calibration\.xml: no element 'noiseRangeVectorList'"):
            read_noise(calibration_xml([]), swath="IW1", **PLACE)

    def test_between_lines_and_samples(self):
        """Half a line and a quarter of a sample on: the mean of what is there, by both counts of azimuth."""
        noise = self.noise(azimuth=[("IW2", (0, 19, 0, 40), (0, 19), (1, 2))])
        line, sample = np.arange(19.0) + 0.5, np.arange(40) + 0.25
        found = noise.at(GRID.azimuth_time(line), line, GRID.slant_range(sample), SPACING, np)
        whole = noise.power(GRID, 0, slice(0, 20), slice(0, 41), np).astype(np.float64)
        flat = whole / np.linspace(1, 2, 20)[:, np.newaxis]
        middles = 0.5 * (flat[1:] + flat[:-1]) * (1.0 + line / 19.0)[:, np.newaxis]
        np.testing.assert_allclose(found, 0.75 * middles[:, :-1] + 0.25 * middles[:, 1:], rtol=1e-5)
        later = noise.at(GRID.azimuth_time(line), line + 5.0, GRID.slant_range(sample), SPACING, np)
        assert later[0, 0] / found[0, 0] == pytest.approx((1 + 5.5 / 19) / (1 + 0.5 / 19), rel=1e-6)

    def test_joined_parts_go_by_their_own_lines(self):
        """Two bursts of which each begins again; the later one of another date, 0.3 s and 7 m beside the grid."""
        noise = self.noise(azimuth=[("IW2", (0, 39, 0, 40), (0, 19, 20, 39), (1, 2, 1, 2))])
        own = dataclasses.replace(GRID, first_azimuth_time=10.8)
        shared = {"ranges": (FIRST_RANGE, FIRST_RANGE + 41 * SPACING), "noise": noise}
        first = NoisyPart(times=(9.95, 11.45), grid=GRID, image_line=0, begin=10.0, farther=0.0, **shared)
        second = NoisyPart(times=(11.45, 12.95), grid=own, image_line=20, begin=11.1, farther=7.0, **shared)
        joined = JoinedNoise(parts=[first, second])
        times, ranges = GRID.azimuth_time(np.arange(35)), GRID.slant_range(np.arange(41))
        power = joined.power(times, ranges, np)
        assert power.dtype == np.float32
        np.testing.assert_allclose(
            power[:15], noise.power(GRID, 0, slice(0, 15), slice(0, 41), np), rtol=1e-6
        )
        line = np.arange(15, 30) - 11.0
        expected = noise.at(own.azimuth_time(line), 20 + line, ranges + 7.0, SPACING, np)
        np.testing.assert_allclose(power[15:30], expected, rtol=1e-6)
        assert not power[30:].any()
        np.testing.assert_array_equal(joined.power(times[13:17], ranges[3:9], np), power[13:17, 3:9])
        assert joined.source == noise.source

    def test_denoised_sigma0(self):
        """A pixel of nothing but noise becomes zero on average: |DN|^2 has noise.power as its mean."""
        power = self.power([("IW2", (0, 19, 0, 40), (0, 19), (1.2, 1.0))])
        rng = np.random.default_rng(3)
        looks = 2000
        pixels = rng.standard_normal((2, looks, *power.shape)) * np.sqrt(power / 2)
        left = ((pixels**2).sum(axis=0) - power).mean(axis=0)
        np.testing.assert_allclose(left / power, 0.0, atol=6.0 / np.sqrt(looks))


def test_values_are_checked():
    good = {
        "azimuth_time": np.array([0.0, 1.0]),
        "slant_range": np.array([8e5, 9e5]),
        "range_power": np.ones((2, 2)),
        "azimuth": (),
        "source": "x",
    }
    noise = Noise(**good)
    with pytest.raises(AlignsarError, match="noise of 'x': slant_range of its vectors does not increase"):
        dataclasses.replace(noise, slant_range=np.array([9e5, 8e5]))
    with pytest.raises(AlignsarError, match=r"of shape \(2, 2\) .* got shape \(2, 3\)"):
        dataclasses.replace(noise, range_power=np.ones((2, 3)))
    with pytest.raises(AlignsarError, match="azimuth noise: 0 factors at 0 lines"):
        AzimuthNoise(
            first_line=0,
            last_line=1,
            first_slant_range=8e5,
            last_slant_range=9e5,
            line=np.array([]),
            factor=np.array([]),
        )
