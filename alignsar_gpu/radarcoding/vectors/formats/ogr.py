"""Read layers of vectors by GDAL."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.vectors import NOT_UTF8, reading_vectors
from alignsar_gpu.radarcoding.crs import box_of, stated_system
from alignsar_gpu.radarcoding.vectors.formats.gml import survey
from alignsar_gpu.radarcoding.vectors.formats.paths import listed
from alignsar_gpu.radarcoding.vectors.formats.sources import (
    AT_A_TIME,
    NUMBER,
    OTHER,
    TEXT,
    LayerSource,
    at_a_time,
    mentioned,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.paths import VectorPath
    from alignsar_gpu.radarcoding.vectors.formats.sources import Rows

UNREADABLE = (DataSourceError, DataLayerError, ValueError, pa.ArrowException, OSError)
# Formats whose features come in a stream, which says where it stops at a fault. Of others many are read at a time, for
# each time all that comes before is read again.
STREAMED = {"ESRI Shapefile", "FlatGeobuf", "GPKG", "MapInfo File", "OpenFileGDB", "SQLite"}
IN_A_ROW = 4 * AT_A_TIME


@dataclass(frozen=True, kw_only=True, eq=False)
class OgrSource(LayerSource):
    """A layer of a vector file that GDAL reads.

    Attributes
    ----------
    dataset, layer, driver : GDAL's names of the file, the layer and the format.
    gfs : for GML, which elements are read.
    """

    dataset: str
    layer: str
    driver: str
    gfs: str = field(default="", repr=False)

    def described(self) -> OgrSource:
        """Return the layer with what GDAL says of it."""
        about = self.ask(pyogrio.read_info, force_total_bounds=True, force_feature_count=True)
        bounds, dtypes = about["total_bounds"], map(str, about["dtypes"])
        return replace(
            self,
            fields={str(name): _kind(dtype) for name, dtype in zip(about["fields"], dtypes, strict=True)},
            geometry_type=str(about["geometry_type"]),
            crs=stated_system(about["crs"] or None, self.name),
            bounds=None if bounds is None else box_of(bounds),
            features=int(about["features"]) if about["features"] >= 0 else None,
            driver=str(about["driver"]),
        )

    def rows(
        self, columns: Sequence[str], box: Box | None, most: int | None, *, shapes: bool
    ) -> Iterator[Rows]:
        """See `LayerSource`."""
        options = {
            # with those of the condition, which some formats take for empty where they are not read
            "columns": list(dict.fromkeys([*columns, *mentioned(self.fields, self.condition)])),
            "where": self.condition,
            "bbox": box,
            "read_geometry": shapes,
        }
        read = self._streamed if self.driver in STREAMED else self._paged
        for wkb, found in read(options, most):
            yield wkb, {name: found[name] for name in columns}

    def _streamed(self, options: Mapping[str, Any], most: int | None) -> Iterator[Rows]:
        """Read Arrow batches by pyogrio's stream."""
        size = sum(file.stat().st_size for file in self.files if isinstance(file, Path))
        with self._asking(), ExitStack() as stack:
            with quietly():
                about, batches = stack.enter_context(
                    pyogrio.open_arrow(
                        self.dataset,
                        layer=self.layer,
                        batch_size=min(most or AT_A_TIME, at_a_time(self.features or AT_A_TIME, size)),
                        use_pyarrow=True,
                        **options,
                    )
                )
            geometry = about["geometry_name"] or "wkb_geometry"
            for rows in batches:
                rows.validate(full=True)  # of texts that are not what they are said to be
                found = dict(zip(rows.schema.names, rows.columns, strict=True))
                yield found.pop(geometry, pa.array([])).to_numpy(zero_copy_only=False), found

    def _paged(self, options: Mapping[str, Any], most: int | None) -> Iterator[Rows]:
        """Read many features at a time, curves as lines."""
        size = most or IN_A_ROW
        done, count = 0, size
        while count == size:
            about, _, wkb, values = self.ask(
                pyogrio.raw.read, skip_features=done, max_features=size, **options
            )
            names = [str(name) for name in about["fields"]]
            found = {
                name: pa.array(column, from_pandas=True) for name, column in zip(names, values, strict=True)
            }
            count = len(wkb) if wkb is not None else max((len(column) for column in values), default=0)
            done += count
            yield wkb, found

    def ask(self, ask: Callable[..., Any], **options: Any) -> Any:
        """Call a function of pyogrio for the layer."""
        with self._asking(), quietly(), tempfile.TemporaryDirectory() as folder:
            if self.gfs:
                template = Path(folder) / "template.gfs"
                template.write_text(self.gfs, encoding="utf-8")
                options["GFS_TEMPLATE"] = str(template)
            return ask(self.dataset, layer=self.layer, **options)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Surround calls of pyogrio: their errors become AlignsarError."""
        try:
            with reading_vectors(self.dataset, self.name, self.layer):
                yield
        except UNREADABLE as error:
            wrong_texts = isinstance(error, UnicodeDecodeError) or "UTF8" in str(error)
            raise (
                AlignsarError(f"{self.name}: {NOT_UTF8}") if wrong_texts else self.unreadable(error)
            ) from None


@contextmanager
def quietly() -> Iterator[None]:
    """Suppress GDAL's warnings on odd shapes, which are checked here, and on options a format does not have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_ogr(path: VectorPath, config: VectorLayerConfig, key: str) -> OgrSource:
    """Open a layer by GDAL. Raises AlignsarError, beginning with ``key``, where it is not clear which layer."""
    where = f"{key}: {path.shown}"
    dataset = path.dataset
    if path.ending in {".gml", ".xml"}:
        if path.path is None or dataset.lower().endswith(".gz"):
            raise AlignsarError(
                f"{where}: GML is read from the disk: fetch it, unpack it (gunzip), and name that"
            )
        if path.member or not path.path.with_suffix(".xsd").is_file():
            dataset = f"/vsisubfile/0,{dataset}"  # where GDAL cannot write a GFS file
    try:
        with quietly(), reading_vectors(dataset, where):
            layers = {str(name): kind for name, kind in pyogrio.list_layers(dataset)}
    except UNREADABLE as error:
        more = (
            f"; name one of its members ({path.shown}!MEMBER): {listed(path.members)}" if path.members else ""
        )
        raise AlignsarError(f"{where}: cannot be read as a vector file ({error}){more}") from None
    layer = _chosen(layers, config.layer, where)
    source = OgrSource(
        name=f"{path.shown}, layer {layer}" if len(layers) > 1 else path.shown,
        files=path.files,
        fields={},
        geometry_type="",
        crs=None,
        bounds=None,
        features=None,
        condition=config.where or None,
        dataset=dataset,
        layer=layer,
        driver="",
    ).described()
    if source.driver == "GML":
        source = _with_template(source, path, config, key)
    if config.geometry is not None and not source.gfs:
        raise AlignsarError(f"{where}: its features have one geometry each; leave the key geometry out")
    _check_whole(source, path)
    return source


