"""Assemble a coregistered stack from the bursts of all dates."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.coregistration.burst import TAPS, BurstPair, Shift
from alignsar_gpu.coregistration.corrections.corrections import Corrections
from alignsar_gpu.coregistration.mosaic import mosaic_of
from alignsar_gpu.coregistration.placement import placement_of
from alignsar_gpu.coregistration.records import calibrations, noises
from alignsar_gpu.coregistration.stack import CoregisteredStack
from alignsar_gpu.coregistration.timing.patches import PatchReader
from alignsar_gpu.coregistration.timing.shifts import MeasuredShifts, measure_shifts
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.products.crop import window_around
from alignsar_gpu.products.sentinel1.orbit_files import KINDS
from alignsar_gpu.stack.acquisition import Acquisition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.coregistration.mosaic import BurstMosaic
    from alignsar_gpu.coregistration.placement import Placement
    from alignsar_gpu.device import Device
    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.products.selection import Match, Selection

HOW = {
    True: "removed while the dates were brought together",
    False: "left in the pixels, as asked for (interferometry.flatten=never)",
}
REFERENCE_HOW = "the reference date, which phases are relative to"


@dataclass(frozen=True, kw_only=True)
class CoregistrationOptions:
    """Options of the coregistration.

    Attributes
    ----------
    neighbours : dates that each is compared with for its timing, besides the reference.
    timing : whether the dates' timing is measured; otherwise the orbits alone place them.
    range_shift : whether ranges are put right too.
    flatten : whether reference and topographic phase are removed.
    taps : of the kernels that resample: 8, 12 or 16.
    corrections : of the absolute location.
    zenith : per date (YYYYMMDD) delay of a signal from the zenith at sea level, m; for troposphere "given" alone.
    """

    neighbours: int = 3
    timing: bool = True
    range_shift: bool = True
    flatten: bool = True
    taps: int = TAPS
    corrections: Corrections = field(default_factory=Corrections)
    zenith: Mapping[str, float] = field(default_factory=dict)


def coregistered_stack(
    selection: Selection,
    dem: Dem,
    device: Device,
    *,
    area: BaseGeometry | None = None,
    around: Selection | None = None,
    options: CoregistrationOptions | None = None,
    facts: Mapping[str, Any] | None = None,
    advance: Callable[[str], None] = lambda _: None,
) -> CoregisteredStack:
    """Coregister the valid pixels of the selected bursts of all dates to the grid of the reference date.

    Parameters
    ----------
    selection : the bursts.
    area : longitude and latitude to cut the image to; None for all of the bursts.
    around : the same bursts and their neighbours, whose overlaps say more of the dates' timing.
    facts : what is added to the facts of the stack.
    advance : called with a line of text as the timing is measured.

    Raises AlignsarError when a product comes without pixels, the bursts do not lie on one grid, no valid pixel is in
    the area, no polarization is common to all dates, or the DEM does not cover the image.
    """
    options = options or CoregistrationOptions()
    matches = {name: found[selection.reference] for name, found in selection.bursts.items()}
    every = [match for found in selection.bursts.values() for match in found.values()]
    polarizations = _polarizations(every)
    for match in every:
        _require_pixels(match, polarizations)
    whole = mosaic_of([match.burst for match in matches.values()])
    first = next(iter(matches.values()))
    window = (slice(0, whole.grid.lines), slice(0, whole.grid.samples))
    if area is not None:
        window = window_around(area, whole.grid, window, first.product.orbit, dem)
    mosaic = whole.cropped(window)
    around = around or selection
    terrain = Terrain(grid=mosaic.grid, orbit=first.product.orbit, dem=dem)
    height = float(np.mean(terrain.heights))
    placement = placement_of(around, options.corrections, polarizations[0], options.zenith, height)
    if placement is not None:
        mosaic = mosaic.shifted(placement.mean.seconds, placement.mean.metres)
        terrain = Terrain(grid=mosaic.ground, orbit=first.product.orbit, dem=dem)
    measured = _measured(around, dem, device, options, polarizations[0], placement, advance)
    reference = selection.dates.index(selection.reference)
    return CoregisteredStack(
        mosaic=mosaic,
        terrain=terrain,
        matches=matches,
        pairs=_pairs(selection, device, measured, placement, options.taps),
        acquisitions=tuple(
            _acquisition(selection, date, mosaic, options, polarizations, height) for date in selection.dates
        ),
        reference=reference,
        polarizations=polarizations,
        source=_source(selection),
        facts={
            **_facts(selection, mosaic, dem),
            **_corrected(options, placement, selection),
            **measured.facts,
            **(facts or {}),
        },
        device=device,
        flattened=options.flatten,
        placement=placement,
    )


def _polarizations(matches: Sequence[Match]) -> tuple[str, ...]:
    """Those that all bursts have, in the order of the first product."""
    common = [
        name for name in matches[0].product.polarizations if all(name in m.burst.channels for m in matches)
    ]
    if not common:
        there = ", ".join(
            f"{match.product.product_id}: {', '.join(p.upper() for p in match.burst.channels)}"
            for match in {match.product.product_id: match for match in matches}.values()
        )
        raise AlignsarError(f"no polarization is common to all dates ({there}); give products of one kind")
    return tuple(common)


def _require_pixels(match: Match, polarizations: Sequence[str]) -> None:
    lacking = [name.upper() for name in polarizations if match.burst.channels[name].measurement is None]
    if lacking:
        raise AlignsarError(
            f"{match.product.product_id}: has no pixels of {', '.join(lacking)}, only annotation; give the "
            "whole product"
        )


def _pairs(
    selection: Selection,
    device: Device,
    measured: MeasuredShifts,
    placement: Placement | None,
    taps: int,
) -> dict[tuple[int, str], BurstPair]:
    return {
        (index, name): BurstPair(
            reference=found[selection.reference],
            secondary=found[date],
            device=device,
            taps=taps,
            field=measured.fields.get(index),
            shift=measured.shifts[index] + (Shift() if placement is None else placement.between[date, name]),
        )
        for index, date in enumerate(selection.dates)
        if date != selection.reference
        for name, found in selection.bursts.items()
        if date in found
    }


def _measured(
    selection: Selection,
    dem: Dem,
    device: Device,
    options: CoregistrationOptions,
    polarization: str,
    placement: Placement | None,
    advance: Callable[[str], None],
) -> MeasuredShifts:
    """How late all dates are, and the facts about that."""
    none = MeasuredShifts(shifts=tuple(Shift() for _ in selection.dates), facts={})
    if len(selection.dates) == 1 or not options.timing:
        return none
    matches = {name: found[selection.reference] for name, found in selection.bursts.items()}
    mosaic = mosaic_of([match.burst for match in matches.values()])
    if placement is not None:
        mosaic = mosaic.shifted(placement.mean.seconds, placement.mean.metres)
    reader = PatchReader(
        mosaic=mosaic,
        matches=matches,
        pairs=_pairs(selection, device, none, placement, options.taps),
        dates=len(selection.dates),
        reference=selection.dates.index(selection.reference),
        dem=dem,
        device=device,
        memory=device.memory_budget // 2,
    )
    measured = measure_shifts(
        reader,
        polarization,
        selection.dates,
        neighbours=options.neighbours,
        range_shift=options.range_shift,
        advance=advance,
    )
    return replace(measured, facts={"timing": measured.facts})


def _acquisition(
    selection: Selection,
    date: str,
    mosaic: BurstMosaic,
    options: CoregistrationOptions,
    polarizations: Sequence[str],
    height: float,
) -> Acquisition:
    """A date, on the grid of the reference; ``height`` (m) of the ground."""
    found = {name: own[date] for name, own in selection.bursts.items() if date in own}
    products = sorted({match.product.product_id: match.product for match in found.values()}.items())
    first = products[0][1]
    own = date == selection.reference
    return Acquisition(
        product_id=", ".join(name for name, _ in products),
        platform=first.platform,
        start=first.start,
        orbit=next(iter(found.values())).product.orbit,
        pass_direction=first.pass_direction,
        absolute_orbit=first.absolute_orbit,
        relative_orbit=first.relative_orbit,
        instrument_mode=first.instrument_mode,
        swath=",".join(sorted({match.burst.swath for match in found.values()})),
        processor=first.processor,
        flattened=own or options.flatten,
        flattened_how=REFERENCE_HOW if own else HOW[options.flatten],
        calibration=calibrations(selection, date, mosaic, polarizations),
        noise=noises(selection, date, mosaic, polarizations, height),
    )


def _source(selection: Selection) -> str:
    """One sentence on where the stack is from."""
    names = list(selection.bursts)
    bursts = f"burst {names[0]}" if len(names) == 1 else f"{len(names)} bursts ({names[0]} to {names[-1]})"
    first = selection.bursts[names[0]][selection.reference].product
    if len(selection.dates) == 1:
        return f"{bursts} of {first.product_id}"
    return f"{bursts} of {len(selection.dates)} dates, on the grid of {first.product_id}"


def _corrected(
    options: CoregistrationOptions, placement: Placement | None, selection: Selection
) -> dict[str, Any]:
    """What quality.json says of the corrections."""
    corrected: dict[str, Any] = asdict(options.corrections)
    if placement is not None:
        corrected |= {"mean_azimuth_s": placement.mean.seconds, "mean_slant_range_m": placement.mean.metres}
    if options.corrections.bistatic and (nominal := _with_nominal_bulk(selection)):
        corrected["nominal_bistatic_delay"] = nominal
    return {"corrections": corrected}


def _with_nominal_bulk(selection: Selection) -> list[str]:
    """The products whose bulk bistatic delay is the mode's usual value, and not their own."""
    matches = [match for found in selection.bursts.values() for match in found.values()]
    sent = [(match.product.product_id, match.burst.transmission) for match in matches]
    return sorted({name for name, pulses in sent if pulses is not None and pulses.bulk_is_nominal})


