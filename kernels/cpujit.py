"""The CPU compiler: binds the loops of :mod:`.cpu` to numba on first use. Import it late: it imports numba."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba

from . import cpu, scalar
from .binding import bind

if TYPE_CHECKING:
    from collections.abc import Callable


def _sources_tag() -> str:
    """A tag of both sources. numba's cache watches the file of a driver alone, not that of its callees."""
    digest = hashlib.sha256()
    for module in (scalar, cpu):
        digest.update(Path(str(module.__file__)).read_bytes())
    return f"_{digest.hexdigest()[:12]}"


def _compiler(*, parallel: bool) -> Callable[[Callable[..., Any]], Any]:
    def compile_lazily(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(function, cache=True, error_model="numpy", parallel=parallel)
        except RuntimeError:  # numba found no folder that it may write its cache to
            return numba.njit(function, error_model="numpy", parallel=parallel)

    return compile_lazily


@functools.cache
def drivers() -> dict[str, Any]:
    """The compiled drivers of :mod:`.cpu` by name; each is compiled when it is first called.

    No fast-math: the results do not depend on how LLVM vectorises, nor on threads or blocks.
    """
    tag = _sources_tag()
    given = bind(_compiler(parallel=False), scalar.FUNCTIONS, scalar, tag=tag)
    given["prange"] = numba.prange
    given |= bind(_compiler(parallel=False), cpu.PARTS, cpu, given, tag=tag)
    return bind(_compiler(parallel=True), cpu.DRIVERS, cpu, given, tag=tag)
