"""Regions that a user gives to split chips by, from a vector file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyogrio

from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.opening.vectors import reading_vectors

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS


def read_regions(path: str, field: str, crs: CRS) -> gpd.GeoDataFrame:
    """Read polygons, with the column that names their split, in a coordinate reference system.

    Raises AlignsarError for a file that is no vector file, has no such column, or does not say where it lies.
    """
    with reading_vectors(path, "chips.split.regions"):
        regions = pyogrio.read_dataframe(path)
    if field not in regions.columns:
        columns = [name for name in regions.columns if name != "geometry"]
        raise AlignsarError(
            f"chips.split.field={field}: {path} has no such column; {choose_from(field, columns)}"
        )
    if regions.crs is None:
        raise AlignsarError(
            f"chips.split.regions={path}: does not say its coordinate reference system; add it"
        )
    return regions[[field, "geometry"]].to_crs(crs)
