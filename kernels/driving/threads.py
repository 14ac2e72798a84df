"""Run independent parts of a loop in threads of the CPU."""

from __future__ import annotations

import functools
import os
import types
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHARES = 8  # ranges for each thread, so that none waits long for the others at the end


def in_threads(loop: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call ``loop(first, stop, *arguments)`` for ranges that make up 0 to ``count``.

    A compiled loop, which lets others run, is called in as many threads as ``numba.get_num_threads()`` says, this one
    among them; a plain one is called once. What a loop does for one number must not hang on what it does for another.
    """
    threads = 1 if isinstance(loop, types.FunctionType) else _number_of_threads()
    size = count if threads == 1 else -(-count // (SHARES * threads))
    if count <= size:
        if count > 0:
            loop(0, count, *arguments)
        return
    ranges = iter(range(0, count, size))
    given = [arguments]
    turns = functools.partial(_take_turns, loop, ranges, size, count, given)
    others = [_pool(threads - 1).submit(turns) for _ in range(min(threads, -(-count // size)) - 1)]
    try:
        turns()
    finally:
        # Those that have not begun would find nothing to do; they may wait behind the loops of another thread.
        begun = [other for other in others if not other.cancel()]
        for _ in ranges:  # after an error: no more ranges
            pass
        errors = [other.exception() for other in begun]
        given.clear()  # those that were cancelled stay in the pool's queue until a thread comes by
    for error in errors:
        if error is not None:
            raise error


def _take_turns(
    loop: Callable[..., None], firsts: Iterator[int], size: int, count: int, given: list[tuple[Any, ...]]
) -> None:
    for first in firsts:
        loop(first, min(first + size, count), *given[0])


def _number_of_threads() -> int:
    import numba  # noqa: PLC0415 - whoever has a compiled loop has imported it

    return int(numba.get_num_threads())


@functools.cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="kernels")


os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has no threads but the one that forked
