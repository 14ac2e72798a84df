"""A burst brought to another, and interferograms of a network, on the device against the CPU. Needs SciPy too."""

from __future__ import annotations

from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")

from speckle import speckle

from alignsar_gpu.coregistration.burst import BurstPair, GroundBlock
from alignsar_gpu.coregistration.offsets import patch_offset
from alignsar_gpu.coregistration.timing.diversity import double_difference
from alignsar_gpu.coregistration.timing.sublooks import band_shift
from alignsar_gpu.device import Device
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT, RadarGrid
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.interferometry.goldstein import filtered_phase
from alignsar_gpu.interferometry.multilooking import multilooked
from alignsar_gpu.products.selection import Match
from alignsar_gpu.products.slc import Burst, Channel, RangePolynomial
from alignsar_gpu.stack.block import Stack

EPOCH = np.datetime64("2024-01-01")
SHAPE = (400, 1500)
GRID = RadarGrid(
    epoch=EPOCH,
    first_azimuth_time=1080.0,
    azimuth_interval=0.00205556,
    first_slant_range=820e3,
    range_spacing=2.3296,
    wavelength=0.0555,
    look_side="right",
    lines=SHAPE[0],
    samples=SHAPE[1],
)
CPU = Device("cpu", "processor", "test", 1 << 30)
CUDA = Device("cuda", "device", "test", 1 << 30)
TOLERANCE = 1e-5


def circle(radius):
    rate = np.sqrt(3.986004418e14 / radius**3)
    time = 1000.0 + 10.0 * np.arange(17)
    angle = rate * (time - 1080.0)
    along, out = np.array([0.0, np.cos(1.714), np.sin(1.714)]), np.array([1.0, 0.0, 0.0])
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return Orbit(
        epoch=EPOCH,
        time=time,
        position=radius * (cos * out + sin * along),
        velocity=radius * rate * (cos * along - sin * out),
        source="circle",
    )


def match_of(orbit, image):
    first = 2.0 / SPEED_OF_LIGHT * GRID.first_slant_range

    def polynomial(*coefficients):
        return RangePolynomial(
            azimuth_time=0.0, slant_range_time=first, coefficients=np.array(coefficients, dtype=np.float64)
        )

    channel = Channel(
        first_valid_sample=np.zeros(SHAPE[0], dtype=np.int64),
        last_valid_sample=np.full(SHAPE[0], SHAPE[1] - 1, dtype=np.int64),
        doppler_centroid=polynomial(-30.0, 9e4),
        measurement=SimpleNamespace(
            source="memory", read_stored=lambda lines, samples, _: image[lines, samples].copy()
        ),
        calibration=None,
        noise=None,
    )
    burst = Burst(
        swath="IW2",
        index=0,
        burst_id="t001_000001_iw2",
        anx_time=0.0,
        grid=GRID,
        azimuth_fm_rate=polynomial(-2330.0, 4.5e5),
        steering_rate=np.radians(1.59),
        channels={"vv": channel},
        footprint=np.zeros((4, 2)),
        transmission=None,
    )
    return Match(product=SimpleNamespace(orbit=orbit), burst=burst)


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(5)
    reference, secondary = (300 * speckle(rng, SHAPE) for _ in range(2))
    return BurstPair(
        reference=match_of(circle(7_071_000.0), reference),
        secondary=match_of(circle(7_071_060.0), secondary),
        device=CPU,
    )


def ground_of(pair, upload):
    """Ground whose ranges along the reference are those of its samples, nearly: a slanted plane of places."""
    longitude = np.degrees(0.0475 + 4.6e-7 * np.arange(SHAPE[1]))[None, :] + np.zeros((SHAPE[0], 1))
    latitude = np.degrees(2.2e-6 * np.arange(SHAPE[0]))[:, None] + 0.1435 * longitude
    height = 300.0 + 200.0 * np.sin(longitude * 300.0)
    height[100:110, 500:600] = np.nan
    return GroundBlock(
        azimuth_time=GRID.azimuth_time(np.arange(SHAPE[0])),
        slant_range=GRID.slant_range(np.arange(SHAPE[1])),
        time_offset=0.0,
        range_offset=0.0,
        line=0,
        sample=0,
        longitude=upload(np.ascontiguousarray(longitude)),
        latitude=upload(np.ascontiguousarray(latitude)),
        height=upload(height),
    )


def test_a_burst_is_brought_to_another(cupy, pair):
    wanted_places = pair.to_radar(ground_of(pair, np.asarray))
    late = float(np.nanmedian(wanted_places.line)) - 0.5 * SHAPE[0]
    far = float(np.nanmedian(wanted_places.sample)) - 0.5 * SHAPE[1]
    shift = replace(
        pair.shift, seconds=-late * GRID.azimuth_interval, metres=-far * GRID.range_spacing
    )  # into the middle of the secondary
    results = []
    for device, upload in ((CPU, np.asarray), (CUDA, cupy.asarray)):
        own = replace(pair, device=device, shift=shift)
        results.append(own.resampled(own.to_radar(ground_of(pair, upload)), "vv"))
    (wanted, known), (got, there) = results
    assert isinstance(got, cupy.ndarray)
    assert 0.2 < known.mean() < 1.0
    np.testing.assert_array_equal(cupy.asnumpy(there), known)
    scale = np.sqrt(np.mean(np.abs(wanted[known]) ** 2))
    # positions differ by 1e-9 of a pixel, and what they are multiplied with by 1e-9 turns
    assert np.abs(cupy.asnumpy(got) - wanted).max() <= TOLERANCE * scale


