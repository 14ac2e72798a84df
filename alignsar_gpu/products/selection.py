"""Select the bursts to process: those in an area, matched over all dates."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from alignsar_gpu.errors import AlignsarError, choose_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.products.slc import Burst, SlcProduct

Keep = Literal["dates", "polarizations"]
SAME_ACQUISITION = np.timedelta64(
    2, "s"
)  # between the first lines of two processings; slices begin 25 s apart
SAME_PASS = np.timedelta64(15, "m")  # slices follow within seconds; the next pass comes after 98 minutes


@dataclass(frozen=True, kw_only=True, eq=False)
class Match:
    """A burst of one date and the product that it belongs to."""

    product: SlcProduct
    burst: Burst


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The bursts to process, by name and date.

    Attributes
    ----------
    reference : the reference date, as YYYYMMDD.
    dates : every date that has at least one of the bursts, in time order.
    bursts : per burst (by its name, in the order of the reference product) its `Match` of every date that has
        it, the reference date included.
    dropped : what was left out and why, one sentence each.
    """

    reference: str
    dates: tuple[str, ...]
    bursts: Mapping[str, Mapping[str, Match]]
    dropped: tuple[str, ...]

    @property
    def swaths(self) -> tuple[str, ...]:
        """Subswaths of the bursts, sorted."""
        return tuple(sorted({found[self.reference].burst.swath for found in self.bursts.values()}))


def _passes(products: Iterable[SlcProduct]) -> list[list[SlcProduct]]:
    """Products put together that one satellite acquired in one pass, each in time order."""
    passes: list[list[SlcProduct]] = []
    for product in sorted(products, key=lambda one: (one.platform, one.start)):
        last = passes[-1][-1] if passes else None
        if last is not None and last.platform == product.platform and product.start - last.start < SAME_PASS:
            passes[-1].append(product)
        else:
            passes.append([product])
    return sorted(passes, key=lambda slices: slices[0].start)


def _outline(burst: Burst) -> BaseGeometry:
    from shapely import Polygon, make_valid  # noqa: PLC0415  (geospatial libraries load only where needed)

    outline = Polygon(burst.footprint)
    return outline if outline.is_valid else make_valid(outline)


class _Area:
    """An area wherever it may lie beside longitudes that go on beyond the antimeridian."""

    def __init__(self, area: BaseGeometry) -> None:
        from shapely.affinity import translate  # noqa: PLC0415

        self.copies = [translate(area, turn) for turn in (0.0, 360.0, -360.0)]

    def meets(self, burst: Burst) -> bool:
        outline = _outline(burst)
        return any(outline.intersects(copy) for copy in self.copies)

    def kilometres(self, burst: Burst) -> float:
        """About how far it is from a burst (between the points that are nearest in degrees)."""
        from pyproj import Geod  # noqa: PLC0415
        from shapely.ops import nearest_points  # noqa: PLC0415

        outline, geod = _outline(burst), Geod(ellps="WGS84")
        apart = []
        for copy in self.copies:
            one, other = nearest_points(outline, copy)
            apart.append(geod.inv(one.x, one.y, other.x, other.y)[2] / 1000.0)
        return float(min(apart))


def share_of(area: BaseGeometry, *bursts: Burst) -> float:
    """Compute the share (0 to 1) of an area in longitude and latitude that the bursts' footprints cover.

    Of its surface; of the length of lines; of the number of points.
    """
    import shapely  # noqa: PLC0415

    outline = shapely.union_all([_outline(burst) for burst in bursts])
    parts = [outline.intersection(copy) for copy in _Area(area).copies]
    if area.area > 0:
        return float(sum(part.area for part in parts) / area.area)
    if area.length > 0:
        return float(sum(part.length for part in parts) / area.length)
    held = sum(len(shapely.get_coordinates(part)) for part in parts)
    return float(held / len(shapely.get_coordinates(area)))


def _extent(bursts: Sequence[Burst]) -> str:
    points = np.concatenate([burst.footprint for burst in bursts])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    return f"longitude {west:.3f} to {east:.3f}, latitude {south:.3f} to {north:.3f}"


