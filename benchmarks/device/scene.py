"""The kernels that `gpu.py` runs on a burst: geometry over made-up mountains, resampling, signatures; numpy alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

RADIUS, TILT, MIDDLE = 7_071_000.0, math.radians(98.2), 1080.0  # m, rad, s over the equator
RATE = math.sqrt(3.986004418e14 / RADIUS**3)
FIRST_RANGE, RANGE_STEP, TIME_STEP = 800e3, 2.3296, 0.00205556
POST = 1.0 / 3600.0  # degrees
MARGIN = 256  # samples
GROUND_TO_RADAR_BYTES = 3 * 8 + 2 * 8  # longitude, latitude, height; time, slant range
PIXEL_BYTES = 3 * 8 + 2 * 4 + 1  # longitude, latitude, height; two angles; flags
RESAMPLE_BYTES = 3 * 8 + 8 + 8 + 1  # positions and turns, the image, values and where there are any
POST_BYTES = 8 * 8 + 6 * 4  # its quantities, and the bends of its sides


def orbit() -> kernels.OrbitTable:
    """A circle in a frame that does not turn, as Taylor's series over 10 s."""
    time = 1000.0 + 10.0 * np.arange(17)
    along = np.array([0.0, math.cos(TILT), math.sin(TILT)])
    terms = []
    for k in range(8):
        wave = (10j * RATE) ** k / math.factorial(k) * np.exp(1j * RATE * (time[:-1] - MIDDLE))[:, None]
        terms.append(RADIUS * (wave.real * np.array([1.0, 0.0, 0.0]) + wave.imag * along))
    return kernels.OrbitTable(time, np.ascontiguousarray(np.stack(terms, axis=1)))


