"""Resampling on the device against its CPU twin, on images of a realistic size."""

from __future__ import annotations

import numpy as np
import pytest
from band_limited import AZIMUTH, RANGE, Speckle, relative_error
from speckle import speckle

from alignsar_gpu import kernels

TOLERANCE = 1e-5
INTERVAL = 1 / 486.4863
SHAPE = (1500, 3000)


@pytest.fixture(scope="module")
def burst():
    """An image, positions all over and around it, its carrier, and turns."""
    rng = np.random.default_rng(30)
    image = 300 * speckle(rng, SHAPE)
    line, sample = np.mgrid[0.0 : SHAPE[0], 0.0 : SHAPE[1]]
    line += 3.0 + 0.4 * np.sin(sample / 90.0) + rng.uniform(-0.01, 0.01, SHAPE)
    sample += -7.3 + 2.0 * np.cos(line / 40.0)
    line[200, 100:300] = np.nan
    sample[700:705, 8] = np.inf
    slope, centroid = np.linspace(-1560.0, -1530.0, SHAPE[1]), np.linspace(-60.0, 80.0, SHAPE[1])
    table = kernels.CarrierTable(slope, centroid, -0.5 * SHAPE[0] * INTERVAL, INTERVAL)
    return image, line, sample, table, rng.uniform(-1e6, 1e6, SHAPE)


def assert_same(cupy, got, wanted):
    values, valid = got
    assert isinstance(values, cupy.ndarray)
    assert isinstance(valid, cupy.ndarray)
    assert values.dtype == np.complex64
    np.testing.assert_array_equal(cupy.asnumpy(valid), wanted[1])
    scale = np.sqrt(np.mean(np.abs(wanted[0][wanted[1]]) ** 2))
    assert np.abs(cupy.asnumpy(values) - wanted[0]).max() <= TOLERANCE * scale


@pytest.mark.parametrize("down", kernels.TAPS)
@pytest.mark.parametrize("across", kernels.TAPS)
def test_resample(cupy, burst, down, across):
    image, line, sample, table, turns = burst
    options = {
        "down": kernels.weights(down, 0.67),
        "across": kernels.weights(across, 0.75),
        "carrier": table,
        "box": kernels.Box(20.5, 1480.25, 30.0, 2960.75),
    }
    device = [cupy.asarray(array) for array in (image, line, sample, turns)]
    for extra in (None, 3):
        wanted = kernels.resample(image, line, sample, **options, turns=None if extra is None else turns)
        got = kernels.resample(*device[:3], **options, turns=None if extra is None else device[3])
        assert 0.9 < wanted[1].mean() < 1.0
        assert_same(cupy, got, wanted)


def test_tables_may_be_on_the_device(cupy, burst):
    image, line, sample, table, _ = burst
    weights = kernels.weights(8, 0.67)
    device = [cupy.asarray(array) for array in (image, line, sample)]
    wanted = kernels.resample(*device, down=weights, across=weights, carrier=table)
    weights = cupy.asarray(weights)
    table = table._replace(slope=cupy.asarray(table.slope), centroid=cupy.asarray(table.centroid))
    got = kernels.resample(*device, down=weights, across=weights, carrier=table)
    assert all((g.view("u1") == w.view("u1")).all() for g, w in zip(got, wanted, strict=True))


@pytest.mark.parametrize("sign", [-1, 1])
def test_ramp(cupy, burst, sign):
    image, _, _, table, _ = burst
    time = table.first_time + INTERVAL * np.arange(SHAPE[0])
    wanted = kernels.ramp(image, table.slope, table.centroid, time, sign)
    device = cupy.asarray(image)
    got = kernels.ramp(device, table.slope, table.centroid, time, sign)
    assert isinstance(got, cupy.ndarray)
    assert (np.abs(cupy.asnumpy(got) - wanted) <= TOLERANCE * np.abs(wanted)).all()
    assert kernels.ramp(device, table.slope, table.centroid, time, sign, out=device) is device
    assert (device == got).all()


