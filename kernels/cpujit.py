"""The CPU compiler: binds the loops of :mod:`.cpu` to numba on first use. Import it late: it imports numba."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba

from . import cpu, cpu_geometry, cpu_terrain, scalar, scalar_geometry, scalar_terrain
from .binding import bind

if TYPE_CHECKING:
    from collections.abc import Callable

MATHEMATICS = (scalar, scalar_geometry, scalar_terrain)
LOOPS = (cpu, cpu_geometry, cpu_terrain)


def _sources_tag() -> str:
    """A tag of all sources. numba's cache watches the file of a driver alone, not that of its callees."""
    digest = hashlib.sha256()
    for module in (*MATHEMATICS, *LOOPS):
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
    """The compiled drivers of the CPU modules by name; each is compiled when it is first called.

    No fast-math: the results do not depend on how LLVM vectorises, nor on threads or blocks.
    """
    tag = _sources_tag()
    single, parallel = _compiler(parallel=False), _compiler(parallel=True)
    given: dict[str, Any] = {"prange": numba.prange}
    for module in MATHEMATICS:
        given |= bind(single, module.FUNCTIONS, module, given, tag=tag)
    bound: dict[str, Any] = {}
    for loops in LOOPS:
        parts = given | bind(single, loops.PARTS, loops, given, tag=tag)
        bound |= bind(parallel, loops.DRIVERS, loops, parts, tag=tag)
    return bound
