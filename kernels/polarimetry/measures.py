"""What can be measured of a polarimetric matrix: the modules that do, and the names of what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import scalar_decompositions, scalar_dual, scalar_elements, scalar_quad

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Matrices of one size.

    Attributes
    ----------
    channels : that have a radiometry of their own.
    planes : real numbers of a matrix that a window sums.
    entries : numbers that a measure is given.
    modules : of measures, each with MEASURES and FUNCTIONS.
    """

    channels: int
    planes: int
    entries: int
    modules: tuple[ModuleType, ...]

    @property
    def measures(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Each measure's function and outputs."""
        return tuple(measure for module in self.modules for measure in module.MEASURES)

    @property
    def functions(self) -> tuple[tuple[Callable[..., Any], tuple[str, ...]], ...]:
        """Each measure as it is, and its outputs."""
        return tuple(
            (getattr(module, name), outputs) for module in self.modules for name, outputs in module.MEASURES
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of all outputs, in the order of the drivers' slots."""
        return tuple(name for _, names in self.measures for name in names)


QUAD_MODULES = (scalar_quad, scalar_decompositions, scalar_elements)
KINDS = {
    "dual": Kind(channels=2, planes=4, entries=6, modules=(scalar_dual,)),
    "quad": Kind(channels=3, planes=9, entries=9, modules=QUAD_MODULES),
}
