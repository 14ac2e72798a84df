"""Colours of classes: each used once while there are enough, and those that readers expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# Okabe and Ito's palette, and the classes whose colour a reader expects
CLASS_COLOURS = (
    *("#0072b2", "#f0e442", "#009e73", "#d55e00", "#8a8f94", "#e69f00", "#cc79a7", "#56b4e9"),
    *("#7a4b2b", "#1b1b1b", "#b3de69", "#9467bd"),
)
EXPECTED_COLOURS = {
    "water": "#0072b2",
    "field": "#f0e442",
    "grass": "#b3de69",
    "forest": "#009e73",
    "urban": "#d55e00",
    "city": "#d55e00",
    "building": "#d55e00",
    "road": "#8a8f94",
    "bare": "#e69f00",
    "rubble": "#7a4b2b",
    "oil": "#1b1b1b",
}


def stated_colours(attributes: Mapping[str, Any]) -> dict[int, str]:
    """Return the colours that a layer of classes states, by code ("#rrggbb"); none where it states none."""
    colours = str(attributes.get("flag_colors", "")).split()
    return dict(zip(map(int, attributes["flag_values"]), colours, strict=True)) if colours else {}


def colours_of(names: Sequence[str]) -> list[str]:
    """Choose a colour for each class, each used once while there are enough."""
    used: list[str] = []
    for name in names:
        choices = _expected_colours(name)
        free = [c for c in (*choices, *CLASS_COLOURS) if c not in used]
        later = {colour for other in names if other != name for colour in _expected_colours(other)}
        used.append(
            next((c for c in free if c in choices or c not in later), (free or list(CLASS_COLOURS))[0])
        )
    return used


def _expected_colours(name: str) -> list[str]:
    """Of a class whose name, or a word of it, begins with what has one."""
    words = name.lower().replace("_", " ").split()
    return [colour for key, colour in EXPECTED_COLOURS.items() if any(word.startswith(key) for word in words)]
