"""The registry, and every signature of category 1 against plain NumPy."""

import numpy as np
import pytest
from synthetic_stack import simulate_stack

from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.signatures import all_signatures, groups, select
from alignsar_gpu.signatures.options import SignatureOptions, Windows
from alignsar_gpu.signatures.registry import register
from alignsar_gpu.signatures.views.polarization import PolarizationView
from alignsar_gpu.signatures.views.powers import Powers
from alignsar_gpu.stack.block import load_stack

CPU = Device("cpu", "test", "test", 1 << 30)
OPTIONS = SignatureOptions(windows=Windows(coherence=(3, 5), phase=(1, 1)))
NAMES = [
    "amplitude",
    "intensity",
    "sigma0",
    "beta0",
    "gamma0",
    "gamma0_flattened",
    "slc_phase",
    "interferometric_phase",
    "coherence",
]


@pytest.fixture(scope="module")
def product():
    return simulate_stack(lines=70, samples=97, dates=3, polarizations=("vv", "vh"), seed=21, flattened=True)


@pytest.fixture(scope="module")
def stack(product):
    return load_stack(product, CPU, 32, 64, OPTIONS.halo)


def view_of(stack, date, polarization, options=OPTIONS):
    return PolarizationView(powers=Powers(stack=stack, options=options), date=date, polarization=polarization)


def value(name, stack, date, polarization, options=OPTIONS):
    (signature,) = select([name])
    result = signature.compute(view_of(stack, date, polarization, options))
    assert result.dtype == np.float32
    assert result.shape == (32, 97)
    return result