def images_late_by(shift):
    """Two images of coherence 0.9, [line, sample], the second late by lines and samples, and what is valid."""
    rng = np.random.default_rng(7)
    pair = []
    common, one, other = (np.fft.fft2(speckle(rng, SHAPE)) for _ in range(3))
    frequency = [np.fft.fftfreq(count) for count in SHAPE]
    turn = np.exp(-2j * np.pi * (frequency[0][:, None] * shift[0] + frequency[1] * shift[1]))
    band = (np.abs(frequency[0][:, None]) < 0.33) & (np.abs(frequency[1]) < 0.37)
    for noise, late in ((one, 1.0), (other, turn)):
        pair.append(np.fft.ifft2((common + 0.33 * noise) * band * late).astype(np.complex64))
    return *pair, rng.random(SHAPE) > 0.001


def assert_same_numbers(got, wanted, tolerance):
    for name, value in asdict(wanted).items():
        assert getattr(got, name) == pytest.approx(value, abs=tolerance), name


@pytest.mark.parametrize("axis", [0, 1])
def test_a_shift_by_parts_of_the_band(cupy, axis):
    images = images_late_by((0.1, -0.2))
    options = {"axis": axis, "band": (0.67, 0.75)[axis], "looks": 0.4}
    wanted = band_shift(*images, **options)
    assert abs(wanted.seconds - (0.1, -0.2)[axis]) < 0.01
    got = band_shift(*map(cupy.asarray, images), **options, device=CUDA)
    assert_same_numbers(got, wanted, TOLERANCE)


def test_a_double_difference_of_bursts(cupy):
    one, other, valid = images_late_by((0.0, 0.0))
    apart = np.broadcast_to(4500.0 + 0.01 * np.arange(SHAPE[1]), SHAPE).copy()
    wanted = double_difference(one, other, apart, valid, 0.4)
    given = [cupy.asarray(array) for array in (one, other, apart, valid)]
    got = double_difference(*given, 0.4, CUDA)
    assert (got.used, got.count) == (wanted.used, wanted.count)
    assert_same_numbers(got.shift(), wanted.shift(), TOLERANCE)
    again = double_difference(*given, 0.4, CUDA)  # sums are exact, in whatever order a device adds
    assert np.array_equal(again.total, got.total)


def test_the_offset_of_a_patch(cupy):
    images = [np.ascontiguousarray(image[:128, :128]) for image in images_late_by((2.3, -1.6))]
    wanted = patch_offset(*images, line=1.0, sample=2.0)
    assert abs(wanted.down - 2.3) < 0.1
    got = patch_offset(*map(cupy.asarray, images), line=1.0, sample=2.0, device=CUDA)
    assert_same_numbers(got, wanted, TOLERANCE)


def test_interferograms_of_a_network(cupy):
    rng = np.random.default_rng(6)
    pixels = np.stack([speckle(rng, SHAPE) for _ in range(3)])[:, None]
    pixels[1] = 0.8 * pixels[0] + 0.6 * pixels[1]
    valid = rng.random(pixels.shape) > 0.1
    pixels[~valid] = 0

    def stack(device, upload):
        return Stack(
            device=device,
            grid=GRID,
            begin=0,
            acquisitions=(None,) * 3,
            reference=0,
            polarizations=("vv",),
            pixels=upload(pixels),
            valid=upload(valid),
            first=0,
            stop=SHAPE[0],
        )

    pairs, looks = [(0, 1), (1, 2)], (4, 12)
    wanted = list(multilooked(stack(CPU, np.asarray), pairs, looks))
    got = list(multilooked(stack(CUDA, cupy.asarray), pairs, looks))
    for one, other in zip(wanted, got, strict=True):
        assert isinstance(other.phase, cupy.ndarray)
        np.testing.assert_allclose(cupy.asnumpy(other.coherence), one.coherence, atol=1e-5)
        difference = np.exp(1j * (cupy.asnumpy(other.phase) - one.phase))
        assert np.nanmax(np.abs(np.angle(difference[one.coherence > 0.1]))) < 1e-3
        filtered = filtered_phase(one.phase, one.coherence, np, alpha=0.5)
        again = cupy.asnumpy(
            filtered_phase(cupy.asarray(one.phase), cupy.asarray(one.coherence), cupy, alpha=0.5)
        )
        assert np.nanmax(np.abs(np.angle(np.exp(1j * (again - filtered))))) < 1e-3
