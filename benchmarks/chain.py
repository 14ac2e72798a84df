"""A burst from radar to signatures on the device and on the CPU, pixels in memory: what a run does for each burst.

python benchmarks/chain.py [--output FILE]: radar to ground, ground to radar on a second pass, resampling and
flattening in two polarizations, coherence, signatures; seconds of each with transfers, against the CPU on one thread
and on all, how many times as fast the device is, the load, the bandwidth of copies right after, and how far the layers
differ. The second pass is made of the first, so that what must come out is known: an interferogram without fringes, and
a coherence that is high. Then a burst of thirty dates that stays on the device (`device.dates`). Kernels alone: no
file, no geospatial library.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from common import copy_bandwidth, copy_memory, load, seconds_in_turn
from device.case import BURST, TINY, Size, agreement
from device.dates import measure_dates
from device.machine import copy_bandwidth as device_copy_bandwidth
from device.machine import default_record, facts, find_device
from device.pixels import without_covariance
from device.record import Record
from device.scene import FIRST_RANGE, MIDDLE, RADIUS, RANGE_STEP, TIME_STEP, orbit, terrain

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from numpy.typing import NDArray

BASELINE = 60.0  # m, upwards
WAVELENGTH = 0.0555
WINDOW, MATRIX_WINDOW = (3, 11), (5, 5)
POLARIZATIONS = ("vv", "vh")
BANDS = (0.68, 0.75)  # of the sampling rate, along lines and along samples
OWN = 0.5  # amplitude of what only one of two passes or polarizations has
STRIDE = 7  # lines and samples from which shifts are taken, and lines that are compared
REPEATS = 5
ONE_THREAD_SHARE = 8  # one thread takes so many times fewer lines
BOUND = 1e-4


@dataclass(frozen=True, kw_only=True)
class Burst:
    """A burst of two passes on the host.

    Attributes
    ----------
    terrain : posts and bends of the ground.
    reference, secondary : images of the polarizations.
    carrier : of the secondary.
    """

    size: Size
    terrain: tuple[NDArray[np.float64], NDArray[np.float32]]
    reference: tuple[NDArray[np.complex64], ...]
    secondary: tuple[NDArray[np.complex64], ...]
    carrier: kernels.CarrierTable


@dataclass(frozen=True)
class Place:
    """Where arrays live and work is done: the CPU, or the device."""

    xp: ModuleType
    put: Callable[[Any], Any]
    get: Callable[[Any], Any]
    wait: Callable[[], object]


CPU = Place(np, np.asarray, np.asarray, lambda: None)


def on_device(cupy: ModuleType) -> Place:
    return Place(cupy, cupy.asarray, cupy.asnumpy, cupy.cuda.runtime.deviceSynchronize)


def radar_to_ground(place: Place, size: Size, posts: Any, bends: Any) -> kernels.TerrainLayers:
    del place
    return kernels.rasterize_terrain(
        posts, bends, first=0, lines=size.lines, samples=size.samples, margin=size.margin
    )


def ground_to_radar(place: Place, size: Size, ground: kernels.TerrainLayers) -> tuple[Any, Any, Any]:
    """Lines and samples in the second pass, and the turns that flatten."""
    seed = place.put(MIDDLE + TIME_STEP * np.arange(size.lines))
    line, sample = kernels.ground_to_radar(*ground[:3], seed, orbit(RADIUS + BASELINE))
    turns = sample - place.put(FIRST_RANGE + RANGE_STEP * np.arange(size.samples))
    turns *= 2.0 / WAVELENGTH
    line -= MIDDLE
    line /= TIME_STEP
    sample -= FIRST_RANGE
    sample /= RANGE_STEP
    return line, sample, turns


def resample(
    place: Place, burst: Burst, tables: list[Any], image: Any, positions: tuple[Any, Any, Any]
) -> tuple[Any, Any]:
    """The second pass on the grid of the first, flattened."""
    table = burst.carrier
    time = table.first_time + table.interval * np.arange(image.shape[0])
    line, sample, turns = positions
    bare = kernels.ramp(image, table.slope, table.centroid, time, -1, out=place.xp.empty_like(image))
    down, across = tables
    return kernels.resample(bare, line, sample, down=down, across=across, carrier=table, turns=turns)


@cache
def weights() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Tables of eight taps along lines and along samples."""
    return kernels.weights(8, BANDS[0]), kernels.weights(8, BANDS[1])


def coherences(images: list[Any], others: list[tuple[Any, Any]]) -> dict[str, Any]:
    layers = {}
    for name, image, (values, known) in zip(POLARIZATIONS, images, others, strict=True):
        magnitude, phase = kernels.boxcar_coherence(image, values, known, window=WINDOW)
        layers |= {f"coherence_{name}": magnitude, f"interferometric_phase_{name}": phase}
    return layers


