"""Compile plain Python functions so that they call each other's compiled forms."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Compile = Callable[[Callable[..., Any]], Any]
    Forms = Mapping[Any, Any]  # what a compiler has made of functions, by the plain ones


def bind(
    compile_: Compile,
    names: Sequence[str],
    module: types.ModuleType,
    forms: Forms,
    given: Mapping[str, Any] | None = None,
    tag: str = "",
) -> dict[Any, Any]:
    """Compile the functions ``names`` of ``module``; returns ``forms`` with theirs, by the plain functions.

    All get one copy of the module's globals in which every function that has a form, or comes earlier in ``names``,
    is replaced by that, and what ``given`` names by what it gives: numbers, forms, or plain functions, which are
    compiled if they are among ``names``. The module itself stays plain Python. ``tag`` is appended to their qualified
    names, and so to the names of files in numba's cache.
    """
    bound, given = dict(forms), given or {}
    scope = {
        name: bound.get(value, value) if _is_plain(value) else value for name, value in vars(module).items()
    }
    scope |= given
    for name in names:
        plain = given[name] if name in given else getattr(module, name)
        copy = types.FunctionType(
            plain.__code__, scope, plain.__name__, plain.__defaults__, plain.__closure__
        )
        copy.__qualname__ = plain.__qualname__ + tag
        copy.__module__ = plain.__module__
        copy.__doc__ = plain.__doc__
        scope[name] = bound[plain] = compile_(copy)
    return bound


def _is_plain(value: Any) -> bool:
    return isinstance(value, types.FunctionType)


def as_it_is(function: Callable[..., Any]) -> Any:
    """Return the function itself, not compiled."""
    return function


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """The compiler of each kind of function of a family; by default, none.

    Attributes
    ----------
    function, part : compile mathematics, and what loops call.
    inlined_function, inlined_part : compile those that are to be put in the place of their calls.
    loop : compiles loops, which drivers call.
    tag : is appended to the names of loops.
    """

    function: Compile = as_it_is
    part: Compile = as_it_is
    inlined_function: Compile = as_it_is
    inlined_part: Compile = as_it_is
    loop: Compile = as_it_is
    tag: str = ""

    def functions(self, inlined: Sequence[str]) -> Compile:
        """Compiles mathematics, of which these names are put in place."""
        return lambda f: (self.inlined_function if f.__name__ in inlined else self.function)(f)

    def parts(self, inlined: Sequence[str]) -> Compile:
        """Compiles parts of loops, of which these names are put in place."""
        return lambda f: (self.inlined_part if f.__name__ in inlined else self.part)(f)
