"""Layout of map.zarr: layers on a map grid as a Zarr cube (time, y, x) that GIS libraries place by themselves.

Where pixels lie is said three times, for readers that know one way: by the coordinates `x` and `y` of pixel centres, by
CF's grid mapping `spatial_ref` as rioxarray writes it (GDAL, rioxarray, odc-geo), and by the attributes `proj:` and
`spatial:` of the group (GeoZarr: zarr-conventions/proj and zarr-conventions/spatial, version 0.1). It is created and
filled as any cube: by `dataset.cube.create_cube` and `dataset.writer.CubeWriter`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.dataset.cube import CubeLayout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyproj import CRS

    from alignsar_gpu.dataset.cube import CubeLayer
    from alignsar_gpu.geocoding.map_grid import MapGrid

DIMENSIONS = ("time", "y", "x")
GRID_MAPPING = "spatial_ref"
CHUNK = (512, 512)
CODE = re.compile(r"[A-Z]+:[0-9]+")  # of a coordinate reference system, as the convention wants it
CONVENTIONS = [
    {
        "schema_url": f"https://raw.githubusercontent.com/zarr-conventions/{name}/refs/tags/v0.1/schema.json",
        "spec_url": f"https://github.com/zarr-conventions/{name}/blob/v0.1/README.md",
        "uuid": uuid,
        "name": name,
        "description": description,
    }
    for name, uuid, description in (
        (
            "proj",
            "f17cb550-5864-4468-aeb7-f3180cfb622f",
            "Coordinate reference system information for geospatial data",
        ),
        ("spatial", "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "Spatial coordinate information"),
    )
]


def map_layout(
    grid: MapGrid,
    *,
    dates: xr.Dataset,
    layers: Sequence[CubeLayer],
    attributes: Mapping[str, Any],
    chunk: tuple[int, int] = CHUNK,
) -> CubeLayout:
    """Return the layout of a map cube.

    Parameters
    ----------
    grid : the map's pixels.
    dates : the coordinate `time` and what is known of each date, as coordinates along it.
    layers : see `map_layer`.
    attributes : global ones; those of GeoZarr are added.
    chunk : rows and columns of a chunk.
    """
    rows, columns = grid.shape
    return CubeLayout(
        shape=(dates.sizes["time"], rows, columns),
        chunk=(min(chunk[0], rows), min(chunk[1], columns)),
        coordinates=dates.assign_coords(coordinates(grid).coords),
        layers=[map_layer(layer) for layer in layers],
        attributes={**attributes, **geozarr_attributes(grid)},
        dimensions=DIMENSIONS,
    )


def map_layer(layer: CubeLayer) -> CubeLayer:
    """Return a layer as it is on a map: placed by a grid mapping; truth values as classes, 255 where not known."""
    about = {**layer.attributes, "grid_mapping": GRID_MAPPING}
    if np.dtype(layer.dtype).kind == "b":
        about |= {"flag_values": [0, 1, 255], "flag_meanings": "no yes unknown"}
        return replace(layer, dtype="uint8", coordinate=False, attributes=about)
    return replace(layer, coordinate=False, attributes=about)


def coordinates(grid: MapGrid) -> xr.Dataset:
    """Return the coordinates of a map grid: `x` and `y` of pixel centres, and `spatial_ref`, its CF grid mapping."""
    a, _, c, _, e, f = grid.affine
    rows, columns = grid.shape
    about = _axes(grid.crs)
    return xr.Dataset(
        coords={
            "y": ("y", f + e * (np.arange(rows) + 0.5), about["Y"]),
            "x": ("x", c + a * (np.arange(columns) + 0.5), about["X"]),
            GRID_MAPPING: ((), np.int64(0), _grid_mapping(grid)),
        }
    )


def _axes(crs: CRS) -> dict[str, dict[str, Any]]:
    """Return CF's attributes of the axes X and Y; a system may name its axes otherwise, such as to the south."""
    known = {str(axis.get("axis")): dict(axis) for axis in crs.cs_to_cf()}
    plain: dict[str, dict[str, Any]] = {
        axis: {"axis": axis, "standard_name": f"projection_{axis.lower()}_coordinate"} for axis in "XY"
    }
    return plain | {axis: about for axis, about in known.items() if axis in plain}


def _grid_mapping(grid: MapGrid) -> dict[str, Any]:
    a, b, c, d, e, f = grid.affine
    about = dict(grid.crs.to_cf())
    wkt = about["crs_wkt"]
    return {**about, "spatial_ref": wkt, "GeoTransform": " ".join(map(repr, map(float, (c, a, b, f, d, e))))}


def geozarr_attributes(grid: MapGrid) -> dict[str, Any]:
    """Return the attributes of a group whose arrays lie on a map grid, by the GeoZarr conventions."""
    a, _, c, _, e, f = map(float, grid.affine)
    rows, columns = grid.shape
    x, y = sorted((c, c + a * columns)), sorted((f, f + e * rows))
    code = ":".join(grid.crs.to_authority(min_confidence=100) or ())
    return {
        "zarr_conventions": CONVENTIONS,
        **({"proj:code": code} if CODE.fullmatch(code) else {}),
        "proj:wkt2": grid.crs.to_wkt("WKT2_2019"),
        "spatial:dimensions": list(DIMENSIONS[1:]),
        "spatial:transform": [float(number) for number in grid.affine],
        "spatial:bbox": [x[0], y[0], x[1], y[1]],
        "spatial:shape": [rows, columns],
        "spatial:registration": "pixel",
    }
