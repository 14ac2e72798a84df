"""Read layers of vectors by GDAL."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyogrio.raw import read
from pyproj import CRS
from pyproj.exceptions import ProjError

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.texts import system_of
from alignsar_gpu.opening.vectors import NOT_UTF8, reading_vectors
from alignsar_gpu.radarcoding.vectors.formats.gml import NUMBERS, choose_geometry, epsg_code, survey, template
from alignsar_gpu.radarcoding.vectors.formats.paths import listed, members_of
from alignsar_gpu.radarcoding.vectors.formats.sources import (
    AT_A_TIME,
    NUMBER,
    OTHER,
    TEXT,
    FeatureBatch,
    at_a_time,
    box_of,
    decoded,
    mentioned,
    quietly,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.paths import VectorPath

UNREADABLE = (DataSourceError, DataLayerError, ValueError, pa.ArrowException, OSError)
# Formats whose features come in a stream, which says where it stops at a fault, and can be fetched by number at
# once. Of others many are read at a time, for each time all that comes before is read again.
STREAMED = {"ESRI Shapefile", "FlatGeobuf", "GPKG", "MapInfo File", "OpenFileGDB", "SQLite"}
IN_A_ROW = 4 * AT_A_TIME
POINTS_LINES_AREAS = {
    *range(1, 7),
    *range(1001, 1007),
}  # of the types of well-known binary; above 1000 with heights
NO_GFS = {"WRITE_GFS": "NO"}  # GDAL would leave a file beside the user's


@dataclass(frozen=True, kw_only=True, eq=False)
class OgrSource:
    """A layer of a vector file that GDAL reads; see `sources.LayerSource`.

    Attributes
    ----------
    dataset, layer : for GDAL.
    driver : GDAL's name of the format.
    condition : on features, OGR SQL.
    gfs : for GML, which elements are read.
    """

    name: str
    dataset: str
    layer: str
    driver: str
    fields: Mapping[str, str]
    geometry_type: str
    crs: CRS | None
    bounds: Box | None
    features: int | None
    files: tuple[Path | str, ...]
    condition: str | None
    gfs: str = field(default="", repr=False)

    def _ask(self, ask: Callable[..., Any], **options: Any) -> Any:
        """Call a function of pyogrio, its errors as AlignsarError."""
        if self.driver == "GML":
            options |= NO_GFS
        try:
            with quietly(), reading_vectors(self.dataset, self.name, self.layer), ExitStack() as stack:
                if self.gfs:
                    folder = stack.enter_context(tempfile.TemporaryDirectory())
                    path = Path(folder) / "template.gfs"
                    path.write_text(self.gfs, encoding="utf-8")
                    options["GFS_TEMPLATE"] = str(path)
                return ask(self.dataset, layer=self.layer, **options)
        except UNREADABLE as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> AlignsarError:
        if isinstance(error, UnicodeDecodeError) or "UTF8" in str(error):
            return AlignsarError(f"{self.name}: {NOT_UTF8}")
        return AlignsarError(
            f"{self.name}: cannot be read ({error}); check the file (ogrinfo -al -so), or fetch it anew"
        )

    def describe(self) -> Mapping[str, Any]:
        """Return pyogrio's description of the layer."""
        info: Mapping[str, Any] = self._ask(
            pyogrio.read_info, force_total_bounds=True, force_feature_count=True
        )
        return info

    def head(self, count: int) -> FeatureBatch:
        """See `LayerSource`. Raises AlignsarError for a condition that GDAL does not understand."""
        try:
            return self._batch([], where=self.condition, max_features=count)
        except AlignsarError as error:
            if not self.condition:
                raise
            self._batch([], max_features=count)  # another fault than the condition's
            raise AlignsarError(
                f"{self.name}: where={self.condition!r} is not understood ({error.__cause__ or error}): write a "
                f"condition of OGR SQL on the attributes {listed(list(self.fields))}"
            ) from None

    def batches(self, columns: Sequence[str], box: Box | None) -> Iterator[FeatureBatch]:
        """See `LayerSource`."""
        if self.driver not in STREAMED:
            done, count = 0, IN_A_ROW
            while count == IN_A_ROW:
                chosen = {"bbox": box, "skip_features": done, "max_features": IN_A_ROW}
                batch = self._batch(columns, where=self.condition, **chosen)
                count = len(batch.shapes)
                done += count
                yield batch
            return
        for shapes, rows in self._streamed(columns, bbox=box, return_fids=True):
            wkb = rows.column(shapes or "wkb_geometry").to_numpy(zero_copy_only=False)
            if _plain(wkb):
                yield FeatureBatch(
                    shapes=decoded(wkb, self.name), columns={name: rows.column(name) for name in columns}
                )
            else:  # curves come as lines where features are read by number
                yield self._batch(columns, fids=rows.column(0).to_numpy())

    def _streamed(self, columns: Sequence[str], **options: Any) -> Iterator[tuple[str, Any]]:
        """Read Arrow batches by pyogrio's stream, each with the name of the column of shapes."""
        try:
            with reading_vectors(self.dataset, self.name, self.layer), ExitStack() as stack:
                with quietly():
                    about, batches = stack.enter_context(
                        pyogrio.open_arrow(
                            self.dataset,
                            layer=self.layer,
                            columns=self._with_asked(columns),
                            where=self.condition,
                            batch_size=self._at_a_time,
                            use_pyarrow=True,
                            **options,
                        )
                    )
                for rows in batches:
                    rows.validate(full=True)  # of texts that are not what they are said to be
                    yield str(about["geometry_name"] or ""), rows
        except UNREADABLE as error:
            raise self._unreadable(error) from error

    @property
    def _at_a_time(self) -> int:
        """Number of features of a batch."""
        return at_a_time(
            self.features or AT_A_TIME,
            sum(file.stat().st_size for file in self.files if isinstance(file, Path)),
        )

    def _read(self, columns: Sequence[str], **options: Any) -> Any:
        """Read by pyogrio: description of the layer, numbers of features, shapes, attributes."""
        return self._ask(read, columns=self._with_asked(columns), **options)

    def _with_asked(self, columns: Sequence[str]) -> list[str]:
        """Add the columns of the condition, which some formats take for empty where they are not read."""
        return list(dict.fromkeys([*columns, *mentioned(self.fields, self.condition)]))

    def _batch(self, columns: Sequence[str], **options: Any) -> FeatureBatch:
        about, _, shapes, values = self._read(columns, **options)
        return FeatureBatch(
            shapes=decoded(shapes, self.name),
            columns={
                str(name): pa.array(column, from_pandas=True)
                for name, column in zip(about["fields"], values, strict=True)
                if name in columns
            },
        )

    def check_last(self) -> None:
        """Check that the last feature can be read by its number; raise AlignsarError otherwise."""
        self._batch([], fids=[(self.features or 1) - 1])

    def values(self, column: str) -> Iterator[Any]:
        """See `LayerSource`."""
        if self.driver in STREAMED:
            for _, rows in self._streamed([column], read_geometry=False):
                yield rows.column(column)
        else:
            about, _, _, values = self._read([column], read_geometry=False, where=self.condition)
            yield pa.array(values[list(about["fields"]).index(column)], from_pandas=True)