def neighbourhood(selection: Selection, everything: Selection) -> Selection:
    """Extend a selection by the bursts before and after its own in their subswaths, where there are any.

    ``everything`` is what the same products have without an area. The dates stay those of the selection.
    """
    swaths: dict[str, list[str]] = defaultdict(list)
    found = {name: own for name, own in everything.bursts.items() if selection.reference in own}
    for name in sorted(found, key=lambda one: found[one][selection.reference].burst.anx_time):
        swaths[found[name][selection.reference].burst.swath].append(name)
    wanted = {
        other
        for names in swaths.values()
        for place, name in enumerate(names)
        if name in selection.bursts
        for other in names[max(place - 1, 0) : place + 2]
    }
    bursts = {
        name: {date: match for date, match in own.items() if date in selection.dates}
        for name, own in found.items()
        if name in wanted
    }
    return replace(selection, bursts=bursts)


def _newest_first(products: Iterable[SlcProduct]) -> list[SlcProduct]:
    """Products by when they were made, whatever they are called; those that do not say it last."""
    unknown = np.datetime64(0, "us")
    return sorted(products, key=lambda one: one.processed or unknown, reverse=True)


def _by_name(slices: Iterable[SlcProduct]) -> dict[str, list[Match]]:
    """The bursts of one pass by name, the newest processing first.

    There are more than one where slices overlap, of several processings, and of scenes without bursts.
    """
    found: dict[str, list[Match]] = defaultdict(list)
    for product in _newest_first(slices):
        for burst in product.bursts:
            found[burst.name].append(Match(product=product, burst=burst))
    return found


def _again(name: str, date: str, taken: Match, matches: Sequence[Match]) -> list[str]:
    """List the other products of a pass that hold a burst (or an image) too."""
    return [
        f"{name} on {date}: again in {_made(other.product)}, taken from {_made(taken.product)}"
        for other in matches
        if other is not taken and (other.burst.burst_id is not None or _same_acquisition(taken, other))
    ]


def _made(product: SlcProduct) -> str:
    """A product and when it was made, if it says so."""
    made = product.processed
    return (
        product.product_id if made is None else f"{product.product_id} (made {made.astype('datetime64[s]')})"
    )


def _same_acquisition(one: Match, other: Match) -> bool:
    apart = abs(one.product.start - other.product.start)
    return bool(apart < SAME_ACQUISITION) and one.burst.swath == other.burst.swath


def _of_reference(named: Mapping[str, Sequence[Match]], date: str, area: _Area | None) -> dict[str, Match]:
    """The bursts of the reference date that the area meets."""
    everything = [match.burst for matches in named.values() for match in matches]
    if not everything:
        raise AlignsarError(f"the products of the reference date {date} have no bursts with valid samples")
    chosen = {}
    for name, matches in named.items():
        inside = [match for match in matches if area is None or area.meets(match.burst)]
        several = [match for match in inside[1:] if not _same_acquisition(inside[0], match)]
        if several and inside[0].burst.burst_id is None:
            scenes = ", ".join(match.product.product_id for match in inside)
            raise AlignsarError(
                f"{name} on {date}: {len(inside)} scenes in the area ({scenes}); give one of them"
            )
        if inside:
            chosen[name] = inside[0]
    if area is not None and not chosen:
        apart = [area.kilometres(burst) for burst in everything]
        nearest = int(np.argmin(apart))
        raise AlignsarError(
            f"products.area: the area lies outside all {len(everything)} bursts of {date}, which cover "
            f"{_extent(everything)}: the nearest, {everything[nearest].name}, is about {apart[nearest]:.0f} km away; "
            "correct the area (longitude comes first) or give other products"
        )
    return chosen


def _counterpart(reference: Match, candidates: Sequence[Match]) -> Match | None:
    """The match of a burst of the reference date among those of its name on another date."""
    if reference.burst.burst_id is not None:
        return candidates[0] if candidates else None
    outline = _outline(reference.burst)
    shared = [
        (_outline(match.burst).intersection(outline).area, match)
        for match in candidates
        if match.product.relative_orbit == reference.product.relative_orbit
    ]
    area, best = max(shared, key=lambda one: one[0], default=(0.0, None))
    return best if area > 0 else None


