"""Keys of what a run reads: products, orbits, terrain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from alignsar_gpu.config.keys import about, key


@dataclass
class ProductsConfig:
    """What the stack is read from."""

    reader: str = MISSING


@dataclass
class FileProductsConfig(ProductsConfig):
    """Products that are read from files."""

    path: str = MISSING
    polarizations: list[str] = field(
        default_factory=list,
        metadata=about(
            "polarizations; empty: all that the product has",
            choices=("vv", "vh", "hh", "hv"),
            may_be_empty=True,
        ),
    )


@dataclass
class SlcProductsConfig(FileProductsConfig):
    """SLC products of one or more dates, which a run coregisters; their heights come from the group dem."""

    area: Any = field(
        default=None,
        metadata=about(
            "area of interest: [west,south,east,north] in degrees, WKT, GeoJSON, or the path of a vector file"
        ),
    )
    crop: bool = key(default=True, text="cut the bursts to the area, where one is given")
    keep: str = key(
        "dates",
        "what to keep where a date lacks a polarization: all dates, without it, or the polarizations, without the date",
        choices=("dates", "polarizations"),
    )
    burst: str | None = key(None, "burst id, such as t052_110431_iw1; unset: all that area and swaths leave")


@dataclass
class NoProductsConfig(ProductsConfig):
    """No dataset: only what the group simulate makes."""

    reader: str = key("none", "which reader", choices=("none",))


@dataclass
class OrbitsConfig:
    """Where the orbits of SLC products come from."""

    path: str | None = key(
        None, "an orbit file (EOF), or a folder of them; unset: the state vectors in the product"
    )


@dataclass
class DemConfig:
    """The terrain of SLC products and of labels, or under simulate (simulate.dem) that of a simulation."""

    path: Any = field(
        default=None, metadata=about("a raster of heights, a folder of tiles, or a list of them")
    )
    vertical_datum: str | None = key(
        None, "what its heights count from", choices=("egm96", "egm2008", "ellipsoid")
    )
    geoid: str | None = key(None, "grid of the geoid's undulation; unset: the one installed on this machine")
    standard_deviation: float | None = key(
        None,
        "error of its heights, m; unset: not known, and no layer position_uncertainty",
        bounds=(0.0, None),
    )
