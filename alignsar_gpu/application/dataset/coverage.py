"""How much of a filled cube has data and ground coordinates; a dataset with nothing in it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.dataset.cube import open_layer
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignsar_gpu.stack.product import StackProduct


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Shares of the pixels (0 to 1).

    Attributes
    ----------
    located : that have ground coordinates.
    seen : per date, that have data. valid : per date, that have both.
    """

    located: float
    seen: tuple[float, ...]
    valid: tuple[float, ...]


def coverage_of(path: Path) -> Coverage:
    """Measure the coverage of the filled cube at ``path``, a row of chunks at a time."""
    valid, longitude = (open_layer(path, name) for name in ("valid", "longitude"))
    dates, lines, samples = valid.shape
    located, seen, both = 0, np.zeros(dates), np.zeros(dates)
    for first in range(0, lines, valid.chunks[1]):
        rows = slice(first, first + valid.chunks[1])
        known = np.isfinite(np.asarray(longitude[rows]))
        located += int(known.sum())
        for date in range(dates):
            there = np.asarray(valid[date, rows])
            seen[date] += there.sum()
            both[date] += (there & known).sum()
    count = lines * samples
    return Coverage(located=located / count, seen=tuple(seen / count), valid=tuple(both / count))


def require_pixels(coverage: Coverage, product: StackProduct) -> None:
    """Raise AlignsarError, with the reason, when no pixel of any date has data and a place."""
    if any(coverage.valid):
        return
    if not coverage.located:
        why = f"none has ground coordinates: they lie outside the DEM or in its holes ({_terrain(product)})"
    elif not any(coverage.seen):
        why = "all samples in the files are zero or not finite, or outside what the product says is valid"
    else:
        why = (
            f"{100 * max(coverage.seen):.3g} % have data and {100 * coverage.located:.3g} % ground coordinates, but "
            f"none has both ({_terrain(product)})"
        )
    raise AlignsarError(
        f"{product.source}: no pixel of any date is valid: {why}; choose another area, or get the product or "
        "the DEM again"
    )


def coverage_warnings(coverage: Coverage, product: StackProduct) -> Sequence[str]:
    """Say which dates have no valid pixels, and how much of the image has no ground coordinates."""
    empty = [a.date for a, share in zip(product.acquisitions, coverage.valid, strict=True) if not share]
    warnings = (
        [f"{', '.join(empty)}: no pixel is valid; all samples there are zero or masked"] if empty else []
    )
    if coverage.located < 1.0:
        warnings.append(
            f"{100 * (1.0 - coverage.located):.3g} % of the pixels have no ground coordinates and no valid values: "
            f"{_terrain(product)} has holes there"
        )
    return warnings


def _terrain(product: StackProduct) -> str:
    return "the product" if product.terrain is None else f"DEM {product.terrain.dem.source}"
