"""What a user sees while a run works: stages with their times, bars on a terminal, the log and its copy in run.log."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.progress import Task

LOGGER = logging.getLogger("alignsar_gpu")
CONSOLE = Console(stderr=True)
EVERY = 30.0  # seconds between two lines of a stage that goes on, where there is no bar
MINUTE = 60
TOLD_BY = 3  # marks by which a stage tells how long it will take: its start, and the ends of two steps
PLAIN = {"plain": True}  # of a line that says in plain text what a bar shows on a terminal


class RunLog(logging.Handler):
    """Keeps what was said since the program started, and writes it into the file of a run, as it goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S"))
        self._lines: list[str] = []
        self._file: TextIO | None = None

    def forget(self) -> None:
        """Begin anew: a program may run several jobs."""
        self.close_file()
        self._lines = []

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`: a disk that is full is left to the products to find."""
        self._lines.append(self.format(record))
        if self._file is not None:
            with suppress(OSError):
                print(self._lines[-1], file=self._file, flush=True)

    def note(self, text: str) -> None:
        """Write what is said elsewhere, such as an error, into the file alone."""
        self.emit(LOGGER.makeRecord(LOGGER.name, logging.INFO, __file__, 0, text, (), None))

    def open(self, path: Path) -> None:
        """Append to a file: what was said before now, and from now on what is said."""
        self.close_file()
        with suppress(OSError):
            self._file = path.open("a", encoding="utf-8")
            self._file.writelines(f"{line}\n" for line in self._lines)
            self._file.flush()

    def close_file(self) -> None:
        """Write no more into the file."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        self._file = None


RUN_LOG = RunLog()


def start_log() -> None:
    """Send the package's log to the standard error stream: coloured on a terminal, plain elsewhere."""
    handler: logging.Handler
    if CONSOLE.is_terminal:
        handler = RichHandler(console=CONSOLE, show_path=False, show_level=False, log_time_format="%H:%M:%S")
        handler.addFilter(lambda record: not getattr(record, "plain", False))
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    RUN_LOG.forget()
    LOGGER.handlers = [handler, RUN_LOG]
    LOGGER.disabled = False  # Hydra disables the loggers that are there when it starts
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


class Advance:
    """Counts the units of a stage, and estimates from those that it has worked on how long the others will take.

    Machines differ threefold and products more, so that no rate that is known beforehand tells the truth.

    Parameters
    ----------
    total : units of the stage.
    step : units that are worked on together, such as the rows of a block: the first of them have all the work of
        reading it. The time is that of whole steps.
    """

    def __init__(self, name: str, total: int, step: int = 1) -> None:
        self.name, self.total, self.finished = name, total, 0
        self.bar: Callable[[int], None] = lambda _: None
        self._step, self._kept = max(step, 1), 0
        self._marks: list[tuple[int, float]] = [
            (0, time.perf_counter())
        ]  # units worked on, and when they were done

    def keep(self, done: int) -> None:
        """Count units that were there already, before the others are worked on."""
        self._kept += done
        self._count(done)
        self._marks = [(self.finished - self._kept, time.perf_counter())]

    def __call__(self, done: int) -> None:
        """Count units that are done."""
        self._count(done)
        worked = self.finished - self._kept
        if worked // self._step <= self._marks[-1][0] // self._step:
            return
        self._marks.append((worked, time.perf_counter()))
        left = self.left()
        if len(self._marks) == TOLD_BY and left > EVERY:
            by = f"by the first {worked} of {self.total - self._kept}"
            LOGGER.info("%-10s about %s left, %s", self.name, duration(left), by)

    def _count(self, done: int) -> None:
        self.finished += done
        self.bar(done)

    def left(self) -> float:
        """Estimate the seconds that are left; 0 where nothing tells yet.

        The first step does not count: it has what is done once, such as compiling.
        """
        if len(self._marks) < TOLD_BY:
            return 0.0
        first, last = self._marks[1], self._marks[-1]
        pace = (last[1] - first[1]) / (last[0] - first[0])
        units = self.total - self._kept - last[0]
        return max(pace * units - (time.perf_counter() - last[1]), 0.0)

    def how_far(self, otherwise: str) -> str:
        """Say how many units are done, or something else of a stage that has one."""
        return f"{self.finished} of {self.total} done" if self.total > 1 else otherwise


def duration(seconds: float) -> str:
    """Write a time of an estimate: 40 s, 12 min, 3 h 20 min."""
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / MINUTE)
    return f"{minutes} min" if minutes < 2 * MINUTE else f"{minutes // MINUTE} h {minutes % MINUTE} min"


class _Left(ProgressColumn):
    """The time that is left, beside a bar."""

    def __init__(self, advance: Advance) -> None:
        super().__init__()
        self._advance = advance

    def render(self, task: Task) -> Text:  # noqa: ARG002  (the estimate is ours)
        """See `ProgressColumn.render`."""
        left = self._advance.left()
        return Text(f"about {duration(left)} left" if left else "")


class StageTimer:
    """Times the stages of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: int = 1, step: int = 1) -> Iterator[Advance]:
        """Time a stage of ``total`` units, worked on in steps of ``step``; gives what counts those that are done.

        An interrupt gets a note that says how far the stage was.
        """
        started = time.perf_counter()
        advance = Advance(name, total, step)
        with _bar(advance), _lines(advance):
            yield advance
        self.seconds[name] = round(time.perf_counter() - started, 3)
        LOGGER.info("%-10s %6.2f s", name, self.seconds[name])


@contextmanager
def _bar(advance: Advance) -> Iterator[None]:
    """Show a bar on a terminal, nothing elsewhere."""
    if not CONSOLE.is_terminal:
        yield
        return
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()),
        _Left(advance),
    )
    with Progress(*columns, console=CONSOLE, transient=True) as progress:
        advance.bar = partial(progress.advance, progress.add_task(advance.name, total=advance.total))
        yield


@contextmanager
def _lines(advance: Advance) -> Iterator[None]:
    """Log a line when a stage starts, and every `EVERY` seconds how far it is."""
    started, ended = time.perf_counter(), threading.Event()

    def speak() -> None:
        while not ended.wait(EVERY):
            seconds, left = time.perf_counter() - started, advance.left()
            more = f", about {duration(left)} left" if left else ""
            far = advance.how_far("works on")
            LOGGER.info("%-10s %s after %.0f s%s", advance.name, far, seconds, more, extra=PLAIN)

    thread = threading.Thread(target=speak, name=f"progress of {advance.name}", daemon=True)
    thread.start()
    try:
        LOGGER.info("%-10s starts", advance.name, extra=PLAIN)
        yield
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(f"stage {advance.name}, {advance.how_far('not finished')}")
        raise
    finally:
        ended.set()
        thread.join()