def _facts(selection: Selection, mosaic: BurstMosaic, dem: Dem) -> dict[str, Any]:
    matches = {name: found[selection.reference] for name, found in selection.bursts.items()}
    first = next(iter(matches.values()))
    products = {match.product.product_id: match.product for match in matches.values()}
    kind = first.product.orbit.source.split(" ", 1)[0]
    facts: dict[str, Any] = {
        "product": {**first.product.facts, "product_id": ", ".join(products)},
        "simulated": any(
            match.product.facts.get("simulated", False)
            for found in selection.bursts.values()
            for match in found.values()
        ),
        "orbit": {"source": first.product.orbit.source, "kind": kind if kind in KINDS else "annotation"},
        "dem": dem.facts(),
        "bursts": {
            name: {
                "swath": match.burst.swath,
                "index": match.burst.index,
                "anx_time_s": match.burst.anx_time,
                "dates": sorted(selection.bursts[name]),
            }
            for name, match in matches.items()
        },
        "mosaic": {
            piece.name: {
                "first_line": piece.lines.start,
                "lines": piece.lines.stop - piece.lines.start,
                "first_sample": piece.samples.start,
                "samples": piece.samples.stop - piece.samples.start,
            }
            for piece in mosaic.pieces
        },
    }
    if len(matches) == 1:
        piece, burst = mosaic.pieces[0], first.burst
        facts["burst"] = {
            "id": burst.name,
            "swath": burst.swath,
            "index": burst.index,
            "anx_time_s": burst.anx_time,
        }
        facts["crop"] = {
            "first_line": -piece.first_line,
            "lines": mosaic.grid.lines,
            "first_sample": -piece.first_sample,
            "samples": mosaic.grid.samples,
        }
    return facts
