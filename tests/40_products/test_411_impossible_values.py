"""Values that no radar has, in products that are otherwise whole: each is refused, and the message names it."""

import re

import h5py
import numpy as np
import pytest
from fake_nisar import FakeNisar
from fake_safe import FakeSafe, annotations_in, rewrite, write_safe
from fake_snap import write_dimap
from synthetic_stack import simulate_stack

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import BOUNDS
from alignsar_gpu.products.nisar.reader import open_nisar
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.snap.raster import Dimap
from alignsar_gpu.products.snap.reader import open_stack

FM_RATE = r"<azimuthFmRatePolynomial[^>]*>[^ ]*"
ANNOTATION = [
    (FM_RATE, '<azimuthFmRatePolynomial count="3">0', "azimuth FM rate over .* is -?0"),
    (FM_RATE, '<azimuthFmRatePolynomial count="3">2331', "azimuth FM rate over .* is -0.8"),
    (FM_RATE, '<azimuthFmRatePolynomial count="3">-2.3e9', "azimuth FM rate over"),
    (FM_RATE, '<azimuthFmRatePolynomial count="3">-1500', "azimuth FM rate over .* is 0.5"),
    ("<azimuthSteeringRate>[^<]*", "<azimuthSteeringRate>0", "azimuth steering rate is 0 degrees/s"),
    ("<dataDcPolynomial[^>]*>[^ ]*", '<dataDcPolynomial count="3">1e18', r"Doppler centroid is 1e\+18 Hz"),
    ("<dataDcPolynomial[^>]*>(-[^ ]*) [^ ]*", '<dataDcPolynomial count="3">-10 1e18', "Doppler centroid is"),
    ("<rank>[^<]*", "<rank>0", r"pulses in the air before an echo \(rank\) is 0"),
    ("<rank>[^<]*", "<rank>8", "slant range time less the pulses in the air, in pulse intervals, is 1.1"),
    ("<rank>[^<]*", "<rank>8.5", "8.5 is not a whole number"),
    ("<pri>[^<]*", "<pri>0.0", "pulse repetition interval is 0 s"),
    ("<txPulseRampRate>[^<]*", "<txPulseRampRate>0", "magnitude of the chirp rate is 0 Hz/s"),
    ("<radarFrequency>[^<]*", "<radarFrequency>5.9e9", "radar frequency is 5.9e.09 Hz"),
    ("<slantRangeTime>[^<]*", "<slantRangeTime>5.3e-2", "two-way slant range time is 0.053 s"),
    ("<azimuthTimeInterval>[^<]*", "<azimuthTimeInterval>0", "azimuth time interval is 0 s"),
    ("<rangeSamplingRate>[^<]*", "<rangeSamplingRate>1e12", "range sampling rate is 1e.12 Hz"),
]
CALIBRATION = [
    ("<sigmaNought[^>]*>.*?</sigmaNought>", 1e6, "calibration amplitude is|largest over smallest"),
    (
        "<sigmaNought[^>]*>.*?</sigmaNought>",
        50.0,
        "sigma_nought: largest over smallest calibration amplitude",
    ),
    ("<betaNought[^>]*>.*?</betaNought>", 2.0, "sigma0 over that of beta0 is 0.6"),
    ("<gamma[^>]*>.*?</gamma>", 2.0, "sigma0 over that of gamma0 is 0.5"),
    ("<betaNought[^>]*>.*?</betaNought>", 0.0, "beta_nought must be positive"),
]
NOISE = [
    (
        "<lastAzimuthLine>[^<]*",
        "<lastAzimuthLine>0",
        "factors at lines 0 to 50 of a rectangle from line 0 to 0",
    ),
    (
        "<firstAzimuthLine>[^<]*",
        "<firstAzimuthLine>20",
        "factors at lines 0 to 50 of a rectangle from line 20",
    ),
    ("<noiseAzimuthLut[^>]*>[^ ]*", '<noiseAzimuthLut count="6">1e6', "azimuth factor of the noise is 1e.06"),
    ("<noiseRangeLut[^>]*>[^ ]*", '<noiseRangeLut count="3">5e8', r"noise power is 5e\+08 DN\^2"),
]


def refusal(path):
    with pytest.raises(AlignsarError) as raised:
        open_sentinel1(path)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def beside(root, kind):
    return next((root / "annotation" / "calibration").glob(f"{kind}-*"))