def _plain(wkb: Sequence[bytes | None]) -> bool:
    """Return whether all shapes are points, lines and areas, single or multiple, without curves and measures."""
    heads = {shape[:5] for shape in wkb if shape is not None and len(shape) >= 5}
    kinds = {int.from_bytes(shape[1:], "little" if shape[0] else "big") for shape in heads}
    return {kind & 0x7FFFFFFF for kind in kinds} <= POINTS_LINES_AREAS  # the highest bit: heights, of old


def open_ogr(path: VectorPath, config: VectorLayerConfig, key: str) -> OgrSource:
    """Open a layer by GDAL. Raises AlignsarError, beginning with ``key``, where it is not clear which layer."""
    gml = path.ending in {".gml", ".xml"} and not path.has_beside(".xsd")
    listing = f"/vsisubfile/0,{path.dataset}" if gml else path.dataset  # where GDAL cannot write a GFS file
    try:
        with quietly(), reading_vectors(listing, f"{key}: {path.shown}"):
            layers = {str(name): kind for name, kind in pyogrio.list_layers(listing)}
    except UNREADABLE as error:
        members = members_of(path)
        more = f"; name one of its members ({path.shown}!MEMBER): {listed(members)}" if members else ""
        raise AlignsarError(f"{key}: {path.shown}: cannot be read as a vector file ({error}){more}") from None
    layer = _chosen(layers, config.layer, f"{key}: {path.shown}")
    source = OgrSource(
        name=f"{path.shown}, layer {layer}" if len(layers) > 1 else path.shown,
        dataset=listing,
        layer=layer,
        driver="GML" if gml else "",
        fields={},
        geometry_type="",
        crs=None,
        bounds=None,
        features=None,
        files=path.files,
        condition=config.where or None,
    )
    info = source.describe()
    source = _described(source, info)
    if source.driver == "GML":
        source = _with_template(source, info, path, config, key)
    if config.geometry is not None and not source.gfs:
        raise AlignsarError(
            f"{key}: {source.name}: its features have one geometry each; leave the key geometry out"
        )
    _check_whole(source, path)
    return source


