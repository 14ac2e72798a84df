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
class SnapProductsConfig(ProductsConfig):
    """A coregistered stack written by SNAP (ZNAP or BEAM-DIMAP)."""

    reader: str = key("snap", "which reader", choices=("snap",))
    path: str = key(MISSING, "a .znap, .znap.zip or .dim product, or a folder of them")
    phase_state: str = key(
        "auto",
        "whether flat-earth and topographic phase are removed; auto: by the product's processing graph",
        choices=("auto", "flattened", "raw"),
    )


@dataclass
class NisarProductsConfig(ProductsConfig):
    """One RSLC product in NISAR's layout (HDF5, as ISCE3 writes it): one date with all its polarizations."""

    reader: str = key("nisar", "which reader", choices=("nisar",))
    path: str = key(MISSING, "the HDF5 file of an RSLC product")
    frequency: str = key("A", "frequency band of the product", choices=("A", "B"))


@dataclass
class SimulatedProductsConfig(ProductsConfig):
    """A small coregistered stack with known truth, made on the spot."""

    reader: str = key("simulated", "which reader", choices=("simulated",))
    lines: int = key(288, "lines (azimuth)", bounds=(64, 2048))
    samples: int = key(832, "samples (range)", bounds=(64, 2048))
    dates: int = key(4, "number of dates", bounds=(2, 30))
    polarizations: list[str] = field(
        default_factory=lambda: ["vv", "vh"], metadata=about("polarizations", choices=("vv", "vh"))
    )
    revisit_days: int = key(12, "days from a date to the next", bounds=(12, 396), multiple_of=12)
    seed: int = key(1, "seed of everything random", bounds=(0, 2**32 - 1))
    flattened: bool = key(default=False, text="deliver the secondaries already flattened")


@dataclass
class Sentinel1ProductsConfig(ProductsConfig):
    """Sentinel-1 SLC products of one or more dates, brought together; their heights come from the group dem."""

    reader: str = key("sentinel1", "which reader", choices=("sentinel1",))
    path: str = key(MISSING, "a SAFE folder, a zip of one, or a folder of them")
    area: Any = field(
        default=None,
        metadata=about(
            "area of interest: [west,south,east,north] in degrees, WKT, GeoJSON, or the path of a vector file"
        ),
    )
    crop: bool = key(default=True, text="cut the bursts to the area, where one is given")
    polarizations: list[str] = field(
        default_factory=list,
        metadata=about(
            "polarizations; empty: all that the product has",
            choices=("vv", "vh", "hh", "hv"),
            may_be_empty=True,
        ),
    )
    swaths: list[str] = field(default_factory=list, metadata=about("subswaths, such as iw2; empty: all"))
    burst: str | None = key(None, "burst id, such as t052_110431_iw1; unset: all that area and swaths leave")


@dataclass
class NoProductsConfig(ProductsConfig):
    """No dataset: only what the group simulate makes."""

    reader: str = key("none", "which reader", choices=("none",))


@dataclass
class OrbitsConfig:
    """Where the orbits of products=sentinel1 come from."""

    path: str | None = key(
        None, "an orbit file (EOF), or a folder of them; unset: the state vectors in the product"
    )


@dataclass
class DemConfig:
    """The terrain of products=sentinel1 and of labels, or under simulate (simulate.dem) that of a simulation."""

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