def signatures(images: list[Any], valid: Any) -> dict[str, Any]:
    layers = {}
    for name, image in zip(POLARIZATIONS, images, strict=True):
        amplitude, intensity, phase = kernels.amplitude_intensity_phase(image, valid)
        layers |= {f"amplitude_{name}": amplitude, f"intensity_{name}": intensity, f"slc_phase_{name}": phase}
    return layers | kernels.polarimetric_signatures(
        images, valid, without_covariance(len(images)), window=MATRIX_WINDOW
    )


def process(burst: Burst, place: Place) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:
    """Seconds of each stage, and the layers on the host."""
    seconds: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = work()
        place.wait()
        seconds[stage] = time.perf_counter() - began
        return result

    posts, bends = timed("upload terrain", lambda: [place.put(array) for array in burst.terrain])
    reference = timed("upload reference", lambda: [place.put(image) for image in burst.reference])
    secondary = timed("upload secondary", lambda: [place.put(image) for image in burst.secondary])
    tables = [place.put(table) for table in weights()]
    ground = timed("radar to ground", lambda: radar_to_ground(place, burst.size, posts, bends))
    positions = timed("ground to radar", lambda: ground_to_radar(place, burst.size, ground))
    others = timed(
        "resample and flatten",
        lambda: [resample(place, burst, tables, image, positions) for image in secondary],
    )
    layers = timed("coherence", lambda: coherences(reference, others))
    layers |= timed("signatures", lambda: signatures(reference, others[0][1]))
    layers |= {"height": ground.height, "incidence": ground.incidence}
    found = timed("download", lambda: {name: place.get(layer) for name, layer in layers.items()})
    return seconds, found


def carriers(size: Size, late: float) -> tuple[kernels.CarrierTable, kernels.CarrierTable]:
    """Carriers of the passes, equal on the same ground: the second pass sees it some lines later."""
    slope = np.linspace(-1560.0, -1520.0, size.samples)
    centroid = np.linspace(-50.0, 30.0, size.samples)
    first = kernels.CarrierTable(slope, centroid, -0.5 * size.lines * TIME_STEP, TIME_STEP)
    return first, first._replace(first_time=first.first_time - late * TIME_STEP)


def smooth(rng: np.random.Generator, size: Size) -> NDArray[np.complex64]:
    """Speckle that leaves room between its band and the sampling rate."""
    white = rng.standard_normal((size.lines, size.samples, 2), dtype=np.float32).view(np.complex64)[..., 0]
    for axis in (0, 1):
        white = white + np.roll(white, 1, axis)
    return white


def shifts(positions: tuple[Any, Any, Any]) -> tuple[float, NDArray[np.float64]]:
    """Lines that the second pass sees the ground later by, and samples that it sees it farther by, by sample."""
    line, sample, _ = (each[::STRIDE] for each in positions)
    late = float(np.nanmedian((line - STRIDE * np.arange(len(line))[:, None])[:, ::STRIDE]))
    return late, np.nan_to_num(np.nanmedian(sample - np.arange(sample.shape[1]), axis=0))


def moved(image: NDArray[Any], late: float, far: NDArray[np.float64]) -> NDArray[Any]:
    """An image whose pixels are where the second pass sees them, to a pixel."""
    lines, samples = image.shape
    rows = np.arange(lines) - round(late)
    columns = np.arange(samples) - np.rint(far).astype(int)
    return np.ascontiguousarray(image[rows.clip(0, lines - 1)][:, columns.clip(0, samples - 1)])


def make_burst(size: Size) -> Burst:
    """Two passes over made-up mountains, the second of which has the first one's pixels and its own ranges."""
    land = terrain(size)
    ground = radar_to_ground(CPU, size, land.posts, land.bends)
    positions = ground_to_radar(CPU, size, ground)
    late, far = shifts(positions)
    own, other = carriers(size, late)
    turns = moved(np.nan_to_num(positions[2]), late, far)
    rng = np.random.default_rng(7)
    common = smooth(rng, size)

    def carried(image: NDArray[Any], table: kernels.CarrierTable) -> NDArray[np.complex64]:
        time = table.first_time + table.interval * np.arange(size.lines)
        return kernels.ramp(image, table.slope, table.centroid, time, 1)

    first = [common + np.float32(OWN * k) * smooth(rng, size) for k in range(len(POLARIZATIONS))]
    second = [kernels.rotate_phase(moved(image, late, far), (-2.0 * np.pi) * turns) for image in first]
    return Burst(
        size=size,
        terrain=(land.posts, land.bends),
        reference=tuple(carried(image, own) for image in first),
        secondary=tuple(carried(image, other) for image in second),
        carrier=other,
    )


