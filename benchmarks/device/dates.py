"""A burst of many dates that stays on the device: from pixels as they are stored, in page-locked memory, to layers.

What `alignsar_gpu.coregistration.stack` and the signatures do with each date, by the same kernels and transfers: places
once for both polarizations, resampling, flattening, coherence, calibration and all signatures of two polarizations.
The images of the next date go up while those of one are worked on. Every date has the same pixels; the orbits differ.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.transfers import Arrived, Transfers

from .case import Size
from .pixels import without_covariance
from .scene import FIRST_RANGE, MIDDLE, RADIUS, RANGE_STEP, TIME_STEP, drawn, orbit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from numpy.typing import NDArray

DATES = 30
WHOLE = Size(lines=1500, samples=25_000)
POLARIZATIONS = ("vv", "vh")
WINDOW, MATRIX_WINDOW = (3, 11), (5, 5)
QUANTITIES = ("sigma0", "beta0", "gamma0")
WAVELENGTH = 0.0555
TAPS, BANDS = 8, (0.68, 0.75)
BASELINE = 10.0  # m upwards, from date to date
VECTORS = 4  # of calibration
REPEATS = 3


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a run of this has on the host: stored images of the polarizations, and calibration vectors."""

    size: Size
    dates: int
    stored: tuple[NDArray[np.int16], ...]
    vectors: NDArray[np.float32]
    carrier: kernels.CarrierTable


def made(size: Size, dates: int, empty: Callable[..., NDArray[Any]]) -> Given:
    """Speckle in memory of ``empty``."""
    rng = np.random.default_rng(11)
    stored = []
    for _ in POLARIZATIONS:
        image = empty((size.lines, size.samples, 2), np.int16)
        image[...] = rng.integers(-400, 400, image.shape, dtype=np.int16)
        stored.append(image)
    slope, centroid = np.linspace(-1560.0, -1520.0, size.samples), np.linspace(-50.0, 30.0, size.samples)
    return Given(
        size=size,
        dates=dates,
        stored=tuple(stored),
        vectors=np.linspace(300.0, 500.0, VECTORS * size.samples, dtype=np.float32).reshape(VECTORS, -1),
        carrier=kernels.CarrierTable(slope, centroid, -0.5 * size.lines * TIME_STEP, TIME_STEP),
    )


@dataclass(frozen=True)
class Place:
    """Where the work is done: how arrays get there, now or later."""

    put: Callable[[Any], Any]
    send: Callable[[Any], Any]


def places_of(given: Given, place: Place, ground: kernels.TerrainLayers, date: int) -> tuple[Any, ...]:
    """Lines and samples of a date, and the turns that flatten it."""
    size = given.size
    seed = place.put(MIDDLE + TIME_STEP * np.arange(size.lines))
    line, sample = kernels.ground_to_radar(*ground[:3], seed, orbit(RADIUS + BASELINE * date))
    turns = sample - place.put(FIRST_RANGE + RANGE_STEP * np.arange(size.samples))
    turns *= 2.0 / WAVELENGTH
    line -= MIDDLE
    line /= TIME_STEP
    sample -= FIRST_RANGE
    sample /= RANGE_STEP
    kernels.extents(line, sample)  # what would be read; here the images are whole
    return line, sample, turns


def resampled(given: Given, tables: list[Any], image: Any, places: tuple[Any, ...]) -> tuple[Any, Any]:
    """An image on the grid of the reference, flattened."""
    table = given.carrier
    since = table.first_time + table.interval * np.arange(given.size.lines)
    bare = kernels.ramp(image, table.slope, table.centroid, since, -1)
    line, sample, turns = places
    return kernels.resample(bare, line, sample, down=tables[0], across=tables[1], carrier=table, turns=turns)


def layers_of(given: Given, vectors: Any, reference: list[Any], own: list[Any]) -> Iterator[tuple[str, Any]]:
    """All layers of a date; ``reference`` and ``own`` are pixels and masks of the polarizations."""
    row = np.linspace(0.0, VECTORS - 1.0, given.size.lines)
    for name, (first, valid), (pixels, known) in zip(POLARIZATIONS, reference, own, strict=True):
        amplitude, intensity, phase = kernels.amplitude_intensity_phase(pixels, known)
        yield from (
            (f"amplitude_{name}", amplitude),
            (f"intensity_{name}", intensity),
            (f"phase_{name}", phase),
        )
        coherence, angle = kernels.boxcar_coherence(first, pixels, valid & known, window=WINDOW)
        yield from ((f"coherence_{name}", coherence), (f"interferometric_phase_{name}", angle))
        for quantity in QUANTITIES:
            gain = kernels.interpolate_rows(vectors, row, as_gain=True)
            yield f"{quantity}_{name}", kernels.calibrate_powers(gain, intensity)
    images = [pixels for pixels, _ in own]
    both = own[0][1] & own[1][1]
    names = without_covariance(len(images))
    yield from kernels.polarimetric_signatures(images, both, names, window=MATRIX_WINDOW).items()


def process(given: Given, place: Place, ground: Any) -> dict[str, Any]:
    """Work on all dates; returns the layers of the last."""
    tables = [place.put(kernels.weights(TAPS, band)) for band in BANDS]
    vectors, lines = place.put(given.vectors), np.ones(given.size.lines, dtype=bool)
    arriving = [place.send(image) for image in given.stored]
    reference: list[Any] = []
    layers: dict[str, Any] = {}
    for date in range(given.dates):
        images = [transfer.result() for transfer in arriving]
        if date + 1 < given.dates:
            arriving = [place.send(image) for image in given.stored]
        if date == 0:
            own = reference = [kernels.decode(image, lines) for image in images]
        else:
            places = places_of(given, place, ground, date)
            own = [resampled(given, tables, image, places) for image in images]
        layers = dict(layers_of(given, vectors, reference, own))
    return layers


def on_device(cupy: ModuleType) -> tuple[Place, Callable[..., NDArray[Any]]]:
    """The device, and what allocates memory on the host that is sent there."""
    transfers = Transfers(cupy)
    return Place(cupy.asarray, transfers.upload), transfers.empty


CPU = Place(np.asarray, Arrived)


def measure_dates(cupy: ModuleType, size: Size = WHOLE, dates: int = DATES) -> dict[str, Any]:
    """Seconds of a burst of many dates on the device, and what they are per pixel."""
    place, empty = on_device(cupy)
    wait = cupy.cuda.runtime.deviceSynchronize
    given = made(size, dates, empty)
    ground = kernels.TerrainLayers(*map(cupy.asarray, drawn(size)))
    seconds, layers = [], {}
    for _ in range(1 + REPEATS):
        layers.clear()
        wait()
        began = time.perf_counter()
        layers = process(given, place, ground)
        wait()
        seconds.append(time.perf_counter() - began)
    best = min(seconds[1:])
    return {
        "dates": dates,
        "shape": [size.lines, size.samples],
        "layers_of_a_date": len(layers),
        "first_seconds": round(seconds[0], 4),
        "seconds": round(best, 4),
        "gigapixels_per_second": round(size.pixels * len(POLARIZATIONS) * dates / best / 1e9, 3),
        "gigabytes_up": round(dates * sum(image.nbytes for image in given.stored) / 1e9, 3),
    }
