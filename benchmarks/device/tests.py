"""Run tests/gpu in many processes at once, so that kernels are compiled at the same time: one for each file, and one
for each family of the file that has them all.

python -m device.tests RECORD [--files FILE ...] [--select EXPRESSION]: failures are printed when they happen, and the
record is written as results come. Ends with status 1 if a test failed, a process broke, or no test passed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import FAMILIES
from .record import Record

SHARED = "test_cases_gpu.py"
FOLDER = Path(__file__).parents[2] / "tests" / "gpu"
OPTIONS = ("-W", "default", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "device.outcomes")
GOOD = {0, 5}  # of pytest: all passed, none chosen


def pytest_command(*arguments: str) -> list[str]:
    """Without warnings as errors: a machine's own versions may warn of what those that are tested do not."""
    return [sys.executable, "-P", "-m", "pytest", *OPTIONS, *arguments]


def counted(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {kind: sum(row["outcome"] == kind for row in rows) for kind in ("passed", "failed", "skipped")}


@dataclass
class Run:
    """The tests of a file, running."""

    name: str
    process: subprocess.Popen[bytes]
    outcomes: Path
    log: Path
    began: float
    seconds: float | None = None

    def rows(self) -> list[dict[str, Any]]:
        lines = self.outcomes.read_text().splitlines(keepends=True) if self.outcomes.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def ended(self) -> bool:
        """Whether all is over; remembers when."""
        if self.seconds is None and self.process.poll() is not None:
            self.seconds = round(time.perf_counter() - self.began, 1)
            print(f"{self.name}: {self.summary()}, {self.seconds} s", flush=True)
        return self.seconds is not None

    def summary(self) -> str:
        rows = self.rows()
        counts = counted(rows)
        if self.broken():
            tail = self.log.read_text(errors="replace")[-1500:]
            return f"{counts}, ended with status {self.process.returncode}\n{tail}"
        return str(counts)

    def broken(self) -> bool:
        return self.process.poll() not in {None, 1, *GOOD}


def parts(files: list[Path], select: str) -> list[tuple[str, Path, str]]:
    """The processes that there are to be: a name, the file, and what is chosen from it."""
    found = []
    for file in files:
        if file.name == SHARED and not select:
            found += [(f"{file.stem} {family}", file, f"[{family}-") for family in FAMILIES]
        else:
            found.append((file.stem, file, select))
    return found


def start(part: tuple[str, Path, str], folder: Path) -> Run:
    name, file, select = part
    outcomes, log = folder / f"{name}.jsonl", folder / f"{name}.log"
    environment = os.environ | {"OUTCOMES": str(outcomes), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = pytest_command(str(file), *(["-k", select] if select else []))
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=FOLDER.parents[1]
        )
    return Run(name, process, outcomes, log, time.perf_counter())


def results(runs: list[Run], waiting: int) -> dict[str, Any]:
    rows = [row for run in runs for row in run.rows()]
    return {
        **counted(rows),
        "files_that_broke": {run.name: run.process.returncode for run in runs if run.broken()},
        "files_not_ended": sum(run.seconds is None for run in runs) + waiting,
        "seconds": {run.name: run.seconds for run in runs},
        "not_passed": [row for row in rows if row["outcome"] != "passed"],
        "slowest": sorted(
            ([row["seconds"], row["test"]] for row in rows if row["outcome"] == "passed"), reverse=True
        )[:10],
    }


def run_all(waiting: list[tuple[str, Path, str]], most: int, record: Record, folder: Path) -> bool:
    """Run all parts, so many at a time, keep what becomes of them, and say whether all is well."""
    runs: list[Run] = []
    printed = set()
    while True:
        running = sum([not run.ended() for run in runs])
        for part in waiting[: most - running]:
            runs.append(start(part, folder))
            waiting.remove(part)
        for row in (row for run in runs for row in run.rows()):
            if row["outcome"] == "failed" and row["test"] not in printed:
                printed.add(row["test"])
                print(f"FAILED {row['test']}\n{row['message']}", flush=True)
        found = results(runs, len(waiting))
        record.update(tests=found)
        if not found["files_not_ended"]:
            break
        time.sleep(0.2)
    print(f"{found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped")
    return bool(found["passed"] and not found["failed"] and not found["files_that_broke"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", type=Path)
    parser.add_argument("--files", nargs="+", default=["test_*.py"], help="of tests/gpu; patterns")
    parser.add_argument("--select", default="", help="an expression, as pytest's -k takes it")
    parser.add_argument("--processes", type=int, default=max(2, os.cpu_count() or 2), help="at a time")
    options = parser.parse_args()
    files = sorted({file for pattern in options.files for file in FOLDER.glob(pattern)})
    waiting = parts(files, options.select)
    with tempfile.TemporaryDirectory() as folder:
        good = run_all(waiting, options.processes, Record(options.record), Path(folder))
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