def mountains(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Heights (m): slopes of 20 degrees, up to 60."""
    rng = np.random.default_rng(4)
    height = np.full(longitude.shape, 900.0)
    for _ in range(24):
        wavelength = 10.0 ** rng.uniform(-2.6, -0.8)
        direction, shift = rng.uniform(0, 2 * np.pi, 2)
        way = np.cos(direction) * longitude + np.sin(direction) * latitude
        height += 0.12 * wavelength * 111e3 / (2 * np.pi) * np.sin(2 * np.pi / wavelength * way + shift)
    return height


def terrain(lines: int, samples: int, table: kernels.OrbitTable) -> tuple[np.ndarray, np.ndarray]:
    """Posts and bends of mountains around the lines and samples, as the kernels take them."""
    far = FIRST_RANGE + samples * RANGE_STEP
    earth = 6_378_137.0
    across = [
        math.degrees(math.acos((RADIUS**2 + earth**2 - r**2) / (2 * RADIUS * earth)))
        for r in (FIRST_RANGE, far)
    ]
    # Across the track lies east and somewhat north of it, the track itself goes north.
    north = [math.degrees(RATE * TIME_STEP * lines), math.sin(TILT - math.pi / 2) * across[1]]
    lon = np.arange(across[0] - 0.15, across[1] + 0.1, POST)
    lat = np.arange(north[0] + north[1] + 0.1, -0.1, -POST)
    longitude, latitude = (np.ascontiguousarray(a) for a in np.meshgrid(lon, lat))
    height = mountains(longitude, latitude)
    seed = np.full(len(lat), MIDDLE)

    def place(*coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = tuple(np.ascontiguousarray(a) for a in coordinates)
        time, distance = kernels.ground_to_radar(*rows, seed[: len(rows[0])], table)
        return (distance - FIRST_RANGE) / RANGE_STEP, (time - MIDDLE) / TIME_STEP, time

    sample, line, time = place(longitude, latitude, height)
    metres = math.radians(earth)
    east, down = np.gradient(height, POST * metres, axis=1), np.gradient(height, POST * metres, axis=0)
    angles = kernels.viewing_angles(longitude, latitude, height, time, east, -down, table)
    posts = np.stack([sample, line, longitude, latitude, height, *angles], axis=-1)
    bends = np.zeros((*sample.shape, 6), np.float32)
    everything, first, last = slice(None), slice(None, -1), slice(1, None)
    sides = (((everything, first), (everything, last)), ((first, everything), (last, everything)))
    for k, (a, b) in enumerate((*sides, ((first, last), (last, first)))):
        s, n, _ = place(*(0.5 * (c[a] + c[b]) for c in (longitude, latitude, height)))
        part = slice(0, s.shape[0]), slice(0, s.shape[1])
        bends[(*part, 2 * k)] = s - 0.5 * (sample[a] + sample[b])
        bends[(*part, 2 * k + 1)] = n - 0.5 * (line[a] + line[b])
    return posts, bends


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kernel on the arrays of the host or of the device, and the bytes it must move for a pixel."""

    name: str
    run: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    bytes_per_pixel: float


def cases(lines: int, samples: int) -> list[Case]:
    """Terrain drawn into the burst, its pixels seen from the orbit, and a second burst resampled."""
    table = orbit()
    posts, bends = terrain(lines, samples, table)

    def draw(posts: Any, bends: Any) -> Any:
        return kernels.draw_terrain(posts, bends, first=0, lines=lines, samples=samples, margin=MARGIN)

    doppler = kernels.DopplerTable(np.array([[200.0, 30.0]]), MIDDLE, 820e3, 1.0, 20e3, 0.028)
    seed = MIDDLE + TIME_STEP * np.arange(lines)
    pixels = (*draw(posts, bends)[:3], seed)
    shared = POST_BYTES * posts.shape[0] * posts.shape[1] / (lines * samples)
    return [
        Case(
            name="draw_terrain", run=draw, arrays=(posts, bends), bytes_per_pixel=PIXEL_BYTES + round(shared)
        ),
        Case(
            name="ground_to_radar",
            run=lambda *arrays: kernels.ground_to_radar(*arrays, table),
            arrays=pixels,
            bytes_per_pixel=GROUND_TO_RADAR_BYTES,
        ),
        Case(
            name="ground_to_radar, Doppler",
            run=lambda *arrays: kernels.ground_to_radar(*arrays, table, doppler),
            arrays=pixels,
            bytes_per_pixel=GROUND_TO_RADAR_BYTES,
        ),
        *(resampling(lines, samples, down, across) for down, across in ((8, 8), (12, 12), (8, 16))),
        *(polarimetry(lines, samples, channels) for channels in (2, 4)),
        *(speckle_filter(lines, samples, method) for method in ("boxcar", "lee", "refined_lee", "gamma_map")),
        temporal(lines, samples),
    ]


def resampling(lines: int, samples: int, down: int, across: int) -> Case:
    """A burst at the positions of a second pass, its carrier put on, flattened."""
    rng = np.random.default_rng(1)
    image = rng.standard_normal((lines, samples, 2), dtype=np.float32).view(np.complex64)[..., 0]
    line, sample = np.mgrid[0.0:lines, 0.0:samples]
    line += 2.3 + sample * 1e-5
    sample += 31.7 + sample * 1e-4
    slope, centroid = np.linspace(-1560.0, -1520.0, samples), np.linspace(-50.0, 30.0, samples)
    carrier = kernels.CarrierTable(slope, centroid, -0.5 * lines * TIME_STEP, TIME_STEP)
    tables = {"down": kernels.weights(down, 0.68), "across": kernels.weights(across, 0.75)}

    def run(image: Any, line: Any, sample: Any, turns: Any) -> tuple[Any]:
        values, _ = kernels.resample(image, line, sample, **tables, carrier=carrier, turns=turns)
        return (values.view(np.float32),)

    return Case(
        name=f"resample {down} x {across}",
        run=run,
        arrays=(image, line, sample, 1e5 + 0.01 * sample),
        bytes_per_pixel=RESAMPLE_BYTES,
    )


def speckle(lines: int, samples: int) -> np.ndarray:
    """Pixels of homogeneous ground."""
    rng = np.random.default_rng(2)
    return rng.standard_normal((lines, samples, 2), dtype=np.float32).view(np.complex64)[..., 0]


def polarimetry(lines: int, samples: int, channels: int) -> Case:
    """All signatures of two or four polarizations over 3 x 3 pixels; the channels are one image, shifted."""
    outputs = [
        n for n in (kernels.DUAL_OUTPUTS if channels == 2 else kernels.QUAD_OUTPUTS) if "covariance" not in n
    ]
    image = speckle(lines, samples)
    images = [np.roll(image, 7 * k, axis=1) for k in range(channels)]

    def run(*arrays: Any) -> tuple[Any, ...]:
        found = kernels.polarimetric_signatures(arrays[:-1], arrays[-1], outputs, window=(3, 3))
        return tuple(found.values())

    return Case(
        name=f"{len(outputs)} signatures of {channels} channels",
        run=run,
        arrays=(*images, np.ones((lines, samples), bool)),
        bytes_per_pixel=8 * channels + 1 + 4 * len(outputs),
    )


def speckle_filter(lines: int, samples: int, method: str) -> Case:
    """An intensity, filtered over 7 x 7 pixels."""
    power = np.square(np.abs(speckle(lines, samples)))[np.newaxis]

    def run(planes: Any, valid: Any) -> tuple[Any]:
        return (kernels.speckle_filter(planes, valid, method=method, window=(7, 7), looks=1.0, powers=1),)

    return Case(
        name=f"{method} 7 x 7", run=run, arrays=(power, np.ones(power.shape[1:], bool)), bytes_per_pixel=9
    )


def temporal(lines: int, samples: int, dates: int = 10) -> Case:
    """All statistics over the dates."""
    power = np.square(np.abs(speckle(lines, samples)))
    powers = np.stack([np.roll(power, 3 * k, axis=1) for k in range(dates)])

    def run(stack: Any, valid: Any) -> tuple[Any, ...]:
        return tuple(kernels.temporal_statistics(stack, valid).values())

    return Case(
        name=f"statistics of {dates} dates",
        run=run,
        arrays=(powers, np.ones(powers.shape, bool)),
        bytes_per_pixel=5 * dates + 16,
    )


def differences(cupy: ModuleType, got: tuple[Any, ...], wanted: tuple[Any, ...]) -> dict[str, Any]:
    """Largest difference of every result in its own unit, and whether the same pixels are NaN."""
    largest = []
    masks = True
    for g, w in zip((cupy.asnumpy(array) for array in got), wanted, strict=True):
        masks &= bool(np.array_equal(np.isnan(g), np.isnan(w)))
        largest.append(float(np.nanmax(np.abs(g.astype(np.float64) - w), initial=0.0)))
    return {"largest": largest, "masks_identical": masks}
