"""A whole run as a user waits for it: seconds, CPU seconds and bytes of each stage, memory, files, and the floor.

python benchmarks/run.py MODE [--output FOLDER] [--json FILE] [--repeats N] [--cold]: runs ``python -m alignsar_gpu`` in
a process of its own, so that imports and starting count. MODE is

pair   two dates of three Sentinel-1 bursts of 1507 x 8000 pixels, VV: 150 m of baseline, the second 0.03 lines late
demo   the demo of the README
stack  30 dates x 2 polarizations x 9 bursts, extrapolated from stacks of 2 and 4 dates, each of two widths

What a run reads is simulated once, into FOLDER/simulated, and does not count. A run without NetCDF files and report
comes before each whole run, which is compared with its stages up to cube.zarr. Files are in the page cache; what is
compiled is there from an earlier run, or with --cold is compiled anew.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import load, machine, print_machine, print_table, versions, write
from whole.extrapolation import extrapolate, print_extrapolation
from whole.floor import floor_of
from whole.watching import Watched, watch

if TYPE_CHECKING:
    from collections.abc import Sequence

CUBE_STAGES = ("products", "signatures", "geometry", "interferograms", "radarcoding", "offset")
CUBE_ALONE = ("netcdf=none", "report=none")
LINES = 1507  # of a burst
PACKAGES = ("alignsar_gpu", "numpy", "numba", "xarray", "zarr", "h5py")


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Products to simulate: one subswath, whose second and later dates are late and off by a baseline."""

    dates: int
    bursts: int
    samples: int
    polarizations: tuple[str, ...]

    @property
    def pixels(self) -> int:
        """Of a date and polarization."""
        return self.bursts * LINES * self.samples

    def keys(self) -> list[str]:
        others = self.dates - 1
        return [
            "simulate.swaths=[iw1]",
            f"simulate.bursts={self.bursts}",
            f"simulate.lines={LINES}",
            f"simulate.samples={self.samples}",
            f"simulate.dates={self.dates}",
            f"simulate.polarizations=[{','.join(self.polarizations)}]",
            f"simulate.baselines=[{','.join(['0'] + ['150'] * others)}]",
            f"simulate.azimuth_errors=[{','.join(['0'] + ['0.03'] * others)}]",
        ]


PAIR = Stack(dates=2, bursts=3, samples=8000, polarizations=("vv",))
SMALL = [Stack(dates=4, bursts=2, samples=samples, polarizations=("vv", "vh")) for samples in (1000, 2000)]
FEW_DATES = 2
LARGE = Stack(dates=30, bursts=9, samples=21_000, polarizations=("vv", "vh"))


def alignsar_gpu(keys: Sequence[str], *, cold: bool = False) -> Watched:
    """Run the command with these keys on the CPU; ``cold`` without what was compiled before."""
    command = [sys.executable, "-m", "alignsar_gpu", *keys, "device=cpu"]
    if not cold:
        return watch(command, os.environ)
    with tempfile.TemporaryDirectory() as cache:
        return watch(command, os.environ | {"NUMBA_CACHE_DIR": cache})


def simulated(stack: Stack, folder: Path) -> Path:
    """The folder of the stack's products; they are made where they are not there."""
    alignsar_gpu(["+experiment=simulate", f"output={folder}", *stack.keys()])
    return folder


def inputs(folder: Path, dem: str = "ellipsoid") -> list[str]:
    return [
        f"products.path={folder / 'products'}",
        f"orbits.path={folder / 'orbits'}",
        f"dem={dem}",
        f"dem.path={folder / 'scene' / 'dem.tif'}",
    ]


def made(keys: Sequence[str], output: Path, *, cold: bool = False) -> dict[str, Any]:
    """Make a dataset anew: what was measured of the run, and the files of its products."""
    shutil.rmtree(output, ignore_errors=True)
    before = load()
    return {
        "load_before": before,
        **alignsar_gpu([*keys, f"output={output}"], cold=cold).facts(),
        **sizes(output),
    }


def sizes(output: Path) -> dict[str, Any]:
    """Files and bytes of each product of a run."""
    rows = []
    for product in sorted(output.iterdir()):
        files = [file for file in (product, *product.rglob("*")) if file.is_file()]
        rows.append(
            {
                "product": product.name,
                "files": len(files),
                "bytes": sum(file.stat().st_size for file in files),
            }
        )
    return {"products": rows}


