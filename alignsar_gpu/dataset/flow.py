"""Output that overlaps with the computation: compressed in threads, written in order, bounded in memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future


@dataclass(frozen=True, kw_only=True)
class _Item:
    size: int
    parts: Sequence[Future[Any]]
    finish: Callable[[list[Any]], None]


class Flow:
    """A bounded queue between what computes and what writes. A context manager.

    The parts of an item are computed in ``workers`` threads; then its last step is done in one thread, item after item
    in the order in which they were put in, so that what is written does not depend on who is faster. Leaving the
    context waits for all of them.

    Parameters
    ----------
    workers : threads for the parts; their functions should let the interpreter go, as compression does.
    most_bytes : of items that wait. `put` blocks while there are more; an item that is larger waits alone.
    """

    def __init__(self, workers: int, most_bytes: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="compress")
        self._items: SimpleQueue[_Item | None] = SimpleQueue()
        self._most, self._held = most_bytes, 0
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._writer = threading.Thread(target=self._finish_items, name="write")

    def __enter__(self) -> Flow:
        self._writer.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._stop(error)
        self._items.put(None)
        self._writer.join()
        self._pool.shutdown(cancel_futures=True)
        if error is None:
            self._raise()

    def put(
        self,
        size: int,
        parts: Sequence[Callable[[], Any]],
        finish: Callable[[list[Any]], None],
    ) -> None:
        """Have ``parts`` computed, and then ``finish`` called with their results.

        ``size`` are the bytes that the item holds until it is finished. Raises what an earlier item has raised.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._error is not None or not self._held or self._held + size <= self._most
            )
            self._raise()
            self._held += size
        self._items.put(_Item(size=size, parts=[self._pool.submit(part) for part in parts], finish=finish))

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _stop(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def _finish_items(self) -> None:
        while (item := self._items.get()) is not None:
            if self._error is None:
                try:
                    item.finish([part.result() for part in item.parts])
                except BaseException as error:  # noqa: BLE001  (raised again where items are put in)
                    self._stop(error)
            for part in item.parts:
                part.cancel()
            with self._changed:
                self._held -= item.size
                self._changed.notify_all()
