"""Sentinel-1 SLC products: IW, EW and stripmap, as SAFE folders, zips of them, annotation files, or bursts of ASF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.time_scale import midnight, seconds_since, utc
from alignsar_gpu.products.sentinel1.annotation import (
    Annotation,
    middle_slant_range_time,
    read_annotation,
    read_header,
)
from alignsar_gpu.products.sentinel1.burst_files import BurstFiles, burst_files_at, open_bursts
from alignsar_gpu.products.sentinel1.burst_id import ON_TRACK, ascending_node, relative_orbit_at
from alignsar_gpu.products.sentinel1.bursts import Node, SwathFiles, bulk_delay, read_bursts
from alignsar_gpu.products.sentinel1.calibration import read_calibration, read_noise
from alignsar_gpu.products.sentinel1.measurement import TiffMeasurement, check_tiff
from alignsar_gpu.products.sentinel1.orbit_files import find_orbit
from alignsar_gpu.products.sentinel1.relative_orbit import sentinel1_relative_orbit
from alignsar_gpu.products.sentinel1.safe import (
    SIMULATOR,
    Safe,
    annotation_names,
    calibration_name,
    ipf_version,
    is_simulated,
    measurement_name,
    open_safe,
    processing_time,
)
from alignsar_gpu.products.slc import SlcProduct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignsar_gpu.products.sentinel1.annotation import Header
    from alignsar_gpu.products.slc import Burst
    from alignsar_gpu.stack.calibration import Calibration
    from alignsar_gpu.stack.noise import Noise

POLARIZATIONS = ("vv", "hh", "vh", "hv")  # co-polarization first
ORBIT_MARGIN = 1  # state vectors beyond the first and the last line
SAME_VECTOR = np.timedelta64(500, "ms")  # subswaths repeat vectors, with times that differ by a rounding
AROUND = np.timedelta64(10, "m")  # state vectors farther from the lines than this are left out

Swaths = dict[str, dict[str, tuple[str, Annotation]]]  # per subswath and polarization: file and content


def _read_annotations(safe: Safe) -> tuple[Swaths, list[str], dict[str, float]]:
    """What has bursts, the subswaths that have none, and the two-way times (s) to the middles of both."""
    swaths: Swaths = {}
    headers: dict[str, Header] = {}
    middles: dict[str, float] = {}
    for name in annotation_names(safe):
        document = safe.xml(name)
        headers[name] = header = read_header(document)
        swath = swaths.setdefault(header.swath, {})
        if header.polarization in swath:
            raise AlignsarError(
                f"{safe.path}: two annotations of {header.swath} {header.polarization.upper()}: "
                f"{swath[header.polarization][0]} and {name}; keep the one of this product"
            )
        annotation = read_annotation(document)
        if annotation is not None and isinstance(safe, BurstFiles):
            annotation = safe.own_part(annotation)
        if annotation is not None:
            swath[header.polarization] = name, annotation
        if (middle := middle_slant_range_time(document)) is not None:
            middles[header.swath] = middle
    for what in ("platform", "mode", "absolute_orbit"):
        if len(found := {str(getattr(header, what)) for header in headers.values()}) > 1:
            raise AlignsarError(
                f"{safe.path}: its annotations are of more than one {what.replace('_', ' ')} "
                f"({', '.join(sorted(found))}): files of several products are mixed"
            )
    there = {
        name: {p: swaths[name][p] for p in POLARIZATIONS if p in swaths[name]}
        for name in sorted(swaths)
        if swaths[name]
    }
    return there, sorted(swaths.keys() - there.keys()), middles


def _select_swaths(there: Swaths, empty: Sequence[str], asked: Sequence[str] | None, path: Path) -> Swaths:
    every = sorted([*there, *empty])
    names = set(every) if asked is None else {name.upper() for name in asked}
    if not names or not names <= set(every):
        missing = ", ".join(sorted(names.difference(every))) or "none"
        raise AlignsarError(f"{path}: swaths {missing} were asked for; the product has {', '.join(every)}")
    chosen = {name: swath for name, swath in there.items() if name in names}
    if not chosen:
        raise AlignsarError(f"{path}: no bursts in {', '.join(sorted(names))}; the product is empty there")
    return chosen


def _select_polarizations(there: Swaths, asked: Sequence[str] | None, path: Path) -> Swaths:
    has = {name: tuple(swath) for name, swath in there.items()}
    names = {p.lower() for p in asked} if asked is not None else {p for own in has.values() for p in own}
    lacking = {name: own for name, own in has.items() if not names <= set(own)}
    if not names or lacking:
        listed = "; ".join(f"{name} has {', '.join(own).upper()}" for name, own in has.items())
        missing = ", ".join(sorted(p.upper() for p in names)) or "none"
        need = "were asked for" if asked is not None else "are not there in every swath"
        raise AlignsarError(
            f"{path}: polarizations {missing} {need}: {listed}; choose polarizations that all swaths have"
        )
    return {name: {p: part for p, part in swath.items() if p in names} for name, swath in there.items()}


def _annotation_orbit(
    annotations: Sequence[Annotation], first: np.datetime64, last: np.datetime64, product_id: str
) -> Orbit:
    """The state vectors of all subswaths together, each once; times count from the midnight of ``first``."""
    epoch = midnight(first)
    vectors = sorted(
        (
            (time, position, velocity)
            for a in annotations
            for time, position, velocity in zip(
                a.state_vectors.time, a.state_vectors.position, a.state_vectors.velocity, strict=True
            )
        ),
        key=lambda vector: vector[0],
    )
    kept: list[tuple[Any, Any, Any]] = []
    for vector in vectors:
        near = first - AROUND <= vector[0] <= last + AROUND
        if near and (not kept or vector[0] - kept[-1][0] > SAME_VECTOR):
            kept.append(vector)
    if not kept:
        raise AlignsarError(
            f"{product_id}: no annotated state vector near its lines; give an orbit file instead"
        )
    return Orbit(
        epoch=epoch,
        time=seconds_since(epoch, np.array([time for time, _, _ in kept])),
        position=np.array([position for _, position, _ in kept]),
        velocity=np.array([velocity for _, _, velocity in kept]),
        source=f"annotation of {product_id}",
    )


def _line_times(annotations: Sequence[Annotation]) -> tuple[np.datetime64, np.datetime64]:
    """First and last line of all bursts."""
    first = min(a.bursts[0].azimuth_time for a in annotations)
    last = max(
        a.bursts[-1].azimuth_time + np.timedelta64(round(1e6 * a.lines * a.azimuth_time_interval), "us")
        for a in annotations
    )
    return first, last


def _node(orbit: Orbit, first: float, numbered: int) -> tuple[Node, bool]:
    """The ascending node before the first line, and whether its track is known from where it lies.

    A satellite off the repeat orbit is taken at its annotated number.
    """
    node = ascending_node(orbit, first)
    track, off = relative_orbit_at(node.longitude)
    known = abs(off) < ON_TRACK
    return Node(time=node.time, relative_orbit=track if known else numbered), known


def _tables(
    safe: Safe, name: str, annotation: Annotation, epoch: np.datetime64
) -> tuple[Calibration | None, Noise | None]:
    """Calibration and noise records of a subswath and polarization, where the product has them."""
    where: dict[str, Any] = {
        "epoch": epoch,
        "first_slant_range": 0.5 * SPEED_OF_LIGHT * annotation.slant_range_time,
        "range_spacing": 0.5 * SPEED_OF_LIGHT / annotation.range_sampling_rate,
        "source": safe.product_id,
    }
    calibration, noise = calibration_name(safe, name, "calibration"), calibration_name(safe, name, "noise")
    return (
        None if calibration is None else read_calibration(safe.xml(calibration), **where),
        None if noise is None else read_noise(safe.xml(noise), swath=annotation.header.swath, **where),
    )


def _measurements(safe: Safe, name: str, annotation: Annotation) -> dict[int, TiffMeasurement]:
    """Pixels by the place of their burst; none if the product comes without."""
    if isinstance(safe, BurstFiles):
        return safe.measurements(annotation)
    if (tiff := measurement_name(safe, name)) is None:
        return {}
    path, source, lines, samples = safe.raster(tiff), safe.where(tiff), annotation.lines, annotation.samples
    check_tiff(path, source, len(annotation.bursts) * lines, samples)
    return {
        burst.index: TiffMeasurement(
            path=path, source=source, first_line=burst.index * lines, lines=lines, samples=samples
        )
        for burst in annotation.bursts
    }


def _files(safe: Safe, name: str, annotation: Annotation, epoch: np.datetime64) -> SwathFiles:
    calibration, noise = _tables(safe, name, annotation, epoch)
    measurements = _measurements(safe, name, annotation)
    return SwathFiles(annotation=annotation, measurements=measurements, calibration=calibration, noise=noise)


def open_sentinel1(
    path: Path,
    *,
    orbits: Path | None = None,
    polarizations: Sequence[str] | None = None,
    swaths: Sequence[str] | None = None,
    verify: bool = False,
) -> SlcProduct:
    """A Sentinel-1 SLC product; pixels are read from it later, in place.

    Parameters
    ----------
    path : a SAFE folder, a zip of one, one of its annotation files (then without pixels), or a burst of ASF.
    orbits : folder with EOF files to take the orbit from; the annotation's state vectors without it.
    polarizations, swaths : what to take, for example ["vv"] and ["iw1", "iw2"]; all that is there by default.
    verify : check all XML files that are read against the MD5 sums in the manifest. (Of pixels, see `verify_files`.)

    Times count from the midnight of the product's first line. The annotation alone says what is there: a
    product cut to some bursts or subswaths is as good as a whole one.
    Raises AlignsarError when the product is damaged, is no Sentinel-1 SLC, lacks what was asked for, or when
    the orbit does not cover its lines with a state vector to spare.
    """
    bursts = burst_files_at(path) if path.is_file() else []
    safe = open_bursts(bursts[0]) if bursts else open_safe(path, verify=verify)
    return read_product(safe, orbits, polarizations, swaths)


def read_product(
    safe: Safe, orbits: Path | None, polarizations: Sequence[str] | None, swaths: Sequence[str] | None
) -> SlcProduct:
    """Read a product that is opened; see `open_sentinel1`."""
    there, empty, middles = _read_annotations(safe)
    chosen = _select_swaths(there, empty, swaths, safe.path)
    chosen = _select_polarizations(chosen, polarizations, safe.path)
    if isinstance(safe, BurstFiles):
        safe.require_polarizations(next(iter(chosen.values())))
    whole = [a for swath in there.values() for _, a in swath.values()]
    first, last = _line_times(whole)
    epoch = midnight(first)
    header = whole[0].header
    orbit = (
        _annotation_orbit(whole, first, last, safe.product_id)
        if orbits is None
        else find_orbit(orbits, header.platform, first, last, epoch)
    )
    orbit.require(seconds_since(epoch, first), seconds_since(epoch, last), margin=ORBIT_MARGIN)
    numbered = sentinel1_relative_orbit(header.platform, header.absolute_orbit)
    node, known = _node(orbit, seconds_since(epoch, first), numbered)
    bursts: list[Burst] = []
    invalid: list[str] = []
    for swath in chosen.values():
        files = {p: _files(safe, name, annotation, epoch) for p, (name, annotation) in swath.items()}
        bulk = bulk_delay(next(iter(swath.values()))[1], middles)
        found, lost = read_bursts(files, epoch, orbit, node, bulk)
        bursts += found
        invalid += lost
    version, simulated = ipf_version(safe), is_simulated(safe)
    return SlcProduct(
        product_id=safe.product_id,
        platform=f"Simulated {header.platform}" if simulated else header.platform,
        start=utc(first),
        orbit=orbit,
        pass_direction=whole[0].pass_direction,
        absolute_orbit=header.absolute_orbit,
        relative_orbit=numbered,
        instrument_mode=header.mode,
        processor=SIMULATOR if simulated else f"Sentinel-1 IPF {version or 'unknown'}",
        polarizations=tuple(next(iter(chosen.values()))),
        bursts=tuple(bursts),
        processed=processing_time(safe),
        facts=_facts(safe, there, chosen, version)
        | {
            "simulated": simulated,
            "orbit": orbit.source,
            "node_relative_orbit": node.relative_orbit,
            "node_relative_orbit_from": "state vectors" if known else "annotated orbit number",
            "swaths_without_bursts": empty,
            "bursts_without_valid_pixels": invalid,
        },
    )


def _facts(safe: Safe, there: Swaths, chosen: Swaths, version: str | None) -> dict[str, Any]:
    """What a report should say of a product."""
    annotations = [a for swath in chosen.values() for _, a in swath.values()]
    if annotations[0].header.mode == "SM":
        ids = "none: not divided into bursts"
    elif all(burst.number is not None for a in annotations for burst in a.bursts):
        ids = "annotation"
    else:
        ids = "state vectors"
    return {
        "read_from": safe.kind,
        "ipf_version": version or "unknown",
        "swaths": {name: [p.upper() for p in swath] for name, swath in there.items()},
        "swaths_read": list(chosen),
        "has_pixels": safe.has_measurement,
        "burst_ids_from": ids,
    }
