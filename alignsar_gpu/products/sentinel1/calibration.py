"""Read calibration and thermal noise annotations of a Sentinel-1 SAFE (``annotation/calibration/*.xml``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.geometry.time_scale import seconds_since
from alignsar_gpu.stack.calibration import Calibration
from alignsar_gpu.stack.noise import AzimuthNoise, Noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.products.xml import Xml

# Noise power is some tens to hundreds of |DN|^2. Early processors (IPF up to 2.50) wrote vectors that were not brought
# to the scale of the image and hold values far below one.
SMALLEST_NOISE = 1.0


def _samples_and_values(vector: Xml, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample numbers of a vector, increasing, and its values of ``name`` there."""
    samples, values = vector.numbers("pixel"), vector.numbers(name)
    if samples.shape != values.shape or not samples.size:
        raise AlignsarError(f"{vector.where}: {samples.size} samples, but {values.size} values of {name}")
    if not np.all(np.diff(samples) > 0):
        raise AlignsarError(f"{vector.where}: sample numbers do not increase")
    return samples, values


def _times(vectors: Sequence[Xml], epoch: np.datetime64) -> NDArray[np.float64]:
    return np.array([seconds_since(epoch, vector.time("azimuthTime")) for vector in vectors])


def _together(
    rows: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All sample numbers that occur, and each vector on them: exactly what the vectors say between theirs."""
    samples = np.unique(np.concatenate([own for own, _ in rows]))
    return samples, np.stack([np.interp(samples, own, values) for own, values in rows])


def read_calibration(
    document: Xml, *, epoch: np.datetime64, first_slant_range: float, range_spacing: float, source: str
) -> Calibration:
    """Read the calibration vectors of one polarization and subswath.

    Parameters
    ----------
    document : root of a ``calibration-*.xml``.
    epoch : the midnight that the result's azimuth times count from.
    first_slant_range, range_spacing : metres; where sample 0 of the subswath's image lies, and the next.
    source : the product's name.

    Raises AlignsarError when vectors are missing, damaged or not positive.
    """
    vectors = list(document.require("calibrationVectorList").all("calibrationVector"))
    if not vectors:
        raise AlignsarError(f"{document.where}: no calibration vectors; the product is damaged or incomplete")
    tables = {}
    for name in ("sigmaNought", "betaNought", "gamma"):
        samples, tables[name] = _together([_samples_and_values(v, name) for v in vectors])
    calibration = Calibration(
        azimuth_time=_times(vectors, epoch),
        slant_range=first_slant_range + range_spacing * samples,
        sigma_nought=tables["sigmaNought"],
        beta_nought=tables["betaNought"],
        gamma_nought=tables["gamma"],
        source=source,
    )
    for name, table in tables.items():
        require("s1_calibration", table, f"{document.where}: {name}")
    return calibration


def _range_vectors(document: Xml) -> tuple[list[Xml], str]:
    """The range vectors of either layout, and what their values are called."""
    old = document.find("noiseVectorList")
    if old is not None:  # IPF before 2.90
        return list(old.all("noiseVector")), "noiseLut"
    return list(document.require("noiseRangeVectorList").all("noiseRangeVector")), "noiseRangeLut"


def _azimuth_vectors(
    document: Xml, first_slant_range: float, range_spacing: float, swath: str
) -> list[AzimuthNoise]:
    blocks = []
    for vector in document.all("noiseAzimuthVectorList/noiseAzimuthVector"):
        own = vector.find("swath")
        if own is not None and own.text().upper() != swath.upper():
            continue
        line, factor = vector.numbers("line"), vector.numbers("noiseAzimuthLut")
        if line.shape != factor.shape:
            raise AlignsarError(f"{vector.where}: {line.size} lines, but {factor.size} values")
        first, last = vector.number("firstAzimuthLine"), vector.number("lastAzimuthLine")
        if line.size and first <= last and not first <= line.min() <= line.max() <= last:
            raise AlignsarError(
                f"{vector.where}: factors at lines {line.min():.0f} to {line.max():.0f} of a rectangle from line "
                f"{first:.0f} to {last:.0f}: damaged; get the product again"
            )
        there = factor != 0  # zero marks a missing value
        if there.any():
            blocks.append(
                AzimuthNoise(
                    first_line=first,
                    last_line=last,
                    first_slant_range=first_slant_range + range_spacing * vector.number("firstRangeSample"),
                    last_slant_range=first_slant_range + range_spacing * vector.number("lastRangeSample"),
                    line=line[there],
                    factor=factor[there],
                )
            )
    return blocks


def read_noise(
    document: Xml,
    *,
    epoch: np.datetime64,
    first_slant_range: float,
    range_spacing: float,
    swath: str,
    source: str,
) -> Noise | None:
    """Read the thermal noise vectors of one polarization and subswath, of either layout.

    Parameters
    ----------
    document : root of a ``noise-*.xml``.
    swath : "IW1", ...; azimuth vectors of others are left out.
    epoch, first_slant_range, range_spacing, source : as in `read_calibration`.

    Zeros mark missing values (ESA's answer on products of IPF 3.51 and 3.52): they are bridged from their
    neighbours. None when there is no vector, none with a value, or when their values are not in units of
    |DN|^2 (IPF up to 2.50): then there is nothing that could be subtracted.
    Raises AlignsarError when vectors are damaged.
    """
    vectors, name = _range_vectors(document)
    rows, used = [], []
    for vector in vectors:
        samples, power = _samples_and_values(vector, name)
        there = power != 0
        if there.any():
            rows.append((samples[there], power[there]))
            used.append(vector)
    if not rows or max(power.max() for _, power in rows) < SMALLEST_NOISE:
        return None
    samples, power = _together(rows)
    return Noise(
        azimuth_time=_times(used, epoch),
        slant_range=first_slant_range + range_spacing * samples,
        range_power=power,
        azimuth=tuple(_azimuth_vectors(document, first_slant_range, range_spacing, swath)),
        source=source,
    )
