"""Check that a layer of vectors can be used: its system, features, kind of shapes, and heights in metres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.vectors.config import Z
from alignsar_gpu.radarcoding.vectors.formats.sources import NUMBER
from alignsar_gpu.radarcoding.vectors.shapes import KINDS, NO_KIND, dimension_of, without_collections

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.sources import LayerSource, Shapes

LOOKED_AT = 1000  # features whose shapes tell the kind of a layer that does not state it
LOWEST, HIGHEST = -500.0, 9000.0  # m: other heights stand for something else
UNSTATED = "undefined"  # how names of systems begin that say nothing: those of GeoPackages without one


def stated_crs(source: LayerSource, config: VectorLayerConfig) -> CRS | None:
    """Return the system that a file states. Raises AlignsarError for one that is not of a map and not overruled."""
    crs = source.crs
    if crs is None or crs.name.lower().startswith(UNSTATED):
        return None
    if crs.is_geographic or crs.is_projected:
        return crs
    if config.crs:
        return None
    raise AlignsarError(
        f"{source.name}: its coordinate reference system, {crs.name!r}, is neither geographic nor projected: name the "
        "right one (key crs, for example EPSG:28992), or reproject the file (ogr2ogr -t_srs EPSG:4326)"
    )


def check_features(source: LayerSource, shapes: Shapes) -> None:
    """Check that a layer has features that are asked for (``shapes``: the first); raise AlignsarError otherwise."""
    if source.features == 0 or (not len(shapes) and source.condition is None):
        raise AlignsarError(f"{source.name}: has no features: choose another file or layer")
    if not len(shapes):
        raise AlignsarError(f"{source.name}: no feature meets where={source.condition!r}; correct it")


def check_kinds(source: LayerSource, config: VectorLayerConfig, shapes: Shapes) -> None:
    """Check that some shapes (the first of a layer) have an area or are given one; raise AlignsarError otherwise."""
    apart, _ = without_collections(shapes[~shapely.is_missing(shapes)])
    met = set(dimension_of(apart[~shapely.is_empty(apart)]).tolist()) - {NO_KIND}
    if met == {2} and config.width:
        raise AlignsarError(
            f"{source.name}: has polygons, but width is for lines: use buffer to make them larger"
        )
    useful = {2} | ({1} if config.reach else set()) | ({0} if config.buffer else set())
    of_one_kind = "Point" in source.geometry_type or "Line" in source.geometry_type
    if met & useful or (len(shapes) == LOOKED_AT and not of_one_kind):
        return
    if not met:
        raise AlignsarError(f"{source.name}: none of its features has a shape: choose another file or layer")
    what = " and ".join(f"{KINDS[dimension]}s" for dimension in sorted(met, reverse=True))
    cure = "width (metres; bands along lines)" if 1 in met else "buffer (metres; discs around points)"
    raise AlignsarError(f"{source.name}: has {what}, which have no area: give {cure}")


def check_heights(source: LayerSource, config: VectorLayerConfig, crs: CRS, shapes: Shapes) -> None:
    """Check that all heights of a layer are heights in metres; raise AlignsarError otherwise."""
    if config.elevation == Z:
        if not shapely.has_z(shapes).any():
            raise AlignsarError(
                f"{source.name}: elevation is z, but its shapes have no heights: name an attribute"
            )
        if crs.is_compound:
            raise AlignsarError(
                f"{source.name}: elevation is z, but its heights count from {crs.sub_crs_list[-1].name!r}, not from "
                "the WGS84 ellipsoid: convert them (ogr2ogr -t_srs EPSG:4979), or use height, above the terrain"
            )
        return
    name = config.height or config.elevation
    if not name:
        return
    if source.fields[name] != NUMBER:
        raise AlignsarError(f"{source.name}: the attribute {name!r} holds texts, not heights in metres")
    for part in source.values(name):
        values = numbers(part)
        wrong = values[(values < LOWEST) | (values > HIGHEST)]
        if len(wrong):
            raise AlignsarError(
                f"{source.name}: the attribute {name!r} has the value {wrong[0]:g}, which is not a height in metres "
                f"({LOWEST:g} to {HIGHEST:g}): leave such features out (where), or clear the value"
            )


def numbers(column: Any) -> NDArray[np.float64]:
    """Convert an Arrow array to numbers, NaN where there is none."""
    return np.array(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
