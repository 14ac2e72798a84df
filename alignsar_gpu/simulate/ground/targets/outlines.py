"""Outlines of objects on the ground, in degrees: rectangles and circles around places of a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alignsar_gpu.simulate.ground.raster import Plane

CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])  # of a rectangle, along and across
CIRCLE = 48  # corners of a round outline


def rectangle(plane: Plane, middle: tuple[float, float], sides: ArrayLike, course: float) -> Any:
    """Return a rectangle around a place of a plane, its first side turned by ``course`` (radians), in degrees."""
    along, across = (0.5 * CORNERS * np.asarray(sides)).T
    return _polygon(
        plane,
        middle[0] + along * np.cos(course) - across * np.sin(course),
        middle[1] + along * np.sin(course) + across * np.cos(course),
    )


def circle(plane: Plane, middle: tuple[float, float], diameter: float) -> Any:
    """Return a circle around a place of a plane, in degrees."""
    turn = 2.0 * np.pi * np.arange(CIRCLE) / CIRCLE
    radius = 0.5 * diameter
    return _polygon(plane, middle[0] + radius * np.cos(turn), middle[1] + radius * np.sin(turn))


def _polygon(plane: Plane, x: ArrayLike, y: ArrayLike) -> Any:
    return shapely.Polygon(np.stack(plane.degrees(x, y), axis=1))