class TestSentinel1:
    @pytest.fixture
    def root(self, tmp_path):
        return write_safe(tmp_path, FakeSafe())

    @pytest.mark.parametrize(("pattern", "new", "what"), ANNOTATION)
    def test_annotation(self, root, pattern, new, what):
        rewrite(annotations_in(root)[0], pattern, new)
        assert re.search(what, refusal(root))

    @pytest.mark.parametrize(("pattern", "factor", "what"), CALIBRATION)
    def test_one_calibration_vector(self, root, pattern, factor, what):
        path = beside(root, "calibration")
        vector = re.search(pattern, path.read_text())[0]
        numbers = re.search(">(.*)<", vector)[1]
        new = " ".join(str(factor * float(number)) for number in numbers.split())
        path.write_text(path.read_text().replace(vector, vector.replace(numbers, new), 1))
        assert re.search(what, refusal(root))

    @pytest.mark.parametrize(("pattern", "new", "what"), NOISE)
    def test_noise(self, root, pattern, new, what):
        rewrite(beside(root, "noise"), pattern, new)
        assert re.search(what, refusal(root))

    @pytest.mark.parametrize("mode", ["EW", "SM"])
    def test_other_modes_are_within(self, tmp_path, mode):
        assert open_sentinel1(write_safe(tmp_path, FakeSafe(mode=mode, swaths=(2,)))).bursts

    def test_a_stripmap_that_steers(self, tmp_path):
        root = write_safe(tmp_path, FakeSafe(mode="SM", swaths=(2,)))
        rewrite(annotations_in(root)[0], "<azimuthSteeringRate>[^<]*", "<azimuthSteeringRate>1.5")
        assert "azimuth steering rate is 1.5 degrees/s" in refusal(root)


@pytest.fixture(scope="module")
def product():
    return simulate_stack(lines=16, samples=20, dates=2, polarizations=("vv",), seed=411, flattened=True)


class TestSnap:
    @pytest.mark.parametrize("value", ["NaN", "inf", "0.0", "1e300"])
    def test_scaling_factor(self, product, tmp_path, value):
        path = write_dimap(product, tmp_path, [0, 1])
        rewrite(path, "<SCALING_FACTOR>[^<]*", f"<SCALING_FACTOR>{value}")
        with pytest.raises(AlignsarError, match="magnitude of the scaling factor is"):
            Dimap(path)

    @pytest.mark.parametrize("value", ["NaN", "-inf", "1e300"])
    def test_scaling_offset(self, product, tmp_path, value):
        path = write_dimap(product, tmp_path, [0, 1])
        rewrite(path, "<SCALING_OFFSET>[^<]*", f"<SCALING_OFFSET>{value}")
        with pytest.raises(AlignsarError, match="scaling offset is"):
            Dimap(path)

    def test_coordinates_that_lie_elsewhere(self, product, tmp_path):
        """Of another place: ranges that the image does not have."""
        path = write_dimap(product, tmp_path, [0, 1])
        rewrite(path, r">849976\.[^<]*", ">846000.0")
        with pytest.raises(AlignsarError, match="median difference of the coordinates' slant ranges"):
            open_stack(path)


class TestNisar:
    def test_calibration_tables_swapped(self, tmp_path):
        fake = FakeNisar()
        fake.tables["beta0"], fake.tables["sigma0"] = fake.tables["sigma0"], fake.tables["beta0"]
        with pytest.raises(AlignsarError, match="amplitude table of sigma0 over that of beta0 is 0"):
            open_nisar(fake.write(tmp_path / "product.h5"))

    def test_one_calibration_line(self, tmp_path):
        fake = FakeNisar()
        fake.tables["sigma0"][1] *= 1e6
        with pytest.raises(
            AlignsarError, match="largest over smallest calibration amplitude of a table is 1"
        ):
            open_nisar(fake.write(tmp_path / "product.h5"))

    def test_no_valid_sample(self, tmp_path):
        path = FakeNisar().write(tmp_path / "product.h5")
        with h5py.File(path, "r+") as file:
            file["science/LSAR/RSLC/swaths/frequencyA/validSamplesSubSwath1"][...] = 0
        with pytest.raises(AlignsarError, match="no sample of the image is valid"):
            open_nisar(path)


def test_real_products_are_far_within(real_data):
    """What was measured, and stands in the table, on Morocco."""
    for path in real_data("s1_pair_morocco_20230904_20230916").glob("*.SAFE"):
        product = open_sentinel1(path)
        speed = np.linalg.norm(product.orbit.velocity, axis=1).mean()
        for burst in product.bursts:
            near, far = burst.grid.slant_range([0, burst.grid.samples - 1])
            for slant_range in (near, far):
                rate = (
                    burst.azimuth_fm_rate.at(slant_range)
                    * burst.grid.wavelength
                    * slant_range
                    / (-2.0 * speed**2)
                )
                assert 0.889 < rate < 0.897
                for channel in burst.channels.values():
                    assert abs(channel.doppler_centroid.at(slant_range)) < BOUNDS["s1_doppler"].high / 50.0
