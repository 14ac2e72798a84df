"""NVIDIA's tools, where they are: compute-sanitizer on every kernel, and ncu on some.

python -m device.tools memcheck|profile RECORD [--tiny]: ends with status 77 where the tool is not installed.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .record import Record
from .tests import FOLDER, pytest_command

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_THERE = 77
KEPT_LINES = 60
PROFILED = (
    "^(resample 8 x 8|coherence 5|draw terrain|ground to radar$|dual signatures 3|push covers|refined_lee)"
)
SECTIONS = ("SpeedOfLight", "LaunchStats", "Occupancy", "MemoryWorkloadAnalysis")


def require(tool: str) -> None:
    if shutil.which(tool) is None:
        print(f"{tool} is not installed")
        raise SystemExit(NOT_THERE)


def lines_of(command: list[str], **environment: str) -> Iterator[str]:
    """The lines that a command prints, as they come; the last item is its status."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | environment,
        cwd=FOLDER.parents[1],
    )
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip("\n")
    yield str(process.wait())


def memcheck(record: Record, *_: str) -> int:
    """Memory accesses of every kernel on small images. CuPy's pool would hide those beyond an array."""
    require("compute-sanitizer")
    checked = pytest_command(str(FOLDER / "test_cases_gpu.py"), "-p", "no:randomly")
    command = ["compute-sanitizer", "--tool", "memcheck", "--error-exitcode", "9", "--print-limit", "20"]
    kept: list[str] = []
    status = ""
    for line in lines_of([*command, *checked], ALIGNSAR_GPU_POOL="0", OUTCOMES=os.devnull):
        status = line
        print(line, flush=True)
        if line.startswith("========= ") and len(kept) < KEPT_LINES:
            kept.append(line)
            record.update(memcheck={"status": "not ended", "lines": kept})
    record.update(memcheck={"status": int(status), "lines": kept})
    return int(status)


def metrics(lines: list[str]) -> list[dict[str, Any]]:
    """The table of ncu, a row for each launch: its kernel, grid and block, and all metrics with their units."""
    start = next((k for k, line in enumerate(lines) if line.startswith('"ID"')), len(lines))
    launches: dict[str, dict[str, Any]] = {}
    for row in csv.DictReader(lines[start:]):
        if row.get("Metric Name") and row.get("ID", "").isdigit():
            launch = launches.setdefault(
                row["ID"],
                {
                    "kernel": row["Kernel Name"],
                    "grid": row.get("Grid Size"),
                    "block": row.get("Block Size"),
                    "metrics": {},
                },
            )
            launch["metrics"][row["Metric Name"]] = f"{row['Metric Value']} {row['Metric Unit']}".strip()
    return list(launches.values())


def profile(record: Record, *options: str) -> int:
    """Where the time of some kernels goes. The clocks are left alone."""
    require("ncu")
    benchmark = str(Path(__file__).parents[1] / "gpu.py")
    command = ["ncu", "--csv", "--page", "details", "--clock-control", "none", "--target-processes", "all"]
    command += ["--kernel-name-base", "mangled", "--kernel-name", "regex:alignsar"]
    command += ["--print-kernel-base", "function"]
    command += [part for section in SECTIONS for part in ("--section", section)]
    found = list(
        lines_of([*command, sys.executable, "-P", benchmark, "--once", "--only", PROFILED, *options])
    )
    status = int(found.pop())
    launches = metrics(found)
    record.update(profile={"status": status, "launches": launches})
    if not launches:
        print("\n".join(found[-KEPT_LINES:]))
    for launch in launches:
        print(
            launch["kernel"],
            {k: v for k, v in launch["metrics"].items() if "Throughput" in k or k == "Duration"},
        )
    return status or (0 if launches else 1)


def main() -> None:
    tool, path, *options = sys.argv[1:]
    raise SystemExit({"memcheck": memcheck, "profile": profile}[tool](Record(Path(path)), *options))


if __name__ == "__main__":
    main()