def brute_force(product, date, polarization, window):
    """Phase of the sum of r conj(s), and the coherence, over the valid pixels of windows of lines 32 to 63."""
    pixels, valid = product.read_pixels(0, 70)
    both = valid[product.reference, polarization] & valid[date, polarization]
    r = np.where(both, pixels[product.reference, polarization], 0).astype(np.complex128)
    s = np.where(both, pixels[date, polarization], 0).astype(np.complex128)
    cross, power = np.zeros((32, 97), complex), np.zeros((2, 32, 97))
    for dl in range(-(window[0] // 2), window[0] // 2 + 1):
        for ds in range(-(window[1] // 2), window[1] // 2 + 1):
            for line in range(32):
                row, columns = 32 + line + dl, np.arange(97) + ds
                inside = (columns >= 0) & (columns < 97)
                if 0 <= row < 70:
                    a, b = r[row, columns[inside]], s[row, columns[inside]]
                    cross[line, inside] += a * b.conj()
                    power[0, line, inside] += np.abs(a) ** 2
                    power[1, line, inside] += np.abs(b) ** 2
    with np.errstate(invalid="ignore"):
        coherence = np.abs(cross) / np.sqrt(power[0] * power[1])
        phase = np.where(power.prod(axis=0) > 0, np.angle(cross), np.nan)
    return np.where(both[32:64], phase, np.nan), np.where(both[32:64], coherence, np.nan)


def phase_error(found, expected):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    return np.nanmax(np.abs(np.angle(np.exp(1j * (found - expected)))))


class TestRegistry:
    def test_category1(self):
        assert groups()["category1"] == tuple(NAMES)
        assert [s.name for s in select(["category1"])] == NAMES

    def test_selection_is_in_registry_order_and_each_once(self):
        assert [s.name for s in select(["coherence", "amplitude", "category1"])] == NAMES
        assert [s.name for s in select(["coherence", "amplitude"])] == ["amplitude", "coherence"]

    def test_refused(self):
        with pytest.raises(
            AlignsarError, match=r"no signature or group 'colour'; groups are category1, category2, all_dual"
        ):
            select(["colour"])
        with pytest.raises(AlignsarError, match="empty"):
            select([])
        with pytest.raises(ValueError, match="twice"):
            register(all_signatures()[0])

    def test_every_signature_says_what_it_is(self):
        for signature in all_signatures():
            assert signature.units
            assert signature.label
            assert signature.formula
            assert signature.references


@pytest.mark.parametrize("polarization", [0, 1])
@pytest.mark.parametrize("date", [0, 1, 2])
class TestCategory1:
    def test_amplitude_intensity_and_phase(self, product, stack, date, polarization):
        pixels, valid = product.read_pixels(32, 64)
        image = np.where(valid[date, polarization], pixels[date, polarization].astype(np.complex128), np.nan)
        np.testing.assert_allclose(value("amplitude", stack, date, polarization), np.abs(image), rtol=1e-6)
        np.testing.assert_allclose(
            value("intensity", stack, date, polarization), np.abs(image) ** 2, rtol=1e-6
        )
        phase = value("slc_phase", stack, date, polarization)
        np.testing.assert_array_equal(np.isnan(phase), ~valid[date, polarization])
        error = np.angle(np.exp(1j * phase) * np.exp(-1j * np.angle(image)))
        assert np.nanmax(np.abs(error)) < 1e-6

    @pytest.mark.parametrize("quantity", ["sigma", "beta", "gamma"])
    def test_calibration(self, product, stack, date, polarization, quantity):
        """Bilinear by hand, pixel by pixel, on a few pixels."""
        calibration = product.acquisitions[date].calibration[product.polarizations[polarization]]
        table = getattr(calibration, f"{quantity}_nought")
        found = value(f"{quantity}0", stack, date, polarization)
        pixels, _ = product.read_pixels(32, 64)
        for line, sample in [(0, 0), (3, 50), (31, 96), (17, 8)]:
            time, slant_range = product.grid.azimuth_time(32 + line), product.grid.slant_range(sample)
            i = int(np.searchsorted(calibration.azimuth_time, time)) - 1
            j = int(np.searchsorted(calibration.slant_range, slant_range)) - 1
            u = (time - calibration.azimuth_time[i]) / np.diff(calibration.azimuth_time)[i]
            v = (slant_range - calibration.slant_range[j]) / np.diff(calibration.slant_range)[j]
            corner = table[i : i + 2, j : j + 2]
            gain = np.array([1 - u, u]) @ corner @ np.array([1 - v, v])
            expected = abs(complex(pixels[date, polarization, line, sample])) ** 2 / gain**2
            if np.isfinite(found[line, sample]):
                assert found[line, sample] == pytest.approx(expected, rel=1e-5)

    def test_coherence_and_phase(self, product, stack, date, polarization):
        coherence = value("coherence", stack, date, polarization)
        phase = value("interferometric_phase", stack, date, polarization)
        _, valid = product.read_pixels(32, 64)
        if date == product.reference:
            np.testing.assert_array_equal(coherence, np.where(valid[date, polarization], 1, np.nan))
            np.testing.assert_array_equal(phase, np.where(valid[date, polarization], 0, np.nan))
            return
        _, expected = brute_force(product, date, polarization, (3, 5))
        np.testing.assert_allclose(coherence, expected, atol=1e-6)
        single, _ = brute_force(product, date, polarization, (1, 1))
        assert phase_error(phase, single) < 1e-6

    @pytest.mark.parametrize("window", [(3, 5), (3, 3)])
    def test_phase_over_a_window(self, product, stack, date, polarization, window):
        if date == product.reference:
            return
        options = SignatureOptions(windows=Windows(coherence=(3, 5), phase=window))
        phase = value("interferometric_phase", stack, date, polarization, options)
        expected, _ = brute_force(product, date, polarization, window)
        assert phase_error(phase, expected) < 1e-5


def test_sigma0_needs_calibration(product, stack):
    import dataclasses  # noqa: PLC0415

    bare = tuple(dataclasses.replace(a, calibration={}) for a in product.acquisitions)
    view = view_of(dataclasses.replace(stack, acquisitions=bare), 0, 0)
    with pytest.raises(AlignsarError, match="no calibration records of VV"):
        view.calibrated_intensity("sigma_nought")
