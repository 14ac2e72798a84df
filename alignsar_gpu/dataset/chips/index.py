"""index.parquet: a row a chip, as GeoParquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from alignsar_gpu.errors import AlignsarError, writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INDEX = "index.parquet"
DECIMALS = 7  # of degrees: a centimetre
TURN = np.array([360.0, 0.0])  # degrees
POINTS = 4  # into which each side of a footprint is divided, before its corners become longitude and latitude


def index_of(columns: Mapping[str, Any], footprints: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Make the index of chips: ``columns`` of equal length, and footprints in a system of metres.

    Footprints are a column themselves, in their own system, and as longitude and latitude the geometry; where they
    cross the antimeridian, in two parts (RFC 7946).
    """
    frame = gpd.GeoDataFrame(dict(columns), geometry=on_earth(footprints), crs="EPSG:4326")
    frame["footprint"] = gpd.GeoSeries(footprints.to_numpy(), crs=footprints.crs)
    return frame


def write_index(path: Path, index: gpd.GeoDataFrame) -> None:
    """Write an index as GeoParquet."""
    with writing(path):
        index.to_parquet(path, index=False, compression="zstd")


def read_index(folder: Path) -> gpd.GeoDataFrame:
    """Read the index of the chips in a folder. Raises AlignsarError where there is none."""
    path = folder / INDEX
    try:
        return gpd.read_parquet(path)
    except FileNotFoundError:
        raise AlignsarError(
            f"{path}: is not there; name the folder chips/ of a run (chips.size makes them)"
        ) from None
    except (OSError, ValueError) as error:
        raise AlignsarError(
            f"{path}: cannot be read ({error}); copy it again, or make the chips again"
        ) from None


def choose_chips(index: gpd.GeoDataFrame, query: str) -> gpd.GeoDataFrame:
    """Choose rows by a query, as of `pandas.DataFrame.query`. Raises AlignsarError for one that cannot be answered."""
    if not query:
        return index
    try:
        chosen, why = index.eval(query), "it is no condition"
    except (AttributeError, KeyError, NameError, SyntaxError, TypeError, ValueError) as error:
        chosen, why = None, str(error)
    if getattr(chosen, "dtype", None) != np.bool_:
        columns = ", ".join(name for name in index if name not in {"geometry", "footprint"})
        raise AlignsarError(
            f"query={query}: cannot be answered ({why}); give a condition on columns of the index: {columns}"
        )
    return index[chosen]


def on_earth(footprints: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return footprints as longitude and latitude, cut where they cross the antimeridian."""
    sides = footprints.segmentize(footprints.length.max() / (4 * POINTS) or 1.0)
    found = sides.to_crs("EPSG:4326").to_numpy()
    wide = shapely.bounds(found)[:, 2] - shapely.bounds(found)[:, 0] > 180.0
    found[wide] = [_cut(shape) for shape in found[wide]]
    return gpd.GeoSeries(shapely.set_precision(found, 10.0**-DECIMALS), crs="EPSG:4326")


def _cut(shape: shapely.Polygon) -> shapely.MultiPolygon:
    """Cut a footprint that crosses the antimeridian there."""
    whole = shapely.transform(shape, lambda points: points + (points[:, :1] < 0.0) * TURN)
    west = whole.intersection(shapely.box(0.0, -90.0, 180.0, 90.0))
    beyond = whole.intersection(shapely.box(180.0, -90.0, 360.0, 90.0))
    east = shapely.transform(beyond, lambda points: points - TURN)
    return shapely.MultiPolygon([part for part in (west, east) if not part.is_empty])