def measure(
    options: argparse.Namespace, keys: Sequence[str], polarizations: int, reads: Path
) -> dict[str, Any]:
    """A run up to the cube, whole runs, and the floor of the whole."""
    folder = options.output
    alone, runs = [], []
    for _ in range(options.repeats):
        alone.append(made([*keys, *CUBE_ALONE], folder / "cube_alone", cold=options.cold))
        runs.append(made(keys, folder / "whole", cold=options.cold))
    shutil.rmtree(folder / "cube_alone")
    whole = statistics.median(run["seconds"] for run in runs)
    cube = statistics.median(
        sum(row["seconds"] for row in run["stages"] if row["stage"] in CUBE_STAGES) for run in alone
    )
    floor = floor_of(folder / "whole", reads, polarizations)
    return {
        "cold": options.cold,
        "cube_alone": alone,
        "runs": runs,
        "seconds": round(whole, 1),
        "processing_and_cube_seconds": round(cube, 1),
        "times_processing_and_cube": round(whole / cube, 2),
        "floor": floor,
        "times_floor": round(whole / floor["seconds"], 1),
    }


def pair(options: argparse.Namespace) -> dict[str, Any]:
    folder = simulated(PAIR, options.output / "simulated")
    return measure(options, ["products=sentinel1", "name=pair", *inputs(folder)], 1, folder / "products")


def demo(options: argparse.Namespace) -> dict[str, Any]:
    """The run up to the cube, which comes first, also simulates."""
    folder = options.output / "simulated"
    return measure(options, ["+experiment=demo", f"simulate.path={folder}"], 2, folder / "products")


def first_dates(folder: Path, dates: int) -> Path:
    """A simulation with its first dates alone, as links to the same files."""
    few = folder.with_name(f"{folder.name}_{dates}")
    shutil.rmtree(few, ignore_errors=True)
    shutil.copytree(folder, few, copy_function=os.link)
    for safe in sorted((few / "products").iterdir())[dates:]:
        shutil.rmtree(safe)
    return few


def stack(options: argparse.Namespace) -> dict[str, Any]:
    cases = []
    for small in SMALL:
        folder = simulated(small, options.output / f"simulated_{small.samples}")
        cases += [(FEW_DATES, small, first_dates(folder, FEW_DATES)), (small.dates, small, folder)]

    def run(folder: Path) -> dict[str, Any]:
        keys = ["+experiment=sentinel1", *inputs(folder)]
        return made(keys, options.output / "whole", cold=options.cold)

    if not options.cold:
        run(cases[0][-1])  # compiles
    runs = [{"dates": dates, "pixels": small.pixels, **run(folder)} for dates, small, folder in cases]
    return {"runs": runs, "extrapolation": extrapolate(runs, LARGE.dates, LARGE.pixels)}


def report(results: dict[str, Any]) -> None:
    if "extrapolation" in results:
        print_extrapolation(results)
        return
    last = results["runs"][-1]
    print_table(last["stages"])
    print_table(last["products"])
    print("without NetCDF and report:")
    print_table(results["cube_alone"][-1]["stages"])
    print(
        f"whole runs: {', '.join(str(run['seconds']) for run in results['runs'])} s (CPU {last['cpu_seconds']} s)"
    )
    print(
        f"{results['times_processing_and_cube']} times processing and cube.zarr "
        f"({results['processing_and_cube_seconds']} s)"
    )
    print(f"peak memory: {last['peak_gb']} GB, all processes together {last['peak_gb_of_all']} GB")
    print("floor: " + ", ".join(f"{name} {value}" for name, value in results["floor"].items()))
    print(f"{results['times_floor']} times the floor")


def main() -> None:
    modes = {"pair": pair, "demo": demo, "stack": stack}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=modes)
    parser.add_argument("--output", type=Path, help="folder of the runs, by default outputs/benchmark_MODE")
    parser.add_argument("--json", type=Path, help="where to write the results")
    parser.add_argument("--repeats", type=int, default=1, help="whole runs")
    parser.add_argument("--cold", action="store_true", help="compile everything anew in each whole run")
    options = parser.parse_args()
    options.output = (options.output or Path("outputs") / f"benchmark_{options.mode}").absolute()
    before = load()
    found = modes[options.mode](options)
    results = {"mode": options.mode, **machine(before), "versions": versions(*PACKAGES), **found}
    print_machine(results)
    report(results)
    if options.json:
        write(results, options.json)


if __name__ == "__main__":
    main()
