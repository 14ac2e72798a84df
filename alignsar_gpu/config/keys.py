"""Keys of the configuration: each with its default, its meaning and its bounds."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def about(
    help: str,  # noqa: A002  (the word that users read)
    *,
    bounds: tuple[float | None, float | None] = (None, None),
    choices: tuple[str, ...] = (),
    odd: bool = False,
    multiple_of: int = 1,
    may_be_empty: bool = False,
) -> dict[str, Any]:
    """What a key means, and which values it takes."""
    return {
        "help": help,
        "bounds": bounds,
        "choices": choices,
        "odd": odd,
        "multiple_of": multiple_of,
        "may_be_empty": may_be_empty,
    }


def key(default: Any, text: str, **rules: Any) -> Any:
    """A configuration key with its default; ``text`` and ``rules`` as in `about`."""
    return field(default=default, metadata=about(text, **rules))
