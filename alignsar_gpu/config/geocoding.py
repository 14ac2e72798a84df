"""The keys of `geocoding`: the map that layers are brought to, and the files that are written of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.errors import AlignsarError

PRODUCTS = ("cogs", "cube", "netcdf")


@dataclass
class GeocodingConfig:
    """Layers on a map. Without a resolution and without a raster to match, none is made."""

    resolution: float | None = key(
        None, "size of a map pixel, in units of the map (m of UTM); unset: no map is made", bounds=(0.0, None)
    )
    crs: str = key(
        "", "coordinate reference system of the map, such as EPSG:32631; empty: UTM, near the poles UPS"
    )
    bounds: list[float] = field(
        default_factory=list,
        metadata=about(
            "left, bottom, right and top of the map, in its units; empty: the image", may_be_empty=True
        ),
    )
    match: str | None = key(
        None, "raster whose pixels the map has, instead of a resolution, a system and bounds"
    )
    layers: list[str] = field(
        default_factory=list, metadata=about("names of layers of the cube; empty: all", may_be_empty=True)
    )
    resampling: str = key(
        "bilinear",
        "how values are found between pixels; classes and flags have the nearest, phases go as phasors",
        choices=("nearest", "bilinear", "cubic"),
    )
    products: list[str] = field(
        default_factory=lambda: ["cogs", "cube"],
        metadata=about(
            "what is written: cogs (a GeoTIFF a layer and date), cube (map.zarr), netcdf (a file a date)",
            choices=PRODUCTS,
        ),
    )

    @property
    def is_wanted(self) -> bool:
        """Whether a map is to be made."""
        return self.resolution is not None or self.match is not None


def check_geocoding(config: GeocodingConfig) -> None:
    """Raise AlignsarError, naming the key, for keys of the map that do not fit together."""
    given = [
        name
        for name, value in (
            ("resolution", config.resolution is not None),
            ("crs", config.crs),
            ("bounds", config.bounds),
        )
        if value
    ]
    if config.match is not None and given:
        raise AlignsarError(
            f"geocoding.match={config.match}: the raster has them already; leave out geocoding.{given[0]}"
        )
    if given and not config.is_wanted:
        raise AlignsarError(
            f"geocoding.{given[0]}: a map needs geocoding.resolution too, such as 20 (m of UTM)"
        )
    if config.resolution is not None and not 0.0 < config.resolution < math.inf:
        raise AlignsarError(
            f"geocoding.resolution={config.resolution:g}: give the size of a map pixel, such as 20 (m of UTM)"
        )
    if config.bounds and len(config.bounds) != 4:
        raise AlignsarError(
            f"geocoding.bounds={config.bounds}: give four numbers, [left,bottom,right,top] in units of the map"
        )
    if config.bounds and not (config.bounds[0] < config.bounds[2] and config.bounds[1] < config.bounds[3]):
        raise AlignsarError(
            f"geocoding.bounds={config.bounds}: left must be less than right, and bottom less than top"
        )
