"""Land-cover map from given vector files of any format and coordinate reference system."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj.exceptions import ProjError
from rasterio.features import rasterize
from shapely.errors import GEOSException

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.vectors import reading_vectors
from alignsar_gpu.simulate.ground.backscatter import class_index
from alignsar_gpu.simulate.ground.raster import Raster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.simulate.ground.raster import Bounds

PIECE = 200.0  # m: straight edges of a projected system are bent at such steps when turned to degrees
LINES_AND_POINTS = {0, 1, 2, 4, 5}  # type numbers of shapely: what has no area


@dataclass(frozen=True, kw_only=True)
class VectorLayer:
    """A vector layer whose features become one class.

    Attributes
    ----------
    path : a file that GDAL reads; "FILE.zip!MEMBER" for a member of an archive.
    land_cover : name of the class.
    layer : of the file, by name or number; None where it has one.
    where : which features, an SQL condition on their attributes ("kind = 'lake'"); empty for all.
    width : metres, of lines, and the diameter of points; polygons are as they are.
    template : for GML without a schema, the text of a GFS file: which element is the geometry.
    """

    path: str | Path
    land_cover: str
    layer: str | int | None = None
    where: str = ""
    width: float = 0.0
    template: str = field(default="", repr=False)


def from_vectors(
    layers: Sequence[VectorLayer], bounds: Bounds, posting_metres: float, background: str = "grassland"
) -> Raster:
    """Rasterize layers to a map (uint8, index into `backscatter.CLASSES`) over ``bounds``; later layers on top.

    A pixel is inside a polygon where its centre is. Raises AlignsarError for an unknown class, a file, layer or
    condition that cannot be read, features without coordinate reference system, damaged shapes, lines without
    width, and vectors none of which lie inside the bounds.
    """
    where = "simulated land cover from vectors"
    cover = Raster.over(bounds, posting_metres, class_index(background, where), np.uint8, where)
    values = [class_index(layer.land_cover, f"{where}, {layer.path}") for layer in layers]
    if not layers:
        raise AlignsarError(f"{where}: no layer is given")
    met = 0
    for layer, value in zip(layers, values, strict=True):
        shapes = _shapes(layer, cover)
        west, north, east, south = shapely.bounds(shapes).T if len(shapes) else np.empty((4, 0))
        x, y = cover.axes_in(cover.plane)
        inside = (west <= x[-1]) & (east >= x[0]) & (north <= y[-1]) & (south >= y[0])
        met += int(np.count_nonzero(inside))
        if inside.any():
            rasterize(
                ((shape, value) for shape in shapes[inside]),
                out=cover.values,
                transform=cover.transform_in(cover.plane),
            )
    if not met:
        raise AlignsarError(
            f"{where}: none of the features of {', '.join(sorted({str(one.path) for one in layers}))} lies inside "
            f"{bounds.west:g},{bounds.south:g},{bounds.east:g},{bounds.north:g}: choose the bounds where they are"
        )
    return cover


def _shapes(layer: VectorLayer, cover: Raster) -> NDArray[Any]:
    """Polygons of a layer in the plane of ``cover``."""
    where = f"vectors {layer.path}"
    frame = _read(layer, where)
    if frame.crs is None:
        raise AlignsarError(
            f"{where}: has no coordinate reference system: set it in the file (ogr2ogr -a_srs)"
        )
    geometry = frame.geometry[~(frame.geometry.isna() | frame.geometry.is_empty)].force_2d()
    for shape in geometry[~geometry.is_valid]:
        raise AlignsarError(f"{where}: invalid geometry ({shapely.is_valid_reason(shape)}); repair it")
    try:
        if not frame.crs.is_geographic:
            geometry = geometry.segmentize(PIECE)
        turned = np.asarray(geometry.to_crs(4326).array, dtype=object)
    except (ProjError, GEOSException) as error:
        raise AlignsarError(f"{where}: cannot be turned to longitude and latitude ({error})") from None
    middle = cover.longitude + 0.5 * cover.step_longitude * cover.shape[1]

    def to_plane(points: NDArray[np.float64]) -> NDArray[np.float64]:
        longitude = points[:, 0] - 360.0 * np.rint((points[:, 0] - middle) / 360.0)
        return np.column_stack(cover.plane.position(longitude, points[:, 1]))

    placed = np.asarray(shapely.transform(turned, to_plane), dtype=object)
    thin = np.isin(shapely.get_type_id(placed), list(LINES_AND_POINTS))
    if thin.any():
        if not 0.0 < layer.width < np.inf:
            raise AlignsarError(f"{where}: has lines or points: say how wide they are (width, metres)")
        placed[thin] = shapely.buffer(placed[thin], 0.5 * layer.width)
    return placed


def _read(layer: VectorLayer, where: str) -> Any:
    """The layer as a GeoDataFrame without attributes."""
    import pyogrio  # noqa: PLC0415  (only where there are such files)
    from pyogrio.errors import DataLayerError, DataSourceError  # noqa: PLC0415

    archive, _, member = str(layer.path).partition("!")
    if not Path(archive).exists():
        raise AlignsarError(f"{where}: there is no such file")
    name = f"/vsizip/{archive}/{member}" if member else archive
    options: dict[str, Any] = {"columns": []} if not layer.template else {}
    if layer.where:
        options["where"] = layer.where
    if layer.layer is not None:
        options["layer"] = layer.layer
    if name.lower().endswith(".gml"):
        options["WRITE_GFS"] = "NO"  # GDAL would leave a file beside the user's
    try:
        with (
            warnings.catch_warnings(),
            reading_vectors(name, where),
            tempfile.TemporaryDirectory() as folder,
        ):
            warnings.simplefilter("ignore")  # GDAL's remarks on odd geometries, which are checked
            if layer.template:
                template = Path(folder) / "template.gfs"
                template.write_text(layer.template, encoding="utf-8")
                options["GFS_TEMPLATE"] = str(template)
            if not isinstance(layer.layer, str) and not layer.template:
                found = [str(one) for one, _ in pyogrio.list_layers(name)]
                if layer.layer is None and len(found) > 1:
                    raise AlignsarError(
                        f"{where}: has {len(found)} layers ({', '.join(found)}): name one of them"
                    )
                options["layer"] = found[layer.layer or 0]
            with reading_vectors(name, where, options.get("layer")):
                return pyogrio.read_dataframe(name, **options)
    except (DataSourceError, DataLayerError, GEOSException, ValueError, IndexError) as error:
        raise AlignsarError(f"{where}: cannot be read as vectors ({error})") from None
