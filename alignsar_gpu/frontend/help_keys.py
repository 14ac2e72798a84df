"""What ``--help-keys`` prints: every key with its default, its meaning, its bounds and its choices."""

from __future__ import annotations

import textwrap
from typing import Any, get_args, get_type_hints

from alignsar_gpu.config import Config
from alignsar_gpu.config.keys import as_given
from alignsar_gpu.errors import AlignsarError, did_you_mean
from alignsar_gpu.frontend.keys import LAYERS, Key, all_keys, is_required
from alignsar_gpu.products.readers import readers
from alignsar_gpu.radarcoding.kinds import kinds

WIDTH = 110
GENERAL = "general"  # heading of the keys without a group


def help_keys(group: str = "") -> str:
    """Describe the keys of a group, of a part of one (simulate.scene), or all. Raises AlignsarError for no group."""
    prefix = f"{group.rstrip('.')}." if group else ""
    chosen = [key for key in all_keys() if f"{key.name}.".startswith(prefix)]
    if not chosen:
        names = dict.fromkeys(_group(key) for key in all_keys())
        near = did_you_mean(group, [*names, *(key.name for key in all_keys())])
        raise AlignsarError(
            f"--help-keys {group}: no such group; {near or 'choose from ' + ', '.join(names)}"
        )
    sections: dict[str, dict[str, None]] = {}  # texts of keys by heading, each once
    for key in chosen:
        sections.setdefault(_heading(key, chosen), {})[_described(key)] = None
    return "\n".join(f"{heading}\n\n" + "\n".join(texts) + "\n" for heading, texts in sections.items())


def _group(key: Key) -> str:
    return key.name.partition(".")[0] if "." in key.name else GENERAL


def _heading(key: Key, keys: list[Key]) -> str:
    """Return the heading that a key stands under: its group, and the readers or kinds of labels that have it."""
    group = _group(key)
    if not key.name.startswith(("products.", LAYERS)):
        return group if group == GENERAL else f"{group}: {_first_line(_schema_of(group))}"
    having = [other.chosen_by for other in keys if _same(other, key) and other.chosen_by]
    what = "layers of labels" if key.name.startswith(LAYERS) else "products"
    if len(having) in {0, len(kinds()) if what != "products" else len(readers())}:
        return f"{what}, of every kind"
    name = having[0].partition("=")[2]
    schema = readers()[name].schema if what == "products" else kinds()[name].schema
    return f"{what}, {' or '.join(having)}" + ("" if having[1:] else f": {_first_line(schema)}")


def _same(one: Key, other: Key) -> bool:
    return (one.name, one.default, one.about) == (other.name, other.default, other.about)


def _schema_of(group: str) -> Any:
    hint = get_type_hints(Config)[group]
    return next((kind for kind in get_args(hint) if kind is not type(None)), hint)


def _first_line(schema: Any) -> str:
    return str(schema.__doc__).splitlines()[0]


def _described(key: Key) -> str:
    value = "..." if is_required(key) else as_given(key.default)
    choices = key.about["choices"]
    told = all(choice in key.about["help"] for choice in choices) if choices else key.values == "text"
    rules = "" if told else key.values
    required = "must be given" if is_required(key) else ""
    text = "; ".join(filter(None, (key.about["help"], rules, required)))
    indent = " " * 6
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )
    return "\n".join([f"  {key.name}={value}", *lines])
