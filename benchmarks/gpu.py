"""Speed of every CUDA kernel against what copying memory on the device allows, and against the CPU.

python benchmarks/gpu.py [--output FILE]: pixels per second on a burst of Sentinel-1's size, the floor that the copy
bandwidth measured just before and after sets, and the share of it; what the host needs to start a call; then, on a
part of the burst, the rate of the CPU on one thread and on all, how many times as fast the device is, and how far the
two differ. Results are written after
every measurement, and a kernel that breaks the device or hangs costs its own results alone: the others are measured
in a new process. Ends with status 2 where there is no device.
"""

from __future__ import annotations

import argparse
import faulthandler
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
from common import load
from device.case import (
    BURST,
    TINY,
    Case,
    Size,
    agreements,
    agrees,
    device_seconds,
    processor_seconds,
)
from device.cases import CASES
from device.machine import copy_bandwidth, default_record, facts, find_device
from device.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

DEVICE_BUDGET, PROCESSOR_BUDGET, COPY_BUDGET = 0.2, 0.25, 0.02  # seconds of timing for a kernel, and a copy
LONGEST = {"device": 30.0, "processor": 60.0}  # seconds for a kernel, compiling too
BROKEN = 3  # status of a process that leaves work for another
PART = Size(lines=512, samples=4_096, relief=0.5)  # for the CPU: a strip of lines for each of 16 threads


