"""One date of a SNAP stack: its metadata, orbit, calibration and phase state."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.time_scale import midnight, seconds_since, utc
from alignsar_gpu.products.snap.bands import date_suffix
from alignsar_gpu.products.snap.calibration import read_calibration
from alignsar_gpu.stack.acquisition import Acquisition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.products.snap.bands import SnapBand
    from alignsar_gpu.products.snap.metadata import Element
    from alignsar_gpu.products.snap.raster import SnapRaster
    from alignsar_gpu.stack.calibration import Calibration

PhaseState = Literal["auto", "flattened", "raw"]

MISSION = re.compile(r"SENTINEL-1([A-D])")


def _orbit(abstracted: Element, epoch: np.datetime64, source: str) -> Orbit:
    """State vectors; ``epoch`` is the acquisition's midnight, which the first of them may lie before."""
    vectors = abstracted.require("Orbit_State_Vectors").children
    if not vectors:
        raise AlignsarError(f"{abstracted.where}: no orbit state vectors in {abstracted.name!r}")
    times = np.array([vector.time("time") for vector in vectors])
    try:
        return Orbit(
            epoch=epoch,
            time=seconds_since(epoch, times),
            position=np.array([[v.number(f"{axis}_pos") for axis in "xyz"] for v in vectors]),
            velocity=np.array([[v.number(f"{axis}_vel") for axis in "xyz"] for v in vectors]),
            source=source,
        )
    except AlignsarError as error:
        raise AlignsarError(f"{abstracted.where}: {error}") from None


def snap_operators(rasters: Sequence[SnapRaster]) -> str:
    """Return the operators of the products' processing graphs with their versions, in the order in which they ran.

    An empty text where no graph is known.
    """
    found: dict[str, None] = {}
    versions: set[str] = set()
    for raster in rasters:
        graph = raster.metadata.find("Processing_Graph")
        for node in graph.children if graph else ():
            if "operator" in node.attributes:
                found[
                    " ".join(str(node.attributes.get(key, "")) for key in ("operator", "version")).strip()
                ] = None
                versions.add(str(node.attributes.get("moduleVersion", "")))
    snap = ", ".join(sorted(versions - {""}))
    return f"SNAP {snap}".strip() + f" ({', '.join(found)})" if found else ""


def _date_metadata(bands: Sequence[SnapBand], date: np.datetime64) -> Element:
    """The abstracted metadata of one date: the reference's own, or that of a secondary by its date."""
    for band in bands:
        abstracted = band.raster.metadata.require("Abstracted_Metadata")
        if midnight(abstracted.time("first_line_time")) == date:
            return abstracted
        for root in ("Slave_Metadata", "Secondary_Metadata"):
            secondaries = band.raster.metadata.find(root)
            for element in secondaries.children if secondaries else ():
                if element.name.endswith(f"_{date_suffix(date)}"):
                    return element
    raise AlignsarError(
        f"{bands[0].raster.path.name}: has pixels of {date_suffix(date)} ({bands[0].real!r}) but no metadata of "
        "that date; export the product with its metadata"
    )


def _flattened(bands: Sequence[SnapBand], state: PhaseState) -> tuple[bool, str]:
    """Whether reference and topographic phase are removed from these bands, and how that is known."""
    if state != "auto":
        return state == "flattened", f"stated by the configuration (products.phase_state={state})"
    answers = set()
    for band in bands:
        graph = band.raster.metadata.find("Processing_Graph")
        expressions = [
            element.text("expression")
            for element in (graph.walk() if graph else ())
            if element.attributes.get("name") == band.real and "expression" in element.attributes
        ]
        has = {part: any(part in expression for expression in expressions) for part in ("fep", "topo")}
        if has["fep"] != has["topo"]:
            raise AlignsarError(
                f"{band.raster.path.name}: only one of flat-earth (fep) and topographic (topo) phase is removed from "
                f"{band.real!r}; say products.phase_state=flattened or =raw, or remove both in SNAP"
            )
        answers.add(has["fep"])
    if len(answers) != 1:
        raise AlignsarError(
            f"{bands[0].raster.path.name}: phase is removed from some polarizations of "
            f"{date_suffix(bands[0].date)} only; treat them alike in SNAP"
        )
    if answers.pop():
        return True, "the product's processing graph rotates the pixels by flat-earth and topographic phase"
    return False, "the product's processing graph removes no phase from the pixels"


def _platform(abstracted: Element) -> str:
    mission = abstracted.text("MISSION")
    match = MISSION.match(mission)
    return f"Sentinel-1{match[1]}" if match else mission


def acquisition_of(
    bands: Sequence[SnapBand], *, is_reference: bool, state: PhaseState, epoch: np.datetime64
) -> Acquisition:
    """Make the acquisition of one date; ``epoch`` is the midnight that the grid's azimuth times count from."""
    abstracted = _date_metadata(bands, bands[0].date)
    start = utc(abstracted.time("first_line_time"))
    if start.astype("datetime64[D]") != bands[0].date:
        raise AlignsarError(
            f"{abstracted.where}: {bands[0].real!r} is said to be of {date_suffix(bands[0].date)}, but its metadata "
            f"{abstracted.name!r} starts at {start}"
        )
    if is_reference:
        flattened, how = True, "the reference date, which phases are relative to"
    else:
        flattened, how = _flattened(bands, state)
    product, swath = abstracted.text("PRODUCT"), abstracted.text("SWATH")
    absolute_orbit = int(abstracted.number("ABS_ORBIT"))
    calibration: dict[str, Calibration] = {}
    if abstracted.attributes.get("abs_calibration_flag") not in {"AQ==", "1", "true"}:
        for band in bands:
            record = read_calibration(
                band.raster.metadata,
                absolute_orbit=absolute_orbit,
                polarization=band.polarization,
                swath=swath,
                epoch=epoch,
                source=product,
            )
            if record is not None:
                calibration[band.polarization] = record
    return Acquisition(
        product_id=product,
        platform=_platform(abstracted),
        start=start,
        orbit=_orbit(abstracted, start.astype("datetime64[D]"), abstracted.text("orbit_state_vector_file")),
        pass_direction="ascending" if abstracted.text("PASS").upper().startswith("A") else "descending",
        absolute_orbit=absolute_orbit,
        relative_orbit=int(abstracted.number("REL_ORBIT")),
        instrument_mode=abstracted.text("ACQUISITION_MODE"),
        swath=swath,
        processor=abstracted.text("Processing_system_identifier"),
        flattened=flattened,
        flattened_how=how,
        calibration=calibration,
    )


def share_calibration(acquisitions: tuple[Acquisition, ...], reference: int) -> tuple[Acquisition, ...]:
    """Give dates without calibration records those of the reference date.

    SNAP keeps the original metadata of the reference only. The records of a secondary differ from them by
    the slight change of incidence between the passes; each date's ``source`` tells whose they are.
    """
    records = acquisitions[reference].calibration
    return tuple(a if a.calibration else replace(a, calibration=records) for a in acquisitions)
