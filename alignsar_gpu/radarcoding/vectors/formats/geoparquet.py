"""Read layers of vectors in GeoParquet files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute, dataset

from alignsar_gpu.errors import AlignsarError
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

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.paths import VectorPath
    from alignsar_gpu.radarcoding.vectors.formats.sources import Rows

SIDES = ("xmin", "ymin", "xmax", "ymax")
ENDINGS = {".parquet", ".geoparquet", ".pq"}
UNREADABLE = (pa.ArrowException, OSError, ValueError)
sqlite3.register_adapter(Decimal, float)  # for conditions on such columns


@dataclass(frozen=True, kw_only=True, eq=False)
class ParquetSource(LayerSource):
    """A GeoParquet file.

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
            (file,) = self.files
            with pq.ParquetFile(file) as opened:
                about = opened.metadata
                size = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
                for batch in opened.iter_batches(
                    batch_size=min(most or about.num_rows, at_a_time(about.num_rows, size)) or 1,
                    row_groups=self.groups(file, box),
                    columns=names,
                ):
                    rows = batch if self.condition is None else batch.take(self._meant(batch.select(asked)))
                    wkb = rows.column(self.geometry).to_numpy(zero_copy_only=False) if shapes else None
                    yield wkb, {name: rows.column(name) for name in columns}
        except (*UNREADABLE, sqlite3.Error, OverflowError) as error:
            raise self.unreadable(error) from None

    def groups(self, file: Any, box: Box | None) -> list[int] | None:
        """List the row groups of a file that may have features in the box, by their statistics; None for all."""
        if box is None or not self.covering:
            return None
        west, south, east, north = (compute.field(*self.covering[side]) for side in SIDES)
        meets = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
        (fragment,) = dataset.dataset(file).get_fragments()
        return [group.id for group in fragment.subset(meets).row_groups]

    def _meant(self, rows: pa.RecordBatch) -> NDArray[np.int64]:
        """Return the rows that meet the condition, by SQLite as in a GeoPackage."""
        with closing(sqlite3.connect(":memory:")) as database:
            rows.to_pandas().to_sql("features", database, index_label="alignsar_row")
            query = f"SELECT alignsar_row FROM features WHERE {self.condition} ORDER BY alignsar_row"  # noqa: S608
            return np.array([number for (number,) in database.execute(query)], dtype=np.int64)


def open_parquet(path: VectorPath, config: VectorLayerConfig, key: str) -> ParquetSource:
    """Open a GeoParquet file. Raises AlignsarError for files without geometry."""
    where, file = f"{key}: {path.shown}", path.path
    if config.layer is not None:
        raise AlignsarError(f"{where}: a GeoParquet file has no layers: leave layer out")
    assert file is not None
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
        sides = column.get("covering", {}).get("bbox", {})
        covering = {side: [str(part) for part in sides[side]] for side in SIDES} if sides else {}
        bounds = box_of([*box[:2], *box[len(box) // 2 :][:2]]) if box else None
    except (*UNREADABLE, AttributeError, LookupError, TypeError) as error:
        raise AlignsarError(f"{where}: cannot be read as GeoParquet ({error!r})") from None
    if encoding != "WKB":
        raise AlignsarError(
            f"{where}: its geometry is encoded as {encoding!r}, and WKB is read: write it so (in Python, "
            "geopandas.read_parquet(IN).to_parquet(OUT))"
        )
    return ParquetSource(
        name=path.shown,
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
