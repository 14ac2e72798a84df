"""What the dataset says of itself: the facts of a stack, as coordinates, layers and attributes of the cube."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.application.dataset.layers import is_flattened
from alignsar_gpu.config.dates import date_of_build
from alignsar_gpu.dataset.cube import FORMAT, CubeLayout, layer_bounds
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.geometry.ground_to_radar import incidence_angle
from alignsar_gpu.geometry.time_scale import moment, utc
from alignsar_gpu.geometry.track import Baseline, GroundPoint, baseline, ground_speed, heading
from alignsar_gpu.stack.product import radar_grid
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.config import Config, DatasetConfig
    from alignsar_gpu.dataset.cube import CubeLayer
    from alignsar_gpu.device import Device
    from alignsar_gpu.stack.product import StackProduct

SENTINEL1_ACKNOWLEDGEMENT = "Contains modified Copernicus Sentinel data {years}"
LESSER_ORBITS = {"annotation": "the state vectors in the product", "RESORB": "a restituted orbit"}
CITED = ("creator_name", "institution", "license")  # what a published dataset is expected to say
WHOLE = 0.995  # share of the area of interest from which on nothing is said of what is missing


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Geometry at the pixel in the middle of the image (of those that have ground coordinates)."""

    centre: GroundPoint
    baselines: tuple[Baseline, ...]
    delays: tuple[float, ...]
    heading: float
    azimuth_spacing: float
    incidence_angle: float


