"""Orbit and attitude of the satellite of a simulated product, for annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from alignsar_gpu.simulate.safe.xml_writing import element, fields, utc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from alignsar_gpu.simulate.orbit import CircularPass
    from alignsar_gpu.simulate.safe.plan.product import ProductPlan

STEP = 10.0  # s between state vectors
MARGIN = 75.0  # s that they cover on either side


def state_vector_times(plan: ProductPlan, margin: float) -> list[float]:
    """Return times of state vectors from ``margin`` seconds before the first line to as much after the last."""
    first = np.floor((plan.start - margin) / STEP)
    last = np.ceil((plan.stop + margin) / STEP)
    times: list[float] = (STEP * np.arange(first, last + 1.0)).tolist()
    return times


def orbits(plan: ProductPlan) -> Iterator[Element]:
    """Make the state vectors of an annotation."""
    for time in state_vector_times(plan, MARGIN):
        position, velocity = plan.true_pass.position(time), plan.true_pass.velocity(time)
        yield element(
            "orbit",
            element("time", utc(plan.epoch, time)),
            element("frame", "Earth Fixed"),
            fields("position", dict(zip("xyz", position.tolist(), strict=True))),
            fields("velocity", dict(zip("xyz", velocity.tolist(), strict=True))),
        )


def _zero_doppler_frame(satellite: CircularPass, time: float) -> Rotation:
    """From axes ahead, right and down to Earth-fixed ones."""
    ahead = satellite.velocity(time)
    ahead /= np.linalg.norm(ahead)
    down = -satellite.position(time)
    down -= (down @ ahead) * ahead
    down /= np.linalg.norm(down)
    return Rotation.from_matrix(np.stack([ahead, np.cross(down, ahead), down], axis=-1))


def attitudes(plan: ProductPlan) -> Iterator[Element]:
    """Make the attitude records: the zero-Doppler frame, each second, against Earth-fixed axes; q0 is the scalar.

    Roll, pitch and yaw are what the satellite departs from it: nothing.
    """
    for time in np.arange(np.floor(plan.start), np.ceil(plan.stop) + 1.0).tolist():
        before, frame, after = (_zero_doppler_frame(plan.true_pass, time + step) for step in (-0.5, 0.0, 0.5))
        x, y, z, scalar = frame.as_quat(canonical=True).tolist()
        rate = frame.inv().apply((after * before.inv()).as_rotvec(degrees=True))
        yield fields(
            "attitude",
            {
                "time": utc(plan.epoch, time),
                "frame": "Earth Fixed",
                "q0": scalar,
                "q1": x,
                "q2": y,
                "q3": z,
                **dict(zip(("wx", "wy", "wz"), rate.tolist(), strict=True)),
                "roll": 0.0,
                "pitch": 0.0,
                "yaw": 0.0,
            },
        )


def heading(plan: ProductPlan) -> float:
    """Compute the flight direction over the ground in the middle of the product, degrees clockwise from north."""
    middle = 0.5 * (plan.start + plan.stop)
    up = plan.true_pass.position(middle)
    east = np.array([-up[1], up[0], 0.0])
    north = np.cross(up, east)
    velocity = plan.true_pass.velocity(middle)
    eastward = velocity @ east / np.linalg.norm(east)
    return float(np.degrees(np.arctan2(eastward, velocity @ north / np.linalg.norm(north))))
