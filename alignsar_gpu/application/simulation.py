"""Makes Sentinel-1 products with known truth: the stages of ``+experiment=simulate``."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from alignsar_gpu.application.fingerprints import InputFiles, write_text
from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.application.inputs import open_surface, surface_files
from alignsar_gpu.application.space import check_products_space
from alignsar_gpu.config.paths import check_there
from alignsar_gpu.device import cpu_threads
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.products.sentinel1.safe import open_safe
from alignsar_gpu.progress import LOGGER, StageTimer
from alignsar_gpu.simulate.assessment.product_truth import FACTS, TRUTH
from alignsar_gpu.simulate.geometry import baseline_directions
from alignsar_gpu.simulate.ground.atmosphere import AtmosphereParameters
from alignsar_gpu.simulate.ground.changes import ChangeParameters
from alignsar_gpu.simulate.ground.files import write_scene
from alignsar_gpu.simulate.ground.land.bgt import bgt_layers
from alignsar_gpu.simulate.ground.land.map import LandParameters
from alignsar_gpu.simulate.ground.land.vectors import VectorLayer
from alignsar_gpu.simulate.ground.scene import SceneParameters, make_scene
from alignsar_gpu.simulate.ground.targets.targets import TargetParameters
from alignsar_gpu.simulate.radar.campaign import ground_on, make_campaign, scene_bounds
from alignsar_gpu.simulate.radar.filling import fill_swath
from alignsar_gpu.simulate.radar.ground_mesh import zero_doppler
from alignsar_gpu.simulate.radar.passes.dates import (
    check_dates,
    per_date,
    view_of,
    write_annotated_orbit,
)
from alignsar_gpu.simulate.radar.target_list import write_targets
from alignsar_gpu.simulate.radar.truth import write_truth
from alignsar_gpu.simulate.safe.orbit_eof import write_orbit
from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
from alignsar_gpu.simulate.safe.planning import plan_passes
from alignsar_gpu.simulate.safe.product import (
    copy_metadata,
    finish_product,
    measurement_path,
    write_metadata,
)
from alignsar_gpu.simulate.safe.quicklook import write_quicklook
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignsar_gpu.config import Config, SimulateConfig, SimulateSceneConfig
    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.progress import Advance
    from alignsar_gpu.simulate.ground.raster import Bounds
    from alignsar_gpu.simulate.ground.scene import GroundScene
    from alignsar_gpu.simulate.radar.campaign import Campaign, GroundState
    from alignsar_gpu.simulate.radar.passes.view import PassView

PRODUCTS, ORBITS, SCENE = "products", "orbits", "scene"
COUNTS = "saturated"  # of the pixels of each subswath, while a simulation goes on
TARGETS, README_NAME = "targets.csv", "README.txt"
MADE = (PRODUCTS, ORBITS, SCENE, TRUTH, TARGETS, FACTS, README_NAME)
README = """Simulated Sentinel-1 products with known truth, made by alignsar_gpu {version}.
Nothing here was acquired by a satellite, and nothing here is an ESA product.

products/        one SAFE folder a date, as ESA's: annotation, calibration, noise, measurements
orbits/          the true orbit of every date, as restituted-orbit files (EOF)
scene/           what was on the ground: dem.tif (heights above the WGS84 ellipsoid), land cover, point targets,
                 objects (ships, tanks, oil slicks by their outlines), changes, subsidence, motion, atmosphere
