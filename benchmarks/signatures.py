"""Speed of polarimetric signatures on the CPU, and of AlignSAR's way on the same stack.

python benchmarks/signatures.py [--output FILE]: (1) all signatures of two polarizations of a date, and of four, over a
3 x 3 window, into memory that is there and into new memory, in pixels per second on one thread and on all, with the
floor that the copy bandwidth of the same run sets; (2) AlignSAR's own signatures of a stack of 7 dates of 940 x 2350
pixels in VV and VH, by our kernels and by its way (scipy.signal.convolve2d, numpy.linalg.eigvals), and how far the
two differ.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from common import print_rates, processor, versions, write
from cpu import seconds, stage_rates
from scipy.signal import convolve2d

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    Pair = tuple[np.ndarray, np.ndarray]

WINDOW = (3, 3)
DATES, LINES, SAMPLES = 7, 940, 2350
ALIGNSAR = (
    "intensity_sum",
    "intensity_difference",
    "intensity_ratio",
    "cross_correlation",
    "cross_product",
    "entropy",
)


def speckle(rng: np.random.Generator, lines: int, samples: int) -> np.ndarray:
    return rng.standard_normal((lines, samples, 2), dtype=np.float32).view(np.complex64)[..., 0]


def stages(lines: int, samples: int) -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured, and the bytes a pixel of each: every channel and the mask read, every output written."""
    rng = np.random.default_rng(1)
    channels = [speckle(rng, lines, samples) for _ in range(4)]
    valid = np.ones((lines, samples), bool)
    found: dict[str, tuple[Callable[[], object], int]] = {}
    for name, count, known in (("dual", 2, kernels.DUAL_OUTPUTS), ("quad", 4, kernels.QUAD_OUTPUTS)):
        outputs = [output for output in known if not output.startswith("covariance")]
        out = np.zeros((len(outputs), lines, samples), np.float32)

        def call(count: int = count, outputs: list[str] = outputs, out: np.ndarray | None = None) -> object:
            return kernels.polarimetric_signatures(channels[:count], valid, outputs, window=WINDOW, out=out)

        moved = count * 8 + 1 + 4 * len(outputs)
        found[f"{name}, {len(outputs)} outputs"] = (lambda c=call, o=out: c(out=o), moved)
        found[f"{name}, into new memory"] = (call, moved)
    return found


def alignsar_way(pair: Pair) -> dict[str, np.ndarray]:
    """Its formulas in its words of NumPy and SciPy, of one date; the middle of the image without its padding."""
    kernel = np.ones(WINDOW) / np.prod(WINDOW)
    first, second = pair

    def mean(values: np.ndarray) -> np.ndarray:
        return convolve2d(values, kernel, boundary="symm", mode="valid").astype(np.complex64)

    rows = [
        [mean(np.absolute(first) ** 2), mean(first * np.conj(second))],
        [mean(second * np.conj(first)), mean(np.absolute(second) ** 2)],
    ]
    covariance = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    eigenvalues = np.sort(np.absolute(np.linalg.eigvals(covariance)), axis=-1)
    p = eigenvalues / eigenvalues.sum(axis=-1, keepdims=True)
    amplitudes = np.abs(first), np.abs(second)
    powers = np.square(amplitudes[0]), np.square(amplitudes[1])
    c11, c22, c12 = covariance[..., 0, 0], covariance[..., 1, 1], covariance[..., 0, 1]
    return {
        "amplitude_first": amplitudes[0],
        "amplitude_second": amplitudes[1],
        "intensity_sum": powers[0] + powers[1],
        "intensity_difference": powers[0] - powers[1],
        "intensity_ratio": powers[0] / powers[1],
        "cross_correlation": np.absolute(c12 / np.sqrt(c11 * c22)),
        "cross_product": np.absolute(c12),
        "entropy": -(p * np.log(p) / np.log(2)).sum(axis=-1),
    }


