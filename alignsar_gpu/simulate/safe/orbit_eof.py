"""Write restituted-orbit files (EOF) of simulated passes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.time_scale import TAI, moment
from alignsar_gpu.products.sentinel1.burst_id import ORBIT
from alignsar_gpu.simulate.safe.motion import state_vector_times
from alignsar_gpu.simulate.safe.xml_writing import document, element, fields, listed, stamp, utc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

    import numpy as np

    from alignsar_gpu.simulate.orbit import Pass
    from alignsar_gpu.simulate.safe.plan.product import ProductPlan

MARGIN = 300.0  # s on either side of the product
MADE_AFTER = 3 * 3600.0  # s from the last vector, as real ones: no time of this computer is written
AXES = "XYZ"


@dataclass(frozen=True, kw_only=True)
class NumberedNode:
    """An ascending node (s) with the absolute number of the orbit that begins there."""

    time: float
    absolute_orbit: int


def _vectors(
    satellite: Pass, epoch: np.datetime64, times: list[float], node: NumberedNode
) -> Iterator[Element]:
    for time in times:
        vectors = satellite.position(time), satellite.velocity(time)
        orbit = node.absolute_orbit + int((time - node.time) // ORBIT)
        yield element(
            "OSV",
            element("TAI", f"TAI={moment(epoch, time) + TAI}"),
            element("UTC", f"UTC={utc(epoch, time)}"),
            element("UT1", f"UT1={utc(epoch, time)}"),
            element("Absolute_Orbit", f"{orbit:+d}"),
            *(
                element(f"{prefix}{axis}", f"{value:.6f}", unit=unit)
                for prefix, unit, vector in zip(("", "V"), ("m", "m/s"), vectors, strict=True)
                for axis, value in zip(AXES, vector.tolist(), strict=True)
            ),
            element("Quality", "NOMINAL"),
        )


def write_orbit(plan: ProductPlan, folder: Path) -> Path:
    """Write the orbit file of a planned date, from five minutes before its lines to five after; see `write_pass`."""
    return write_pass(
        plan.true_pass,
        folder,
        platform=plan.platform,
        epoch=plan.epoch,
        times=state_vector_times(plan, MARGIN),
        node=NumberedNode(time=plan.node_time, absolute_orbit=plan.absolute_orbit),
    )


def write_pass(
    satellite: Pass,
    folder: Path,
    *,
    platform: str,
    epoch: np.datetime64,
    times: list[float],
    node: NumberedNode,
) -> Path:
    """Write a pass as a restituted-orbit file, and return its path.

    ``times`` (s since ``epoch``) are those of the vectors, given to 1e-6 m. UT1 is said to be UTC. The same pass
    gives the same bytes.
    """
    made = times[-1] + MADE_AFTER
    start, stop, created = (stamp(epoch, time) for time in (times[0], times[-1], made))
    name = f"{platform.replace('entinel-', '')}_OPER_AUX_RESORB_OPOD_{created}_V{start}_{stop}"
    validity = {
        f"Validity_{tag}": f"UTC={utc(epoch, time)[:19]}"
        for tag, time in (("Start", times[0]), ("Stop", times[-1]))
    }
    source = {
        "System": "alignsar_gpu",
        "Creator": "alignsar_gpu simulator",
        "Creator_Version": "1",
        "Creation_Date": f"UTC={utc(epoch, made)[:19]}",
    }
    fixed = fields(
        "Fixed_Header",
        {
            "File_Name": name,
            "File_Description": "Simulated orbit in the layout of NRT POD Restituted Orbit Files",
            "Notes": "Simulated by alignsar_gpu: not an orbit of a satellite, not an ESA product.",
            "Mission": platform,
            "File_Class": "OPER",
            "File_Type": "AUX_RESORB",
            "Validity_Period": fields("Validity_Period", validity),
            "File_Version": "0001",
            "Source": fields("Source", source),
        },
    )
    variable = fields("Variable_Header", {"Ref_Frame": "EARTH_FIXED", "Time_Reference": "UTC"})
    content = document(
        element(
            "Earth_Explorer_File",
            element("Earth_Explorer_Header", fixed, variable),
            element(
                "Data_Block", listed("List_of_OSVs", _vectors(satellite, epoch, times, node)), type="xml"
            ),
        )
    )
    path = folder / f"{name}.EOF"
    unfinished = path.with_name(f"{path.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise AlignsarError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return path
