"""What a user sees while a run works: stages with their times, bars on a terminal, the log and its copy in run.log."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOGGER = logging.getLogger("alignsar_gpu")
CONSOLE = Console(stderr=True)
EVERY = 30.0  # seconds between two lines of a stage that goes on, where there is no bar
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


class StageTimer:
    """Times the stages of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[Callable[[int], None]]:
        """Time a stage of ``total`` units; gives the function to call with the number of units done.

        An interrupt gets a note that says how far the stage was.
        """
        started = time.perf_counter()
        with _bar(name, total) as bar, _lines(name, total) as count:

            def advance(done: int) -> None:
                bar(done)
                count(done)

            yield advance
        self.seconds[name] = round(time.perf_counter() - started, 3)
        LOGGER.info("%-10s %6.2f s", name, self.seconds[name])


@contextmanager
def _bar(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere; gives the function that moves it."""
    if not CONSOLE.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=CONSOLE, transient=True) as progress:
        task = progress.add_task(name, total=total)
        yield lambda done: progress.advance(task, done)


@contextmanager
def _lines(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A line when a stage starts, and every `EVERY` seconds how far it is; gives the function that counts."""
    finished, started, ended = 0, time.perf_counter(), threading.Event()

    def count(done: int) -> None:
        nonlocal finished
        finished += done

    def how_far(otherwise: str) -> str:
        return f"{finished} of {total} done" if total > 1 else otherwise

    def speak() -> None:
        while not ended.wait(EVERY):
            seconds = time.perf_counter() - started
            LOGGER.info("%-10s %s after %.0f s", name, how_far("works on"), seconds, extra=PLAIN)

    thread = threading.Thread(target=speak, name=f"progress of {name}", daemon=True)
    thread.start()
    try:
        LOGGER.info("%-10s starts", name, extra=PLAIN)
        yield count
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(f"stage {name}, {how_far('not finished')}")
        raise
    finally:
        ended.set()
        thread.join()
