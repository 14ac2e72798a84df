"""Wrapped phases: layers of angles that go round, which are averaged as phasors and drawn in a circle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_wrapped(attributes: Mapping[str, Any]) -> bool:
    """Return whether a layer holds phases that go round: radians within a turn, by its `valid_range`.

    Others are not: phases of delays count on, and standard deviations of phases are plain numbers.
    """
    low, high = attributes.get("valid_range", (0.0, 0.0))
    return attributes.get("units") == "rad" and math.isclose(high - low, 2.0 * math.pi, rel_tol=1e-6)
