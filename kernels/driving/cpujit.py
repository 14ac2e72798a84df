"""The CPU compiler: binds the loops of :mod:`.cpu` to numba on first use. Import it late: it imports numba."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
from alignsar_gpu.kernels.cells import cpu as cpu_cells
from alignsar_gpu.kernels.cells import cpu_covers, cpu_push, scalar_covers
from alignsar_gpu.kernels.cells import scalar as scalar_cells
from alignsar_gpu.kernels.coherence import cpu, scalar
from alignsar_gpu.kernels.gather import cpu as cpu_gather
from alignsar_gpu.kernels.gather import scalar as scalar_gather
from alignsar_gpu.kernels.geometry import cpu as cpu_geometry
from alignsar_gpu.kernels.geometry import scalar as scalar_geometry
from alignsar_gpu.kernels.polarimetry import cpu as cpu_polarimetry
from alignsar_gpu.kernels.polarimetry import cpu_rows as cpu_polarimetry_rows
from alignsar_gpu.kernels.polarimetry import scalar as scalar_polarimetry
from alignsar_gpu.kernels.polarimetry.cpujit import bind_polarimetry
from alignsar_gpu.kernels.polarimetry.measures import KINDS
from alignsar_gpu.kernels.resampling import cpu as cpu_resampling
from alignsar_gpu.kernels.resampling import scalar as scalar_resampling
from alignsar_gpu.kernels.speckle import cpu as cpu_speckle
from alignsar_gpu.kernels.speckle import cpu_multitemporal
from alignsar_gpu.kernels.speckle import scalar as scalar_speckle
from alignsar_gpu.kernels.temporal import cpu as cpu_temporal
from alignsar_gpu.kernels.temporal import scalar as scalar_temporal
from alignsar_gpu.kernels.terrain import cpu as cpu_terrain
from alignsar_gpu.kernels.terrain import scalar as scalar_terrain
from alignsar_gpu.kernels.terrain_area import cpu as cpu_area
from alignsar_gpu.kernels.terrain_area import scalar as scalar_area

from . import mathematics
from .binding import bind

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURES = tuple(module for kind in KINDS.values() for module in kind.modules)
MATHEMATICS = (
    mathematics,
    scalar,
    scalar_geometry,
    scalar_resampling,
    scalar_terrain,
    scalar_area,
    scalar_covers,
    scalar_gather,
    scalar_cells,
    scalar_polarimetry,
    scalar_speckle,
    scalar_temporal,
    *MEASURES,
)
INLINED = (
    mathematics,
    scalar,
    scalar_cells,
    scalar_gather,
    scalar_polarimetry,
    scalar_speckle,
    scalar_temporal,
    *MEASURES,
)
LOOPS = (
    cpu,
    cpu_area,
    cpu_cells,
    cpu_covers,
    cpu_gather,
    cpu_geometry,
    cpu_multitemporal,
    cpu_push,
    cpu_resampling,
    cpu_speckle,
    cpu_temporal,
    cpu_terrain,
)


def _sources_tag() -> str:
    """A tag of all sources. numba's cache watches the file of a driver alone, not that of its callees."""
    digest = hashlib.sha256()
    for module in (*MATHEMATICS, *LOOPS, cpu_polarimetry, cpu_polarimetry_rows):
        digest.update(Path(str(module.__file__)).read_bytes())
    return f"_{digest.hexdigest()[:12]}"


def _compiler(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    def compile_lazily(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(function, cache=True, error_model="numpy", **options)
        except RuntimeError:  # numba found no folder that it may write its cache to
            return numba.njit(function, error_model="numpy", **options)

    return compile_lazily


@functools.cache
def drivers() -> dict[str, Any]:
    """The compiled drivers of the CPU modules by name; each is compiled when it is first called.

    No fast-math: the results do not depend on how LLVM vectorises, nor on threads or blocks.
    """
    tag = _sources_tag()
    single, parallel = _compiler(), _compiler(parallel=True)
    # Left to itself, LLVM does not inline what is long, and a loop with a call in it runs one pixel at a time.
    inlined = _compiler(forceinline=True)
    given: dict[str, Any] = {"prange": numba.prange}
    for module in MATHEMATICS:
        given |= bind(inlined if module in INLINED else single, module.FUNCTIONS, module, given, tag=tag)
    bound: dict[str, Any] = {}
    for loops in LOOPS:
        parts = given | bind(single, loops.PARTS, loops, given, tag=tag)
        bound |= bind(parallel, loops.DRIVERS, loops, parts, tag=tag)
        if loops is cpu_resampling:
            bound["resample"] = _resampling(single, parallel, parts, tag)
        if loops is cpu:
            bound |= bind_polarimetry(single, parallel, parts, tag)
    return bound


def _resampling(single: Any, parallel: Any, given: dict[str, Any], tag: str) -> Callable[..., None]:
    """The driver `.cpu_resampling.resample`, bound for every number of taps: the tables of a call decide."""
    drivers: dict[tuple[int, int], Any] = {}
    for down in scalar_resampling.TAPS:
        for across in scalar_resampling.TAPS:
            parts = given | {"DOWN": down, "ACROSS": across}
            own = f"{tag}_{down}_{across}"
            for module, names in (
                (scalar_resampling, scalar_resampling.TAP_FUNCTIONS),
                (cpu_resampling, cpu_resampling.TAP_PARTS),
            ):
                parts |= bind(single, names, module, parts, tag=own)
            bound = bind(parallel, cpu_resampling.TAP_DRIVERS, cpu_resampling, parts, tag=own)
            drivers[down, across] = bound["resample"]

    def resample(image: Any, positions: Any, tables: Any, *rest: Any) -> None:
        drivers[tables[0].shape[1], tables[1].shape[1]](image, positions, tables, *rest)

    return resample