def _chosen(layers: Mapping[str, Any], asked: str | None, where: str) -> str:
    shapes = [name for name, kind in layers.items() if kind is not None]
    if not shapes:
        raise AlignsarError(f"{where}: has no layer with geometry; its layers are {listed(list(layers))}")
    if asked is not None and asked not in shapes:
        raise AlignsarError(f"{where}: has no layer {asked!r} with geometry; there are {listed(shapes)}")
    if asked is None and len(shapes) > 1:
        raise AlignsarError(f"{where}: has {len(shapes)} layers: name one (key layer): {listed(shapes)}")
    return asked or shapes[0]


def _kind(dtype: str) -> str:
    if dtype.startswith(("int", "uint", "float")):
        return NUMBER
    return TEXT if dtype.startswith(("object", "bool", "datetime")) else OTHER


def _with_template(source: OgrSource, path: VectorPath, config: VectorLayerConfig, key: str) -> OgrSource:
    """Return GML with the one geometry that is asked for, where its objects have several."""
    where = f"{key}: {source.name}"
    assert path.path is not None
    with ExitStack() as stack:
        stream: IO[bytes] = stack.enter_context(path.path.open("rb"))
        if path.member:
            stream = stack.enter_context(zipfile.ZipFile(stream)).open(path.member)
        surveyed = survey(stream, source.layer, where)
    if len(surveyed.geometries) < 2 and (config.geometry is None or not surveyed.geometries):
        return source
    geometry = surveyed.choose(config.geometry, 1 if config.width else 2, where)
    gfs = surveyed.template(
        source.layer, geometry, {name for name, kind in source.fields.items() if kind == NUMBER}
    )
    code = surveyed.epsg_code(geometry)
    made = replace(source, gfs=gfs).described()
    return replace(made, crs=CRS.from_epsg(code) if code else source.crs)


def _check_whole(source: OgrSource, path: VectorPath) -> None:
    """Check that a file is not cut short: GDAL before 3.11 reads what is there without a warning."""
    if source.driver == "FlatGeobuf" and source.features:
        source.ask(pyogrio.raw.read, columns=[], fids=[source.features - 1])
    if path.ending == ".shp" and path.path is not None and not path.member and path.path.is_file():
        with path.path.open("rb") as stream:
            stated = 2 * int.from_bytes(stream.read(28)[24:], "big")
        if path.path.stat().st_size < stated:
            raise AlignsarError(f"{source.name}: cannot be read: it is cut short; fetch it anew")
