"""Which burst of which Sentinel-1 product is worked on, and the files that it is read from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.selection import select_bursts, share_of
from alignsar_gpu.products.sentinel1 import open_sentinel1
from alignsar_gpu.products.sentinel1_measurement import TiffMeasurement
from alignsar_gpu.products.sentinel1_safe import open_safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.products.selection import Match, Selection
    from alignsar_gpu.products.slc import Burst, SlcProduct

LISTED = 30  # bursts that a message lists: more than an IW product has


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """One burst of one date.

    Attributes
    ----------
    match : the burst and its product.
    path : of the product.
    share : of the area that the burst holds, 0 to 1; None without an area.
    dropped : what was left out and why, one sentence each.
    """

    match: Match
    path: Path
    share: float | None
    dropped: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        """The files that the burst is read from: a zip, or of a folder what belongs to the burst."""
        if not self.path.is_dir():
            return [self.path]
        pixels = {
            channel.measurement.source
            for channel in self.match.burst.channels.values()
            if isinstance(channel.measurement, TiffMeasurement)
        }
        files = [self.path / name for name in open_safe(self.path).names]
        return [file for file in files if file.parent.name != "measurement" or str(file) in pixels]


def find_products(path: Path) -> list[Path]:
    """The Sentinel-1 products at ``path``, itself one or a folder of SAFE folders and zips, by name.

    Raises AlignsarError when there is none.
    """
    if not path.exists():
        raise AlignsarError(
            f"products.path={path}: no such file or folder; give a Sentinel-1 product (SAFE folder or zip)"
        )
    if path.is_file() or (path / "annotation").is_dir() or path.name.upper().endswith(".SAFE"):
        return [path]
    found = [item for item in path.iterdir() if item.name.upper().endswith((".SAFE", ".ZIP"))]
    if not found:
        raise AlignsarError(f"products.path={path}: holds no SAFE folder and no zip of one")
    return sorted(found)


def choose_burst(
    path: Path,
    *,
    area: BaseGeometry | None = None,
    burst: str | None = None,
    orbits: Path | None = None,
    polarizations: Sequence[str] | None = None,
    swaths: Sequence[str] | None = None,
) -> Choice:
    """The one burst at ``path`` that an area, a burst id and subswaths leave.

    Raises AlignsarError when none or several are left (then it lists them), when they are of several dates,
    and for what `open_sentinel1` and `select_bursts` refuse.
    """
    opened = {
        place: open_sentinel1(place, orbits=orbits, polarizations=polarizations, swaths=swaths)
        for place in find_products(path)
    }
    named = opened if burst is None else _with_burst(opened, burst.lower())
    reached = named if area is None else _reached(named, area)
    selection = select_bursts(list(reached.values()), area)
    if len(selection.dates) > 1:
        raise AlignsarError(
            f"products.path={path}: {len(selection.dates)} dates ({', '.join(selection.dates)}): only "
            "coregistered stacks (products=snap) can hold several dates, and Sentinel-1 products are not coregistered "
            "yet; give the product of one date"
        )
    if len(selection.bursts) > 1:
        raise _several(selection, area)
    match = next(iter(selection.bursts.values()))[selection.reference]
    beside = [f"{product.product_id}: outside the area" for p, product in named.items() if p not in reached]
    return Choice(
        match=match,
        path=next(place for place, product in reached.items() if product is match.product),
        share=None if area is None else share_of(area, match.burst),
        dropped=(*beside, *selection.dropped),
    )


def _with_burst(opened: Mapping[Path, SlcProduct], name: str) -> dict[Path, SlcProduct]:
    """The products that have a burst of this name, without their others."""
    found = {
        place: replace(product, bursts=tuple(b for b in product.bursts if b.name == name))
        for place, product in opened.items()
        if any(b.name == name for b in product.bursts)
    }
    if not found:
        there = _listed(b.name for product in opened.values() for b in product.bursts)
        raise AlignsarError(f"products.burst={name}: there is no such burst; there are: {there}")
    return found


def _reached(products: dict[Path, SlcProduct], area: BaseGeometry) -> dict[Path, SlcProduct]:
    """The products that hold some of the area; all of them where none does."""

    def holds(burst: Burst) -> bool:
        return share_of(area, burst) > 0.0

    return {p: product for p, product in products.items() if any(map(holds, product.bursts))} or products


def _listed(names: Iterable[str]) -> str:
    every = list(dict.fromkeys(names))
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return ", ".join(every[:LISTED]) + more


def _several(selection: Selection, area: BaseGeometry | None) -> AlignsarError:
    bursts = [found[selection.reference].burst for found in selection.bursts.values()]
    if area is None:
        left = _listed(burst.name for burst in bursts)
        first = bursts[0].name
    else:
        shares = {burst.name: share_of(area, burst) for burst in bursts}
        order = sorted(shares, key=lambda name: -shares[name])
        left = _listed(f"{name} (holds {100 * shares[name]:.0f} % of the area)" for name in order)
        first = order[0]
    return AlignsarError(
        f"{len(bursts)} bursts are left on {selection.reference}, and a dataset holds one: {left}; choose one of "
        f"them (products.burst={first})"
    )
