"""Speed of polarimetric signatures on the CPU, and of AlignSAR's way on the same stack.

python benchmarks/signatures.py [--output FILE]: (1) all signatures of two polarizations of a date, and of four, over a
3 x 3 window, into memory that is there and into new memory, on one thread and on all: each in turn with a copy of
memory, and its share of the speed that the copy allows; (2) AlignSAR's own signatures of a stack of 7 dates of
940 x 2350 pixels in VV and VH, by our kernels and by its way (scipy.signal.convolve2d, numpy.linalg.eigvals), one in
turn with the other, and how far the two differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from common import image_command, print_table, seconds_in_turn, stage_rates, thread_counts, versions
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
    """Megapixels a second of the stack both ways, in turn, on one thread and on all, and how far they differ."""
    rng = np.random.default_rng(2)
    stack = []
    for _ in range(DATES):
        first = speckle(rng, LINES, SAMPLES)
        stack.append((first, 0.4 * speckle(rng, LINES, SAMPLES) + np.float32(0.2) * first))
    valid = np.ones((LINES, SAMPLES), bool)
    out = np.zeros((len(ALIGNSAR), LINES, SAMPLES), np.float32)
    calls = {
        "ours": lambda: [our_way(pair, valid, out) for pair in stack],
        "alignsar": lambda: alignsar_way(stack[0]),  # one date
    }
    rows = []
    for threads in thread_counts():
        took = seconds_in_turn(calls, max(3, repeats // 2))
        rates = {
            "ours": DATES * LINES * SAMPLES / took["ours"] / 1e6,
            "alignsar": LINES * SAMPLES / took["alignsar"] / 1e6,
        }
        rows.append(
            {
                "threads": threads,
                **{f"{name}_megapixels_per_second": round(rate, 2) for name, rate in rates.items()},
                "times_alignsar": round(rates["ours"] / rates["alignsar"]),
            }
        )
    found = [differences(our_way(pair, valid, out), alignsar_way(pair)) for pair in stack]
    return {
        "stack": {"dates": DATES, "lines": LINES, "samples": SAMPLES},
        "rows": rows,
        "largest_difference": {name: max(one[name] for one in found) for name in found[0]},
    }


def measure(lines: int, samples: int, repeats: int) -> dict[str, Any]:
    return {
        "versions": versions("numpy", "numba", "llvmlite", "scipy"),
        "window": list(WINDOW),
        "stages": stage_rates(stages(lines, samples), lines * samples, repeats),
        "alignsar": against_alignsar(repeats),
    }


def report(results: dict[str, Any]) -> None:
    print_table(results["stages"])
    print(f"AlignSAR's signatures of {DATES} x {LINES} x {SAMPLES} pixels, a date:")
    print_table(results["alignsar"]["rows"])
    print(f"largest differences {results['alignsar']['largest_difference']}")


if __name__ == "__main__":
    image_command(__doc__, measure, report, samples=8000)
