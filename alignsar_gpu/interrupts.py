"""What an interrupt does: Ctrl-C, and the SIGTERM of SLURM, Docker and systemd."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType

    Handler = Callable[[int, FrameType | None], NoReturn]

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


def _handle(handler: Handler) -> dict[signal.Signals, Any]:
    """Handle signals, those aside that the process is told to ignore (as by ``nohup``); returns who did before."""
    if threading.current_thread() is not threading.main_thread():  # where Python takes no handlers
        return {}
    before = {number: signal.getsignal(number) for number in SIGNALS}
    handled = {number: old for number, old in before.items() if old not in {signal.SIG_IGN, None}}
    for number in handled:
        signal.signal(number, handler)
    return handled


@contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    before = _handle(handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def leave_at_once_from_now() -> None:
    """End the process at once when a signal comes, until something else is said: for the time of the first imports."""
    _handle(leave_at_once)


def leaving_at_once() -> AbstractContextManager[None]:
    """End the process at once when a signal comes inside the block."""
    return _handling(leave_at_once)


def raising() -> AbstractContextManager[None]:
    """Raise `Interrupted` when a signal comes inside the block; a second one ends the process."""
    return _handling(_raise)
