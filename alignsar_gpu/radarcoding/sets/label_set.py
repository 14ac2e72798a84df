"""LabelSet: what is known of a map before its file is opened, and the keys of layers that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Category:
    """A class of a map.

    Attributes
    ----------
    name : part of the name of a layer.
    values : codes of a raster, or values of an attribute.
    colour : "#rrggbb".
    """

    name: str
    values: tuple[Any, ...]
    colour: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A layer of a vector map.

    Attributes
    ----------
    name : of the part; empty where the set is one layer.
    layers : names that it may have in files.
    colour : "#rrggbb", where it has no classes.
    attributes : names that the attribute of its classes may have; empty without classes.
    categories : the classes.
    conditions : by the name of an attribute, the condition that it must meet where files have it; ``{}`` stands for
        the attribute.
    needed : attributes of conditions without which nothing can be told.
    keys : further keys of the layer.
    gml : further keys of the layer where the file is GML.
    """

    name: str
    layers: tuple[str, ...]
    colour: str = ""
    attributes: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)
    gml: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """A well-known map.

    Attributes
    ----------
    name : the word of the configuration.
    product : what to download, for messages.
    about : date, source, license, attribution and references, as far as they are known.
    raster : classes of its rasters; empty where it has none.
    nodata : code of its rasters without data.
    forms : the parts of its vectors, by the form of file that they come in.
    not_named : pattern of names that files of other years have, whose credits would be wrong.
    """

    name: str
    product: str
    about: Mapping[str, str]
    raster: tuple[Category, ...] = ()
    nodata: int | None = None
    forms: tuple[tuple[Part, ...], ...] = ()
    not_named: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts of its vectors."""
        return tuple(dict.fromkeys(part.name for form in self.forms for part in form if part.name))

    def check_name(self, file: str, where: str) -> None:
        """Check that the name of a file is not that of another year; raise AlignsarError otherwise."""
        name = Path(file).name
        if self.not_named and re.search(self.not_named, name, re.IGNORECASE):
            raise AlignsarError(
                f"{where}.set={self.name}: {name} is of another year; take {self.product}, or give source, attribution "
                "and references yourself"
            )

    def raster_keys(self) -> dict[str, Any]:
        """Return the keys of a layer of its raster."""
        return {
            "kind": "raster",
            "method": "majority",
            "classes": {one.name: list(one.values) for one in self.raster},
            "colors": {one.name: one.colour for one in self.raster},
            **({} if self.nodata is None else {"nodata": self.nodata}),
            **self.about,
        }

    def vector_keys(self, part: Part, layer: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Return the keys of the ``layer`` of a part; ``fields`` are the names of its attributes by lower case."""
        conditions = [
            text.format(f'"{fields[name.lower()]}"')
            for name, text in part.conditions.items()
            if name.lower() in fields
        ]
        keys: dict[str, Any] = {**part.keys, "colors": {layer: part.colour}, **self.about}
        if conditions:
            keys["where"] = " AND ".join(conditions)
        if part.categories:
            keys["attribute"] = next(fields[name] for name in part.attributes if name in fields)
            keys["values"] = {one.name: list(one.values) for one in part.categories}
            keys["colors"] = {one.name: one.colour for one in part.categories}
        return keys