truth.zarr       what is true at the pixels of the first date's bursts (a group each; xarray.open_zarr(..., group=...))
targets.csv      where the point targets are in every burst of every date
simulation.json  dates, baselines, injected errors, and what was measured while making them
run.yaml         the configuration: the same one gives the same bytes
"""


@dataclass(frozen=True, kw_only=True)
class SimulationSummary:
    """What was made; ``seconds`` (per stage) is empty when everything was there already."""

    output: Path
    seconds: dict[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Date:
    view: PassView
    safe: Path
    unit: str

    @property
    def swaths(self) -> list[str]:
        return sorted({burst.swath for burst in self.view.product.bursts})

    def unit_of(self, swath: str) -> str:
        return f"{self.unit} {swath}"


def simulate_products(config: Config, configuration: str) -> SimulationSummary:
    """Make what ``config.simulate`` describes, in its folder; ``configuration`` is for run.yaml.

    Products that are there are left alone, an unfinished run is continued: finished subswaths are kept.
    Raises AlignsarError for what the user can put right.
    """
    settings = config.simulate
    assert settings is not None
    surface = open_surface(settings.dem) if settings.dem.path is not None else None
    path = Path(settings.path).expanduser()
    inputs = InputFiles()
    record = StageRecord(name="simulation", digest=_fingerprint(settings, surface, inputs), products=MADE)
    with RunFolder(path, [record], configuration) as folder:
        if not folder.pending:
            return SimulationSummary(output=path, seconds={})
        for damage in folder.damage.values():
            LOGGER.warning("simulation %s: it is made again", damage)
        timer = StageTimer()
        with folder.writing():
            if folder.begin():
                LOGGER.info("continues  the unfinished simulation in %s", path)
            _make(settings, surface, folder, timer, cpu_threads())
            folder.seal(inputs.changed())
            folder.publish()
    return SimulationSummary(output=path, seconds=timer.seconds)


def _fingerprint(settings: SimulateConfig, surface: Dem | None, inputs: InputFiles) -> str:
    """Of what the products depend on, not of where it lies."""
    own = {
        name: value for name, value in asdict(settings).items() if name not in {"path", "templates", "dem"}
    }
    files: list[Sequence[Path | str]] = [_template_files(path) for path in _templates(settings)]
    if surface is not None:
        own["vertical_datum"] = settings.dem.vertical_datum
        files += surface_files(surface)
    own["scene"] = own["scene"] | {"vectors": [], "reflectors": None}
    named = [("vectors", text.partition(":")[0]) for text in settings.scene.vectors]
    own["vectors"] = [text.partition(":")[2] for text in settings.scene.vectors]
    if settings.scene.reflectors is not None:
        named.append(("reflectors", settings.scene.reflectors))
    read = [[check_there(f"simulate.scene.{key}", text)] for key, text in named]
    return inputs.fingerprint({"simulate": own, "software": VERSION}, *files, *read)


def _templates(settings: SimulateConfig) -> list[Path]:
    named = settings.templates if isinstance(settings.templates, list) else [settings.templates]
    if settings.templates is None:
        return []
    if not named or not all(isinstance(item, str) for item in named):
        raise AlignsarError(f"simulate.templates={settings.templates}: give a SAFE folder, or a list of them")
    return [Path(item).expanduser() for item in named]


def _template_files(path: Path) -> list[Path]:
    """What a template is read from: pixels do not count."""
    if not path.exists():
        raise AlignsarError(f"simulate.templates: {path}: no such file or folder; correct the path")
    if path.is_file():
        return [path]
    return [file for file in sorted(without_clutter(path.rglob("*.xml"))) if file.is_file()]


def _make(
    settings: SimulateConfig,
    surface: Dem | None,
    folder: RunFolder,
    timer: StageTimer,
    workers: int,
) -> None:
    """Everything of a simulation, in the folder's working place."""
    with timer.stage("plan"):
        dates = _plan(settings, folder)
        views = [date.view for date in dates]
        check_dates(views)
        check_products_space(views, folder.work)
    with timer.stage("scene"):
        scene = _scene(settings, surface, views)
        campaign = make_campaign(views, 0, scene, settings.seed, workers)
        write_scene(scene, folder.work / SCENE)
    bursts = sum(len(view.product.bursts) for view in views)
    with timer.stage("pixels", bursts) as advance:
        for date in dates:
            if folder.is_recorded(date.unit):
                advance.keep(len(date.view.product.bursts))
                continue
            ground = ground_on(scene, date.view.index)
            saturated = sum(
                _fill_swath(campaign, ground, date, swath, folder, advance) for swath in date.swaths
            )
            finish_product(date.safe)
            write_quicklook(date.safe)
            write_text(date.safe / FACTS, json.dumps(_facts_of(date, campaign, saturated), indent=1))
            folder.record(date.unit, [file for file in date.safe.rglob("*") if file.is_file()])
    with timer.stage("truth", len(views[0].product.bursts)) as advance:
        step = settings.truth_lines, settings.truth_samples
        write_truth(folder.work / TRUTH, campaign, views, 0, step, advance)
        write_targets(folder.work / TARGETS, campaign, views)
    facts = {"seed": settings.seed, "dates": [json.loads((date.safe / FACTS).read_text()) for date in dates]}
    write_text(folder.work / FACTS, json.dumps(facts, indent=1))
    write_text(folder.work / README_NAME, README.format(version=VERSION))


