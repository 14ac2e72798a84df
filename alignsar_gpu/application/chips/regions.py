"""Regions that a user gives to split chips by, from a vector file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd

from alignsar_gpu.dataset.chips.splits.places import TRAIN
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.opening.vectors import reading_vectors
from alignsar_gpu.radarcoding.vectors.formats.paths import find_vectors

if TYPE_CHECKING:
    from pyproj import CRS

KEY = "chips.split.regions"


def read_regions(path: str, field: str, crs: CRS) -> gpd.GeoDataFrame:
    """Read polygons, with the column that names their split, in a coordinate reference system.

    Raises AlignsarError for a file that is no vector file, has no such column, or does not say where it lies.
    """
    import pyogrio  # noqa: PLC0415  (only for such a file)
    from pyogrio.errors import DataLayerError, DataSourceError  # noqa: PLC0415

    found = find_vectors(path, KEY).dataset
    try:
        with reading_vectors(found, f"{KEY}={path}"):
            regions = pyogrio.read_dataframe(found)
    except (DataSourceError, DataLayerError) as error:
        raise AlignsarError(
            f"{KEY}={path}: cannot be read as a vector file ({error}); convert it to GeoPackage (ogr2ogr OUT.gpkg IN)"
        ) from None
    if not isinstance(regions, gpd.GeoDataFrame):
        raise AlignsarError(f"{KEY}={path}: has no polygons; name a file that has")
    if field not in regions.columns:
        columns = [name for name in regions.columns if name != "geometry"]
        raise AlignsarError(
            f"chips.split.field={field}: {path} has no such column; {choose_from(field, columns)}"
        )
    if regions.crs is None:
        raise AlignsarError(
            f"{KEY}={path}: does not say its coordinate reference system; store it with one "
            "(ogr2ogr -a_srs EPSG:4326 OUT.gpkg IN)"
        )
    if TRAIN not in set(regions[field].dropna().astype(str).str.strip()):
        raise AlignsarError(
            f"{KEY}={path}: no region has the split {TRAIN!r} in its column {field!r}; name it so"
        )
    return regions[[field, "geometry"]].to_crs(crs)
