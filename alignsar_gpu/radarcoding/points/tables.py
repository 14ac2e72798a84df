"""Read tables of points: CSV, and Parquet with columns of coordinates or with a geometry (GeoParquet)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv
from pyproj.exceptions import ProjError

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.texts import load_json, system_of
from alignsar_gpu.radarcoding.points.features import from_wkb, kind_of
from alignsar_gpu.radarcoding.points.sources import (
    AT_A_TIME,
    Columns,
    Coordinates,
    column,
    coordinate_columns,
)

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.points.config import PointLayerConfig

TEXT = (".csv", ".tsv", ".txt")
PARQUET = (".parquet", ".geoparquet", ".pq")
SUFFIXES = (*TEXT, *PARQUET)
BLOCK = 1 << 25  # bytes of text read together
SEPARATORS = ",;\t|"


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Tables of points with the same columns, open.

    ``geometry`` is the column of a GeoParquet file's geometry, "" where columns hold the coordinates.
    """

    where: str
    files: tuple[Path, ...]
    crs: CRS | None
    columns: Columns
    has_height: bool
    geometry: str = ""
    bounds: Box | None = None

    def read(self, windows: Sequence[Box], counts: Counter[str]) -> Iterator[Coordinates]:  # noqa: ARG002  (a table has no index)
        """Read all rows: a table has no spatial index."""
        for path in self.files:
            batches = _csv(path, self.columns) if path.suffix.lower() in TEXT else self._parquet(path)
            try:
                for batch in batches:
                    if batch.num_rows:
                        yield self._coordinates(batch, counts)
            except (pa.ArrowException, OSError, KeyError, ValueError) as error:
                raise AlignsarError(
                    f"{self.where}: {path.name} cannot be read ({error}): correct the file, or name columns of "
                    "numbers with keys x, y, z and value"
                ) from None

    def _parquet(self, path: Path) -> Iterator[pa.RecordBatch]:
        names = [*self.columns.names, *([self.geometry] if self.geometry else [])]
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=AT_A_TIME, columns=names)

    def _coordinates(self, batch: pa.RecordBatch, counts: Counter[str]) -> Coordinates:
        def numbers(name: str) -> NDArray[np.float64] | None:
            if not name:
                return None
            values = batch.column(name).cast(pa.float64(), safe=False)
            return np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)

        z, value = numbers(self.columns.z), numbers(self.columns.value)
        if self.geometry:
            return from_wkb(batch.column(self.geometry), z, value, counts, self.where)
        x, y = numbers(self.columns.x), numbers(self.columns.y)
        assert x is not None
        assert y is not None
        return Coordinates(x, y, z, value, None)


def _csv(path: Path, columns: Columns) -> Iterator[pa.RecordBatch]:
    types = dict.fromkeys(columns.names, pa.float64())
    convert = csv.ConvertOptions(include_columns=columns.names, column_types=types)
    with csv.open_csv(
        path, csv.ReadOptions(block_size=BLOCK), csv.ParseOptions(delimiter=_separator(path)), convert
    ) as reader:
        yield from reader


def _separator(path: Path) -> str:
    """Find the separator of the columns: whichever is most frequent in the first line."""
    with path.open(encoding="utf-8-sig", errors="replace") as text:
        header = text.readline()
    return max(SEPARATORS, key=header.count)


def open_tables(files: Sequence[Path], config: PointLayerConfig, crs: CRS | None, where: str) -> Tables:
    """Open tables; ``crs`` is the system that the configuration gives.

    Raises AlignsarError for a table without the columns (listing what there is) or without rows.
    """
    tables = [_one(path, config, crs, where) for path in files]
    first = tables[0]
    for table in tables[1:]:
        if (table.columns, table.geometry, table.crs) != (first.columns, first.geometry, first.crs):
            raise AlignsarError(
                f"{where}: {table.files[0].name} has other columns or another coordinate reference system than "
                f"{first.files[0].name}: name tables of one kind"
            )
    return Tables(
        where=where,
        files=tuple(files),
        crs=first.crs,
        columns=first.columns,
        has_height=first.has_height,
        geometry=first.geometry,
    )


def _one(path: Path, config: PointLayerConfig, crs: CRS | None, where: str) -> Tables:
    label = f"{where} ({path.name})"
    geo: dict[str, Any] = {}
    try:
        if path.suffix.lower() in TEXT:
            with csv.open_csv(path, parse_options=csv.ParseOptions(delimiter=_separator(path))) as reader:
                names, rows = reader.schema.names, sum(1 for _ in [reader.read_next_batch()])
        else:
            with pq.ParquetFile(path) as file:
                names, rows = file.schema_arrow.names, file.metadata.num_rows
                geo = load_json((file.schema_arrow.metadata or {}).get(b"geo", b"{}"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise AlignsarError(
            f"{label}: cannot be read as a table ({error}): correct or copy it again"
        ) from None
    except StopIteration:
        names, rows = reader.schema.names, 0
    if not rows:
        raise AlignsarError(f"{label}: has no rows; name a table that has, or leave this layer out")
    value = column(names, config.value, "value", label)
    if geo and config.x is None:
        columns = Columns(x="", y="", z=column(names, config.z, "z", label), value=value)
        return _with_geometry(path, geo, columns, label)
    degrees = None if crs is None else not crs.is_projected
    x, y, z = coordinate_columns(names, config.x, config.y, config.z, label, degrees=degrees)
    columns = Columns(x=x, y=y, z=z, value=value)
    return Tables(where=where, files=(path,), crs=None, columns=columns, has_height=bool(z))


def _with_geometry(path: Path, geo: dict[str, Any], columns: Columns, label: str) -> Tables:
    """Open a GeoParquet file by its metadata on the geometry (GeoParquet 1.1)."""
    try:
        name = geo["primary_column"]
        geometry = geo["columns"][name]
        encoding, kinds = geometry["encoding"], geometry.get("geometry_types", [])
        stated = geometry.get("crs", "OGC:CRS84")
        crs = None if stated is None else system_of(stated)
    except (KeyError, TypeError, ProjError) as error:
        raise AlignsarError(
            f"{label}: its GeoParquet metadata are not understood ({error!r}): write the file again"
        ) from None
    if encoding.upper() != "WKB":
        raise AlignsarError(
            f"{label}: its geometry is encoded as {encoding!r}, and WKB is read: write it so (GeoPandas does)"
        )
    has_height = any(kind_of(kind, label) for kind in kinds) or bool(columns.z)
    return Tables(where=label, files=(path,), crs=crs, columns=columns, has_height=has_height, geometry=name)