def _chosen(layers: Mapping[str, Any], asked: str | None, where: str) -> str:
    shapes = [name for name, kind in layers.items() if kind is not None]
    if asked is not None:
        if asked not in layers:
            raise AlignsarError(f"{where}: has no layer {asked!r}; there are {listed(list(layers))}")
        if asked not in shapes:
            raise AlignsarError(
                f"{where}: layer {asked!r} has no geometry; those that have are {listed(shapes)}"
            )
        return asked
    if not shapes:
        raise AlignsarError(f"{where}: has no layer with geometry; its layers are {listed(list(layers))}")
    if len(shapes) > 1:
        raise AlignsarError(f"{where}: has {len(shapes)} layers: name one (key layer): {listed(shapes)}")
    return shapes[0]


def _described(source: OgrSource, info: Mapping[str, Any]) -> OgrSource:
    try:
        crs = system_of(info["crs"]) if info["crs"] else None
    except ProjError as error:
        raise AlignsarError(
            f"{source.name}: its coordinate reference system cannot be used ({error}): correct it in the file "
            "(ogr2ogr -a_srs)"
        ) from None
    bounds = info["total_bounds"]
    return replace(
        source,
        driver=str(info["driver"]),
        fields={
            str(name): _kind(str(dtype)) for name, dtype in zip(info["fields"], info["dtypes"], strict=True)
        },
        geometry_type=str(info["geometry_type"]),
        crs=crs,
        bounds=None if bounds is None else box_of(bounds),
        features=int(info["features"]) if info["features"] >= 0 else None,
    )


def _kind(dtype: str) -> str:
    if dtype.startswith(("int", "float")):
        return NUMBER
    return TEXT if dtype.startswith(("object", "bool", "datetime")) else OTHER


def _with_template(
    source: OgrSource, info: Mapping[str, Any], path: VectorPath, config: VectorLayerConfig, key: str
) -> OgrSource:
    """Return GML with the geometry and attributes that its objects have; unchanged where they are simple."""
    condition = (config.where or "").casefold()
    wanted = {name for name in source.fields if name in config.columns or name.casefold() in condition} - {
        "gml_id"
    }
    with path.opened() as stream:
        if stream is None:
            return source
        surveyed = survey(stream, source.layer, wanted, f"{key}: {source.name}")
    several = len(surveyed.geometries) > 1 or config.geometry is not None
    if not surveyed.geometries or (path.has_beside(".xsd") and not several):
        return source
    geometry = choose_geometry(surveyed, config.geometry, 1 if config.width else 2, key, source.name)
    names = surveyed.names()
    numbers = {
        str(name): NUMBERS.get(str(dtype)) or NUMBERS[str(dtype).rstrip("0123456789")]
        for name, dtype in zip(info["fields"], info["dtypes"], strict=True)
        if _kind(str(dtype)) == NUMBER
    }
    gfs = template(source.layer, geometry, names, numbers)
    made = replace(source, gfs=gfs)
    made = _described(made, made.describe())
    code = epsg_code(surveyed.geometries[geometry])
    return replace(made, crs=CRS.from_epsg(code) if code else source.crs)


def _check_whole(source: OgrSource, path: VectorPath) -> None:
    """Check that a file is not cut short: GDAL before 3.11 reads what is there without a warning."""
    if source.driver == "FlatGeobuf" and source.features:
        source.check_last()
    if path.ending == ".shp" and path.path is not None and not path.member and path.path.is_file():
        with path.path.open("rb") as stream:
            stated = 2 * int.from_bytes(stream.read(28)[24:], "big")
        if path.path.stat().st_size < stated:
            raise AlignsarError(f"{source.name}: cannot be read: it is cut short; fetch it anew")
