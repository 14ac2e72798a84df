"""Write blocks and their splits to a GeoJSON file (RFC 7946), and read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from alignsar_gpu.errors import AlignsarError, writing
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from pathlib import Path

    from geopandas import GeoDataFrame
    from pyproj import CRS

LONGITUDE_LATITUDE = "OGC:CRS84"
DECIMALS = 10  # of degrees: 0.01 mm
TEXTS = ("block", "split")


def write_blocks(path: Path, blocks: GeoDataFrame) -> None:
    """Write blocks to GeoJSON: longitude and latitude of their corners, with the properties ``block`` and ``split``.

    One feature a line, in the order of the table. Longitudes of a block across the antimeridian go beyond 180, so that
    its corners stay what they are.
    """
    degrees = blocks.to_crs(LONGITUDE_LATITUDE)
    features = [
        {
            "type": "Feature",
            "properties": {"block": block, "split": split},
            "geometry": _geometry(geometry),
        }
        for block, split, geometry in zip(degrees["block"], degrees["split"], degrees.geometry, strict=True)
    ]
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    with writing(path):
        path.write_text(f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n', encoding="utf-8")


def read_blocks(path: Path, crs: CRS) -> GeoDataFrame:
    """Read blocks that ``write_blocks`` has written: the columns ``block``, ``split`` and ``geometry`` in a CRS.

    Corners come back within 1 mm. Raises AlignsarError for a file that is not there or not of this form.
    """
    try:
        features = load_json(path.read_bytes())["features"]
        data = {name: [_text(feature["properties"][name]) for feature in features] for name in TEXTS}
        shapes = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
    except FileNotFoundError:
        raise AlignsarError(f"chips.split.file={path}: there is no such file; correct it") from None
    except (ValueError, KeyError, TypeError, RecursionError, shapely.GEOSException) as error:
        raise AlignsarError(
            f"chips.split.file={path}: is not a GeoJSON file of polygons with the texts block and split ({error}); "
            "give the splits.geojson of a dataset"
        ) from None
    if not (len(shapes) and (shapely.get_dimensions(shapes) == 2).all()):
        raise AlignsarError(f"chips.split.file={path}: has no polygons, or others than polygons; correct it")
    return gpd.GeoDataFrame(data, geometry=shapes, crs=LONGITUDE_LATITUDE).to_crs(crs)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _geometry(geometry: shapely.Geometry) -> dict[str, Any]:
    """Return a polygon of longitudes and latitudes as GeoJSON: rings right-handed, numbers with 10 decimals."""
    polygons = [shapely.geometry.polygon.orient(part) for part in shapely.get_parts(geometry)]
    rings = [[_ring(ring) for ring in (part.exterior, *part.interiors)] for part in polygons]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}


def _ring(ring: shapely.LinearRing) -> list[list[float]]:
    points = shapely.get_coordinates(ring)
    unwrapped = np.unwrap(points[:, 0], period=360.0)
    if abs(unwrapped[-1] - unwrapped[0]) < 180.0:  # otherwise around a pole
        points[:, 0] = unwrapped
    rounded: list[list[float]] = points.round(DECIMALS).tolist()
    return rounded
