"""The structured configuration: every key with its type, unit and bounds.

Hydra composes the YAML files of `alignsar_gpu.configs` into these classes; a wrong key or type is refused
while composing, a wrong value by `validate`, both by the key's name and before any work.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from omegaconf import MISSING

from alignsar_gpu.config.card import CardConfig, check_card
from alignsar_gpu.config.catalog import CatalogConfig, check_catalog
from alignsar_gpu.config.chips import ChipsConfig, check_chips
from alignsar_gpu.config.dates import check_date
from alignsar_gpu.config.geocoding import GeocodingConfig, check_geocoding
from alignsar_gpu.config.keys import about, as_given, key
from alignsar_gpu.config.learn import LearnConfig, check_learn
from alignsar_gpu.config.objects import ObjectsConfig, check_objects
from alignsar_gpu.config.products import (
    DemConfig,
    NoProductsConfig,
    OrbitsConfig,
    ProductsConfig,
    SlcProductsConfig,
)
from alignsar_gpu.config.quality import QualityConfig
from alignsar_gpu.config.radarcoding import RadarcodingConfig, check_radarcoding
from alignsar_gpu.config.signatures import SignaturesConfig
from alignsar_gpu.config.simulation import SimulateConfig, SimulateSceneConfig, check_scene, check_templates
from alignsar_gpu.errors import AlignsarError, choose_from

__all__ = [
    "CardConfig",
    "CatalogConfig",
    "ChipsConfig",
    "Config",
    "CoregistrationConfig",
    "DatasetConfig",
    "DemConfig",
    "DeviceConfig",
    "GeocodingConfig",
    "InterferometryConfig",
    "LearnConfig",
    "NoProductsConfig",
    "ObjectsConfig",
    "OrbitsConfig",
    "ProductsConfig",
    "RadarcodingConfig",
    "ReportConfig",
    "SignaturesConfig",
    "SimulateConfig",
    "SimulateSceneConfig",
    "SlcProductsConfig",
    "check_together",
    "validate",
]

STRIP = 32  # lines that kernels sum together, `kernels.STRIP`: importing them would keep --help waiting
SMALLEST_REFINED = 5  # lines and samples of the refined Lee filter's window


@dataclass
class DeviceConfig:
    """Where the arithmetic runs."""

    kind: str = key("auto", "auto, cpu or cuda", choices=("auto", "cpu", "cuda"))
    memory_gib: float | None = key(
        None, "memory to work in, GiB; unset: half of what is available", bounds=(0.01, None)
    )
    threads: int | None = key(None, "CPU threads; unset: all", bounds=(1, None))


@dataclass
class CoregistrationConfig:
    """How the dates of products=sentinel1 are brought together."""

    reference: str | None = key(
        None, "reference date as YYYYMMDD; unset: the one nearest to all others in time and in space"
    )
    timing: bool = key(
        default=True, text="measure how late each date is where bursts overlap; false: by the orbits alone"
    )
    neighbours: int = key(
        3, "dates that each is compared with for its timing, besides the reference", bounds=(1, 100)
    )
    range_shift: bool = key(default=True, text="put ranges right too, where the shift is certain enough")
    taps: int = key(
        12,
        "pixels along each axis that a resampled one is made of: 8, 12 or 16; more is slower and more exact",
        bounds=(8, 16),
        multiple_of=4,
    )
    bistatic: bool = key(
        default=False, text="correct azimuth times for the satellite's motion until the echo"
    )
    doppler_range: bool = key(default=False, text="correct ranges for the Doppler frequency of the chirps")
    fm_rate: bool = key(
        default=False, text="correct azimuth times for the height that products are focused to"
    )
    tide: bool = key(default=False, text="correct for the solid Earth's tide")
    troposphere: str = key(
        "none", "correct ranges for the delay in the troposphere", choices=("none", "model", "given")
    )
    zenith_delays: list[float] = field(
        default_factory=list,
        metadata=about(
            "troposphere=given: delay from the zenith at sea level, m, of each date in time order",
            may_be_empty=True,
        ),
    )


@dataclass
class InterferometryConfig:
    """Pairs of the reference with every secondary."""

    coherence_window_lines: int = key(3, "coherence window, lines", bounds=(1, 255), odd=True)
    coherence_window_samples: int = key(11, "coherence window, samples", bounds=(1, 255), odd=True)
    phase_window_lines: int = key(
        1, "window over which interferometric phase is averaged, lines", bounds=(1, 255), odd=True
    )
    phase_window_samples: int = key(
        1, "window over which interferometric phase is averaged, samples", bounds=(1, 255), odd=True
    )
    coherence_bias: str = key("kept", "what few looks add to low coherence", choices=("kept", "removed"))
    flatten: str = key(
        "auto",
        "auto: remove reference and topographic phase where the product still has it; never: leave it",
        choices=("auto", "never"),
    )
    network: str = key(
        "none",
        "pairs of dates whose multilooked interferograms are written to interferograms.zarr",
        choices=("none", "single_reference", "sequential", "small_baseline"),
    )
    network_neighbours: int = key(1, "sequential: dates after each that it is paired with", bounds=(1, 100))
    network_days: float | None = key(
        None, "small_baseline: longest time between two dates, days", bounds=(0.0, None)
    )
    network_metres: float | None = key(
        None, "small_baseline: longest perpendicular baseline, m", bounds=(0.0, None)
    )
    looks_lines: int = key(4, "lines that an interferogram of the network averages", bounds=(1, 256))
    looks_samples: int = key(16, "samples that an interferogram of the network averages", bounds=(1, 1024))
    goldstein_alpha: float = key(
        0.0, "strength of Goldstein's filter on the network's phase; 0: none", bounds=(0.0, 1.0)
    )
    goldstein_adaptive: bool = key(default=False, text="strength of Goldstein's filter by coherence instead")
    goldstein_patch: int = key(
        32, "cells of a patch of Goldstein's filter, 32 or 64", bounds=(32, 64), multiple_of=32
    )


@dataclass
class DatasetConfig:
    """The cube, and what it says of itself. Empty texts are left out of the product."""

    title: str = key("SAR benchmark dataset", "title")
    summary: str = key("", "a paragraph; empty: made from the facts")
    id: str = key("", "identifier; empty: name, reference date and the first digits of the fingerprint")
    license: str = key(
        "", "SPDX identifier of the dataset's licence, such as CC-BY-4.0; empty: none is stated"
    )
    creator_name: str = key("", "who made it")
    creator_email: str = key("", "e-mail address of the creator")
    creator_url: str = key("", "web address of the creator")
    institution: str = key("", "institution of the creator")
    project: str = key("", "project")
    publisher_name: str = key("", "who publishes it")
    publisher_email: str = key("", "e-mail address of the publisher")
    publisher_url: str = key("", "web address of the publisher")
    acknowledgement: str = key("", "acknowledgement; empty: the data source's own, where it asks for one")
    naming_authority: str = key(
        "", "who gives out identifiers such as dataset.id, as a reversed domain: org.example"
    )
    date_created: str = key(
        "", "date (ISO 8601) that it was made on; empty: that of SOURCE_DATE_EPOCH, where it is set, or none"
    )
    product_version: str = key("1.0", "version of this dataset")
    alignsar_layout: bool = key(
        default=False, text="NetCDF files besides, in alignsar/, that code written for AlignSAR reads"
    )
    processing_level: str = key(
        "", "level of the dataset; empty: L1, L2 or L3, as quality.levels can tell; L1 without"
    )
    chunk_lines: int = key(256, "lines of a chunk of cube.zarr", bounds=(STRIP, 8192), multiple_of=STRIP)
    chunk_samples: int = key(512, "samples of a chunk of cube.zarr", bounds=(16, 8192))
    derived: str = key(
        "stored",
        "layers that follow from others bit for bit (amplitude, sigma0, ...): stored, or computed, by "
        "alignsar_gpu.open, which takes less space",
        choices=("stored", "computed"),
    )
    digits: int | None = key(
        None,
        "decimal digits that signatures are rounded to, which takes less space; unset: exact",
        bounds=(2, 6),
    )


@dataclass
class ReportConfig:
    """The report: a page of pictures, beside the cube."""

    kind: str = key(
        "full", "full, or none, which leaves the report of a finished run alone", choices=("full", "none")
    )
    dates: list[str] = field(
        default_factory=list,
        metadata=about(
            "dates (YYYYMMDD) that are pictured, besides the reference; empty: up to 16, evenly chosen",
            may_be_empty=True,
        ),
    )


@dataclass
class Config:
    """Everything that a run depends on."""

    name: str = key(
        "",
        "name of the experiment; the default output folder is outputs/<name>; empty: after the reader, the product or "
        "folder that it reads, and the dates in their names",
    )
    output: str = key("outputs/${name}", "folder that the run writes")
    device: DeviceConfig = field(default_factory=DeviceConfig)
    simulate: SimulateConfig | None = None
    products: ProductsConfig = MISSING
    orbits: OrbitsConfig = field(default_factory=OrbitsConfig)
    dem: DemConfig = field(default_factory=DemConfig)
    coregistration: CoregistrationConfig = field(default_factory=CoregistrationConfig)
    interferometry: InterferometryConfig = field(default_factory=InterferometryConfig)
    signatures: SignaturesConfig = field(default_factory=SignaturesConfig)
    radarcoding: RadarcodingConfig = field(default_factory=RadarcodingConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    netcdf: str = key(
        "dates",
        "NetCDF files beside the cube: one of each date (dates), one of all (one), or none, which leaves those of a "
        "finished run alone",
        choices=("dates", "one", "none"),
    )
    report: ReportConfig = field(default_factory=ReportConfig)
    geocoding: GeocodingConfig = field(default_factory=GeocodingConfig)
    chips: ChipsConfig = field(default_factory=ChipsConfig)
    objects: ObjectsConfig = field(default_factory=ObjectsConfig)
    learn: LearnConfig = field(default_factory=LearnConfig)
    card: CardConfig = field(default_factory=CardConfig)
    catalog: CatalogConfig = field(default_factory=CatalogConfig)


def _check_value(name: str, value: Any, metadata: dict[str, Any]) -> None:
    choices = metadata["choices"]
    values = value if isinstance(value, list) else [value]
    wrong = [v for v in values if choices and v not in choices]
    if wrong or (choices and not values and not metadata["may_be_empty"]):
        given = as_given(wrong[0] if wrong else [])
        reason = f"{metadata['refusals'][given]}; " if given in metadata["refusals"] else ""
        raise AlignsarError(f"{name}={given}: {reason}{choose_from(given, choices)}")
    texts = [v for v in values if isinstance(v, str)]
    if twice := [text for text in texts if texts.count(text) > 1]:
        raise AlignsarError(f"{name}={as_given(value)}: names {twice[0]} twice; give it once")
    low, high = metadata["bounds"]
    for number in values:
        if low is not None and not number >= low:
            raise AlignsarError(f"{name}={number}: must be at least {low}")
        if high is not None and not number <= high:
            raise AlignsarError(f"{name}={number}: must be at most {high}")
    if metadata["odd"] and value % 2 == 0:
        raise AlignsarError(f"{name}={value}: must be odd, so that the window has a middle pixel")
    if value % metadata["multiple_of"] if metadata["multiple_of"] > 1 else 0:
        raise AlignsarError(f"{name}={value}: must be a multiple of {metadata['multiple_of']}")


def validate(config: Any, prefix: str = "") -> None:
    """Raise AlignsarError, naming the key, when a value is outside what the key takes."""
    for item in fields(config):
        value, name = getattr(config, item.name), f"{prefix}{item.name}"
        if is_dataclass(value):
            validate(value, f"{name}.")
        elif isinstance(value, dict) and all(map(is_dataclass, value.values())):
            for part, inner in value.items():
                validate(inner, f"{name}.{part}.")
        elif value is not None and item.metadata:
            _check_value(name, value, dict(item.metadata))


def check_together(config: Config, *, coregisters: bool) -> None:
    """Raise AlignsarError, naming the key, when a key is missing or not taken by the reader that is chosen.

    ``coregisters``: whether that reader gives SLC products, which a run coregisters with orbits and a DEM.
    """
    reader, dem = config.products.reader, config.dem
    adds = config.geocoding.is_wanted or config.chips.is_wanted or config.objects.is_wanted
    adds = adds or config.learn.is_wanted or config.card.write or config.catalog.is_given
    if reader == "none" and config.simulate is None and not adds:
        raise AlignsarError(
            "products=none: nothing to do; choose what to simulate (simulate=default) or a reader"
        )
    _check_filter(config.signatures)
    if config.dataset.derived == "computed" and config.dataset.digits is not None:
        raise AlignsarError(
            f"dataset.digits={config.dataset.digits}: layers that are computed from rounded ones would be others than "
            "those that are stored; leave out dataset.digits or dataset.derived=computed"
        )
    check_date(config.dataset.date_created)
    check_radarcoding(config.radarcoding)
    check_geocoding(config.geocoding)
    check_chips(config.chips)
    check_objects(config.objects)
    check_learn(config.learn)
    if config.learn.is_wanted and reader != "none" and not config.chips.is_wanted:
        raise AlignsarError(
            f"learn.task={config.learn.task}: learns from chips; make them too: chips.size=[32,128]"
        )
    check_card(config.card)
    if config.card.write and reader != "none" and not config.chips.is_wanted:
        raise AlignsarError("card.write=true: a card is of chips; make them too: chips.size=[256,256]")
    check_catalog(config.catalog)
    if config.simulate is not None:
        check_templates(config.simulate)
        check_scene(config.simulate.scene)
        if config.simulate.dem.path is not None:
            _check_datum("simulate.dem", config.simulate.dem)
    if coregisters:
        _check_dem(dem, f"with products={reader}")
        return
    if reader != "none" and (config.radarcoding.layers or dem.path is not None):
        _check_dem(dem, "with radarcoding.layers")
        given = {"orbits.path": config.orbits.path}
    else:
        given = {"orbits.path": config.orbits.path, "dem.path": dem.path, "dem.geoid": dem.geoid}
        given["dem.vertical_datum"] = dem.vertical_datum
    names = [name for name, value in given.items() if value is not None]
    if names:
        takes = "no orbits or heights" if reader == "none" else "no orbits, and heights only by dem.path"
        raise AlignsarError(
            f"{', '.join(names)}: products={reader} takes {takes}; leave {'it' if len(names) == 1 else 'them'} out "
            "(SLC products, such as products=sentinel1, take both)"
        )


def _check_dem(dem: DemConfig, when: str) -> None:
    if dem.path is None:
        raise AlignsarError(
            f"dem.path: must be given {when}: a raster of heights, a folder of tiles, or a list "
            "of them, such as tiles of the Copernicus DEM (dem=copernicus dem.path=FOLDER)"
        )
    _check_datum("dem", dem)


def _check_filter(signatures: SignaturesConfig) -> None:
    lines, samples = signatures.window_lines, signatures.window_samples
    if signatures.filter == "refined_lee" and (lines != samples or lines < SMALLEST_REFINED):
        raise AlignsarError(
            f"signatures.filter=refined_lee: its window is {lines} x {samples}; it needs a square one of at least "
            f"{SMALLEST_REFINED} x {SMALLEST_REFINED}, such as signatures.window_lines=7 signatures.window_samples=7"
        )


def _check_datum(name: str, dem: DemConfig) -> None:
    if dem.vertical_datum is None:
        raise AlignsarError(
            f"{name}.vertical_datum: must be given: egm2008 for the Copernicus DEM, egm96 for SRTM, NASADEM, ALOS and "
            "ASTER, ellipsoid for heights above WGS84 (TanDEM-X)"
        )
