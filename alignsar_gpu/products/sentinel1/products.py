"""Find Sentinel-1 products, choose their bursts, and list the files that they are read from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.selection import neighbourhood, select_bursts, share_of
from alignsar_gpu.products.sentinel1.measurement import TiffMeasurement
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.sentinel1.safe import open_safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.products.selection import Match, Selection
    from alignsar_gpu.products.slc import Burst, SlcProduct

LISTED = 30  # bursts that a message lists: more than an IW product has


@dataclass(frozen=True, kw_only=True, eq=False)
class BurstChoice:
    """The chosen bursts of one or more dates.

    Attributes
    ----------
    selection : the bursts that are asked for.
    around : they and their neighbours, whose overlaps say more of the dates' timing.
    paths : of the products, by their names.
    share : of the area that the bursts hold, 0 to 1; None without an area.
    dropped : what was left out and why, one sentence each.
    """

    selection: Selection
    around: Selection
    paths: Mapping[str, Path]
    share: float | None
    dropped: tuple[str, ...]

    @property
    def match(self) -> Match:
        """The first burst on the reference date."""
        return next(iter(self.selection.bursts.values()))[self.selection.reference]

    @cached_property
    def files(self) -> list[list[Path]]:
        """List the files that the bursts are read from, by product: a zip, or the needed files of a folder."""
        bursts: dict[str, list[Burst]] = {}
        for found in self.around.bursts.values():
            for match in found.values():
                bursts.setdefault(match.product.product_id, []).append(match.burst)
        return [_files(self.paths[name], own) for name, own in sorted(bursts.items())]


def _files(path: Path, bursts: Sequence[Burst]) -> list[Path]:
    if not path.is_dir():
        return [path]
    pixels = {
        channel.measurement.source
        for burst in bursts
        for channel in burst.channels.values()
        if isinstance(channel.measurement, TiffMeasurement)
    }
    files = [path / name for name in open_safe(path).names]
    return [file for file in files if file.parent.name != "measurement" or str(file) in pixels]


def find_products(path: Path) -> list[Path]:
    """List the Sentinel-1 products at ``path`` by name: one product, or a folder of SAFE folders and zips.

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Sentinel1Products:
    """The opened products of a path. Made by `open_products`."""

    path: Path
    opened: Mapping[Path, SlcProduct]

    def choose(
        self,
        *,
        area: BaseGeometry | None = None,
        burst: str | None = None,
        reference: str | None = None,
    ) -> BurstChoice:
        """Choose the bursts in an area, or of a burst id, on all dates.

        ``reference`` is the reference date as YYYYMMDD, by default the first. Raises AlignsarError when nothing is
        left, of several dates only one has the bursts, and for what `select_bursts` refuses.
        """
        named = dict(self.opened) if burst is None else _with_burst(self.opened, burst.lower())
        reached = named if area is None else _reached(named, area)
        selection = select_bursts(list(reached.values()), area, reference=reference)
        self._require_dates(reached, selection)
        there = {product.product_id for product in reached.values()}
        everything = select_bursts(
            [product for product in self.opened.values() if product.product_id in there],
            reference=selection.reference,
        )
        bursts = [found[selection.reference].burst for found in selection.bursts.values()]
        beside = [
            f"{product.product_id}: outside the area" for p, product in named.items() if p not in reached
        ]
        return BurstChoice(
            selection=selection,
            around=neighbourhood(selection, everything) if len(selection.dates) > 1 else selection,
            paths={product.product_id: place for place, product in self.opened.items()},
            share=None if area is None else share_of(area, *bursts),
            dropped=(*beside, *selection.dropped),
        )

    def _require_dates(self, products: Mapping[Path, SlcProduct], selection: Selection) -> None:
        """Raise AlignsarError where of several dates all but the reference have none of its bursts."""
        days = sorted({product.date for product in products.values()})
        if len(selection.dates) > 1 or len(days) == 1:
            return
        tracks = sorted({product.relative_orbit for product in products.values()})
        raise AlignsarError(
            f"products.path={self.path}: no other date than {selection.reference} has any of its "
            f"{len(selection.bursts)} bursts, of {', '.join(days)} (tracks {', '.join(map(str, tracks))}): give "
            "products of one track and place, or of one date; " + "; ".join(selection.dropped)
        )


def open_products(
    path: Path,
    *,
    orbits: Path | None = None,
    polarizations: Sequence[str] | None = None,
    swaths: Sequence[str] | None = None,
) -> Sentinel1Products:
    """Open the Sentinel-1 products at ``path``. Raises AlignsarError for what `open_sentinel1` refuses."""
    opened = {
        place: open_sentinel1(place, orbits=orbits, polarizations=polarizations, swaths=swaths)
        for place in find_products(path)
    }
    seen: dict[str, Path] = {}
    for place, product in opened.items():
        if product.product_id in seen:
            raise AlignsarError(
                f"products.path={path}: {seen[product.product_id].name} and {place.name} are the same product; take "
                "one of them away"
            )
        seen[product.product_id] = place
    return Sentinel1Products(path=path, opened=opened)


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
