"""All keys of the configuration, by name: what each means, takes and is without being given."""

from __future__ import annotations

import re
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from omegaconf import MISSING

from alignsar_gpu.config import Config
from alignsar_gpu.config.keys import about, kinds_of, values_of
from alignsar_gpu.products.readers import readers
from alignsar_gpu.radarcoding.kinds import DEFAULT, kinds
from alignsar_gpu.radarcoding.sets import SETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alignsar_gpu.products.readers import Reader
    from alignsar_gpu.radarcoding.kinds import LabelKind

LAYERS = "radarcoding.layers"
LAYER = re.compile(re.escape(LAYERS) + r"\.[^.]+\.")  # the name of a layer is the user's
NAMED = f"{LAYERS}.NAME."
INTERNAL = {LAYERS, f"{NAMED}kind", "products.reader"}  # said by other keys, or by products=NAME


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of the configuration.

    Attributes
    ----------
    name : with its group, as in ``interferometry.flatten``; of a layer of labels, radarcoding.layers.NAME.KEY.
    hint : the type of its values.
    default : the value that it has where none is given; MISSING ("???") where one must be.
    about : text, bounds and choices, as `config.keys.about` makes them.
    chosen_by : "products=snap" or "kind=raster", for a key that is there with this choice alone.
    """

    name: str
    hint: Any
    default: Any
    about: Mapping[str, Any]
    chosen_by: str = ""

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The types that its values may have."""
        return kinds_of(self.hint)

    @property
    def is_text(self) -> bool:
        """Whether a value may be a text or a path, alone or among others."""
        return str in self.kinds or self.hint is Any

    @property
    def may_be_none(self) -> bool:
        """Whether it may be unset, with null."""
        return NoneType in self.kinds or self.hint is Any

    @property
    def is_list(self) -> bool:
        """Whether its values are lists."""
        return any(get_origin(kind) is list for kind in self.kinds)

    @property
    def values(self) -> str:
        """Say which values it takes, in a few words."""
        return values_of(self.hint, self.about)


def _keys_of(schema: type, prefix: str, chosen_by: str = "") -> Iterator[Key]:
    hints = get_type_hints(schema)
    for item in fields(schema):
        inner = next((kind for kind in get_args(hints[item.name]) if is_dataclass(kind)), hints[item.name])
        name = f"{prefix}{item.name}"
        if isinstance(inner, type) and is_dataclass(inner):
            if name != "products":
                yield from _keys_of(inner, f"{name}.", chosen_by)
        elif name not in INTERNAL:
            default = item.default if item.default_factory is NO_DEFAULT else item.default_factory()
            yield Key(
                name=name, hint=hints[item.name], default=default, about=item.metadata, chosen_by=chosen_by
            )


def all_keys() -> tuple[Key, ...]:
    """List all keys, group by group; of products and layers, those of every reader and every kind."""
    return _all_keys(tuple(readers().values()), tuple(kinds().values()))


@cache
def _all_keys(formats: tuple[Reader, ...], labels: tuple[LabelKind, ...]) -> tuple[Key, ...]:
    found = list(_keys_of(Config, ""))
    which = about(
        "which kind of label it is, with keys of its own", choices=tuple(kind.name for kind in labels)
    )
    found.append(Key(name=f"{NAMED}kind", hint=str, default=DEFAULT, about=which))
    ready = about(
        "a ready label set: its layers, classes, colours and licence by one word", choices=tuple(SETS)
    )
    found.append(Key(name=f"{NAMED}set", hint=str | None, default=None, about=ready))
    parts = about("which layers of a set, such as [building,water]; unset: all that the file has")
    found.append(Key(name=f"{NAMED}parts", hint=list[str] | None, default=None, about=parts))
    for reader in formats:
        found += _keys_of(reader.schema, "products.", f"products={reader.name}")
    for kind in labels:
        found += _keys_of(kind.schema, NAMED, f"kind={kind.name}")
    order = [item.name for item in fields(Config)]
    return tuple(sorted(found, key=lambda key: order.index(key.name.partition(".")[0])))


def keys_named(name: str) -> list[Key]:
    """Return the keys of a name, one for each choice that has it; none for an unknown name."""
    general = LAYER.sub(NAMED, name)
    return [key for key in all_keys() if key.name == general]


def is_required(key: Key) -> bool:
    """Return whether a value must be given."""
    return bool(key.default == MISSING)