def _fill_swath(
    campaign: Campaign, ground: GroundState, date: _Date, swath: str, folder: RunFolder, advance: Advance
) -> int:
    """Write the pixels of a subswath, a unit of the simulation; return the number of saturated pixels."""
    bursts = [burst for burst in date.view.product.bursts if burst.swath == swath]
    unit = date.unit_of(swath)
    count = folder.work / COUNTS / f"{unit}.txt"
    if folder.is_recorded(unit):
        advance.keep(len(bursts))
        return int(count.read_text())
    saturated = fill_swath(campaign, ground, date.view, bursts, date.safe, advance)
    count.parent.mkdir(exist_ok=True)
    write_text(count, str(saturated))
    pixels = [measurement_path(date.safe, swath, name) for name in bursts[0].channels]
    folder.record(unit, [count, *pixels])
    return saturated


def _plan(settings: SimulateConfig, folder: RunFolder) -> list[_Date]:
    """The products of all dates without pixels, and their true orbits; what is finished stays as it is."""
    templates = _templates(settings)
    plans = [] if templates else plan_passes(_pass_parameters(settings))
    count = len(templates) or len(plans)
    errors = zip(
        per_date(settings.azimuth_errors, count, "azimuth_errors"),
        per_date(settings.range_errors, count, "range_errors"),
        strict=True,
    )
    products, orbits = folder.work / PRODUCTS, folder.work / ORBITS
    swaths = _swaths(settings)
    dates = []
    for index, error in enumerate(errors):
        unit = f"date {index}"
        safe = (
            products
            / f"{open_safe(templates[index]).product_id if templates else plans[index].product_id}.SAFE"
        )
        begun = any(name.startswith(f"{unit} ") for name in folder.journal.units)
        is_there = folder.is_recorded(unit)
        with nullcontext() if is_there else _made_anew(safe, keep_pixels=begun):
            if templates and not is_there:
                parts = swaths, settings.polarizations, settings.template_bursts
                copy_metadata(templates[index], products, *parts)
            elif not is_there:
                write_metadata(plans[index], products)
            satellite = None if templates else plans[index].true_pass
            view = view_of(
                index, safe, satellite, errors=error, swaths=swaths, polarizations=settings.polarizations
            )
        if templates:
            write_annotated_orbit(view, orbits)
        else:
            write_orbit(plans[index], orbits)
        dates.append(_Date(view=view, safe=safe, unit=unit))
    return dates


@contextmanager
def _made_anew(safe: Path, *, keep_pixels: bool) -> Iterator[None]:
    """Remove a SAFE folder that is made anew, and put its measurements into the new one if these are kept.

    They come last, for a product with some of its measurements is none. Where that is interrupted, `RunFolder.begin`
    clears them away.
    """
    pixels, aside = safe / "measurement", safe.with_name(f"{safe.name}.partial")
    if keep_pixels and pixels.is_dir():
        pixels.rename(aside)
    shutil.rmtree(safe, ignore_errors=True)
    yield
    if aside.is_dir():
        aside.rename(pixels)


def _swaths(settings: SimulateConfig) -> list[str]:
    """The subswaths to simulate: those of the bursts that are named, or all that are asked for."""
    swaths = [name.upper() for name in settings.swaths]
    named = {burst.upper().rpartition("_")[2] for burst in settings.template_bursts}
    return [name for name in swaths if name in named] or swaths


def _pass_parameters(settings: SimulateConfig) -> PassParameters:
    try:
        first_day = np.datetime64(settings.first_day, "D")
    except ValueError:
        raise AlignsarError(f"simulate.first_day={settings.first_day}: give a day as YYYY-MM-DD") from None
    scene = settings.scene
    return PassParameters(
        longitude=settings.longitude,
        latitude=settings.latitude,
        pass_direction=cast("Literal['ascending', 'descending']", settings.pass_direction),
        first_day=first_day,
        dates=settings.dates,
        platform=settings.platform,
        revisit_days=settings.revisit_days,
        subswaths=tuple(name.upper() for name in settings.swaths),
        bursts=settings.bursts,
        lines=settings.lines,
        samples=settings.samples,
        polarizations=tuple(settings.polarizations),
        mean_height=scene.base_height + 0.5 * scene.relief,
        baselines=tuple(settings.baselines) or None,
        noise_equivalent_sigma0=settings.noise,
        seed=settings.seed,
    )