def test_pixels_as_products_store_them(cupy, burst):
    image, line, sample, table, _ = burst
    time = table.first_time + INTERVAL * np.arange(SHAPE[0])
    parts = np.stack([image.real, image.imag], axis=-1)
    stored = np.rint(1000.0 * parts).astype(np.int16)
    stored[3, 5:70] = 0
    wanted = np.arange(SHAPE[0]) % 7 > 0
    device, on_host = cupy.asarray(stored), stored.astype(np.float32).view(np.complex64)[..., 0]
    got = kernels.ramp(device, table.slope, table.centroid, time, -1)
    assert (got == kernels.ramp(cupy.asarray(on_host), table.slope, table.centroid, time, -1)).all()
    for given in (device, cupy.asarray(on_host)):
        pixels, known = (cupy.asnumpy(array) for array in kernels.decode(given, wanted))
        held = (on_host != 0) & wanted[:, np.newaxis]
        np.testing.assert_array_equal(known, held)
        np.testing.assert_array_equal(pixels, np.where(held, on_host, 0))
    line = line.copy()
    line[2], line[0, 0], line[1, 1] = np.nan, np.inf, -np.inf
    assert kernels.extents(cupy.asarray(line), cupy.asarray(sample)) == kernels.extents(line, sample)
    assert kernels.extents(cupy.asarray(line + np.nan), cupy.asarray(sample)) is None


def test_blocks_have_the_bits_of_the_whole(cupy, burst):
    image, line, sample, table, turns = burst
    weights = kernels.weights(12, 0.75)
    options = {"down": weights, "across": weights, "carrier": table}
    image, line, sample, turns = (cupy.asarray(array) for array in (image, line, sample, turns))
    whole = kernels.resample(image, line, sample, **options, turns=turns)
    cut = np.s_[150:411, 77:1801]
    own = [cupy.ascontiguousarray(array[cut]) for array in (line, sample, turns)]
    part = kernels.resample(image, *own[:2], **options, turns=own[2])
    for got, wanted in zip(part, whole, strict=True):
        assert (got.view("u1") == cupy.ascontiguousarray(wanted[cut]).view("u1")).all()


def test_speckle_at_random_offsets_within_40_db(cupy):
    rng = np.random.default_rng(31)
    signal = Speckle(rng, (96, 120), (AZIMUTH["IW2"], RANGE["IW2"]))
    line, sample = rng.uniform(8, 86, (60, 50)), rng.uniform(8, 110, (60, 50))
    values, valid = kernels.resample(
        cupy.asarray(signal.image()),
        cupy.asarray(line),
        cupy.asarray(sample),
        down=kernels.weights(8, AZIMUTH["IW2"][0]),
        across=kernels.weights(8, RANGE["IW2"][0]),
        carrier=kernels.CarrierTable(np.zeros(120), np.zeros(120), 0.0, INTERVAL),
    )
    assert valid.all()
    wanted = signal.at(line.ravel(), sample.ravel())
    assert relative_error(cupy.asnumpy(values).ravel(), wanted) < 0.01


def test_tiny_images(cupy):
    weights = kernels.weights(8, 0.7)
    for shape in ((0, 0), (7, 40), (8, 8)):
        table = kernels.CarrierTable(np.zeros(shape[1]), np.zeros(shape[1]), 0.0, INTERVAL)
        line = cupy.full((2, 3), 3.5)
        values, valid = kernels.resample(
            cupy.ones(shape, cupy.complex64), line, line, down=weights, across=weights, carrier=table
        )
        assert bool(valid.all()) == bool(valid.any()) == (shape == (8, 8))
        assert float(cupy.abs(values - valid).max()) < 1e-6


def test_host_and_device_do_not_mix(cupy, burst):
    image, line, sample, table, _ = burst
    weights = kernels.weights(8, 0.7)
    with pytest.raises(TypeError, match="image is on the host, line is on the device"):
        kernels.resample(image, cupy.asarray(line), sample, down=weights, across=weights, carrier=table)
