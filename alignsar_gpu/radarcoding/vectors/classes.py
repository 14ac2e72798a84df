"""Classes of features by the values of an attribute."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.vectors.config import values_of
from alignsar_gpu.radarcoding.vectors.formats.paths import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.sources import LayerSource

MOST_CLASSES = 254  # a label is one byte


@dataclass(frozen=True, kw_only=True)
class Classes:
    """Names of the classes, and the class of each value of the attribute.

    Attributes
    ----------
    names : of the classes, in their order; empty where all features are one.
    index : by value, as text.
    unmatched : values that are asked for and that no feature has.
    """

    names: tuple[str, ...] = ()
    index: Mapping[str, int]
    unmatched: tuple[str, ...] = ()

    def of(self, column: Any) -> NDArray[np.int32]:
        """Return the class (f,) of each value of an Arrow array, -1 where it is in none."""
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        classes = [self.index.get(text, -1) if text is not None else -1 for text in texts(coded.dictionary)]
        index = np.asarray(coded.indices.fill_null(len(classes)), dtype=np.intp)
        return np.array([*classes, -1], dtype=np.int32)[index]


def texts(column: Any) -> list[str | None]:
    """Convert an Arrow array to text: whole numbers without decimals, true and false, dates as in ISO 8601."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        return [None if value is None or value != value else f"{value:.15g}" for value in column.to_pylist()]  # noqa: PLR0124  (NaN)
    return [None if value is None else str(value) for value in column.cast(pa.string()).to_pylist()]


def find_classes(source: LayerSource, config: VectorLayerConfig) -> Classes:
    """Find the classes of a layer; looks through all values of the attribute.

    Raises AlignsarError where no value is in a class, or values that shall be classes are
    too many, or give the same name.
    """
    if not config.attribute:
        return Classes(index={})
    there = sorted(
        {
            text
            for part in source.values(config.attribute)
            for text in texts(part.unique())
            if text is not None
        }
    )
    where = f"{source.name}: the attribute {config.attribute!r}"
    if not there:
        raise AlignsarError(f"{where} is empty in all features: choose another")
    if config.values is None:
        return _of_each(there, where)
    index = {text: i for i, name in enumerate(config.values) for text in values_of(config.values[name])}
    unmatched = tuple(text for text in index if text not in set(there))
    if len(unmatched) == len(index):
        raise AlignsarError(
            f"{where} has none of the values {listed(list(index))}; it has {listed(there)}: correct values"
        )
    return Classes(names=tuple(config.values), index=index, unmatched=unmatched)


def _of_each(values: Iterable[str], where: str) -> Classes:
    index: dict[str, int] = {}
    owner: dict[str, str] = {}
    for text in values:
        name = safe_name(text)
        if not name:
            raise AlignsarError(
                f"{where} has the value {text!r}, from which no name can be made; name classes (key values)"
            )
        if name in owner:
            raise AlignsarError(
                f"{where} has the values {owner[name]!r} and {text!r}, both of which would be the class {name!r}: name "
                "classes (key values)"
            )
        owner[name] = text
        index[text] = len(index)
    if len(index) > MOST_CLASSES:
        raise AlignsarError(
            f"{where} has {len(index)} values, more than the {MOST_CLASSES} classes that can be: name some (key values)"
        )
    return Classes(names=tuple(owner), index=index)


def safe_name(text: str) -> str:
    """Convert a value to a part of a variable's name: small letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    return f"class_{name}" if name[:1].isdigit() else name
