"""VectorLayerConfig: which features of which vector file a layer is made of, and what counts as their area."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.config.radarcoding import LayerConfig
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a class: it becomes part of the name of a variable
Z = "z"  # as ``elevation``: the geometry's own
FRACTION, MEAN, LARGEST = "fraction", "mean", "largest"  # as ``method``
EXTENT, EVERYWHERE = "extent", "everywhere"  # as ``coverage``; else a file of polygons


@dataclass
class VectorLayerConfig(LayerConfig):
    """Keys of a layer of kind=vector.

    ``path`` is a file, folder or archive that GDAL reads, "ARCHIVE.zip!MEMBER", a path of GDAL (/vsi...), or
    GeoParquet. With ``attribute`` but without ``values``, each value is a class, named after it; features with
    values that are in no class are left out. With ``method`` mean or largest, a pixel gets the mean of the attribute,
    or the id with the largest area, whose attributes are in a table beside the dataset. Lines become bands with flat
    ends and round joins (``width``), points become discs (``buffer``).
    """

    kind: str = key("vector", "areas, lines or points of a map", choices=("vector",))
    layer: str | None = key(None, "layer of a file with several")
    where: str | None = key(None, "which features, as SQL: \"status = 'built'\"")
    method: str = key(
        FRACTION,
        "what a pixel gets: the share of each class, the mean of the attribute by area (of numbers and dates), or the "
        "id (the attribute) with the largest area",
        choices=(FRACTION, MEAN, LARGEST),
    )
    attribute: str | None = key(
        None, "attribute whose values are the classes, of which the mean is, or the ids; unset: one class"
    )
    values: dict[str, list[str]] | None = field(
        default=None, metadata=about("values of the attribute that make up each class")
    )
    units: str = key("1", "unit of the attribute, of method=mean; dates become days")
    table: list[str] | None = field(
        default=None,
        metadata=about("of method=largest, attributes that its table has besides; unset: all"),
    )
    width: float | None = key(None, "width of lines, m", bounds=(0.01, None))
    buffer: float | None = key(None, "how far everything is grown, m", bounds=(0.01, None))
    height: str | None = key(
        None, "attribute with heights above the terrain, m: roofs lie towards the sensor"
    )
    elevation: str | None = key(None, "attribute with heights above WGS84, m; z: the highest of the vertices")
    valid_from: str | None = key(
        None, "attribute with the first day or year of features, before which they do not count"
    )
    valid_until: str | None = key(
        None, "attribute with the last day or year of features, after which they do not count"
    )
    each_date: bool = key(
        default=False,
        text="true: each image has the features that are valid on its day (valid_from, valid_until); false: all have "
        "those of the reference date",
    )
    geometry: str | None = key(None, "which geometry of a feature with several (GML, GeoParquet)")
    coverage: str = key(
        EXTENT,
        "where the map shows all there is: extent (the box around all layers named of the file), everywhere, or a "
        "file of polygons; beyond it is unknown",
    )

    @property
    def reach(self) -> float:
        """How far areas grow beyond the shapes in the file, metres."""
        return 0.5 * (self.width or 0.0) + (self.buffer or 0.0)

    @property
    def by_feature(self) -> bool:
        """Whether each feature counts with a value of its own, not as one of a class."""
        return self.method != FRACTION

    @property
    def columns(self) -> list[str]:
        """Attributes that are read with the shapes."""
        names = [self.attribute, self.height, None if self.elevation == Z else self.elevation]
        names += [self.valid_from, self.valid_until, *(self.table or [])]
        return list(dict.fromkeys(name for name in names if name))

    def check(self, where: str) -> None:
        """Check that the keys fit together; raise AlignsarError, beginning with ``where``, otherwise."""
        super().check(where)
        if not self.path.strip():
            raise AlignsarError(f"{where}.path: is empty; name a vector file")
        if not self.coverage.strip():
            raise AlignsarError(
                f"{where}.coverage: is empty; say extent, everywhere, or name a file of polygons"
            )
        for name, metres in (("width", self.width), ("buffer", self.buffer)):
            if metres is not None and not (math.isfinite(metres) and metres > 0.0):
                raise AlignsarError(f"{where}.{name}={metres:g}: give metres above 0, or leave the key out")
        if self.height is not None and self.elevation is not None:
            raise AlignsarError(
                f"{where}.height, {where}.elevation: give one, above the terrain or above WGS84"
            )
        if self.each_date and not (self.valid_from or self.valid_until):
            raise AlignsarError(
                f"{where}.each_date=true: needs {where}.valid_from or {where}.valid_until, attributes with the first "
                "and the last day of features; name one, or leave the key out"
            )
        self._check_method(where)
        if self.values is None:
            return
        if not self.attribute:
            raise AlignsarError(f"{where}.values: needs {where}.attribute, whose values they are")
        _check_classes(self.values, f"{where}.values")

    def _check_method(self, where: str) -> None:
        if self.by_feature and not self.attribute:
            what = "the numbers or dates" if self.method == MEAN else "the ids"
            raise AlignsarError(f"{where}.method={self.method}: needs {where}.attribute, which has {what}")
        if self.by_feature and self.values is not None:
            raise AlignsarError(
                f"{where}.values: makes classes, and method={self.method} has none; leave the key out, or choose "
                "features by where"
            )
        if self.table is not None and self.method != LARGEST:
            raise AlignsarError(
                f"{where}.table: is for method={LARGEST}, and this layer has method={self.method}"
            )


def _check_classes(classes: Mapping[str, Sequence[str]], where: str) -> None:
    """Check that classes have names for variables, and values of their own."""
    if not classes:
        raise AlignsarError(
            f"{where}: names no class; name some, or leave the key out: each value is a class"
        )
    owners: dict[str, str] = {}
    folded: dict[str, str] = {}
    for name, given in classes.items():
        if not NAME.fullmatch(name):
            raise AlignsarError(
                f"{where}: the class {name!r} cannot be the name of a variable; use letters, digits and underscores, "
                "and begin with a letter"
            )
        if folded.setdefault(name.casefold(), name) != name:
            raise AlignsarError(
                f"{where}: the classes {folded[name.casefold()]!r} and {name!r} differ in case alone; rename one"
            )
        texts = values_of(given)
        if not texts:
            raise AlignsarError(f"{where}: the class {name!r} has no values; list some, or remove it")
        for text in texts:
            if owners.setdefault(text, name) != name:
                raise AlignsarError(
                    f"{where}: the value {text!r} is in the classes {owners[text]!r} and {name!r}; remove it from one"
                )


def values_of(given: Sequence[str]) -> list[str]:
    """Return the values of a class as text; a single one may be given without a list."""
    return [given] if isinstance(given, str) else [str(value) for value in given]
