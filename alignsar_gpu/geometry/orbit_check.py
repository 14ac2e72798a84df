"""Check the state vectors of an orbit against each other: what a free flight can do, and what damage looks like.

Each vector is predicted from those around it alone, by Hermite's polynomial through their positions and velocities. No
force is modelled, so that satellites, aircraft and made-up orbits are judged alike. Of real orbits (precise and
restituted files, annotations, SNAP, NISAR, OPERA, ICEYE; 0.1 to 60 s apart) the largest misfits are 8 mm and 0.01 m/s
inside, 0.14 m and 0.4 m/s at the ends, where the prediction is an extrapolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = 2  # vectors on either side that one is predicted from; at the ends the next three
INSIDE = 0.5, 0.1  # m and m/s by which a vector may miss its prediction
AT_ENDS = 3.0, 1.0
FASTEST_TURN, FARTHEST = 1.3e-3, 8e6  # rad/s and m of a low orbit: what the polynomial leaves out at most
SUSPECTS = 3  # vectors on either side of the worst one that may be what spoils it


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """The state vector that does not go with the others: its index, and by how many m and m/s it misses."""

    index: int
    position: float
    velocity: float


def _others(index: int, count: int) -> list[int]:
    if REACH <= index < count - REACH:
        return [index + step for step in range(-REACH, REACH + 1) if step]
    return sorted(range(max(index - 3, 0), min(index + 4, count)), key=lambda i: abs(i - index))[1:4]


def _prediction(
    after: NDArray[np.float64], position: NDArray[np.float64], velocity: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Position and velocity (n, 3) at time 0: Hermite's polynomial through m vectors at times ``after`` (n, m)."""
    scale = np.abs(after).max(axis=1)[:, np.newaxis]
    x = after / scale
    m = x.shape[1]
    same = np.eye(m, dtype=bool)
    apart = np.where(same, 1.0, x[:, :, np.newaxis] - x[:, np.newaxis, :])
    lagrange = np.prod(np.where(same, 1.0, -x[:, np.newaxis, :] / apart), axis=2)
    own_slope = np.where(same, 0.0, 1.0 / apart).sum(axis=2)
    slope = lagrange * (1.0 / x - (1.0 / x).sum(axis=1)[:, np.newaxis])
    square, square_slope, rise = lagrange**2, 2.0 * lagrange * slope, 1.0 + 2.0 * x * own_slope
    place = rise * square, -x * square
    speed = rise * square_slope - 2.0 * own_slope * square, square - x * square_slope
    return tuple(
        np.einsum("nm,nmk->nk", of_position, position) + np.einsum("nm,nmk->nk", of_velocity, velocity)
        for of_position, of_velocity in (
            (place[0], place[1] * scale),
            (speed[0] / scale, speed[1]),
        )
    )


def _misfits(
    time: NDArray[np.float64], position: NDArray[np.float64], velocity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much each vector misses its prediction, m and m/s, and the same over what can be: (n, 4)."""
    count = len(time)
    result = np.zeros((count, 4))
    others = [_others(index, count) for index in range(count)]
    for size in {len(near) for near in others}:
        rows = np.array([index for index in range(count) if len(others[index]) == size])
        near = np.array([others[index] for index in rows])
        after = time[near] - time[rows, np.newaxis]
        predicted = _prediction(after, position[near], velocity[near])
        left_out = FARTHEST * FASTEST_TURN ** (2 * size) / factorial(2 * size) * np.prod(after**2, axis=1)
        bounds = INSIDE if size == 2 * REACH else AT_ENDS
        allowed = bounds[0] + left_out, bounds[1] + 2.0 * left_out * (1.0 / np.abs(after)).sum(axis=1)
        for column, (found, true) in enumerate(zip(predicted, (position, velocity), strict=True)):
            result[rows, column] = np.linalg.norm(found - true[rows], axis=1)
            result[rows, 2 + column] = result[rows, column] / allowed[column]
    return np.nan_to_num(result, nan=np.inf)


def find_misfit(
    time: NDArray[np.float64], position: NDArray[np.float64], velocity: NDArray[np.float64]
) -> Misfit | None:
    """Find the state vector that does not go with its neighbours; None if all do.

    ``time`` (n,) increasing, s; ``position`` and ``velocity`` (n, 3), m and m/s. Of two vectors little can be said.
    A damaged vector spoils the predictions of its neighbours, too: it is the one without which the rest fits best.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        misfits = _misfits(time, position, velocity)
        worst = misfits[:, 2:].max(axis=1)
        if worst.max() <= 1.0:
            return None
        index = int(worst.argmax())
        if len(time) > REACH + 1:
            around = range(max(index - SUSPECTS, 0), min(index + SUSPECTS + 1, len(time)))
            index = min(around, key=lambda i: _worst_without(i, time, position, velocity))
    return Misfit(index=index, position=float(misfits[index, 0]), velocity=float(misfits[index, 1]))


def _worst_without(
    index: int, time: NDArray[np.float64], position: NDArray[np.float64], velocity: NDArray[np.float64]
) -> float:
    rest = (np.delete(values, index, axis=0) for values in (time, position, velocity))
    return float(_misfits(*rest)[:, 2:].max())
