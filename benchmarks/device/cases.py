"""All cases: each kernel of every family, by family and name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import cells, ground, pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from .case import Case, Size

FAMILIES: dict[str, dict[str, Callable[[Size], Case]]] = ground.FAMILIES | pixels.FAMILIES | cells.FAMILIES
CASES: dict[str, Callable[[Size], Case]] = {
    name: make for family in FAMILIES.values() for name, make in family.items()
}