def our_way(pair: Pair, valid: np.ndarray, out: np.ndarray) -> dict[str, np.ndarray]:
    """The same signatures by the kernels."""
    first, second = (kernels.amplitude_intensity_phase(one, valid)[0] for one in pair)
    found = kernels.polarimetric_signatures(pair, valid, ALIGNSAR, window=WINDOW, out=out)
    return {"amplitude_first": first, "amplitude_second": second, **found}


def differences(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> dict[str, float]:
    """Largest difference of each signature, of sums and differences of powers relative to the sum of the powers."""
    found = {}
    inner = (slice(1, -1), slice(1, -1))
    power = theirs["intensity_sum"]
    for name, values in theirs.items():
        own = ours[name] if values.shape == ours[name].shape else ours[name][inner]
        error = np.abs(own - values)
        if name.startswith(("intensity", "amplitude")):
            error /= {"intensity_ratio": values, "amplitude_first": values, "amplitude_second": values}.get(
                name, power
            )
        if name == "cross_product":
            error /= power.mean()
        found[name] = float(error.max())
    return found


def against_alignsar(repeats: int) -> dict[str, Any]:
    """Megapixels a second of the stack both ways, on one thread and on all, and how far they differ."""
    rng = np.random.default_rng(2)
    stack = []
    for _ in range(DATES):
        first = speckle(rng, LINES, SAMPLES)
        stack.append((first, 0.4 * speckle(rng, LINES, SAMPLES) + np.float32(0.2) * first))
    valid = np.ones((LINES, SAMPLES), bool)
    out = np.zeros((len(ALIGNSAR), LINES, SAMPLES), np.float32)
    pixels = DATES * LINES * SAMPLES
    result: dict[str, Any] = {"stack": {"dates": DATES, "lines": LINES, "samples": SAMPLES}}
    start = time.perf_counter()
    theirs = [alignsar_way(pair) for pair in stack]
    result["alignsar_megapixels_per_second"] = round(pixels / (time.perf_counter() - start) / 1e6, 2)
    rates = {}
    for threads in sorted({1, numba.config.NUMBA_NUM_THREADS}):
        numba.set_num_threads(threads)
        took = seconds(lambda: [our_way(pair, valid, out) for pair in stack], repeats)
        rates[str(threads)] = round(pixels / took / 1e6, 1)
    result["megapixels_per_second"] = rates
    fastest = max(rates.values())
    result["times_as_fast"] = round(fastest / result["alignsar_megapixels_per_second"])
    found = [differences(our_way(pair, valid, out), date) for pair, date in zip(stack, theirs, strict=True)]
    result["largest_difference"] = {name: max(one[name] for one in found) for name in found[0]}
    return result


def measure(lines: int, samples: int, repeats: int) -> dict[str, Any]:
    rows, bandwidths = stage_rates(stages(lines, samples), lines * samples, repeats)
    return {
        "processor": processor(),
        "threads": max(bandwidths),
        "versions": versions("numpy", "numba", "llvmlite", "scipy"),
        "image": {"lines": lines, "samples": samples},
        "window": list(WINDOW),
        "copy_gigabytes_per_second": {str(k): round(v / 1e9, 1) for k, v in bandwidths.items()},
        "stages": rows,
        "alignsar": against_alignsar(repeats),
    }


def report(results: dict[str, Any]) -> None:
    print(
        f"{results['processor']}, {results['image']['lines']} x {results['image']['samples']} pixels, window 3 x 3"
    )
    print_rates("stage", results, results["stages"])
    found = results["alignsar"]
    print(f"AlignSAR's signatures of {DATES} x {LINES} x {SAMPLES} pixels, Mpixel/s:")
    print(
        f"  its way {found['alignsar_megapixels_per_second']}; ours by threads {found['megapixels_per_second']}"
    )
    print(f"  {found['times_as_fast']} times as fast; largest differences {found['largest_difference']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1500)
    parser.add_argument("--samples", type=int, default=8000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    results = measure(options.lines, options.samples, options.repeats)
    report(results)
    if options.output:
        write(results, options.output)


if __name__ == "__main__":
    main()