def _centre(product: StackProduct, device: Device) -> GroundPoint:
    """Ground coordinates nearest to the middle of the middle line; without heights, on the ellipsoid."""
    lines, samples = product.grid.shape
    order = sorted(range(0, lines, max(lines // 32, 1)), key=lambda line: abs(line - lines // 2))
    for line in [lines // 2, *order]:
        ground = product.read_ground(line, line + 1)
        longitude, latitude, height = (
            device.download(row[0]) for row in (ground.longitude, ground.latitude, ground.height)
        )
        found = np.flatnonzero(np.isfinite(longitude) & np.isfinite(latitude))
        if found.size:
            sample = found[np.argmin(np.abs(found - samples // 2))]
            return GroundPoint(
                longitude=float(longitude[sample]),
                latitude=float(latitude[sample]),
                height=float(np.nan_to_num(height[sample])),
            )
    raise AlignsarError(
        f"{product.source}: has neither per-pixel coordinates nor tie points, so its place on Earth is unknown; "
        "export it with latitude and longitude"
    )


def describe_scene(product: StackProduct, device: Device) -> Scene:
    """Baselines, heading and spacing of ``product``, which may be on ``device``.

    Raises AlignsarError when an orbit does not see all of it.
    """
    centre = _centre(product, device)
    grid, reference = radar_grid(product), product.acquisitions[product.reference].orbit
    baselines = tuple(baseline(reference, a.orbit, centre, grid.wavelength) for a in product.acquisitions)
    seen = baselines[product.reference].azimuth_time
    first, last = grid.azimuth_time([0, grid.lines - 1])
    for acquisition, found in zip(product.acquisitions, baselines, strict=True):
        delay = found.azimuth_time - seen
        acquisition.orbit.require(float(first + delay), float(last + delay))
    incidence = incidence_angle(reference, centre.longitude, centre.latitude, centre.height, seen)
    return Scene(
        centre=centre,
        baselines=baselines,
        delays=tuple(b.azimuth_time - seen for b in baselines),
        heading=heading(reference, centre),
        azimuth_spacing=ground_speed(reference, centre) * grid.azimuth_interval,
        incidence_angle=float(incidence),
    )


def check_flattening(product: StackProduct, config: Config) -> None:
    """Raise AlignsarError when phase is to be removed from a stack that has no heights to do it with."""
    raw = [a.date for a in product.acquisitions if not a.flattened]
    if raw and config.interferometry.flatten == "auto" and not product.has_heights:
        raise AlignsarError(
            f"{', '.join(raw)}: reference and topographic phase are still in the pixels, and the product has no "
            "per-pixel latitude, longitude and elevation to remove them with; export those bands, say "
            "products.phase_state=flattened if it is removed, or interferometry.flatten=never to leave it"
        )


def check_report_dates(product: StackProduct, config: Config) -> None:
    """Raise AlignsarError for dates of the report that the stack has not: before all the work, not after it."""
    there = [acquisition.date for acquisition in product.acquisitions]
    for date in config.report.dates if config.report.kind != "none" else ():
        if date.partition("_")[0] not in there:  # the second of a day is DAY_2
            raise AlignsarError(f"report.dates={date}: not a date of the dataset; {choose_from(date, there)}")


def find_warnings(product: StackProduct, config: Config, left_out: Sequence[str]) -> list[str]:
    """What a user of the dataset must know: each a sentence, those on what is left out among them."""
    facts = product.facts
    warnings = [*left_out, *(f"left out: {note}" for note in facts.get("dropped", ()))]
    if facts.get("area_share", 1.0) < WHOLE:
        warnings.append(f"the bursts hold about {100 * facts['area_share']:.0f} % of products.area")
    kind = facts.get("orbit", {}).get("kind")
    if kind in LESSER_ORBITS and not facts.get("simulated", False):
        warnings.append(
            f"the geometry is that of {LESSER_ORBITS[kind]}; a precise orbit (POEORB), published about three weeks "
            "after the acquisition, is better: give it by orbits.path"
        )
    if nominal := facts.get("corrections", {}).get("nominal_bistatic_delay"):
        which = nominal[0] if len(nominal) == 1 else f"{len(nominal)} products"
        warnings.append(
            f"{which}: without the annotation of IW2, so that the bistatic delay is the usual one of IW; "
            "the whole image may lie up to 10 cm off along the track (give the whole product, or set "
            "coregistration.bistatic=false to leave the correction out)"
        )
    unknown = [
        date
        for date, found in facts.get("timing", {}).get("dates", {}).items()
        if found["azimuth_from"] == "orbit"
    ]
    if unknown:
        warnings.append(
            f"{', '.join(unknown)}: no overlap of bursts says well enough how late it is, so that azimuth times are "
            "those of the orbits alone"
        )
    if not product.has_heights:
        warnings.append(
            "no heights of pixels in the product: positions are those of its tie points, and the first line time is "
            "taken as it is (that of SNAP's subsets can be off by about a line)"
            if config.products.reader == "snap"
            else "no heights in the product: positions are those on the ellipsoid"
        )
    for acquisition in product.acquisitions:
        sources = {c.source for c in acquisition.calibration.values()} - {acquisition.product_id}
        if sources:
            warnings.append(
                f"{acquisition.date}: calibrated with the records of {', '.join(sorted(sources))}, "
                "for the product carries none of its own"
            )
        if not acquisition.flattened and config.interferometry.flatten == "never":
            warnings.append(f"{acquisition.date}: reference and topographic phase are still in the pixels")
    absent = [f"dataset.{key}" for key in CITED if not getattr(config.dataset, key)]
    if absent and not facts.get("simulated", False):
        warnings.append(
            f"{', '.join(absent)}: not given, so that nobody can cite or reuse the dataset; add "
            f"{'it' if len(absent) == 1 else 'them'} before you publish it"
        )
    return warnings


def _text(values: Sequence[str]) -> np.ndarray[Any, np.dtype[Any]]:
    return np.array(values, dtype=object)


def coordinates(product: StackProduct, scene: Scene) -> xr.Dataset:
    """The cube's coordinates, and what there is per date."""
    grid, dates = radar_grid(product), product.acquisitions
    midnight = grid.epoch.astype("datetime64[D]")
    sources = [", ".join(sorted({c.source for c in a.calibration.values()})) for a in dates]
    azimuth = {
        "units": "s",
        "long_name": f"zero-Doppler azimuth time of the reference, seconds since {midnight} 00:00:00 UTC",
    }

    def per_date(values: Any, units: str, long_name: str) -> tuple[str, Any, dict[str, str]]:
        return "time", values, {"units": units, "long_name": long_name}

    def names(values: Sequence[str], long_name: str) -> tuple[str, Any, dict[str, str]]:
        return "time", _text(values), {"long_name": long_name}

    return xr.Dataset(
        coords={
            "time": (
                "time",
                np.array(scene_times(product, scene)),
                {"standard_name": "time", "long_name": "zero-Doppler time of the scene centre"},
            ),
            "azimuth": ("azimuth", grid.azimuth_time(np.arange(grid.lines)), azimuth),
            "range": (
                "range",
                grid.slant_range(np.arange(grid.samples)),
                {"units": "m", "long_name": "slant range"},
            ),
            "perpendicular_baseline": per_date(
                np.array([b.perpendicular for b in scene.baselines]),
                "m",
                "perpendicular baseline at the scene centre, positive for the steeper look of the two",
            ),
            "temporal_baseline": per_date(
                np.array([b.temporal for b in scene.baselines]), "day", "days since the reference date"
            ),
            "height_of_ambiguity": per_date(
                np.array([b.height_of_ambiguity for b in scene.baselines]),
                "m",
                "height for one cycle of phase at the scene centre, signed like the perpendicular baseline",
            ),
            "absolute_orbit": per_date(
                np.array([a.absolute_orbit for a in dates], dtype=np.int32), "1", "absolute orbit number"
            ),
            "product_id": names([a.product_id for a in dates], "product that the pixels come from"),
            "platform": names([a.platform for a in dates], "satellite"),
            "processor": names([a.processor for a in dates], "processor of the product"),
            "orbit_source": names([a.orbit.source for a in dates], "source of the orbit"),
            "calibration_source": names(sources, "product whose calibration records were used"),
            "flattened_how": names([a.flattened_how for a in dates], "how the state of the phase is known"),
        }
    )


def bounds(path: Path) -> dict[str, float]:
    """The ACDD bounding box of the filled cube at ``path``; the western end comes first across 180 degrees too."""
    names = {"longitude": "lon", "latitude": "lat", "height": "vertical"}
    found = {short: layer_bounds(path, layer) for layer, short in names.items()}
    return {
        f"geospatial_{short}_{end}": value
        for short, limits in found.items()
        for end, value in zip(("min", "max"), limits, strict=True)
        if np.isfinite(value)
    }


def _configured(dataset: DatasetConfig) -> dict[str, str]:
    keys = (
        "title",
        "summary",
        "id",
        "license",
        "creator_name",
        "creator_email",
        "creator_url",
        "institution",
        "project",
        "publisher_name",
        "publisher_email",
        "publisher_url",
        "naming_authority",
        "acknowledgement",
        "product_version",
        "processing_level",
    )
    return {key: getattr(dataset, key) for key in keys if getattr(dataset, key)}


def attributes(
    product: StackProduct,
    scene: Scene,
    config: Config,
    device: Device,
    fingerprint: str,
    signature_settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The cube's global attributes, but for the bounds that are known only when it is filled."""
    reference, grid = product.acquisitions[product.reference], radar_grid(product)
    days = [str(a.start.astype("datetime64[D]")) for a in product.acquisitions]
    platforms = sorted({a.platform for a in product.acquisitions})
    stack = f"{len(days)} dates from {days[0]} to {days[-1]}, coregistered on {days[product.reference]}"
    result: dict[str, Any] = {
        "id": f"{config.name}-{reference.date}-{fingerprint[:8]}",
        "Conventions": "CF-1.11, ACDD-1.3",
        "summary": (
            f"SAR signatures per pixel on one radar grid: {', '.join(platforms)} {reference.instrument_mode}, "
            f"{', '.join(p.upper() for p in product.polarizations)}, {stack if len(days) > 1 else days[0]}."
        ),
        "keywords": "SAR, InSAR, backscatter, coherence, interferometric phase, benchmark dataset, machine learning",
        "source": product.source,
        "references": "https://github.com/AlignSAR/alignSAR",
        "processing_level": "L1",
        "cube_format": FORMAT,
        "software": f"alignsar_gpu {VERSION}",
        **({"stack_software": product.facts["software"]} if "software" in product.facts else {}),
        "device": str(device),
        "fingerprint": fingerprint,
        "reference_date": days[product.reference],
        "reference_product_id": reference.product_id,
        "instrument_mode": reference.instrument_mode,
        "swath": reference.swath,
        **({"burst_id": ",".join(product.facts["bursts"])} if "bursts" in product.facts else {}),
        "polarizations": ",".join(product.polarizations),
        "pass_direction": reference.pass_direction,
        "look_side": grid.look_side,
        "relative_orbit": reference.relative_orbit,
        "radar_frequency": SPEED_OF_LIGHT / grid.wavelength,
        "wavelength": grid.wavelength,
        "azimuth_spacing": scene.azimuth_spacing,
        "range_spacing": grid.range_spacing,
        "azimuth_interval": grid.azimuth_interval,
        "looks_azimuth": 1,
        "looks_range": 1,
        "coherence_window_lines": config.interferometry.coherence_window_lines,
        "coherence_window_samples": config.interferometry.coherence_window_samples,
        **signature_settings,
        "flattened": str(is_flattened(product, config)).lower(),
        "simulated": str(bool(product.facts.get("simulated", False))).lower(),
        "incidence_angle_mid": scene.incidence_angle,
        "heading": scene.heading,
        **{f"crop_{name}": value for name, value in product.facts.get("crop", {}).items()},
        **_coverage(product, scene),
    }
    if any(p.startswith("Sentinel-1") for p in platforms):
        result["acknowledgement"] = SENTINEL1_ACKNOWLEDGEMENT.format(
            years=", ".join(sorted({d[:4] for d in days}))
        )
    created = config.dataset.date_created or date_of_build(os.environ)
    return result | _configured(config.dataset) | ({"date_created": created} if created else {})


def scene_times(product: StackProduct, scene: Scene) -> list[np.datetime64]:
    """UTC zero-Doppler time of the scene centre, per date."""
    return [
        utc(moment(a.orbit.epoch, b.azimuth_time)).astype("datetime64[ns]")
        for a, b in zip(product.acquisitions, scene.baselines, strict=True)
    ]


def _coverage(product: StackProduct, scene: Scene) -> dict[str, str]:
    times = [str(time.astype("datetime64[s]")) + "Z" for time in scene_times(product, scene)]
    return {"time_coverage_start": min(times), "time_coverage_end": max(times)}


def cube_layout(
    product: StackProduct,
    scene: Scene,
    config: Config,
    layers: Sequence[CubeLayer],
    global_attributes: dict[str, Any],
) -> CubeLayout:
    """The cube of ``product``, ready to be created."""
    return CubeLayout(
        shape=(len(product.acquisitions), *product.grid.shape),
        chunk=(config.dataset.chunk_lines, min(config.dataset.chunk_samples, product.grid.shape[1])),
        coordinates=coordinates(product, scene),
        layers=layers,
        attributes=global_attributes,
    )
