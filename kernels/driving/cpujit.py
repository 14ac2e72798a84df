"""The CPU compiler, numba. Import it late: it imports numba."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba

from . import families
from .binding import Compiler
from .borrowing import LoopCompiler

if TYPE_CHECKING:
    from collections.abc import Callable

    from .binding import Compile

# Divisions by zero give infinities, as on CUDA. No fast-math: the results do not depend on how LLVM vectorises, nor
# on threads or blocks.
OPTIONS: dict[str, Any] = {"error_model": "numpy"}
# What compiled code calls is not called by Python, and is kept as a part of the loops that call it.
CALLED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def _called(**options: Any) -> Compile:
    def compile_lazily(function: Callable[..., Any]) -> Any:
        return numba.njit(function, **OPTIONS, **CALLED, **options)

    return compile_lazily


def _loop(function: Callable[..., Any]) -> Any:
    options = {**OPTIONS, "nogil": True, "no_cfunc_wrapper": True, "pipeline_class": LoopCompiler}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # numba found no folder that it may write its cache to
        return numba.njit(function, **options)


def _compiler(tag: str) -> Compiler:
    return Compiler(
        function=_called(),
        part=_called(),
        # Left to itself, LLVM does not inline what is long, and a loop with a call in it runs one pixel at a time.
        inlined_function=_called(forceinline=True),
        # What is called once is put in place before types are found: LLVM would go through it once more.
        inlined_part=_called(inline="always"),
        loop=_loop,
        tag=tag,
    )


def drivers(family: str) -> dict[str, Any]:
    """Return the drivers of a family by name; the loops that they call are compiled at their first call."""
    return families.drivers(families.family(family), _compiler)


def functions(family: str) -> dict[Any, Any]:
    """Compile the mathematics of a family, for compiled code to call: plain function to compiled one."""
    return families.functions(families.family(family), _compiler)
