"""Read tables of points: CSV and Parquet with columns of coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.points.sources import AT_A_TIME, Coordinates, PointSource, column
from alignsar_gpu.radarcoding.vectors.checks import numbers
from alignsar_gpu.radarcoding.vectors.values.numbers import Numbers, find_numbers

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pyproj import CRS

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.points.config import PointLayerConfig

TEXT = (".csv", ".tsv", ".txt")
PARQUET = (".parquet", ".geoparquet", ".pq")
BLOCK = 1 << 25  # bytes of text read together
SEPARATORS = ",;\t|"
DEGREES = (("longitude", "latitude"), ("lon", "lat"), ("long", "lat"), ("lng", "lat"))
METRES = (("x", "y"), ("easting", "northing"))
HEIGHTS = ("height", "elevation", "z", "altitude", "elev")


@dataclass(frozen=True, kw_only=True)
class Tables(PointSource):
    """Tables of points with the same columns, open.

    Attributes
    ----------
    columns : those of x, y, z and value, "" for none.
    legend : of values that are not written as numbers in the file.
    """

    columns: tuple[str, str, str, str]
    legend: Numbers | None = None

    def read(self, windows: Sequence[Box], counts: Counter[str]) -> Iterator[Coordinates]:  # noqa: ARG002
        """Read all rows: a table has no spatial index."""
        for path in self.files:
            try:
                texts = {self.columns[3]} if self.legend else set()
                for batch in _batches(path, sorted({*self.columns} - {""}), texts):  # type: ignore[arg-type]  # no URL
                    if batch.num_rows:
                        x, y, z, value = (
                            numbers(batch.column(name)) if name and name not in texts else None
                            for name in self.columns
                        )
                        assert x is not None
                        assert y is not None
                        if self.legend is not None:
                            value = self.legend.values(batch.column(self.legend.attribute))
                        yield Coordinates(x, y, z, value)
            except (pa.ArrowException, OSError, KeyError, ValueError) as error:
                raise AlignsarError(
                    f"{self.where}: {path} cannot be read ({error}): correct the file, or name columns of "
                    "numbers with keys x, y, z and value"
                ) from None

    @property
    def name(self) -> str:
        """For messages, see `LayerSource`."""
        return str(self.files[0])

    def values(self, column: str) -> Iterator[pa.Array]:
        """Read a column as it is, of a text file as text; see `LayerSource`."""
        for path in self.files:
            for batch in _batches(path, [column], {column}):  # type: ignore[arg-type]  # no URL
                yield batch.column(column)


def _batches(path: Path, names: list[str], texts: set[str]) -> Iterator[pa.RecordBatch]:
    if path.suffix.lower() in TEXT:
        types = {name: pa.string() if name in texts else pa.float64() for name in names}
        convert = csv.ConvertOptions(include_columns=names, column_types=types)
        with csv.open_csv(path, csv.ReadOptions(block_size=BLOCK), _separated(path), convert) as reader:
            yield from reader
    else:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=AT_A_TIME, columns=names)


def _separated(path: Path) -> csv.ParseOptions:
    """Find the separator of the columns: whichever is most frequent in the first line."""
    with path.open(encoding="utf-8-sig", errors="replace") as text:
        header = text.readline()
    return csv.ParseOptions(delimiter=max(SEPARATORS, key=header.count))


def is_geoparquet(path: Path) -> bool:
    """Return whether a Parquet file has metadata on shapes."""
    try:
        return b"geo" in (pq.read_schema(path).metadata or {})
    except (pa.ArrowException, OSError):
        return False


def open_tables(files: Sequence[Path], config: PointLayerConfig, crs: CRS | None, where: str) -> Tables:
    """Open tables; ``crs`` is the system that the configuration gives.

    Raises AlignsarError for a table without the columns (listing what there is) or without rows.
    """
    columns = [_columns(path, config, crs, f"{where} ({path.name})") for path in files]
    for path, found in zip(files, columns, strict=True):
        if found != columns[0]:
            raise AlignsarError(
                f"{where}: {path.name} has other columns than {files[0].name}: name tables of one kind"
            )
    tables = Tables(
        where=where,
        files=tuple(files),
        crs=None,
        bounds=None,
        has_height=bool(columns[0][2]),
        columns=columns[0],
    )
    value = columns[0][3]
    if not value or all(_has_numbers(path, value) for path in files):
        return tables
    legend = find_numbers(tables, value, f"{where}: value")
    return replace(tables, legend=legend, units=legend.units)


def _has_numbers(path: Path, name: str) -> bool:
    """Return whether a column holds numbers, of a text file as far as its first rows tell."""
    if path.suffix.lower() in TEXT:
        with csv.open_csv(path, parse_options=_separated(path)) as reader:
            kind = reader.schema.field(name).type
    else:
        kind = pq.read_schema(path).field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind))


def _columns(path: Path, config: PointLayerConfig, crs: CRS | None, where: str) -> tuple[str, str, str, str]:
    """Find the columns of coordinates in a table: those named, or else those whose names say so."""
    try:
        if path.suffix.lower() in TEXT:
            with csv.open_csv(path, parse_options=_separated(path)) as reader:
                names, rows = reader.schema.names, next(iter(reader), pa.table({})).num_rows
        else:
            with pq.ParquetFile(path) as file:
                names, rows = file.schema_arrow.names, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise AlignsarError(
            f"{where}: cannot be read as a table ({error}): correct or copy it again"
        ) from None
    if not rows:
        raise AlignsarError(f"{where}: has no rows; name a table that has, or leave this layer out")
    if (config.x is None) != (config.y is None):
        raise AlignsarError(f"{where}: name both columns, x and y, or neither")
    plain = {name.strip().lower(): name for name in names}
    pairs = METRES if crs is not None and crs.is_projected else (*DEGREES, *METRES)
    x, y = next(((plain[a], plain[b]) for a, b in pairs if {a, b} <= {*plain}), (None, None))
    if config.x is None and x is None:
        looked = ", ".join(f"{a} and {b}" for a, b in pairs)
        raise AlignsarError(
            f"{where}: no columns of coordinates were recognised (looked for {looked}); name them with "
            f"keys x and y; its columns are {', '.join(names) or 'none'}"
        )
    z = config.z or next((plain[name] for name in HEIGHTS if name in plain), None)
    wanted = {"x": config.x or x, "y": config.y or y, "z": z, "value": config.value}
    east, north, height, value = (column(names, name, key, where) for key, name in wanted.items())
    return east, north, height, value
