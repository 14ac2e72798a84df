"""Read layers of vectors in GeoParquet files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute, dataset

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.texts import load_json
from alignsar_gpu.opening.web_pages import refuse_web_page
from alignsar_gpu.radarcoding.crs import box_of, stated_system
from alignsar_gpu.radarcoding.vectors.formats.paths import listed
from alignsar_gpu.radarcoding.vectors.formats.sources import (
    NUMBER,
    OTHER,
    TEXT,
    LayerSource,
    at_a_time,
    mentioned,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.paths import VectorPath
    from alignsar_gpu.radarcoding.vectors.formats.sources import Rows

ENDINGS = {".parquet", ".geoparquet", ".pq"}
UNREADABLE = (pa.ArrowException, OSError, ValueError)


@dataclass(frozen=True, kw_only=True, eq=False)
class ParquetSource(LayerSource):
    """A GeoParquet file, or a folder of them.

    Attributes
    ----------
    geometry : column of the shapes.
    covering : column of each side of a feature's bounds ("xmin", ...), as a path; empty where there are none.
    """

    geometry: str
    covering: dict[str, list[str]]

    def rows(
        self, columns: Sequence[str], box: Box | None, most: int | None, *, shapes: bool
    ) -> Iterator[Rows]:
        """See `LayerSource`."""
        asked = mentioned(self.fields, self.condition)
        names = list(dict.fromkeys([*([self.geometry] if shapes else []), *columns, *asked]))
        try:
            for file in self.files:
                with pq.ParquetFile(file) as opened:
                    about = opened.metadata
                    size = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
                    for batch in opened.iter_batches(
                        batch_size=min(most or about.num_rows, at_a_time(about.num_rows, size)) or 1,
                        row_groups=self.groups(file, box),
                        columns=names,
                    ):
                        rows = (
                            batch if self.condition is None else batch.take(self._meant(batch.select(asked)))
                        )
                        wkb = rows.column(self.geometry).to_numpy(zero_copy_only=False) if shapes else None
                        yield wkb, {name: rows.column(name) for name in columns}
        except (*UNREADABLE, sqlite3.Error, pd.errors.DatabaseError, OverflowError) as error:
            raise self.unreadable(error) from None

    def groups(self, file: Any, box: Box | None) -> list[int] | None:
        """List the row groups of a file that may have features in the box, by their statistics; None for all."""
        if box is None or not self.covering:
            return None
        west, south, east, north = (
            compute.field(*self.covering[side]) for side in ("xmin", "ymin", "xmax", "ymax")
        )
        meets = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
        (fragment,) = dataset.dataset(file).get_fragments()
        return [group.id for group in fragment.subset(meets).row_groups]

    def _meant(self, rows: pa.RecordBatch) -> NDArray[np.int64]:
        """Return the rows that meet the condition, by SQLite as in a GeoPackage."""
        table = pd.DataFrame(
            {name: _plain(column) for name, column in zip(rows.schema.names, rows, strict=True)}
        )
        with closing(sqlite3.connect(":memory:")) as database:
            table.to_sql("features", database, index_label="alignsar_row")
            query = f"SELECT alignsar_row FROM features WHERE {self.condition} ORDER BY alignsar_row"  # noqa: S608
            return np.array([number for (number,) in database.execute(query)], dtype=np.int64)


def _plain(column: pa.Array) -> pd.Series[Any]:
    """Convert an Arrow column to what SQLite takes."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.string())
    return column.to_pandas()


def is_parquet(path: VectorPath) -> bool:
    """Return whether a path is of a Parquet file, or of a folder of such files."""
    return path.path is not None and not path.member and bool(_parts(path.path))


def _parts(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() in ENDINGS else []
    inside = without_clutter(path.rglob("*"))
    return sorted(file for file in inside if file.suffix.lower() in ENDINGS and file.is_file())


def open_parquet(path: VectorPath, config: VectorLayerConfig, key: str) -> ParquetSource:
    """Open a GeoParquet file, or all in a folder. Raises AlignsarError for files without geometry."""
    assert path.path is not None
    where = f"{key}: {path.shown}"
    if config.layer is not None:
        raise AlignsarError(f"{where}: a GeoParquet file has no layers: leave layer out")
    parts = [_described(part, config, f"{key}: {part}") for part in _parts(path.path)]
    first = parts[0]
    for part in parts[1:]:
        for what in ("geometry", "covering", "crs", "fields"):
            if getattr(part, what) != getattr(first, what):
                raise AlignsarError(
                    f"{where}: {part.files[0]} differs from {first.files[0]} in its {what}: name one file"
                )
    boxes = np.array([part.bounds or [np.nan] * 4 for part in parts])
    kinds = {part.geometry_type for part in parts}
    return replace(
        first,
        name=path.shown,
        files=tuple(part.files[0] for part in parts),
        geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
        bounds=None
        if np.isnan(boxes).any()
        else box_of([*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]),
        features=sum(part.features or 0 for part in parts),
    )


def _described(file: Path, config: VectorLayerConfig, where: str) -> ParquetSource:
    refuse_web_page(file, where)
    try:
        with pq.ParquetFile(file) as opened:
            schema, rows = opened.schema_arrow, opened.metadata.num_rows
        about = load_json((schema.metadata or {}).get(b"geo", b"{}"))
        columns = {
            str(name): column for name, column in about.get("columns", {}).items() if name in schema.names
        }
        name = str(config.geometry or about.get("primary_column"))
        if name not in columns:
            there = f"there are {listed(list(columns))}" if columns else "it is Parquet without geometry"
            raise AlignsarError(f"{where}: has no geometry {name!r}; {there}")
        column = columns[name]
        encoding, box = column.get("encoding", "WKB"), column.get("bbox")
        # single and multiple shapes alike
        kinds = {kind.removesuffix(" Z").removeprefix("Multi") for kind in column.get("geometry_types", [])}
        covering = column.get("covering", {}).get("bbox", {})
        bounds = box_of([*box[:2], *box[len(box) // 2 :][:2]]) if box else None
    except (*UNREADABLE, AttributeError, TypeError) as error:
        raise AlignsarError(f"{where}: cannot be read as GeoParquet ({error})") from None
    if encoding != "WKB":
        raise AlignsarError(
            f"{where}: its geometry is encoded as {encoding!r}, and WKB is read: write it so (in Python, "
            "geopandas.read_parquet(IN).to_parquet(OUT))"
        )
    return ParquetSource(
        name=str(file),
        files=(file,),
        fields={str(item.name): _kind(item.type) for item in schema if item.name not in columns},
        geometry=name,
        geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
        crs=stated_system(column.get("crs", "OGC:CRS84"), where),  # longitude and latitude if unstated
        bounds=bounds,
        features=rows,
        condition=config.where or None,
        covering=covering,
    )


def _kind(kind: Any) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return NUMBER
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return TEXT if texts or pa.types.is_boolean(kind) or pa.types.is_temporal(kind) else OTHER