def _reference_pass(passes: Sequence[list[SlcProduct]], reference: str | None) -> list[SlcProduct]:
    if reference is None:
        return passes[0]
    found = [slices for slices in passes if any(product.date == reference for product in slices)]
    if not found:
        there = choose_from(reference, sorted({slices[0].date for slices in passes}))
        raise AlignsarError(f"coregistration.reference={reference}: no product of that date; {there}")
    if len(found) > 1:
        raise AlignsarError(
            f"{len(found)} passes on the reference date {reference}; leave the products of one out"
        )
    return found[0]


def _with_all_polarizations(
    passes: list[list[SlcProduct]],
) -> tuple[list[list[SlcProduct]], list[str]]:
    """Leave out the passes that lack a polarization which most have; returns the others and what was left out."""
    held = [set.intersection(*(set(product.polarizations) for product in slices)) for slices in passes]
    wanted = max(held, key=lambda names: (held.count(names), len(names)))
    left_out = [
        f"{slices[0].date} ({slices[0].product_id}): has no {_upper(wanted - names)} "
        "(products.keep=dates keeps it, and leaves out the polarization)"
        for slices, names in zip(passes, held, strict=True)
        if not wanted <= names
    ]
    return [slices for slices, names in zip(passes, held, strict=True) if wanted <= names], left_out


def _lost_polarizations(bursts: Mapping[str, Mapping[str, Match]]) -> list[str]:
    """Describe the polarizations that some dates lack, so that all go without."""
    matches = [(date, match.product) for found in bursts.values() for date, match in found.items()]
    every = list(dict.fromkeys(name for _, product in matches for name in product.polarizations))
    lacking = {
        name: sorted({date for date, product in matches if name not in product.polarizations})
        for name in every
    }
    return [
        f"{name.upper()} on all dates: {', '.join(dates)} has none (products.keep=polarizations leaves out the date)"
        for name, dates in lacking.items()
        if dates
    ]


def _upper(names: Iterable[str]) -> str:
    return ", ".join(sorted(name.upper() for name in names))


def select_bursts(
    products: Sequence[SlcProduct],
    area: BaseGeometry | None = None,
    *,
    reference: str | None = None,
    keep: Keep = "dates",
) -> Selection:
    """Select the bursts that intersect an area, with their counterparts on all dates.

    Parameters
    ----------
    products : of any dates. Those of one satellite in one pass (slices) together are one date, named after
        the first.
    area : longitude and latitude, from `read_area`; None for everything.
    reference : the reference date as YYYYMMDD; by default the first.
    keep : what to keep where a date lacks a polarization: the "dates", all without the polarization, or the
        "polarizations" that most dates have, without the date.

    Of several processings of one acquisition the newest is taken. Bursts are matched by their ids, scenes without
    bursts by swath, track and where they lie.
    Raises AlignsarError when there is no product, the area meets no burst of the reference date, or two
    passes of one day have the same bursts.
    """
    if not products:
        raise AlignsarError("no products to select bursts from")
    passes, dropped = _passes(products), list[str]()
    if keep == "polarizations":
        passes, dropped = _with_all_polarizations(passes)
    first = _reference_pass(passes, reference)
    date, bounds = first[0].date, None if area is None else _Area(area)
    known = _by_name(first)
    chosen = _of_reference(known, date, bounds)
    bursts = {name: {date: match} for name, match in chosen.items()}
    dropped += [note for name, match in chosen.items() for note in _again(name, date, match, known[name])]
    dates = [date]
    for slices in passes:
        if slices is first:
            continue
        own, named = slices[0].date, _by_name(slices)
        found = {name: _counterpart(match, named.get(name, [])) for name, match in chosen.items()}
        if not any(found.values()):
            dropped.append(
                f"{own} ({slices[0].product_id}, track {slices[0].relative_orbit}): has none of the "
                f"{len(chosen)} bursts"
            )
            continue
        if own in dates:
            raise AlignsarError(f"two passes on {own} have the same bursts; leave the products of one out")
        dates.append(own)
        for name, match in found.items():
            if match is None:
                dropped.append(f"{name} on {own}: not in the product")
            else:
                bursts[name][own] = match
                dropped += _again(name, own, match, named[name])
        dropped += [
            f"{name} on {own}: not on the reference date {date}"
            for name, matches in named.items()
            if name not in known and (bounds is None or any(bounds.meets(match.burst) for match in matches))
        ]
    dropped += _lost_polarizations(bursts)
    return Selection(reference=date, dates=tuple(sorted(dates)), bursts=bursts, dropped=tuple(dropped))
