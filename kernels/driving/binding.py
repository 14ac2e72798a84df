"""Plain Python functions, bound to a compiler so that they call each other's compiled forms."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def bind(
    jit: Callable[[Callable[..., Any]], Any],
    names: Sequence[str],
    module: types.ModuleType,
    given: Mapping[str, Any] | None = None,
    tag: str = "",
) -> dict[str, Any]:
    """Compile the functions ``names`` of ``module`` with ``jit``; returns them by name.

    Each gets its own copy of the module's globals in which earlier ``names`` and everything in ``given``
    have their compiled form, so ``names`` come in the order of dependency. The module itself stays plain
    Python. ``tag`` is appended to their qualified names, and so to the names of files in numba's cache.
    """
    scope: dict[str, Any] = {**vars(module), **(given or {})}
    bound: dict[str, Any] = {}
    for name in names:
        plain = scope[name]
        copy = types.FunctionType(
            plain.__code__, scope, plain.__name__, plain.__defaults__, plain.__closure__
        )
        copy.__qualname__ = plain.__qualname__ + tag
        copy.__module__ = plain.__module__
        copy.__doc__ = plain.__doc__
        scope[name] = bound[name] = jit(copy)
    return bound
