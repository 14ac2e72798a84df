"""Read layers of vectors in GeoParquet files."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import ProjError

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.texts import load_json, system_of
from alignsar_gpu.opening.web_pages import refuse_web_page
from alignsar_gpu.radarcoding.vectors.formats.paths import listed
from alignsar_gpu.radarcoding.vectors.formats.sources import (
    NUMBER,
    OTHER,
    TEXT,
    FeatureBatch,
    at_a_time,
    box_of,
    decoded,
    mentioned,
    quietly,
    with_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.paths import VectorPath
    from alignsar_gpu.radarcoding.vectors.formats.sources import Shapes

ENDINGS = {".parquet", ".geoparquet", ".pq"}
CORNERS = ("xmin", "ymin", "xmax", "ymax")
UNREADABLE = (pa.ArrowException, OSError, ValueError)


@dataclass(frozen=True, kw_only=True, eq=False)
class ParquetSource:
    """A GeoParquet file, or a folder of them; see `sources.LayerSource`.

    Attributes
    ----------
    geometry : column of the shapes, and ``encoding`` how they are written.
    covering : column of each side of a feature's bounds, as a path in the schema; empty where there are none.
    condition : on features, SQL.
    """

    name: str
    files: tuple[Path, ...]
    fields: Mapping[str, str]
    geometry: str
    encoding: str
    geometry_type: str
    crs: CRS | None
    bounds: Box | None
    features: int | None
    covering: Mapping[str, str]
    condition: str | None

    def head(self, count: int) -> FeatureBatch:
        """See `LayerSource`. Raises AlignsarError for a condition that is not understood."""
        shapes: list[Any] = []
        for batch in self.batches([], None):
            shapes += list(batch.shapes[: count - len(shapes)])
            if len(shapes) >= count:
                break
        return FeatureBatch(shapes=np.array([*shapes, None], dtype=object)[:-1], columns={})

    def batches(self, columns: Sequence[str], box: Box | None) -> Iterator[FeatureBatch]:
        """See `LayerSource`."""
        for rows in self._rows([self.geometry, *columns], box):
            yield FeatureBatch(
                shapes=self._shapes(rows.column(self.geometry)),
                columns={name: rows.column(name) for name in columns},
            )

    def values(self, column: str) -> Iterator[Any]:
        """See `LayerSource`."""
        for rows in self._rows([column], None):
            yield rows.column(column)

    def _rows(self, columns: Sequence[str], box: Box | None) -> Iterator[Any]:
        asked = mentioned(self.fields, self.condition)
        try:
            for file in self.files:
                with pq.ParquetFile(file) as opened:
                    about = opened.metadata
                    groups = self._groups(about, box)
                    size = sum(about.row_group(number).total_byte_size for number in groups)
                    count = sum(about.row_group(number).num_rows for number in groups)
                    for rows in opened.iter_batches(
                        batch_size=at_a_time(count, size),
                        row_groups=groups,
                        columns=list(dict.fromkeys([*columns, *asked])),
                    ):
                        meant = rows if self.condition is None else rows.take(self._meant(rows.select(asked)))
                        if meant.num_rows:
                            yield meant
        except UNREADABLE as error:
            raise AlignsarError(
                f"{self.name}: cannot be read ({error}); check the file, or fetch it anew"
            ) from None

    def _groups(self, about: Any, box: Box | None) -> list[int]:
        """List the row groups that may have features in the box, by the bounds in their statistics."""
        if box is None or not self.covering:
            return list(range(about.num_row_groups))
        place = {about.schema.column(i).path: i for i in range(len(about.schema))}
        kept = []
        for number in range(about.num_row_groups):
            group, sides = about.row_group(number), {}
            for corner, path in self.covering.items():
                statistics = group.column(place[path]).statistics if path in place else None
                if statistics is not None and statistics.has_min_max:
                    sides[corner] = statistics.min if corner.endswith("min") else statistics.max
            outside = len(sides) == len(CORNERS) and (
                sides["xmin"] > box[2]
                or sides["xmax"] < box[0]
                or sides["ymin"] > box[3]
                or sides["ymax"] < box[1]
            )
            if not outside:
                kept.append(number)
        return kept

    def _meant(self, rows: Any) -> NDArray[np.int64]:
        """Return the rows that meet the condition, asking GDAL by a table in memory: SQL as elsewhere."""
        table = BytesIO()
        columns = [rows.column(name) for name in rows.schema.names]
        try:
            with quietly():
                pyogrio.raw.write(
                    table,
                    geometry=None,
                    field_data=[np.arange(rows.num_rows), *(_plain(column) for column in columns)],
                    field_mask=[None, *(np.asarray(column.is_null()) for column in columns)],
                    fields=["alignsar_row", *rows.schema.names],
                    layer="rows",
                    driver="GPKG",
                    FID="alignsar_fid",
                )
                result = pyogrio.raw.read(
                    table.getvalue(), columns=["alignsar_row"], read_geometry=False, where=self.condition
                )
        except (DataSourceError, DataLayerError, ValueError) as error:
            raise AlignsarError(
                f"{self.name}: where={self.condition!r} is not understood ({error}): write a condition of SQL on the "
                f"attributes {listed(list(self.fields))}"
            ) from None
        return np.sort(np.asarray(result[3][0], dtype=np.int64))

    def _shapes(self, column: Any) -> Shapes:
        if self.encoding == "WKB":
            return decoded(np.asarray(column.to_numpy(zero_copy_only=False), dtype=object), self.name)
        kind = pa.field(
            "geometry", column.type, metadata={"ARROW:extension:name": f"geoarrow.{self.encoding}"}
        )
        frame = geopandas.GeoDataFrame.from_arrow(pa.Table.from_arrays([column], schema=pa.schema([kind])))
        return with_numbers(np.asarray(frame.geometry, dtype=object), self.name)


def _plain(column: Any) -> NDArray[Any]:
    """Convert an Arrow column to what GDAL takes; where it is null, to any value."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.fill_null(0))
    if pa.types.is_boolean(column.type):
        return np.asarray(column.fill_null(False))  # noqa: FBT003  (an Arrow scalar)
    return np.asarray(column.cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False), dtype=object)


