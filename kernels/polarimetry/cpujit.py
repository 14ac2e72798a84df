"""Binds the drivers of polarimetry on the CPU, for every kind of matrix; see :mod:`.cpujit`, which does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.kernels.driving.binding import bind

from . import cpu as cpu_polarimetry
from . import cpu_rows as cpu_polarimetry_rows
from .measures import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .measures import Kind


def bind_polarimetry(
    single: Callable[..., Any], parallel: Callable[..., Any], given: dict[str, Any], tag: str
) -> dict[str, Any]:
    """The drivers, by name with the kind behind it; ``given`` is everything that they call."""
    parts = given | bind(single, cpu_polarimetry_rows.PARTS, cpu_polarimetry_rows, given, tag=tag)
    bound: dict[str, Any] = {}
    for name, kind in KINDS.items():
        own = parts | {
            "CHANNELS": kind.channels,
            "PLANES": kind.planes,
            "ENTRIES": kind.entries,
            "fill_row": parts[f"fill_row_{name}"],
            "matrix_row": parts[f"matrix_row_{name}"],
            "measures": _chain(single, name, kind, parts, tag),
        }
        kind_tag = f"{tag}_{name}"
        own |= bind(single, cpu_polarimetry.KIND_PARTS, cpu_polarimetry, own, tag=kind_tag)
        drivers = bind(parallel, cpu_polarimetry.KIND_DRIVERS, cpu_polarimetry, own, tag=kind_tag)
        bound |= {f"{driver}_{name}": function for driver, function in drivers.items()}
    return bound


def _chain(single: Callable[..., Any], name: str, kind: Kind, parts: dict[str, Any], tag: str) -> Any:
    """All measures of a kind, each a link that calls the earlier ones."""
    chain = bind(single, ("no_measures",), cpu_polarimetry, parts, tag=tag)["no_measures"]
    first, row = 0, f"measure_row_{name}"
    for function, outputs in kind.measures:
        own = parts | {"measure": parts[function], "FIRST": first, "COUNT": len(outputs), "earlier": chain}
        link_tag = f"{tag}_{function}"
        own["measure_row"] = bind(single, (row,), cpu_polarimetry_rows, own, tag=link_tag)[row]
        links = bind(single, cpu_polarimetry.MEASURE_PARTS, cpu_polarimetry, own, tag=link_tag)
        chain = links["measures"]
        first += len(outputs)
    return chain