class Measurement:
    """What one process measures: first every kernel on the device, then every kernel on the CPU."""

    def __init__(self, cupy: ModuleType, record: Record, *, tiny: bool) -> None:
        self.cupy, self.record, self.tiny = cupy, record, tiny
        self.wait = cupy.cuda.runtime.deviceSynchronize
        self.burst, self.part = (TINY, TINY) if tiny else (BURST, PART)

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["kernel"]: row for row in self.record.read().get("kernels", [])}

    def run(self, only: str) -> None:
        """Measure what has not been begun of the kernels that a regular expression is of."""
        for stage, measure in (("device", self.on_device), ("processor", self.on_processor)):
            for name in CASES:
                if re.search(only, name) and stage not in self.rows().get(name, {}):
                    self.guarded(stage, name, measure)

    def guarded(self, stage: str, name: str, measure: Callable[[str], dict[str, Any]]) -> None:
        """Measure one kernel, keep what comes of it, and end the process where nothing can come after it."""
        self.record.add_row("kernels", "kernel", {"kernel": name, stage: "did not end"})
        faulthandler.dump_traceback_later(LONGEST[stage], exit=True)
        began = time.perf_counter()
        try:
            row = {"kernel": name, stage: "done", **measure(name)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the other kernels are measured
            row = {"kernel": name, stage: f"{type(error).__name__}: {error}"[:500]}
        faulthandler.cancel_dump_traceback_later()
        self.record.add_row("kernels", "kernel", row)
        print(line(row, stage, time.perf_counter() - began), flush=True)
        self.cupy.get_default_memory_pool().free_all_blocks()
        if row[stage] != "done":
            self.require_device()

    def require_device(self) -> None:
        """End the process if the device takes no more work from it."""
        try:
            self.cupy.ones(8).sum()
            self.wait()
        except Exception:  # noqa: BLE001 - whichever library says so
            raise SystemExit(BROKEN) from None

    def copied(self) -> float:
        return copy_bandwidth(self.cupy, tiny=self.tiny, budget=COPY_BUDGET)

    def on_device(self, name: str) -> dict[str, Any]:
        case = CASES[name](self.burst)
        arrays = [self.cupy.asarray(array) for array in case.arrays]
        began = time.perf_counter()
        case.run(*arrays)
        self.wait()
        first = time.perf_counter() - began
        budget = 0.0 if self.tiny else DEVICE_BUDGET
        before = self.copied()
        took, start = device_seconds(lambda: case.run(*arrays), self.wait, first, budget)
        bandwidth = 0.5 * (before + self.copied())
        return {
            "function": case.function,
            "pixels": case.pixels,
            "bytes_per_pixel": round(case.bytes_per_pixel, 1),
            "milliseconds": round(1e3 * took, 4),
            "host_milliseconds": round(1e3 * start, 4),
            "first_call_seconds": round(first, 3),
            "megapixels_per_second": round(case.pixels / took / 1e6, 1),
            "copy_gigabytes_per_second": round(bandwidth / 1e9, 4 if self.tiny else 1),
            "share_of_floor": round(case.pixels * case.bytes_per_pixel / bandwidth / took, 3),
        }

    def on_processor(self, name: str) -> dict[str, Any]:
        case = CASES[name](self.part)
        began = time.perf_counter()
        wanted = case.run(*case.arrays)
        first = time.perf_counter() - began
        budget = 0.0 if self.tiny else PROCESSOR_BUDGET
        rates = {}
        for label, threads in (("all_threads", numba.config.NUMBA_NUM_THREADS), ("1_thread", 1)):
            took = processor_seconds(lambda: case.run(*case.arrays), first, budget, threads)
            rates[f"cpu_{label}_megapixels_per_second"] = rate = round(case.pixels / took / 1e6, 3)
            measured = self.rows()[name].get("megapixels_per_second")  # none where the device failed
            if measured and rate:
                rates[f"times_cpu_{label}"] = round(measured / rate, 1)
        return {"cpu_first_call_seconds": round(first, 3), **rates, **self.compared(case, wanted)}

    def compared(self, case: Case, wanted: tuple[Any, ...]) -> dict[str, Any]:
        """How far the device and the CPU differ."""
        got = case.run(*(self.cupy.asarray(array) for array in case.arrays))
        found = agreements(case, tuple(self.cupy.asnumpy(each) for each in got), wanted)
        return {"agrees": agrees(case, found), "bound": case.bound, "strays": case.strays, "results": found}


def line(row: dict[str, Any], stage: str, took: float) -> str:
    """What is printed of a kernel."""
    if row[stage] != "done":
        return f"{row['kernel']:30} {row[stage]}"
    if stage == "device":
        return (
            f"{row['kernel']:30}{row['megapixels_per_second']:10} Mpixel/s{row['share_of_floor']:8} of the floor"
            f"{row['host_milliseconds']:9} of {row['milliseconds']:9} ms to start it"
            f"{row['first_call_seconds']:8} s at first   [{took:.1f} s]"
        )
    largest = max(each["relative"] for each in row["results"])
    return (
        f"{row['kernel']:30}{row['cpu_1_thread_megapixels_per_second']:10} Mpixel/s on a thread"
        f"{row['cpu_all_threads_megapixels_per_second']:10} on all{largest:11.1e} apart, "
        f"{'agrees' if row['agrees'] else 'DIFFERS'}   [{took:.1f} s]"
    )


def begin(cupy: ModuleType, record: Record, *, tiny: bool) -> None:
    """The facts of the run, and of the machine before it."""
    burst, part = (TINY, TINY) if tiny else (BURST, PART)
    if "device" not in record.read():
        record.update(**facts(cupy))
    record.update(
        kernels_load_before=load(),
        kernels_date=datetime.now(UTC).isoformat(timespec="seconds"),
        kernels_burst=[burst.lines, burst.samples],
        kernels_part=[part.lines, part.samples],
        kernels=[],
    )


def measure_all(command: list[str], record: Record) -> None:
    """Run workers until one has nothing left to do, or gets nowhere."""
    before = -1
    while subprocess.run(command, check=False).returncode:
        begun = sum(len(row) for row in record.read()["kernels"])
        if begun == before:
            break
        before = begun


def run_once(cupy: ModuleType, only: str, size: Size) -> None:
    """One call of every kernel, for a profiler."""
    for name, make in CASES.items():
        if re.search(only, name):
            case = make(size)
            case.run(*(cupy.asarray(array) for array in case.arrays))
            cupy.cuda.runtime.deviceSynchronize()


def summary(record: Record) -> None:
    """The kernels that need a look."""
    record.update(kernels_load_after=load())
    rows = record.read()["kernels"]
    broken = [row["kernel"] for row in rows if {row.get("device"), row.get("processor")} != {"done"}]
    differing = [row["kernel"] for row in rows if row.get("agrees") is False]
    print(f"{len(rows)} kernels of {len(CASES)} measured, to {record.path}")
    print(f"not measured in full: {', '.join(broken) or 'none'}")
    print(f"differ from the CPU: {', '.join(differing) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, help="JSON file; by default benchmarks/results/gpu-<device>.json"
    )
    parser.add_argument("--tiny", action="store_true", help="a few pixels, to rehearse")
    parser.add_argument("--only", default="", help="a regular expression of the kernels to measure")
    parser.add_argument("--once", action="store_true", help="run each kernel once and measure nothing")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    cupy = find_device()
    record = Record(options.output or default_record(cupy, Path(__file__).parent / "results"))
    if options.once:
        run_once(cupy, options.only, TINY if options.tiny else BURST)
        return
    if options.worker:
        Measurement(cupy, record, tiny=options.tiny).run(options.only)
        return
    begin(cupy, record, tiny=options.tiny)
    measure_all([sys.executable, *sys.argv, "--worker", "--output", str(record.path)], record)
    summary(record)


if __name__ == "__main__":
    main()
