"""Keys of the group simulate: products with known truth."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from alignsar_gpu.config.keys import about, as_given, key
from alignsar_gpu.config.products import DemConfig
from alignsar_gpu.errors import AlignsarError

# `simulate.ground.backscatter.NAMES`: importing it would keep --help waiting
LAND_COVERS = (
    *("water", "field", "grassland", "forest", "urban", "road", "railway", "bare soil", "oil", "rubble"),
)
PLANNED = (  # keys of passes that are planned: those of templates are as they are
    *("longitude", "latitude", "pass_direction", "platform", "first_day", "dates", "revisit_days"),
    *("bursts", "lines", "samples", "baselines", "noise"),
)


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
    background: str = key("grassland", "land cover where no vector lies", choices=LAND_COVERS)
    block_size: float = key(850.0, "m between the small roads of farmland", bounds=(200.0, 20_000.0))
    railways: int = key(1, "railways across the drawn map", bounds=(0, 20))
    road_width: float = key(
        0.0, "m that drawn roads, streets and railways have at least", bounds=(0.0, 100.0)
    )
    town_share: float = key(0.06, "share of the ground that is built up, about", bounds=(0.0, 0.6))
    contrast: float = key(
        1.0, "differences of backscatter between classes, dB, times this; 0.5: halved", bounds=(0.0, 4.0)
    )
    season: float = key(
        0.0,
        "dB that fields are brighter in summer and darker in winter (grassland half, forest a quarter of it the other "
        "way); they lose 15 % of coherence in summer for each dB; usual: 2",
        bounds=(0.0, 6.0),
    )
    temporal_decorrelation: bool = key(default=True, text="false: everything stays coherent, water too")
    reflectors: str | None = key(None, "file of corner reflectors (CSV, GeoJSON or JSON), besides drawn ones")
    corner_reflectors: int = key(6, "corner reflectors drawn", bounds=(0, 1000))
    ships: int = key(3, "ships on each date", bounds=(0, 1000))
    ship_cross_section: list[float] = field(
        default_factory=list,
        metadata=about(
            "dB added to the cross-sections of ships; of two numbers, each ship has one between them; empty: none",
            bounds=(-60.0, 60.0),
            may_be_empty=True,
        ),
    )
    tanks: int = key(4, "storage tanks in a farm", bounds=(0, 1000))
    tank_farms: int = key(1, "farms of tanks", bounds=(0, 1000))
    tank_cross_section: float = key(0.0, "dB added to the cross-sections of tanks", bounds=(-60.0, 60.0))
    demolitions: int = key(2, "blocks of buildings that go", bounds=(0, 1000))
    constructions: int = key(2, "blocks of buildings that come", bounds=(0, 1000))
    oil_slicks: int = key(1, "oil slicks", bounds=(0, 1000))
    slick_length: list[float] = field(
        default_factory=lambda: [900.0, 4000.0],
        metadata=about("m, least and largest length of oil slicks", bounds=(50.0, 100_000.0)),
    )
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
    template_bursts: list[str] = field(
        default_factory=list,
        metadata=about(
            "bursts of the templates, such as t052_110431_iw1; of each subswath all from the first to the last of "
            "these are simulated; empty: all",
            may_be_empty=True,
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


def check_scene(scene: SimulateSceneConfig) -> None:
    """Raise AlignsarError for cross-sections that are not one number, or two that rise, and for such lengths."""
    given = scene.ship_cross_section
    if len(given) > 2 or given != sorted(given):
        raise AlignsarError(
            f"simulate.scene.ship_cross_section={as_given(given)}: give one number of dB, or two that rise"
        )
    if len(scene.slick_length) != 2 or scene.slick_length != sorted(scene.slick_length):
        raise AlignsarError(
            f"simulate.scene.slick_length={as_given(scene.slick_length)}: give two that rise, such as [900,4000]"
        )


def check_templates(settings: SimulateConfig) -> None:
    """Raise AlignsarError, naming the keys, for what cannot be combined with templates, or needs them."""
    if settings.templates is None:
        if settings.template_bursts:
            raise AlignsarError(
                f"simulate.template_bursts=[{','.join(settings.template_bursts)}]: there are no templates to take them "
                "from; give simulate.templates, or leave it out"
            )
        return
    usual = SimulateConfig()
    given = {item.name: getattr(settings, item.name) for item in fields(settings) if item.name in PLANNED}
    changed = [f"simulate.{name}={value}" for name, value in given.items() if value != getattr(usual, name)]
    if changed:
        raise AlignsarError(
            f"{', '.join(changed)}: cannot be combined with simulate.templates, which say it themselves; leave it out "
            "(choose a part by simulate.swaths, simulate.polarizations and simulate.template_bursts)"
        )