def _scene(settings: SimulateConfig, surface: Dem | None, views: Sequence[PassView]) -> GroundScene:
    asked = settings.scene
    if surface is None:
        heights = asked.base_height, asked.base_height + asked.relief
    else:
        heights = _limits_of(surface, scene_bounds(views, (0.0, 0.0)))
    return make_scene(
        scene_bounds(views, heights),
        np.array([view.product.start.astype("datetime64[D]") for view in views]),
        seed=settings.seed,
        wavelength=views[0].product.bursts[0].grid.wavelength,
        parameters=_scene_parameters(asked),
        dem=surface,
    )


def _limits_of(surface: Dem, bounds: Bounds) -> tuple[float, float]:
    """Lowest and highest height (m) of a DEM inside bounds."""
    corners = np.array([bounds.west, bounds.east]), np.array([bounds.south, bounds.north])
    return surface.lowest_and_highest(*surface.window(*corners, 1), "the simulated scene")


def _scene_parameters(asked: SimulateSceneConfig) -> SceneParameters:
    added = asked.ship_cross_section or [0.0]
    return SceneParameters(
        terrain_posting=asked.terrain_posting,
        relief=asked.relief,
        roughness=asked.roughness,
        base_height=asked.base_height,
        sea_share=asked.sea_share,
        cover_posting=asked.cover_posting,
        land=LandParameters(
            block_size=asked.block_size,
            town_share=asked.town_share,
            railways=asked.railways,
            road_width=asked.road_width,
        ),
        contrast=asked.contrast,
        season=asked.season,
        vectors=tuple(layer for text in asked.vectors for layer in _layers(text)),
        background=asked.background,
        temporal_decorrelation=asked.temporal_decorrelation,
        targets=TargetParameters(
            reflectors=asked.corner_reflectors,
            ships=asked.ships,
            ship_cross_section=(min(added), max(added)),
            tanks=asked.tanks,
            tank_farms=asked.tank_farms,
            tank_cross_section=asked.tank_cross_section,
        ),
        reflectors=None if asked.reflectors is None else Path(asked.reflectors).expanduser(),
        changes=ChangeParameters(
            demolitions=asked.demolitions,
            constructions=asked.constructions,
            oil_slicks=asked.oil_slicks,
            slick_length=(asked.slick_length[0], asked.slick_length[1]),
        ),
        bowls=asked.bowls,
        bowl_rate=asked.bowl_rate,
        bowl_radius=asked.bowl_radius,
        atmosphere=AtmosphereParameters(turbulent=asked.turbulence, stratified=asked.stratification),
    )


def _layers(text: str) -> Sequence[VectorLayer]:
    """What an item of simulate.scene.vectors says: FILE:CLASS, FILE:CLASS:WIDTH, or a BGT archive."""
    file, *rest = text.split(":")
    if not rest:
        return bgt_layers(Path(file).expanduser())
    try:
        width = float(rest[1]) if len(rest) > 1 else 0.0
    except ValueError:
        raise AlignsarError(f"simulate.scene.vectors: {text}: {rest[1]!r} is no width in metres") from None
    return [VectorLayer(path=Path(file).expanduser(), land_cover=rest[0], width=width)]


def _facts_of(date: _Date, campaign: Campaign, saturated: int) -> dict[str, Any]:
    """What is known of a date, for simulation.json."""
    view, grid = date.view, date.view.product.bursts[0].grid
    return {
        "product": view.product.product_id,
        "start": str(view.product.start),
        "perpendicular_baseline_m": _baseline(campaign, view),
        "azimuth_error_lines": view.azimuth_error / grid.azimuth_interval,
        "range_error_samples": view.range_error / grid.range_spacing,
        "saturated_pixels": saturated,
        "bursts": [burst.name for burst in view.product.bursts],
    }


def _baseline(campaign: Campaign, view: PassView) -> float:
    """Perpendicular baseline (m) in the middle of the scene, positive as `baseline_directions` says."""
    mesh = campaign.mesh
    u, v = 0.5 * (mesh.coordinates.low + mesh.coordinates.high)
    point = mesh.points(u, v)
    seen = float(zero_doppler(view.satellite, point, view.satellite.centre_time))
    perpendicular, _ = baseline_directions(mesh.reference, float(u), point)
    return float((view.satellite.position(seen) - mesh.reference.position(u)) @ perpendicular)
