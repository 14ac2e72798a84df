"""A small map of footprints, without anything below them: outlines, meridians and parallels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alignsar_gpu.serving.catalogue import Ring

WIDTH, HEIGHT, MARGIN = 420, 320, 34  # pixels, the margin around the map
FREE = 0.12  # of the extent, around the outlines
LEAST = 1e-4  # degrees of extent
STEPS = (1.0, 2.0, 5.0)
LINES = 4  # meridians or parallels, about
NEAREST_POLE = 89.0  # degrees of latitude at which meridians are still drawn apart


@dataclass(frozen=True, kw_only=True)
class Line:
    """A meridian or parallel: where it is drawn, and its label."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class FootprintMap:
    """What is drawn, in pixels: SVG paths, and the lines of the grid."""

    paths: tuple[str, ...]
    meridians: tuple[Line, ...]
    parallels: tuple[Line, ...]
    width: int = WIDTH
    height: int = HEIGHT
    margin: int = MARGIN


def footprint_map(rings: list[Ring]) -> FootprintMap | None:
    """Draw outlines on a map that holds them all; None where there are none. Those that are alike are drawn once."""
    rings = _across_the_antimeridian([ring for ring in rings if ring and all(map(_is_place, ring))])
    if not rings:
        return None
    x, y = zip(*(place for ring in rings for place in ring), strict=True)
    middle: tuple[float, float] = (min(x) + max(x)) / 2, (min(y) + max(y)) / 2
    shrink = math.cos(math.radians(min(abs(middle[1]), NEAREST_POLE)))
    extent = max(max(x) - min(x), LEAST) * shrink, max(max(y) - min(y), LEAST)
    scale: float = min(
        (side - 2 * MARGIN) / (1 + 2 * FREE) / degrees
        for side, degrees in zip((WIDTH, HEIGHT), extent, strict=True)
    )

    def across(longitude: float) -> float:
        return round(WIDTH / 2 + (longitude - middle[0]) * shrink * scale, 1)

    def down(latitude: float) -> float:
        return round(HEIGHT / 2 - (latitude - middle[1]) * scale, 1)

    paths = ("M" + "L".join(f"{across(a)},{down(b)}" for a, b in ring) + "Z" for ring in rings)
    half = (WIDTH / 2 - MARGIN) / scale / shrink, (HEIGHT / 2 - MARGIN) / scale
    return FootprintMap(
        paths=tuple(dict.fromkeys(paths)),
        meridians=tuple(
            Line(at=across(v), label=_label((v + 180) % 360 - 180, "EW", digits))
            for v, digits in _ticks(middle[0], half[0])
        ),
        parallels=tuple(
            Line(at=down(v), label=_label(v, "NS", digits))
            for v, digits in _ticks(middle[1], half[1])
            if abs(v) <= 90
        ),
    )


def _is_place(place: tuple[float, float]) -> bool:
    return abs(place[0]) <= 360 and abs(place[1]) <= 90


def _across_the_antimeridian(rings: list[Ring]) -> list[Ring]:
    """Count western longitudes from 180 on, where that brings the outlines together."""
    turned = [[(x % 360, y) for x, y in ring] for ring in rings]

    def extent(rings: list[Ring]) -> float:
        x = [place[0] for ring in rings for place in ring]
        return max(x, default=0.0) - min(x, default=0.0)

    return turned if extent(turned) < extent(rings) else rings


def _ticks(middle: float, half: float) -> list[tuple[float, int]]:
    """Round numbers within ``half`` of a value, and the decimals that they need."""
    power = 10.0 ** math.floor(math.log10(2 * half / LINES))
    step = next((s * power for s in STEPS if 2 * half / (s * power) <= LINES), 10 * power)
    first, last = math.ceil((middle - half) / step), math.floor((middle + half) / step)
    digits = max(-math.floor(math.log10(step) + 1e-9), 0)
    return [(number * step, digits) for number in range(first, last + 1)]


def _label(value: float, sides: str, digits: int) -> str:
    return f"{abs(value):.{digits}f}°{sides[value < 0] if value else ''}"