def repeated(burst: Burst, place: Place, repeats: int) -> dict[str, float]:
    """Median seconds of each stage, and of all."""
    runs = [process(burst, place)[0] for _ in range(repeats)]
    stages = {stage: median(run[stage] for run in runs) for stage in runs[0]}
    return {**stages, "all": median(sum(run.values()) for run in runs)}


def on_threads(burst: Burst, threads: int, repeats: int) -> dict[str, Any]:
    numba.set_num_threads(threads)
    try:
        seconds = repeated(burst, CPU, repeats)
        copied = copy_bandwidth(seconds_in_turn({"copy": copy_memory}, repeats)["copy"])
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    return {"threads": threads, **rates(burst, seconds), "copy_gigabytes_per_second": round(copied / 1e9, 1)}


def rates(burst: Burst, seconds: dict[str, float]) -> dict[str, Any]:
    work = sum(took for stage, took in seconds.items() if not stage.startswith(("upload", "download", "all")))
    return {
        "lines": burst.size.lines,
        "seconds": {stage: round(took, 5) for stage, took in seconds.items()},
        "seconds_without_transfers": round(work, 5),
        "megapixels_per_second": round(burst.size.pixels / seconds["all"] / 1e6, 3),
        "megapixels_per_second_without_transfers": round(burst.size.pixels / work / 1e6, 3),
    }


def truth(layers: dict[str, NDArray[Any]]) -> dict[str, float]:
    """What the made-up burst must give: coherence near 1 with phases near 0."""
    phase = layers["interferometric_phase_vv"]
    known = np.isfinite(phase)
    mean = np.mean(np.exp(1j * phase[known])) if known.any() else np.nan
    return {
        "valid": float(known.mean()),
        "median_coherence": float(np.median(layers["coherence_vv"][known])) if known.any() else float("nan"),
        "mean_phase": float(np.angle(mean)),
    }


def compared(got: dict[str, NDArray[Any]], wanted: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """How the layers differ, on some lines of every strip."""
    return {
        name: agreement(got[name][::STRIDE], layer[::STRIDE], angle="phase" in name, bound=BOUND)
        for name, layer in wanted.items()
    }


def measure(cupy: ModuleType, record: Record, *, tiny: bool) -> None:
    """The chain on the device, then on the CPU; everything is kept as soon as it is known."""
    size = TINY if tiny else BURST
    part = size if tiny else Size(lines=size.lines // ONE_THREAD_SHARE, samples=size.samples)
    results: dict[str, Any] = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "load_before": load()}

    def keep(**parts: Any) -> None:
        results.update(parts)
        record.update(chain=results)
        for name, part in parts.items():
            print(f"{name}: {part}", flush=True)

    began = time.perf_counter()
    burst = make_burst(size)
    keep(burst=[size.lines, size.samples], made_in_seconds=round(time.perf_counter() - began, 2))
    first, layers = process(burst, on_device(cupy))
    keep(truth=truth(layers), first_run=rates(burst, {**first, "all": sum(first.values())}))
    if not tiny:
        device = rates(burst, repeated(burst, on_device(cupy), REPEATS))
        copied = device_copy_bandwidth(cupy, tiny=tiny, budget=0.1)
        keep(device={**device, "copy_gigabytes_per_second": round(copied / 1e9, 1)})
    if not tiny:
        keep(dates=measure_dates(cupy))
    _, wanted = process(burst, CPU)
    keep(differences=compared(layers, wanted))
    keep(all_threads=on_threads(burst, numba.config.NUMBA_NUM_THREADS, 1 if tiny else 2))
    keep(one_thread=on_threads(make_burst(part), 1, 1))
    keep(times_as_fast=times_as_fast(results), load_after=load())


def times_as_fast(results: dict[str, Any]) -> dict[str, float]:
    """How many times as fast as on the CPU the chain is on the device, with transfers."""

    def lines_per_second(run: dict[str, Any]) -> float:
        return float(run["lines"] / run["seconds"]["all"])

    device = lines_per_second(results.get("device", results["first_run"]))
    return {
        threads: round(device / lines_per_second(results[threads]), 3)
        for threads in ("all_threads", "one_thread")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, help="JSON file; by default benchmarks/results/gpu-<device>.json"
    )
    parser.add_argument("--tiny", action="store_true", help="a few pixels, to rehearse")
    options = parser.parse_args()
    cupy = find_device()
    record = Record(options.output or default_record(cupy, Path(__file__).parent / "results"))
    if "device" not in record.read():
        record.update(**facts(cupy))
    measure(cupy, record, tiny=options.tiny)


if __name__ == "__main__":
    main()
