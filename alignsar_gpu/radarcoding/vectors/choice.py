"""VectorChoice: which features of which vector file a layer is made of, and what counts as its area."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a class: it becomes part of the name of a variable
Z = "z"  # as ``elevation``: the geometry's own


@dataclass(frozen=True, kw_only=True)
class VectorChoice:
    """What is asked of a vector file.

    Attributes
    ----------
    path : a file, folder or archive that GDAL reads, "ARCHIVE.zip!MEMBER", a path of GDAL (/vsi...), or GeoParquet.
    layer : of a file with several.
    geometry : of features with several geometries (GML, GeoParquet): the property or column that is meant.
    where : which features: a condition of OGR SQL on their attributes ("kind = 'lake'").
    crs : of a file that states none.
    attribute : its values tell the classes; None where all features are one.
    values : for each class the values that belong to it, as text; None: each value is a class, named after it.
        Features with other values, or without any, are left out.
    width : metres: lines become bands as wide, with flat ends and round joins.
    buffer : metres: everything grows by as much to all sides; points become discs.
    height : name of a numeric attribute: metres that a feature rises above the terrain.
    elevation : name of a numeric attribute: metres of a feature's top above the WGS84 ellipsoid; "z": the
        highest coordinate of its geometry.
    """

    path: str
    layer: str | None = None
    geometry: str | None = None
    where: str | None = None
    crs: str | None = None
    attribute: str | None = None
    values: Mapping[str, Sequence[str]] | None = None
    width: float | None = None
    buffer: float | None = None
    height: str | None = None
    elevation: str | None = None

    @property
    def reach(self) -> float:
        """Metres that areas grow beyond the shapes in the file."""
        return 0.5 * (self.width or 0.0) + (self.buffer or 0.0)

    @property
    def columns(self) -> list[str]:
        """Attributes that are read with the shapes."""
        names = [self.attribute, self.height, None if self.elevation == Z else self.elevation]
        return list(dict.fromkeys(name for name in names if name))


def check_choice(choice: VectorChoice, key: str) -> None:
    """Raises AlignsarError, beginning with ``key``, for what is wrong whatever the file holds."""
    if not choice.path.strip():
        raise AlignsarError(f"{key}: path is empty: name a vector file")
    for name, metres in (("width", choice.width), ("buffer", choice.buffer)):
        if metres is not None and not (math.isfinite(metres) and metres > 0.0):
            raise AlignsarError(f"{key}: {name} is {metres:g} m: give metres above 0, or leave it out")
    if choice.height and choice.elevation:
        raise AlignsarError(
            f"{key}: height (above the terrain) and elevation (above the ellipsoid) are both given: remove one of them"
        )
    if choice.values is not None:
        _check_values(choice, key)


def _check_values(choice: VectorChoice, key: str) -> None:
    if not choice.attribute:
        raise AlignsarError(f"{key}: values are given, but attribute does not say whose values they are")
    if not choice.values:
        raise AlignsarError(
            f"{key}: values names no class: name some, or leave it out to make each value a class"
        )
    owners: dict[str, str] = {}
    for name in choice.values:
        if not NAME.fullmatch(name):
            raise AlignsarError(
                f"{key}: the class {name!r} cannot be the name of a variable: use letters, digits and underscores, "
                "and begin with a letter"
            )
        texts = values_of(choice.values[name])
        if not texts:
            raise AlignsarError(f"{key}: the class {name!r} has no values: list some, or remove it")
        for text in texts:
            if owners.setdefault(text, name) != name:
                raise AlignsarError(
                    f"{key}: the value {text!r} is in the classes {owners[text]!r} and {name!r}: remove it from one"
                )
    folded: dict[str, str] = {}
    for name in choice.values:
        if folded.setdefault(name.casefold(), name) != name:
            raise AlignsarError(
                f"{key}: the classes {folded[name.casefold()]!r} and {name!r} differ in case alone: rename one of them"
            )


def values_of(given: Sequence[str]) -> list[str]:
    """The values of a class; a single one may be given without a list."""
    return [given] if isinstance(given, str) else [str(value) for value in given]
