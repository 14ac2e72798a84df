"""Watching a run of the command line from outside: what its stages take, and the memory of all its processes."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SAMPLING = 0.05  # seconds between looks at the memory
STAGE = re.compile(r"\d\d:\d\d:\d\d (\w+) +([\d.]+) s")  # a line of the log


@dataclass(frozen=True)
class Moment:
    """What a run has used so far: seconds, CPU seconds and bytes given to be written, of all its processes."""

    seconds: float
    cpu_seconds: float
    written: int


@dataclass
class Watched:
    """A run: the lines of its log with the moments when they came, and what it used to its end.

    Attributes
    ----------
    lines : of the log; the first is that of the device, when starting is over.
    peak_gb : resident memory of its largest process. peak_gb_of_all : of all together; what they share counts in each.
    """

    lines: list[tuple[str, Moment]] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_gb: float = 0.0
    peak_gb_of_all: float = 0.0

    def stages(self) -> list[dict[str, Any]]:
        """Seconds as the log says; CPU seconds and bytes from the line before. What is between stages is the rest."""
        rows, last = [], Moment(0.0, 0.0, 0)
        for line, moment in self.lines:
            found = STAGE.fullmatch(line)
            name, seconds = found.groups() if found else ("start", str(moment.seconds))
            if found or not rows:
                rows.append(
                    {
                        "stage": name,
                        "seconds": round(float(seconds), 2),
                        "cpu_seconds": round(moment.cpu_seconds - last.cpu_seconds, 2),
                        "written_mb": round((moment.written - last.written) / 1e6, 1),
                    }
                )
                last = moment
        rest = {
            "stage": "rest",
            "seconds": round(self.seconds - sum(row["seconds"] for row in rows), 2),
            "cpu_seconds": round(self.cpu_seconds - last.cpu_seconds, 2),
            "written_mb": 0.0,
        }
        return [{**row, "share": round(row["seconds"] / self.seconds, 3)} for row in (*rows, rest)]

    def facts(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 2),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "peak_gb": round(self.peak_gb, 2),
            "peak_gb_of_all": round(self.peak_gb_of_all, 2),
            "stages": self.stages(),
        }


def family(process: int) -> list[int]:
    """A process and all that it started and that still run."""
    found = [process]
    for parent in found:
        try:
            lists = [path.read_text() for path in Path(f"/proc/{parent}/task").glob("*/children")]
        except OSError:  # it has just ended
            continue
        found += [int(child) for text in lists for child in text.split()]
    return found


def used(process: int, began: float) -> Moment:
    """What a process, those that run under it and those that ended under it have used."""
    ticks, written = 0, 0
    for one in family(process):
        try:
            status = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            io = dict(line.split(": ") for line in Path(f"/proc/{one}/io").read_text().splitlines())
        except OSError:
            continue
        ticks += sum(int(value) for value in status[11:15])  # its own, and of children that ended
        written += int(io["wchar"])
    return Moment(time.perf_counter() - began, ticks / TICK, written)


def resident(process: int) -> int:
    """Bytes of memory of a process and all under it."""
    pages = 0
    for one in family(process):
        try:
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return pages * PAGE


def largest(process: int) -> int:
    """Most bytes of memory that a process, or one under it, has had so far.

    What `os.wait4` says would count the memory of the process that started it.
    """
    most = 0
    for one in family(process):
        try:
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{one}/status").read_text())
        except OSError:
            continue
        most = max(most, 1024 * int(found[1]) if found else 0)
    return most


def sample(process: int, run: Watched, ended: threading.Event) -> None:
    """Look at the memory of all processes until the run has ended."""
    while not ended.wait(SAMPLING):
        run.peak_gb_of_all = max(run.peak_gb_of_all, resident(process) / 1e9)
        run.peak_gb = max(run.peak_gb, largest(process) / 1e9)


def watch(command: list[str], environment: Mapping[str, str]) -> Watched:
    """Run a command to its end; ends the program with what it said where it fails."""
    run, ended = Watched(), threading.Event()
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        with subprocess.Popen(
            command, stdout=said, stderr=subprocess.PIPE, text=True, env=dict(environment)
        ) as process:
            sampler = threading.Thread(target=sample, args=(process.pid, run, ended))
            sampler.start()
            assert process.stderr is not None
            for line in process.stderr:
                run.lines.append((line.rstrip(), used(process.pid, began)))
            _, status, usage = os.wait4(process.pid, 0)
            run.seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            ended.set()
            sampler.join()
        if process.returncode:
            said.seek(0)
            raise SystemExit("\n".join([*(line for line, _ in run.lines), said.read(), " ".join(command)]))
    run.cpu_seconds = usage.ru_utime + usage.ru_stime
    return run
