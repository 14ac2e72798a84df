"""Keys of dataset.json that checks read, and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBER = (int, float)
# Of an object {key: type}, where ... stands for any key, and of a list [type]. A key that may be missing ends with "?".
FACTS = {
    "size": [int],
    "halo": int,
    "window_m": NUMBER,
    "chip_m": NUMBER,
    "split": {"by": str, "buffer_m": NUMBER},
    "counts": {...: int},
    "layers": {...: {"array": str, "index": int, "type": str, "decibel?": NUMBER}},
    "classes": {...: {...: int}},
    "scenes": [{"id": str, "reference_date?": str}],
    "boxes?": {"products": [str], "categories": [str], "shape": str, "image": {...: {"array": str}}},
    "files": {...: {"size": int, "sha256": str}},
}


def wrong_keys(value: Any, kind: Any, name: str = "") -> Iterator[str]:
    """Yield the names of values that are missing or of another type than ``kind`` says (see FACTS)."""
    whole: Any = type(kind) if isinstance(kind, dict | list) else kind
    if not isinstance(value, whole) or isinstance(value, bool):
        yield name
    elif isinstance(kind, list):
        for number, part in enumerate(value):
            yield from wrong_keys(part, kind[0], f"{name}[{number}]")
    elif isinstance(kind, dict):
        for key, of_key in _keys(value, kind):
            yield from wrong_keys(value.get(key), of_key, f"{name}.{key}" if name else key)


def _keys(value: dict[str, Any], kind: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the keys that an object has or must have, each with its type."""
    if ... in kind:
        yield from ((key, kind[...]) for key in value)
        return
    for key, of_key in kind.items():
        if not key.endswith("?") or key[:-1] in value:
            yield key.removesuffix("?"), of_key
