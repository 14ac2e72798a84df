"""Resampling of real Sentinel-1 pixels: the carrier taken off, the image moved there and back, the carrier put on."""

import warnings

import numpy as np
import pytest
import rasterio
from band_limited import AZIMUTH, RANGE
from rasterio.errors import NotGeoreferencedWarning

from alignsar_gpu import kernels
from alignsar_gpu.coregistration.burst import TAPS, resampling_weights
from alignsar_gpu.coregistration.carrier import burst_carrier
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.slc import Band

FIRST_LINE, FIRST_SAMPLE = 9799, 10999  # of the crop in the subswath
BURST = 6
EDGE = 20  # pixels that a kernel reaches over, twice, and some


class Azores:
    """The crop, its part of the burst's carrier, and the times of its lines."""

    def __init__(self, folder):
        product = open_sentinel1(next(folder.glob("*.xml")))
        burst = product.bursts[BURST]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(next(folder.glob("*.tiff"))) as file:
                self.image = file.read(1).astype(np.complex64)
        carrier = burst_carrier(burst, "vv", product.orbit)
        lines, samples = self.image.shape
        self.line = FIRST_LINE - BURST * burst.grid.lines
        assert 0 <= self.line < self.line + lines <= burst.grid.lines
        own = np.arange(FIRST_SAMPLE, FIRST_SAMPLE + samples)
        self.carrier, self.samples = carrier, own

    def table(self, down, across):
        """The carrier of an image whose pixels lie so much further on than those of the crop."""
        at = np.arange(len(self.carrier.slope))
        slope, centroid = (
            np.interp(self.samples + across, at, values)
            for values in (self.carrier.slope, self.carrier.centroid)
        )
        first = self.carrier.first_time + (self.line + down) * self.carrier.interval
        return kernels.CarrierTable(slope, centroid, first, self.carrier.interval)

    def deramped(self, image, table):
        time = table.first_time + table.interval * np.arange(len(image))
        return kernels.ramp(image, table.slope, table.centroid, time, -1)

    def moved(self, image, down, across, table):
        """The image at positions so much further on; ``table`` is its carrier."""
        weights_down, weights_across = (
            resampling_weights(Band(*band), TAPS) for band in (AZIMUTH["IW3"], RANGE["IW3"])
        )
        line, sample = np.mgrid[0.0 : image.shape[0], 0.0 : image.shape[1]]
        values, _ = kernels.resample(
            self.deramped(image, table),
            line + down,
            sample + across,
            down=weights_down,
            across=weights_across,
            carrier=table,
        )
        return values


@pytest.fixture(scope="module")
def azores(real_data):
    return Azores(real_data("s1_iw_slc_azores_20220918"))


def neighbours(image):
    """Coherence of every line with the next."""
    product = image[1:] * np.conj(image[:-1])
    return abs(product.sum()) / (np.abs(image[1:]) * np.abs(image[:-1])).sum()


def test_without_the_carrier_neighbouring_lines_are_coherent(azores):
    bright = np.argsort(np.mean(np.abs(azores.image) ** 2, axis=1))
    land = np.zeros(len(azores.image), dtype=bool)
    land[bright[-300:]] = True
    first, last = np.flatnonzero(land)[[0, -1]]
    rows = slice(first, last + 1)
    assert neighbours(azores.image[rows]) < 0.3
    assert neighbours(azores.deramped(azores.image, azores.table(0.0, 0.0))[rows]) > 0.6


@pytest.mark.parametrize("shift", [(0.37, 0.43), (0.5, 0.5), (3.21, -7.64)])
def test_there_and_back_again(azores, shift):
    """What is lost is the error of both resamplings, and 0.3 % of noise from rounding to integers."""
    down, across = shift
    there = azores.moved(azores.image, down, across, azores.table(0.0, 0.0))
    back = azores.moved(there, -down, -across, azores.table(down, across))
    inside = (slice(EDGE, -EDGE), slice(EDGE, -EDGE))
    error = np.abs(back[inside] - azores.image[inside]) ** 2
    assert np.sqrt(error.sum() / (np.abs(azores.image[inside]) ** 2).sum()) < 0.01
