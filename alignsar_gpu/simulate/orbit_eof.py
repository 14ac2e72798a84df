"""Restituted-orbit files (EOF) of simulated passes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1_burst_id import ORBIT
from alignsar_gpu.simulate.safe_manifest import mission
from alignsar_gpu.simulate.safe_motion import state_vector_times
from alignsar_gpu.simulate.xml_writing import document, element, fields, listed, moment, stamp, utc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from alignsar_gpu.simulate.product_plan import ProductPlan

MARGIN = 300.0  # s on either side of the product
MADE_AFTER = (
    3 * 3600.0
)  # s from the last vector until real ones are made; no time of this computer is written
AXES = "XYZ"

# TAI - UTC in seconds, from these days on.
LEAP_SECONDS = (
    (np.datetime64("2012-07-01", "D"), 35),
    (np.datetime64("2015-07-01", "D"), 36),
    (np.datetime64("2017-01-01", "D"), 37),
)


def _vectors(plan: ProductPlan, times: list[float]) -> Iterator[Element]:
    day = moment(plan.epoch, plan.start).astype("datetime64[D]")
    leap = max((seconds for since, seconds in LEAP_SECONDS if since <= day), default=0)
    for time in times:
        vectors = plan.true_pass.position(time), plan.true_pass.velocity(time)
        orbit = plan.absolute_orbit + int((time - plan.node_time) // ORBIT)
        yield element(
            "OSV",
            element("TAI", f"TAI={utc(plan.epoch, time + leap)}"),
            element("UTC", f"UTC={utc(plan.epoch, time)}"),
            element("UT1", f"UT1={utc(plan.epoch, time)}"),
            element("Absolute_Orbit", f"{orbit:+d}"),
            *(
                element(f"{prefix}{axis}", f"{value:.6f}", unit=unit)
                for prefix, unit, vector in zip(("", "V"), ("m", "m/s"), vectors, strict=True)
                for axis, value in zip(AXES, vector.tolist(), strict=True)
            ),
            element("Quality", "NOMINAL"),
        )


def write_orbit(plan: ProductPlan, folder: Path) -> Path:
    """Write the true pass of a date as a restituted-orbit file, and return its path.

    Vectors are 10 s apart, from five minutes before the first line to five minutes after the last, to 1e-6 m.
    UT1 is said to be UTC. The same plan gives the same bytes. Raises AlignsarError when it cannot be written.
    """
    times = state_vector_times(plan, MARGIN)
    made = times[-1] + MADE_AFTER
    start, stop, created = (stamp(plan.epoch, time) for time in (times[0], times[-1], made))
    name = f"{mission(plan)}_OPER_AUX_RESORB_OPOD_{created}_V{start}_{stop}"
    validity = {
        f"Validity_{tag}": f"UTC={moment(plan.epoch, time).astype('datetime64[s]')}"
        for tag, time in (("Start", times[0]), ("Stop", times[-1]))
    }
    source = {
        "System": "alignsar_gpu",
        "Creator": "alignsar_gpu simulator",
        "Creator_Version": "1",
        "Creation_Date": f"UTC={moment(plan.epoch, made).astype('datetime64[s]')}",
    }
    fixed = fields(
        "Fixed_Header",
        {
            "File_Name": name,
            "File_Description": "Simulated orbit in the layout of NRT POD Restituted Orbit Files",
            "Notes": "Simulated by alignsar_gpu: not an orbit of a satellite, not an ESA product.",
            "Mission": plan.platform,
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
            element("Data_Block", listed("List_of_OSVs", _vectors(plan, times)), type="xml"),
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
