"""Ids of features: numbers in the layer, which lead to the rows of a table of attributes."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.vectors.formats.sources import LayerSource

NUMBER = "number"  # the column of the table that the layer leads to
MOST = np.iinfo(np.int32).max


@dataclass(frozen=True, kw_only=True)
class Ids:
    """An attribute whose values are ids.

    Attributes
    ----------
    attribute : its name.
    columns : attributes of the table besides.
    names, unmatched : none, as there are no classes.
    """

    attribute: str
    columns: tuple[str, ...]
    names: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()

    def of(self, column: Any) -> NDArray[np.int32]:
        """Return the row (f,) of each value of an Arrow array, -1 where it has none."""
        known = np.asarray(pc.is_valid(_ids(column)).to_numpy(zero_copy_only=False))
        return np.where(known, np.arange(len(column)), -1).astype(np.int32)


def find_ids(source: LayerSource, attribute: str, columns: Sequence[str], where: str) -> Ids:
    """Check that an attribute has ids. Raises AlignsarError, naming the key ``where``, otherwise."""
    if not any(len(part) > _ids(part).null_count for part in source.values(attribute)):
        raise AlignsarError(
            f"{where}.attribute={attribute}: {source.name}: is empty in all features; choose another"
        )
    if NUMBER in {attribute, *columns}:
        raise AlignsarError(
            f"{where}.table: {source.name}: the table has a column {NUMBER!r} of its own; name the attributes that it "
            "shall have without that one, or rename it in the file"
        )
    return Ids(attribute=attribute, columns=tuple(name for name in columns if name != attribute))


def _ids(column: Any) -> Any:
    """Return ids as an Arrow array, null where there is none: NaN and blank texts are none."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        none = pc.is_nan(column)
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        none = pc.equal(pc.utf8_trim_whitespace(column), "")
    else:
        return column
    return pc.if_else(none, pa.scalar(None, column.type), column)


class IdTable:
    """The features of a scene by their ids: which object each is of, and a table of the objects.

    Features with the same id are one object; objects count from 0 on in the order in which they are read. Attributes
    are kept in a file, which vanishes with the table, until this is written.

    ``folder`` : where that file is; None for the system's.
    """

    def __init__(self, legend: Ids, folder: Path | None) -> None:
        self._legend = legend
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the table
        weakref.finalize(self, self._file.close)
        self._ends = [0]
        self._ids: list[Any] = []
        self.count = 0

    def add(self, columns: Mapping[str, Any]) -> None:
        """Add features by their attributes, Arrow arrays by name."""
        legend, sink = self._legend, pa.BufferOutputStream()
        rows = {name: _flat(columns[name]) for name in (legend.attribute, *legend.columns)}
        pq.write_table(pa.table(rows), sink)
        try:
            self._file.write(sink.getvalue())
            self._file.flush()
        except OSError as error:
            raise AlignsarError(
                f"output: attributes of maps could not be written beside it ({error}); free space there"
            ) from error
        self._ends.append(self._file.tell())
        self._ids.append(rows[legend.attribute])
        self.count += len(self._ids[-1])

    def _part(self, number: int) -> Any:
        """Return the features that were added at a time, as a Parquet file."""
        self._file.seek(self._ends[number])
        return pa.BufferReader(self._file.read(self._ends[number + 1] - self._ends[number]))

    def objects(self) -> NDArray[np.int32]:
        """Return the object (f,) of each feature."""
        if not self._ids:
            return np.zeros(0, dtype=np.int32)
        kind = pa.unify_schemas(
            [pa.schema([("id", ids.type)]) for ids in self._ids], promote_options="permissive"
        ).field("id")
        coded = pa.chunked_array([ids.cast(kind.type) for ids in self._ids]).combine_chunks()
        if isinstance(coded, pa.ChunkedArray):
            coded = pa.concat_arrays(coded.chunks)
        return np.asarray(coded.dictionary_encode().indices, dtype=np.int32)

    def write(self, path: Path, about: Mapping[str, str]) -> int:
        """Write the table, a row for each object, with what is said ``about`` it; return how many there are.

        The attributes are those of the first feature of each.
        """
        objects, parts = self.objects(), range(len(self._ids))
        is_first = np.zeros(len(objects), dtype=np.bool_)
        is_first[np.unique(objects, return_index=True)[1]] = True
        schemas = [pq.read_schema(self._part(part)).remove_metadata() for part in parts]
        names = (self._legend.attribute, *self._legend.columns)
        own = pa.schema([(NUMBER, pa.int32()), *((name, pa.null()) for name in names)])
        schema = pa.unify_schemas([own, *schemas], promote_options="permissive").with_metadata(dict(about))
        beside, row = path.with_name(f"{path.name}.part"), 0
        with pq.ParquetWriter(beside, schema, compression="zstd") as writer:
            for part in parts:
                rows = pq.read_table(self._part(part))
                here = slice(row, row + len(rows))
                row += len(rows)
                numbers = pa.array(objects[here] + 1, pa.int32())
                rows = rows.add_column(0, NUMBER, numbers).filter(pa.array(is_first[here]))
                writer.write_table(rows.cast(schema))
        beside.replace(path)
        return int(np.count_nonzero(is_first))


def _flat(column: Any) -> Any:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
