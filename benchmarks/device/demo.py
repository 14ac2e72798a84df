"""The demo on the device, from simulated products to its report, and how far its layers are from those of the CPU.

python -m device.demo RECORD [--limit SECONDS] [--tiny]: runs ``python -m alignsar_gpu +experiment=demo device=cuda``
in this process, then with device=cpu on the same products if less than half of the limit has gone by. The record is
written after each. Status 77 where packages of the demo are missing (demo_wheels.txt has them); without pyogrio, the
layers that are made of vector files are left out, and the record says so.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import sys
import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from .record import Record

NOT_THERE = 77
NEEDED = ("alignsar_gpu.application.pipeline", "alignsar_gpu.application.simulation", "alignsar_gpu.__main__")
VECTORS = ("changed", "changed_on", "target")  # layers of the demo that pyogrio reads
TINY = (
    *("simulate.lines=100", "simulate.samples=300", "simulate.bursts=1", "simulate.swaths=[iw1]"),
    *("simulate.dates=2", "simulate.azimuth_errors=[0.0,0.03]", "simulate.range_errors=[0.0,0.1]"),
    *("chips.size=[]", "card.write=false", "geocoding.resolution=null", "netcdf=none", "report=none"),
)


def missing() -> str:
    """What the demo needs and is not there, in words; empty where nothing is missing."""
    try:
        for module in NEEDED:
            importlib.import_module(module)
    except ImportError as error:
        return str(error)
    return ""


def seconds_of(printed: str) -> dict[str, float]:
    """Seconds of every stage, of the lines that a run has printed in the end."""
    words = [line.split()[1:] for line in printed.splitlines() if line.startswith("stages ")]
    return {name: float(took) for row in words for name, took in zip(row[::3], row[1::3], strict=True)}


def run(folder: Path, device: str, options: tuple[str, ...]) -> dict[str, Any]:
    """Run the demo as the command line does; what it took, and where."""
    main = importlib.import_module("alignsar_gpu.__main__").main
    output, before, printed = folder / device, sys.argv, StringIO()
    sys.argv = ["alignsar_gpu", "+experiment=demo", f"device={device}", f"output={output}", *options]
    began = time.perf_counter()
    try:
        with redirect_stdout(printed):
            status = main()
    finally:
        sys.argv = before
        print(printed.getvalue(), flush=True)
    took = round(time.perf_counter() - began, 2)
    if status:
        raise SystemExit(status)
    quality = importlib.import_module("alignsar_gpu.frontend.result").Result(output).quality
    return {"seconds": took, "device": quality["device"], "stages": seconds_of(printed.getvalue())}


def apart(one: Any, other: Any) -> dict[str, float]:
    """How far a layer is from the same of another run, and how many pixels have a value in one of them alone."""
    wrapped = importlib.import_module("alignsar_gpu.dataset.wrapped").is_wrapped(one.attrs)
    first, second = one.values, other.values
    if first.dtype.kind not in "fc":
        return {"differing": int(np.count_nonzero(first != second)), "pixels": first.size}
    known = np.isfinite(first) & np.isfinite(second)
    off = np.abs(first[known] - second[known])
    if wrapped:
        off = np.minimum(off, 2.0 * np.pi - off)
    return {
        "largest": float(off.max(initial=0.0)),
        "median_value": float(np.median(np.abs(second[known]))) if known.any() else 0.0,
        "in_one_alone": int(np.count_nonzero(np.isfinite(first) != np.isfinite(second))),
        "pixels": first.size,
    }


def differences(folder: Path) -> dict[str, dict[str, float]]:
    """Compare the layers of the cubes of both devices, by name."""
    open_cube = importlib.import_module("alignsar_gpu").open
    one, other = open_cube(folder / "cuda"), open_cube(folder / "cpu")
    images = [str(name) for name in one.variables if set(one[name].dims) >= {"azimuth", "range"}]
    return {name: apart(one[name], other[name]) for name in sorted(images)}


def packages() -> list[str]:
    """The packages that have been imported by now, by the names that they are installed by."""
    known = importlib.metadata.packages_distributions()
    tops = {name.partition(".")[0] for name in list(sys.modules)}
    return sorted({each.lower().replace("_", "-") for top in tops for each in known.get(top, ())})


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("record", type=Path)
    parser.add_argument("--limit", type=float, default=100.0)
    parser.add_argument("--tiny", action="store_true")
    asked, began = parser.parse_args(), time.perf_counter()
    record = Record(asked.record)
    if why := missing():
        print(f"the demo cannot run: {why}; demo_wheels.txt says what to bring")
        record.update(demo={"missing": why})
        return NOT_THERE
    left_out = VECTORS if asked.tiny or importlib.util.find_spec("pyogrio") is None else ()
    options = (*(TINY if asked.tiny else ()), *(f"~radarcoding.layers.{name}" for name in left_out))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        found: dict[str, Any] = {"left_out": list(left_out), "cuda": "did not end"}
        record.update(demo=found)
        found |= {"cuda": run(folder, "cuda", options), "packages": packages()}
        record.update(demo=found)
        if time.perf_counter() - began > asked.limit / 2:
            record.update(demo=found | {"cpu": "not run: the device took more than half of the time"})
            return 0
        found["cpu"] = run(folder, "cpu", (*options, f"simulate.path={folder / 'cuda' / 'simulated'}"))
        record.update(demo=found | {"differences": differences(folder)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
