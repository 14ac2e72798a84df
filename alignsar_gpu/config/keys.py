"""Keys of the configuration: each with its default, its meaning and its bounds."""

from __future__ import annotations

from dataclasses import field
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
SEVERAL = {int: "whole numbers", float: "numbers", str: "texts"}


def about(
    help: str,  # noqa: A002  (the word that users read)
    *,
    bounds: tuple[float | None, float | None] = (None, None),
    choices: tuple[str, ...] = (),
    odd: bool = False,
    multiple_of: int = 1,
    may_be_empty: bool = False,
    refusals: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What a key means, and which values it takes; ``refusals`` say why some others are refused."""
    return {
        "help": help,
        "bounds": bounds,
        "choices": choices,
        "odd": odd,
        "multiple_of": multiple_of,
        "may_be_empty": may_be_empty,
        "refusals": refusals or {},
    }


def key(default: Any, text: str, **rules: Any) -> Any:
    """A configuration key with its default; ``text`` and ``rules`` as in `about`."""
    return field(default=default, metadata=about(text, **rules))


def kinds_of(hint: Any) -> tuple[Any, ...]:
    """Return the types that the values of a key may have."""
    return get_args(hint) if isinstance(hint, UnionType) else (hint,)


def values_of(hint: Any, rules: Mapping[str, Any]) -> str:
    """Say in a few words which values a key takes; ``hint`` is their type, ``rules`` is as in `about`."""
    kinds = kinds_of(hint)
    is_list = any(get_origin(kind) is list for kind in kinds)
    if rules["choices"]:
        return f"{'some' if is_list else 'one'} of {', '.join(rules['choices'])}"
    least, most = rules["bounds"]
    bounds = f"from {least:.12g} to {most:.12g}" if None not in {least, most} else ""
    if not bounds and (least, most) != (None, None):
        bounds = f"of at most {most:.12g}" if least is None else f"of at least {least:.12g}"
    kind = "an odd number" if rules["odd"] else next(filter(None, map(_kind_in_words, kinds)), "")
    multiple = f"a multiple of {rules['multiple_of']}" if rules["multiple_of"] > 1 else ""
    return ", ".join(filter(None, (f"{kind} {bounds}".strip(), multiple)))


def _kind_in_words(kind: Any) -> str:
    inner = get_args(kind)
    if get_origin(kind) is list:
        return f"a list of {SEVERAL[inner[0]]}" if inner[0] in {int, float} else "a list"
    if get_origin(kind) is dict:
        several = get_args(inner[1])
        value = f"[{SEVERAL[several[0]]}]" if several else KINDS.get(inner[1], "keys").removeprefix("a ")
        return f"of the form {{NAME: {value}}}"
    return KINDS.get(kind, "")


def as_given(value: Any) -> str:
    """Write a value as it would be given on the command line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {as_given(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(as_given, value))}]"
    return str(value)