def is_parquet(path: VectorPath) -> bool:
    """Return whether a path is of a Parquet file, or of a folder of such files."""
    return path.path is not None and not path.member and bool(_parts(path.path))


def _parts(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() in ENDINGS else []
    listed = without_clutter(path.rglob("*"))
    return sorted(file for file in listed if file.suffix.lower() in ENDINGS and file.is_file())


def open_parquet(path: VectorPath, config: VectorLayerConfig, key: str) -> ParquetSource:
    """Open a GeoParquet file, or all in a folder. Raises AlignsarError for files without geometry."""
    assert path.path is not None
    where = f"{key}: {path.shown}"
    if config.layer is not None:
        raise AlignsarError(f"{where}: a GeoParquet file has no layers: leave layer out")
    for file in _parts(path.path):
        refuse_web_page(file, f"{key}: {file}")
    parts = [_described(part, config, f"{key}: {part}") for part in _parts(path.path)]
    first = parts[0]
    for part in parts[1:]:
        for what in ("geometry", "encoding", "crs", "fields"):
            if getattr(part, what) != getattr(first, what):
                raise AlignsarError(
                    f"{where}: {part.files[0].name} differs from {first.files[0].name} in its {what}: name one file"
                )
    boxes = np.array([part.bounds for part in parts if part.bounds is not None])
    whole = len(boxes) == len(parts)
    kinds = {part.geometry_type for part in parts}
    return ParquetSource(
        name=path.shown,
        files=tuple(part.files[0] for part in parts),
        fields=first.fields,
        geometry=first.geometry,
        encoding=first.encoding,
        geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
        crs=first.crs,
        bounds=box_of([*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]) if whole else None,
        features=sum(part.features or 0 for part in parts),
        covering=first.covering if all(part.covering == first.covering for part in parts) else {},
        condition=config.where or None,
    )


def _described(file: Path, config: VectorLayerConfig, where: str) -> ParquetSource:
    try:
        with pq.ParquetFile(file) as opened:
            schema, rows = opened.schema_arrow, opened.metadata.num_rows
        about = load_json((schema.metadata or {}).get(b"geo", b"{}"))
        columns = {
            str(name): column for name, column in about.get("columns", {}).items() if name in schema.names
        }
        name = config.geometry or about.get("primary_column")
    except (*UNREADABLE, AttributeError) as error:
        raise AlignsarError(f"{where}: cannot be read as GeoParquet ({error})") from None
    if name not in columns:
        fault = (
            f"has no geometry {name!r}; there are {listed(list(columns))}"
            if columns
            else "is Parquet without geometry"
        )
        raise AlignsarError(f"{where}: {fault}")
    column = columns[name]
    box = column.get("bbox")
    sides = column.get("covering", {}).get("bbox", {})
    return ParquetSource(
        name=str(file),
        files=(file,),
        fields={str(item.name): _kind(item.type) for item in schema if item.name not in columns},
        geometry=str(name),
        encoding=str(column.get("encoding", "WKB")),
        geometry_type=_type(column.get("geometry_types", [])),
        crs=_crs(column, where),
        bounds=box_of([*box[:2], *box[len(box) // 2 :][:2]]) if box else None,
        features=rows,
        covering={corner: ".".join(sides[corner]) for corner in CORNERS}
        if set(CORNERS) <= set(sides)
        else {},
        condition=config.where or None,
    )


def _kind(kind: Any) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return NUMBER
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return TEXT if texts or pa.types.is_boolean(kind) or pa.types.is_temporal(kind) else OTHER


def _type(kinds: Sequence[str]) -> str:
    """Return the one kind of geometry among those stated (single and multiple alike), or "Unknown"."""
    plain = {kind.removesuffix(" Z").removeprefix("Multi") for kind in kinds}
    return plain.pop() if len(plain) == 1 else "Unknown"


def _crs(column: Mapping[str, Any], where: str) -> CRS | None:
    """Return the system as GeoParquet defines it: longitude and latitude if unstated, unknown if null."""
    try:
        stated = column.get("crs", "OGC:CRS84")
        return None if stated is None else system_of(stated)
    except ProjError as error:
        raise AlignsarError(f"{where}: its coordinate reference system cannot be used ({error})") from None
