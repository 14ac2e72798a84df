"""Which bursts of which SLC products are worked on, and the files that they are read from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.products.selection import neighbourhood, select_bursts, share_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.products.selection import Keep, Match, Selection
    from alignsar_gpu.products.slc import Burst, SlcProduct


@dataclass(frozen=True, kw_only=True, eq=False)
class SlcChoice:
    """Bursts of one or more dates.

    Attributes
    ----------
    selection : the bursts that are asked for.
    around : they and their neighbours, whose overlaps say more of the dates' timing.
    paths : of the products, by their names.
    files_of : the files of a product that some of its bursts are read from.
    verify_pixels : check the pixels that some bursts of a product are read from against what the product says of them,
        and return how many bytes were read; None where products say nothing, or are not asked.
    share : of the area that the bursts hold, 0 to 1; None without an area.
    dropped : what was left out and why, one sentence each.
    """

    selection: Selection
    around: Selection
    paths: Mapping[str, Path]
    files_of: Callable[[Path, Sequence[Burst]], list[Path]]
    verify_pixels: Callable[[Path, Sequence[Burst]], int] | None
    share: float | None
    dropped: tuple[str, ...]

    @property
    def match(self) -> Match:
        """The first burst on the reference date."""
        return next(iter(self.selection.bursts.values()))[self.selection.reference]

    @cached_property
    def files(self) -> list[list[Path]]:
        """The files that the bursts are read from, by product: a zip, or of a folder what belongs to the bursts."""
        return [self.files_of(path, bursts) for path, bursts in self._bursts_of_products()]

    def verify(self) -> int:
        """Check the pixels of the bursts, and return how many bytes were read for it.

        Raises AlignsarError for a file that is not what its product says.
        """
        check = self.verify_pixels
        return 0 if check is None else sum(check(path, bursts) for path, bursts in self._bursts_of_products())

    def _bursts_of_products(self) -> list[tuple[Path, list[Burst]]]:
        bursts: dict[str, list[Burst]] = {}
        for found in self.around.bursts.values():
            for match in found.values():
                bursts.setdefault(match.product.product_id, []).append(match.burst)
        return [(self.paths[name], own) for name, own in sorted(bursts.items())]


@dataclass(frozen=True, kw_only=True, eq=False)
class SlcProducts:
    """The SLC products of a path, opened.

    Attributes
    ----------
    path : that was named.
    opened : each product by its own path.
    files_of : the files of a product that some of its bursts are read from.
    verify : see `SlcChoice.verify_pixels`.
    """

    path: Path
    opened: Mapping[Path, SlcProduct]
    files_of: Callable[[Path, Sequence[Burst]], list[Path]]
    verify: Callable[[Path, Sequence[Burst]], int] | None = None

    def __repr__(self) -> str:
        return f"SlcProducts({str(self.path)!r}, {len(self.opened)} products)"

    def choose(
        self,
        *,
        area: BaseGeometry | None = None,
        burst: str | None = None,
        reference: str | None = None,
        keep: Keep = "dates",
    ) -> SlcChoice:
        """The bursts that an area, or a burst id, leave, on all dates.

        ``reference`` is the reference date as YYYYMMDD, by default the first; ``keep`` as of `select_bursts`.
        Raises AlignsarError when nothing is left, of several dates only one has the bursts, and for what
        `select_bursts` refuses.
        """
        named = dict(self.opened) if burst is None else _with_burst(self.opened, burst.lower())
        reached = named if area is None else _reached(named, area)
        selection = select_bursts(list(reached.values()), area, reference=reference, keep=keep)
        self._require_dates(reached, selection)
        there = {product.product_id for product in reached.values()}
        everything = select_bursts(
            [product for product in self.opened.values() if product.product_id in there],
            reference=selection.reference,
            keep=keep,
        )
        bursts = [found[selection.reference].burst for found in selection.bursts.values()]
        beside = [
            f"{product.product_id}: outside the area" for p, product in named.items() if p not in reached
        ]
        return SlcChoice(
            files_of=self.files_of,
            verify_pixels=self.verify,
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


def _with_burst(opened: Mapping[Path, SlcProduct], name: str) -> dict[Path, SlcProduct]:
    """The products that have a burst of this name, without their others."""
    found = {
        place: replace(product, bursts=tuple(b for b in product.bursts if b.name == name))
        for place, product in opened.items()
        if any(b.name == name for b in product.bursts)
    }
    if not found:
        names = dict.fromkeys(b.name for product in opened.values() for b in product.bursts)
        there = choose_from(name, names)
        raise AlignsarError(f"products.burst={name}: there is no such burst; {there}")
    return found


def _reached(products: dict[Path, SlcProduct], area: BaseGeometry) -> dict[Path, SlcProduct]:
    """The products that hold some of the area; all of them where none does."""

    def holds(burst: Burst) -> bool:
        return share_of(area, burst) > 0.0

    return {p: product for p, product in products.items() if any(map(holds, product.bursts))} or products
