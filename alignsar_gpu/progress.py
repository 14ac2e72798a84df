"""What a user sees while a run works: stages with their times, bars on a terminal, the log."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOGGER = logging.getLogger("alignsar_gpu")
CONSOLE = Console(stderr=True)


def start_log() -> None:
    """Send the package's log to the standard error stream: coloured on a terminal, plain elsewhere."""
    handler: logging.Handler
    if CONSOLE.is_terminal:
        handler = RichHandler(console=CONSOLE, show_path=False, show_level=False, log_time_format="%H:%M:%S")
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    LOGGER.handlers = [handler]
    LOGGER.disabled = False  # Hydra disables the loggers that are there when it starts
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


class StageTimer:
    """Times the stages of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[Callable[[int], None]]:
        """Time a stage of ``total`` units; gives the function to call with the number of units done."""
        started = time.perf_counter()
        with _bar(name, total) as advance:
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
