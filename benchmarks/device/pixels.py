"""Cases of the kernels that work in pixels or windows: coherence, polarimetry, speckle, statistics over dates."""

from __future__ import annotations

import importlib
import sys
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels

from .case import Case, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Run = Callable[..., tuple[Any, ...]]
    Form = Callable[[Run], Run]

DATES = 10
WINDOW = (5, 21)
WIDE_WINDOW = (3, 131)  # too wide for tiles
STRIP = 64  # lines


@lru_cache(maxsize=3)
def speckle(lines: int, samples: int, seed: int = 1) -> NDArray[np.complex64]:
    """An image of homogeneous ground."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((lines, samples, 2), dtype=np.float32).view(np.complex64)[..., 0]


@lru_cache(maxsize=2)
def pair(lines: int, samples: int) -> tuple[NDArray[np.complex64], NDArray[np.complex64], NDArray[np.bool_]]:
    """Two images of coherence 0.8, and a mask without the first samples."""
    first, second = speckle(lines, samples), speckle(lines, samples, 2)
    valid = np.ones((lines, samples), dtype=bool)
    valid[:, : samples // 200 + 1] = False
    return first, np.float32(0.8) * first + np.float32(0.6) * second, valid


@lru_cache(maxsize=1)
def stack(lines: int, samples: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Intensities on many dates, and which are valid."""
    power = np.square(np.abs(speckle(lines, samples)))
    powers = np.stack([np.roll(power, 3 * k, axis=1) for k in range(DATES)])
    valid = np.ones(powers.shape, bool)
    valid[3, :, : samples // 10] = False
    return powers, valid


def coherence(window: tuple[int, int], size: Size) -> Case:
    return Case(
        function="boxcar_coherence",
        arrays=pair(size.lines, size.samples),
        run=lambda *arrays: kernels.boxcar_coherence(*arrays, window=window),
        pixels=size.pixels,
        bytes_per_pixel=8 + 8 + 1 + 4 + 4,
        angles=(1,),
    )


def block_coherence(size: Size) -> Case:
    """In the blocks that the timing of dates is measured in."""
    edges = {"lines": np.arange(0, size.lines + 1, 4), "samples": np.arange(0, size.samples + 1, 8)}
    return Case(
        function="block_coherence",
        arrays=pair(size.lines, size.samples),
        run=lambda *arrays: kernels.block_coherence(*arrays, **edges),
        pixels=size.pixels,
        bytes_per_pixel=8 + 8 + 1 + (8 + 4) / 32,
    )


def detection(size: Size) -> Case:
    image, _, valid = pair(size.lines, size.samples)
    return Case(
        function="amplitude_intensity_phase",
        arrays=(image, valid),
        run=kernels.amplitude_intensity_phase,
        pixels=size.pixels,
        bytes_per_pixel=8 + 1 + 3 * 4,
        angles=(2,),
    )


def difference(size: Size) -> Case:
    return Case(
        function="phase_difference",
        arrays=pair(size.lines, size.samples),
        run=lambda *arrays: (kernels.phase_difference(*arrays),),
        pixels=size.pixels,
        bytes_per_pixel=8 + 8 + 1 + 4,
        angles=(0,),
    )


def rotation(size: Size) -> Case:
    phase = np.random.default_rng(1).uniform(-1e4, 1e4, (size.lines, size.samples))
    return Case(
        function="rotate_phase",
        arrays=(speckle(size.lines, size.samples), phase),
        run=lambda *arrays: (kernels.rotate_phase(*arrays),),
        pixels=size.pixels,
        bytes_per_pixel=8 + 8 + 8,
    )


def without_covariance(channels: int) -> list[str]:
    outputs = kernels.DUAL_OUTPUTS if channels == 2 else kernels.QUAD_OUTPUTS
    return [name for name in outputs if not name.startswith("covariance")]


def phases(outputs: list[str]) -> tuple[int, ...]:
    return tuple(k for k, name in enumerate(outputs) if "phase" in name)


def directly(run: Run) -> Run:
    """The same call; on a device, windows of any size are summed directly, none in tiles."""

    def call(*arrays: Any) -> tuple[Any, ...]:
        tiling = importlib.import_module("alignsar_gpu.kernels.driving.tiling")  # late: it imports numba.cuda
        fewest, tiling.FEWEST_TILED = tiling.FEWEST_TILED, sys.maxsize
        try:
            return run(*arrays)
        finally:
            tiling.FEWEST_TILED = fewest

    return call


def window_signatures(channels: int, side: int, form: Form, size: Size) -> Case:
    """All signatures over square windows; in every other channel, half of the image has the opposite phase."""
    outputs = without_covariance(channels)
    image, _, valid = pair(size.lines, size.samples)
    sign = np.where(np.arange(size.samples) < size.samples // 2, np.float32(1.0), np.float32(-1.0))
    images = [image * sign**k + np.roll(image, 7 * k, axis=1) for k in range(channels)]

    def run(*arrays: Any) -> tuple[Any, ...]:
        found = kernels.polarimetric_signatures(arrays[:-1], arrays[-1], outputs, window=(side, side))
        return tuple(found.values())

    return Case(
        function="polarimetric_signatures",
        arrays=(*images, valid),
        run=form(run),
        pixels=size.pixels,
        bytes_per_pixel=8 * channels + 1 + 4 * len(outputs),
        angles=phases(outputs),
        bound=1e-4,
        strays=1e-3,
    )


@lru_cache(maxsize=1)
def matrices(channels: int, lines: int, samples: int) -> NDArray[np.float32]:
    """Elements of the covariance matrices of two or three channels, each the mean of five looks; strips repeated."""
    count = channels if channels == 2 else 3
    image = pair(min(lines, STRIP), samples)[0]
    vectors = [np.roll(image, 7 * k, axis=1) for k in range(count)]

    def element(i: int, j: int) -> NDArray[np.complex64]:
        product = vectors[i] * vectors[j].conj()
        return sum((np.roll(product, k, axis=1) for k in range(1, 5)), product) / np.float32(5)

    powers = [element(k, k).real for k in range(count)]
    others = [element(i, j) for i in range(count) for j in range(i + 1, count)]
    planes = np.stack([*powers, *(part for each in others for part in (each.real, each.imag))])
    return np.tile(planes, (1, -(-lines // STRIP), 1))[:, :lines].astype(np.float32)


def matrix_signatures(channels: int, size: Size) -> Case:
    """All signatures of matrices that are there already."""
    outputs = without_covariance(channels)
    planes = matrices(channels, size.lines, size.samples)

    def run(planes: Any, valid: Any) -> tuple[Any, ...]:
        return tuple(kernels.matrix_signatures(planes, valid, outputs).values())

    return Case(
        function="matrix_signatures",
        arrays=(planes, pair(size.lines, size.samples)[2]),
        run=run,
        pixels=size.pixels,
        bytes_per_pixel=4 * len(planes) + 1 + 4 * len(outputs),
        angles=phases(outputs),
        bound=1e-4,
        strays=1e-3,
    )


def speckle_filter(method: str, side: int, form: Form, size: Size) -> Case:
    """An intensity, filtered over square windows."""
    powers, _ = stack(size.lines, size.samples)

    def run(planes: Any, valid: Any) -> tuple[Any]:
        options = {"method": method, "window": (side, side), "looks": 1.0, "powers": 1}
        return (kernels.speckle_filter(planes, valid, **options),)

    return Case(
        function="speckle_filter",
        arrays=(powers[:1], pair(size.lines, size.samples)[2]),
        run=form(run),
        pixels=size.pixels,
        bytes_per_pixel=4 + 1 + 4,
        strays=1e-4 if method == "refined_lee" else 0.0,  # of edges that are as strong, rounding chooses
    )


def multitemporal(size: Size) -> Case:
    powers, valid = stack(size.lines, size.samples)
    return Case(
        function="multitemporal_filter",
        arrays=(powers, np.roll(powers, 1, axis=2), valid),
        run=lambda *arrays: (kernels.multitemporal_filter(*arrays),),
        pixels=size.pixels,
        bytes_per_pixel=DATES * (4 + 4 + 1 + 4),
    )


def statistics(size: Size) -> Case:
    return Case(
        function="temporal_statistics",
        arrays=stack(size.lines, size.samples),
        run=lambda *arrays: tuple(kernels.temporal_statistics(*arrays).values()),
        pixels=size.pixels,
        bytes_per_pixel=DATES * (4 + 1) + 4 * len(kernels.STATISTICS),
    )


def seasons(size: Size) -> Case:
    days = 36.0 * np.arange(DATES)
    return Case(
        function="seasonal_fit",
        arrays=stack(size.lines, size.samples),
        run=lambda *arrays: tuple(
            kernels.seasonal_fit(*arrays, days, outputs=kernels.SEASONAL).values(),
        ),
        pixels=size.pixels,
        bytes_per_pixel=DATES * (4 + 1) + 4 * len(kernels.SEASONAL),
        bound=1e-4,
        strays=1e-4,  # where there is next to no season, its day is anywhere
    )


def extremes(size: Size) -> Case:
    return Case(
        function="temporal_extremes",
        arrays=stack(size.lines, size.samples),
        run=kernels.temporal_extremes,
        pixels=size.pixels,
        bytes_per_pixel=DATES * (4 + 1) + 2 * 4,
    )


def mean_minimum(size: Size) -> Case:
    powers, valid = stack(size.lines, size.samples)
    return Case(
        function="temporal_mean_minimum",
        arrays=(np.where(valid, powers, np.float32(np.nan)),),
        run=kernels.temporal_mean_minimum,
        pixels=size.pixels,
        bytes_per_pixel=DATES * 4 + 2 * 4,
    )


def ratio(size: Size) -> Case:
    powers, valid = stack(size.lines, size.samples)
    return Case(
        function="log_ratio",
        arrays=(powers[0], powers[1], valid[3]),
        run=lambda *arrays: (kernels.log_ratio(*arrays),),
        pixels=size.pixels,
        bytes_per_pixel=4 + 4 + 1 + 4,
    )


def moisture(size: Size) -> Case:
    powers, valid = stack(size.lines, size.samples)
    return Case(
        function="change_index",
        arrays=(powers[0], powers.min(axis=0), powers.max(axis=0), valid[3]),
        run=lambda *arrays: (kernels.change_index(*arrays),),
        pixels=size.pixels,
        bytes_per_pixel=3 * 4 + 1 + 4,
    )


PARTS = 1, 5  # of a map's pixel of 20 m


def averages(kind: str, size: Size) -> Case:
    """Means, or majorities, of the parts of a map's pixels; the rate is that of parts."""
    shape = size.lines // PARTS[0] * PARTS[0], size.samples // PARTS[1] * PARTS[1]
    image = speckle(*shape)
    values = {"complex64": image, "float32": image.real.copy()}.get(kind)
    if values is None:
        values = (np.arange(image.size) % 9).astype(np.uint8).reshape(image.shape)
    return Case(
        function="average_parts",
        arrays=(values,),
        run=lambda values: (kernels.average_parts(values, PARTS, 3),),
        pixels=values.size,
        bytes_per_pixel=values.itemsize * (1 + 1 / (PARTS[0] * PARTS[1])),
    )


def to_phasors(size: Size) -> Case:
    phase = np.angle(speckle(size.lines, size.samples)).astype(np.float32)
    return Case(
        function="phases_to_phasors",
        arrays=(phase,),
        run=lambda phase: (kernels.phases_to_phasors(phase),),
        pixels=size.pixels,
        bytes_per_pixel=4 + 8,
    )


def to_phases(size: Size) -> Case:
    return Case(
        function="phasors_to_phases",
        arrays=(speckle(size.lines, size.samples),),
        run=lambda values: (kernels.phasors_to_phases(values),),
        pixels=size.pixels,
        bytes_per_pixel=8 + 4,
        angles=(0,),
    )


FORMS: dict[str, Form] = {"": lambda run: run, ", directly": directly}
SIDES = 5, 7, 11  # of windows that are summed in tiles


def windows(name: str, make: Callable[..., Case], what: object, sides: Iterable[int]) -> dict[str, Any]:
    """Cases of windows of these sizes, in tiles and directly."""
    return {
        f"{name} {side} x {side}{form}": partial(make, what, side, FORMS[form])
        for side in sides
        for form in FORMS
    }


FAMILIES: dict[str, dict[str, Callable[[Size], Case]]] = {
    "averaging": {
        **{f"average parts, {kind}": partial(averages, kind) for kind in ("float32", "complex64", "uint8")},
        "phases to phasors": to_phasors,
        "phasors to phases": to_phases,
    },
    "coherence": {
        "coherence 5 x 21": partial(coherence, WINDOW),
        "coherence 3 x 131": partial(coherence, WIDE_WINDOW),
        "coherence of blocks 4 x 8": block_coherence,
        "amplitude, intensity, phase": detection,
        "phase difference": difference,
        "rotate phase": rotation,
    },
    "polarimetry": {
        "dual signatures 3 x 3": partial(window_signatures, 2, 3, FORMS[""]),
        "quad signatures 3 x 3": partial(window_signatures, 4, 3, FORMS[""]),
        **windows("dual signatures", window_signatures, 2, SIDES),
        **windows("quad signatures", window_signatures, 4, SIDES),
        "dual signatures of matrices": partial(matrix_signatures, 2),
        "quad signatures of matrices": partial(matrix_signatures, 4),
    },
    "speckle": {
        "refined_lee 7 x 7": partial(speckle_filter, "refined_lee", 7, FORMS[""]),
        **windows("lee", speckle_filter, "lee", SIDES),
        **windows("boxcar", speckle_filter, "boxcar", (7,)),
        **windows("gamma_map", speckle_filter, "gamma_map", (7,)),
        "multitemporal filter": multitemporal,
    },
    "temporal": {
        "temporal statistics": statistics,
        "seasonal fit": seasons,
        "temporal extremes": extremes,
        "temporal mean and minimum": mean_minimum,
        "log ratio": ratio,
        "change index": moisture,
    },
}
