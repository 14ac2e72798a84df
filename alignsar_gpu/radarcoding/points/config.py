"""PointLayerConfig: which points a layer is made of, what their heights count from, and which statistics."""

from __future__ import annotations

from dataclasses import dataclass, field

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.config.radarcoding import LayerConfig


@dataclass
class PointLayerConfig(LayerConfig):
    """Keys of a layer of kind=points.

    ``path`` is a LAS or LAZ file, a CSV or Parquet table, any vector file of points that GDAL reads, or a folder or a
    pattern (``*``) of tiles. ``crs`` may also add to a file's
    system the vertical one that it leaves out ("EPSG:28992+5709"). Columns ``x``, ``y`` and ``z`` are recognised if
    they are called longitude, latitude and height, or alike; points without heights lie on the terrain.
    """

    kind: str = key("points", "points and point clouds", choices=("points",))
    layer: str | None = key(None, "layer of a vector file with several")
    where: str | None = key(None, "which features of a vector file, as SQL: \"status = 'built'\"")
    statistics: list[str] = field(
        default_factory=lambda: ["count", "mean", "maximum"],
        metadata=about(
            "count, mean, minimum, maximum, standard_deviation, median, p05 ... p95, most_frequent per pixel"
        ),
    )
    x: str | None = key(None, "column of a table with longitude or easting")
    y: str | None = key(None, "column with latitude or northing")
    z: str | None = key(None, "column with the height")
    vertical_datum: str | None = key(
        None, "what heights count from: ellipsoid, egm96, egm2008, terrain or the file of a geoid"
    )
    classification: list[int] | None = field(
        default=None, metadata=about("classes of a LAS file, such as 2 for ground; unset: all but noise")
    )
    value: str | None = key(None, "attribute that statistics are of, numbers or dates; unset: the height")
    coverage: str | None = key(
        None,
        "where points were looked for: extent (the box around them), everywhere, or a file of polygons; unset: only "
        "pixels with points are known",
    )
    above: str = key("ellipsoid", "what heights are given above", choices=("ellipsoid", "terrain"))
