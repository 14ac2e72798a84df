"""Compile plain Python functions so that they call each other's compiled forms."""

from __future__ import annotations

import hashlib
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
    names, and so to the names of files in numba's cache; and a digest of what they are bound with: numba numbers what
    it compiles in each process anew, so that a loop from the cache, which another process has compiled, would call
    another function of the same name and number that is in memory already.
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
        copy.__qualname__ = f"{plain.__qualname__}{tag}_{_digest(plain.__code__, scope)}"
        copy.__module__ = plain.__module__
        copy.__doc__ = plain.__doc__
        scope[name] = bound[plain] = compile_(copy)
    return bound


def _digest(code: types.CodeType, scope: Mapping[str, Any]) -> str:
    """Return a digest of a function's code and of all that its names stand for, the same in every process."""
    digest = hashlib.sha256(code.co_code)
    for value in code.co_consts:
        digest.update(
            _digest(value, scope).encode() if isinstance(value, types.CodeType) else repr(value).encode()
        )
    for name in code.co_names:
        digest.update(f" {name}={_named(scope[name])}".encode() if name in scope else name.encode())
    return digest.hexdigest()[:10]


def _named(value: Any) -> str:
    """Return what tells a value that a function is bound with, the same in every process: of functions, their names."""
    value = getattr(value, "py_func", value)
    if isinstance(value, types.FunctionType | type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, types.ModuleType):
        return value.__name__
    return type(value).__name__ if callable(value) else repr(value)


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
