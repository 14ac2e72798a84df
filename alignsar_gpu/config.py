"""The structured configuration: every key with its type, unit and bounds.

Hydra composes the YAML files of `alignsar_gpu.configs` into these classes; a wrong key or type is refused
while composing, a wrong value by `validate`, both by the key's name and before any work.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.kernels import STRIP


def about(
    help: str,  # noqa: A002  (the word that users read)
    *,
    bounds: tuple[float | None, float | None] = (None, None),
    choices: tuple[str, ...] = (),
    odd: bool = False,
    multiple_of: int = 1,
    may_be_empty: bool = False,
) -> dict[str, Any]:
    """What a key means, and which values it takes."""
    return {
        "help": help,
        "bounds": bounds,
        "choices": choices,
        "odd": odd,
        "multiple_of": multiple_of,
        "may_be_empty": may_be_empty,
    }


def key(default: Any, text: str, **rules: Any) -> Any:
    """A configuration key with its default; ``text`` and ``rules`` as in `about`."""
    return field(default=default, metadata=about(text, **rules))


@dataclass
class DeviceConfig:
    """Where the arithmetic runs."""

    kind: str = key("auto", "auto, cpu or cuda", choices=("auto", "cpu", "cuda"))
    memory_gib: float | None = key(
        None, "memory to work in, GiB; unset: half of what is available", bounds=(0.01, None)
    )
    threads: int | None = key(None, "CPU threads; unset: all", bounds=(1, None))


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
    """One burst of a Sentinel-1 SLC product; its heights come from the group dem."""

    reader: str = key("sentinel1", "which reader", choices=("sentinel1",))
    path: str = key(MISSING, "a SAFE folder, a zip of one, or a folder of them")
    area: Any = field(
        default=None,
        metadata=about(
            "area of interest: [west,south,east,north] in degrees, WKT, GeoJSON, or the path of a vector file"
        ),
    )
    crop: bool = key(default=True, text="cut the burst to the area, where one is given")
    polarizations: list[str] = field(
        default_factory=list,
        metadata=about(
            "polarizations; empty: all that the product has",
            choices=("vv", "vh", "hh", "hv"),
            may_be_empty=True,
        ),
    )
    swaths: list[str] = field(default_factory=list, metadata=about("subswaths, such as iw2; empty: all"))
    burst: str | None = key(
        None, "burst id, such as t052_110431_iw1; unset: the one that area and swaths leave"
    )


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
    """The terrain of products=sentinel1, or under simulate (simulate.dem) that of a simulation."""

    path: Any = field(
        default=None, metadata=about("a raster of heights, a folder of tiles, or a list of them")
    )
    vertical_datum: str | None = key(
        None, "what its heights count from", choices=("egm96", "egm2008", "ellipsoid")
    )
    geoid: str | None = key(None, "grid of the geoid's undulation; unset: the one installed on this machine")


@dataclass
class SimulateSceneConfig:
    """What is on the ground of a simulation."""

    relief: float = key(250.0, "m between the lowest and the highest ground", bounds=(0.0, 9000.0))
    roughness: float = key(0.85, "Hurst exponent of the terrain", bounds=(0.5, 1.0))
    base_height: float = key(50.0, "m above the ellipsoid, of the lowest ground", bounds=(-500.0, 9000.0))
    sea_share: float = key(0.0, "share of the terrain that is sea", bounds=(0.0, 0.9))
    terrain_posting: float = key(30.0, "m between heights", bounds=(1.0, 1000.0))
    cover_posting: float = key(10.0, "m between cells of the land-cover map", bounds=(1.0, 1000.0))
    vectors: list[str] = field(
        default_factory=list,
        metadata=about(
            "land cover from vectors instead of a drawn map: FILE:CLASS (lines: FILE:CLASS:WIDTH in m), later ones "
            "on top, or the zip of a Dutch BGT extract; empty: drawn",
            may_be_empty=True,
        ),
    )
    background: str = key("grassland", "land cover where no vector lies")
    temporal_decorrelation: bool = key(default=True, text="false: everything stays coherent, water too")
    reflectors: str | None = key(None, "file of corner reflectors (CSV, GeoJSON or JSON), besides drawn ones")
    corner_reflectors: int = key(6, "corner reflectors drawn", bounds=(0, 1000))
    ships: int = key(3, "ships on each date", bounds=(0, 1000))
    tanks: int = key(4, "storage tanks", bounds=(0, 1000))
    demolitions: int = key(2, "blocks of buildings that go", bounds=(0, 1000))
    constructions: int = key(2, "blocks of buildings that come", bounds=(0, 1000))
    oil_slicks: int = key(1, "oil slicks", bounds=(0, 1000))
    bowls: int = key(1, "bowls of subsidence", bounds=(0, 1000))
    bowl_rate: float = key(0.5, "mm a day that their middle sinks", bounds=(-100.0, 100.0))
    bowl_radius: float = key(1200.0, "m, standard deviation of their shape", bounds=(10.0, 100_000.0))
    turbulence: float = key(
        8.0, "mm rms of each date's delay by turbulence at the zenith", bounds=(0.0, 1000.0)
    )
    stratification: float = key(
        20.0, "mm rms over the dates of the delay that falls with height", bounds=(0.0, 1000.0)
    )


@dataclass
class SimulateConfig:
    """Sentinel-1 products with known truth, made on the spot."""

    path: str = key("outputs/simulated", "folder that the products are made in")
    templates: Any = field(
        default=None,
        metadata=about(
            "SAFE product, or a list of them in order of time, whose metadata are filled with simulated pixels; "
            "unset: passes are planned from the keys below"
        ),
    )
    swaths: list[str] = field(
        default_factory=lambda: ["iw1", "iw2"], metadata=about("subswaths", choices=("iw1", "iw2", "iw3"))
    )
    longitude: float = key(6.0, "of the middle of the scene, degrees", bounds=(-180.0, 180.0))
    latitude: float = key(50.8, "of the middle of the scene, degrees", bounds=(-80.0, 80.0))
    pass_direction: str = key("ascending", "of the satellite", choices=("ascending", "descending"))
    platform: str = key(
        "Sentinel-1A",
        "whose orbit it is",
        choices=("Sentinel-1A", "Sentinel-1B", "Sentinel-1C", "Sentinel-1D"),
    )
    first_day: str = key("2022-01-09", "the first date is the first pass on or after this day")
    dates: int = key(4, "number of dates", bounds=(1, 1000))
    revisit_days: int = key(12, "days from a date to the next", bounds=(12, 3600), multiple_of=12)
    polarizations: list[str] = field(
        default_factory=lambda: ["vv", "vh"],
        metadata=about("polarizations", choices=("vv", "vh", "hh", "hv")),
    )
    bursts: int = key(3, "bursts in each subswath", bounds=(1, 24))
    lines: int = key(400, "lines of a burst; real ones have 1500", bounds=(80, 2048))
    samples: int = key(2000, "samples of a burst; real ones have 21000 to 26000", bounds=(64, 32_768))
    baselines: list[float] = field(
        default_factory=list,
        metadata=about("perpendicular baseline of each date in m; empty: drawn", may_be_empty=True),
    )
    noise: float = key(-24.0, "noise-equivalent sigma nought, dB", bounds=(-60.0, 0.0))
    azimuth_errors: list[float] = field(
        default_factory=list,
        metadata=about(
            "lines that the annotated times of each date are too late; empty: 0", may_be_empty=True
        ),
    )
    range_errors: list[float] = field(
        default_factory=list,
        metadata=about(
            "samples that the annotated ranges of each date are too far; empty: 0", may_be_empty=True
        ),
    )
    truth_lines: int = key(2, "truth.zarr keeps every n-th line", bounds=(1, 1000))
    truth_samples: int = key(4, "truth.zarr keeps every n-th sample", bounds=(1, 1000))
    seed: int = key(1, "seed of everything random", bounds=(0, 2**32 - 1))
    dem: DemConfig = field(default_factory=DemConfig)
    scene: SimulateSceneConfig = field(default_factory=SimulateSceneConfig)


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
    flatten: str = key(
        "auto",
        "auto: remove reference and topographic phase where the product still has it; never: leave it",
        choices=("auto", "never"),
    )


@dataclass
class SignaturesConfig:
    """What is extracted per pixel."""

    names: list[str] = field(
        default_factory=lambda: ["category1"], metadata=about("signatures or groups of them (category1)")
    )
    slc: bool = key(default=False, text="keep the complex pixels (slc_p) in the cube too")


@dataclass
class DatasetConfig:
    """The cube, and what it says of itself. Empty texts are left out of the product."""

    title: str = key("SAR benchmark dataset", "title")
    summary: str = key("", "a paragraph; empty: made from the facts")
    id: str = key("", "identifier; empty: name, reference date and the first digits of the fingerprint")
    license: str = key("CC-BY-4.0", "SPDX identifier of the dataset's licence")
    creator_name: str = key("", "who made it")
    creator_email: str = key("", "e-mail address of the creator")
    creator_url: str = key("", "web address of the creator")
    institution: str = key("", "institution of the creator")
    project: str = key("", "project")
    publisher_name: str = key("", "who publishes it")
    publisher_email: str = key("", "e-mail address of the publisher")
    publisher_url: str = key("", "web address of the publisher")
    acknowledgement: str = key("", "acknowledgement; empty: the data source's own, where it asks for one")
    product_version: str = key("1.0", "version of this dataset")
    chunk_lines: int = key(256, "lines of a chunk of cube.zarr", bounds=(STRIP, 8192), multiple_of=STRIP)
    chunk_samples: int = key(512, "samples of a chunk of cube.zarr", bounds=(16, 8192))


@dataclass
class Config:
    """Everything that a run depends on."""

    name: str = key("run", "name of the experiment; the default output folder is outputs/<name>")
    output: str = key("outputs/${name}", "folder that the run writes")
    device: DeviceConfig = field(default_factory=DeviceConfig)
    simulate: SimulateConfig | None = None
    products: ProductsConfig = MISSING
    orbits: OrbitsConfig = field(default_factory=OrbitsConfig)
    dem: DemConfig = field(default_factory=DemConfig)
    interferometry: InterferometryConfig = field(default_factory=InterferometryConfig)
    signatures: SignaturesConfig = field(default_factory=SignaturesConfig)
    dataset: DatasetConfig = field(default_factory=DatasetConfig)


def register() -> None:
    """Make the classes known to Hydra, as the schemas that the YAML files build on."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    store.store(group="products", name="snap_schema", node=SnapProductsConfig)
    store.store(group="products", name="simulated_schema", node=SimulatedProductsConfig)
    store.store(group="products", name="sentinel1_schema", node=Sentinel1ProductsConfig)
    store.store(group="products", name="none_schema", node=NoProductsConfig)
    store.store(group="simulate", name="schema", node=SimulateConfig)


