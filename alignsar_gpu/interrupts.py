"""What an interrupt does: Ctrl-C, and the SIGTERM of SLURM, Docker and systemd."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The run was told to stop; notes say where it was and what is kept.

    Attributes
    ----------
    status : the exit status that shells and schedulers expect: 130 after SIGINT, 143 after SIGTERM.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.status = 128 + number

    def __str__(self) -> str:
        return "; ".join([*map(str, self.args), *getattr(self, "__notes__", [])])


def leave_at_once(number: int, _: FrameType | None = None) -> NoReturn:
    """Handle a signal while there is nothing to put in order: one line, no traceback of what was being imported."""
    print(f"alignsar_gpu: {Interrupted(number)}; no work had begun", file=sys.stderr, flush=True)  # noqa: T201
    os._exit(128 + number)


def _raise(number: int, _: FrameType | None) -> NoReturn:
    for other in SIGNALS:
        signal.signal(other, signal.SIG_DFL)  # a second signal ends the process where it is: that is safe too
    raise Interrupted(number)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], NoReturn]) -> Iterator[None]:
    """Handle signals inside the block, those aside that the process is told to ignore (as ``nohup`` does)."""
    if threading.current_thread() is not threading.main_thread():  # where Python takes no handlers
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    handled = [number for number, old in before.items() if old not in {signal.SIG_IGN, None}]
    for number in handled:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])


def leaving_at_once() -> contextmanager[None]:
    """End the process at once when a signal comes inside the block."""
    return _handling(leave_at_once)


def raising() -> contextmanager[None]:
    """Raise `Interrupted` when a signal comes inside the block; a second one ends the process."""
    return _handling(_raise)
