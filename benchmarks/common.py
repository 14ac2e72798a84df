"""What the benchmarks share: the test images, the bytes that a kernel must move, and how results are kept."""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = (5, 21)
RATES = ("threads", "megapixels_per_second", "floor_megapixels_per_second", "ratio")


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A public function, the names of its arrays, and the bytes it must read and write for each pixel."""

    function: str
    arrays: tuple[str, ...]
    bytes_per_pixel: int


KERNELS = (
    Kernel(
        function="boxcar_coherence",
        arrays=("reference", "secondary", "valid"),
        bytes_per_pixel=8 + 8 + 1 + 4 + 4,
    ),
    Kernel(
        function="amplitude_intensity_phase", arrays=("reference", "valid"), bytes_per_pixel=8 + 1 + 3 * 4
    ),
    Kernel(
        function="phase_difference", arrays=("reference", "secondary", "valid"), bytes_per_pixel=8 + 8 + 1 + 4
    ),
    Kernel(function="rotate_phase", arrays=("reference", "phase"), bytes_per_pixel=8 + 8 + 8),
)


def images(lines: int, samples: int) -> dict[str, np.ndarray]:
    """Two images of coherence 0.8, a mask without the first 100 samples, and unwrapped phases."""
    rng = np.random.default_rng(1)

    def speckle() -> np.ndarray:
        real = rng.standard_normal((lines, samples, 2), dtype=np.float32)
        return real.view(np.complex64)[..., 0]

    common = speckle()
    valid = np.ones((lines, samples), dtype=bool)
    valid[:, :100] = False
    return {
        "reference": common + np.float32(0.5) * speckle(),
        "secondary": common + np.float32(0.5) * speckle(),
        "valid": valid,
        "phase": rng.uniform(-1e4, 1e4, (lines, samples)),
    }


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """What the processor calls itself, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def print_rates(title: str, results: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """The bandwidth of a run, and a line for each of its rows; all that a row has more is at its end."""
    for threads, rate in results["copy_gigabytes_per_second"].items():
        print(f"copy bandwidth on {threads} threads: {rate} GB/s, read and written")
    named = [key for key in rows[0] if key not in {title, *RATES}]
    print(
        f"{title:30}{'threads':>8}{'Mpixel/s':>10}{'floor':>10}{'ratio':>8}"
        + "".join(f"{n:>15}" for n in named)
    )
    for row in rows:
        print(
            f"{row[title]:30}{row['threads']:8}"
            + "".join(f"{row[key]:10}" for key in RATES[1:3])
            + f"{row['ratio']:8}"
            + "".join(f"{row[key]:15}" for key in named)
        )


def write(results: dict[str, Any], path: Path) -> None:
    """Keep the results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")
    print(f"written to {path}")


def burst_command(
    about: str, measure: Callable[[int, int, int], dict[str, Any]], report: Callable[[dict[str, Any]], None]
) -> None:
    """The command line of a benchmark on one burst: measures lines x samples, reports, writes JSON if asked to."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1500)
    parser.add_argument("--samples", type=int, default=21_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    results = measure(options.lines, options.samples, options.repeats)
    report(results)
    if options.output:
        write(results, options.output)