def _check_value(name: str, value: Any, metadata: dict[str, Any]) -> None:
    choices = metadata["choices"]
    values = value if isinstance(value, list) else [value]
    wrong = [v for v in values if choices and v not in choices]
    if wrong or (choices and not values and not metadata["may_be_empty"]):
        raise AlignsarError(f"{name}={wrong[0] if wrong else '[]'}: choose from {', '.join(choices)}")
    texts = [v for v in values if isinstance(v, str)]
    if len(set(texts)) != len(texts):
        raise AlignsarError(f"{name}={value}: names something twice")
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
        elif value is not None and item.metadata:
            _check_value(name, value, dict(item.metadata))


def check_together(config: Config) -> None:
    """Raise AlignsarError, naming the key, when a key is missing or too many for the reader that is chosen."""
    reader, dem = config.products.reader, config.dem
    if reader == "none" and config.simulate is None:
        raise AlignsarError(
            "products=none: nothing to do; choose what to simulate (simulate=default) or a reader"
        )
    if config.simulate is not None and config.simulate.dem.path is not None:
        _check_datum("simulate.dem", config.simulate.dem)
    if reader != "sentinel1":
        keys = {"orbits.path": config.orbits.path, "dem.path": dem.path, "dem.geoid": dem.geoid}
        keys["dem.vertical_datum"] = dem.vertical_datum
        given = [name for name, value in keys.items() if value is not None]
        if given:
            raise AlignsarError(
                f"{', '.join(given)}: products={reader} has orbits and heights of its own; leave "
                f"{'it' if len(given) == 1 else 'them'} out (only products=sentinel1 takes orbits and a DEM)"
            )
        return
    if dem.path is None:
        raise AlignsarError(
            "dem.path: must be given with products=sentinel1: a raster of heights, a folder of tiles, or a list "
            "of them, such as tiles of the Copernicus DEM (dem=copernicus dem.path=FOLDER)"
        )
    _check_datum("dem", dem)


def _check_datum(name: str, dem: DemConfig) -> None:
    if dem.vertical_datum is None:
        raise AlignsarError(
            f"{name}.vertical_datum: must be given: egm2008 for the Copernicus DEM, egm96 for SRTM, NASADEM, ALOS and "
            "ASTER, ellipsoid for heights above WGS84 (TanDEM-X)"
        )
