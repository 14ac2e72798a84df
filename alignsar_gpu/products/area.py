"""Areas of interest: a bounding box, WKT, GeoJSON or any vector file, as a geometry in longitude and latitude."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.texts import is_too_deep
from alignsar_gpu.opening.vectors import reading_vectors

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

WKT = re.compile(
    r"\s*(POINT|LINESTRING|LINEARRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|GEOMETRYCOLLECTION)\b",
    re.IGNORECASE,
)
FORMS = 'a bounding box "west,south,east,north", WKT, GeoJSON or the path of a vector file'
STEPS = 64  # pieces that the long side of a projected area is cut into before it is turned to degrees


def read_area(text: str) -> BaseGeometry:
    """Read an area of interest; returns degrees of longitude (x) and latitude (y) on WGS84.

    Parameters
    ----------
    text : "west,south,east,north" in degrees (west > east: across the antimeridian), WKT or GeoJSON in
        longitude and latitude, or the path of a file that GDAL reads, of any CRS: the union of its features.

    The result may have longitudes beyond 180 where it goes across the antimeridian.
    Raises AlignsarError for a text or file of none of these kinds, a file without CRS, and a geometry that is
    empty, invalid or not on Earth.
    """
    where = f"area {_short(text)!r}"
    if not text.strip():
        raise AlignsarError(f"area: an empty text; give {FORMS}")
    if text.lstrip().startswith("{"):
        area = _from_vectors(text.encode(), where)
    elif WKT.match(text):
        area = _from_wkt(text, where)
    elif (path := _existing(text)) is not None:
        where = str(path)
        area = _from_vectors(_in_archive(path), where)
    elif text.count(",") == 3:
        area = _from_box(text, where)
    else:
        raise AlignsarError(f"{where}: there is no such file; give {FORMS}")
    return _checked(area, where)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."


def _existing(text: str) -> Path | None:
    try:
        path = Path(text.strip()).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, no such home, a null character: not a path
        return None


def _from_box(text: str, where: str) -> BaseGeometry:
    from shapely import box  # noqa: PLC0415  (a geospatial library: only where an area is asked for)

    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise AlignsarError(f'{where}: expected four numbers "west,south,east,north"') from None
    if west > east >= -180.0 and west <= 180.0:
        east += 360.0
    if not (west < east and south < north):  # also when one is not a number
        raise AlignsarError(
            f"{where}: expected west,south,east,north with west < east (or east of the antimeridian) and south < north"
        )
    return box(west, south, east, north)


def _from_wkt(text: str, where: str) -> BaseGeometry:
    from shapely import from_wkt  # noqa: PLC0415
    from shapely.errors import GEOSException  # noqa: PLC0415

    if is_too_deep(text):
        raise AlignsarError(f"{where}: not valid WKT (it is nested too deep)")
    try:
        return from_wkt(text)
    except GEOSException as error:
        raise AlignsarError(f"{where}: not valid WKT ({error})") from None


def _in_archive(path: Path) -> Path | str:
    """GDAL's name of the one file in an archive, whatever a Mac has added to it; any other path itself."""
    if path.suffix.lower() != ".zip" or not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as archive:
        names = without_clutter(name for name in archive.namelist() if not name.endswith("/"))
    return f"/vsizip/{{{path.absolute()}}}/{names[0]}" if len(names) == 1 else path


def _from_vectors(source: Path | str | bytes, where: str) -> BaseGeometry:
    """The union of all features of all layers of a file or of GeoJSON text."""
    import pyogrio  # noqa: PLC0415
    from pyogrio.errors import DataLayerError, DataSourceError  # noqa: PLC0415
    from pyproj.exceptions import ProjError  # noqa: PLC0415
    from shapely import union_all  # noqa: PLC0415
    from shapely.errors import GEOSException  # noqa: PLC0415

    parts: list[Any] = []
    try:
        with warnings.catch_warnings(), reading_vectors(source, where):
            warnings.simplefilter("ignore")  # GDAL's remarks on odd geometries, which are checked below
            layers = pyogrio.list_layers(source)
            for number, (name, kind) in enumerate(layers):
                if kind is None:  # a table without geometry
                    continue
                with reading_vectors(source, where, str(name)):
                    frame = pyogrio.read_dataframe(source, layer=number, columns=[])
                if frame.crs is None:
                    raise AlignsarError(
                        f"{where}: layer {name!r} has no coordinate reference system: set it in the file, or give "
                        "GeoJSON"
                    )
                parts += _in_degrees(frame, where)
    except (DataSourceError, ValueError) as error:
        raise AlignsarError(f"{where}: cannot be read as vectors ({error})") from None
    except (GEOSException, DataLayerError) as error:
        raise AlignsarError(f"{where}: damaged geometry ({error})") from None
    except ProjError as error:
        raise AlignsarError(f"{where}: cannot be turned to longitude and latitude ({error})") from None
    return union_all(parts)


def _in_degrees(frame: Any, where: str) -> list[Any]:
    """Valid geometries of a GeoDataFrame in longitude and latitude."""
    import shapely  # noqa: PLC0415

    shapes = frame.geometry[~(frame.geometry.isna() | frame.geometry.is_empty)].force_2d()
    for shape in shapes[~shapes.is_valid]:
        raise AlignsarError(f"{where}: invalid geometry ({shapely.is_valid_reason(shape)}); repair it")
    if frame.crs.is_geographic or not len(shapes):
        return list(shapes.to_crs(4326))
    west, south, east, north = shapes.total_bounds
    longest = max(east - west, north - south)
    turned = (shapes.segmentize(longest / STEPS) if longest > 0 else shapes).to_crs(4326)
    return [
        shapely.transform(part, _unwrapped) for shape in turned for part in getattr(shape, "geoms", [shape])
    ]


def _unwrapped(points: Any) -> Any:
    """Longitudes made continuous: points of a projected shape lie close together, so a jump is the antimeridian."""
    return np.column_stack([np.unwrap(points[:, 0], period=360.0), points[:, 1]])


def _checked(area: BaseGeometry, where: str) -> BaseGeometry:
    import shapely  # noqa: PLC0415

    area = shapely.force_2d(area)
    if area.is_empty:
        raise AlignsarError(f"{where}: holds no geometry")
    points = shapely.get_coordinates(area)
    if not np.isfinite(points).all():
        raise AlignsarError(f"{where}: has coordinates that are not finite numbers")
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    if south < -90.0 or north > 90.0 or west < -360.0 or east > 540.0:
        raise AlignsarError(
            f"{where}: reaches from {west:g} to {east:g} and {south:g} to {north:g}, which is not longitude and "
            "latitude in degrees (longitude comes first)"
        )
    if east - west > 360.0:
        raise AlignsarError(
            f"{where}: goes more than once around the Earth, from longitude {west:g} to {east:g}"
        )
    if not area.is_valid:
        raise AlignsarError(f"{where}: invalid geometry ({shapely.is_valid_reason(area)}); repair it")
    return area
