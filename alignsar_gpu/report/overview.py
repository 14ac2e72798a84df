"""Texts, key facts and tables of the report: summary, dates, layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.report.page import StageTime, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.report.survey import CubeSurvey

MINUS = "\u2212"
NONE = "\u2013"
INTERFEROMETRIC = ("interferometric_phase_", "coherence_")


def number(value: float, digits: int = 4) -> str:
    """Format a number with ``digits`` significant digits; a dash for NaN."""
    if not math.isfinite(value):
        return NONE
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{min(decimals, 6)}f}".replace("-", MINUS)


def fixed(value: float) -> str:
    """Format a number with four decimals; a dash for NaN and infinity."""
    return f"{value:.4f}".replace("-", MINUS) if math.isfinite(value) else NONE


def days(value: float) -> str:
    """Format a number of days, with a decimal only if there is one; a dash for NaN."""
    return f"{value:.1f}".removesuffix(".0").replace("-", MINUS) if math.isfinite(value) else NONE


def percent(share: float) -> str:
    """Format a share 0 to 1 as percent; 100 and 0 are shown only if exact."""
    if not math.isfinite(share):
        return NONE
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        text = "99.9"
    if text == "0.0" and share > 0:
        text = "< 0.1"
    return f"{text} %"


def nested(mapping: Any, *keys: str) -> Any:
    """Return the value below nested keys; None if one is missing."""
    for key in keys:
        if not hasattr(mapping, "get"):
            return None
        mapping = mapping.get(key)
    return mapping


def as_number(value: Any) -> float:
    """Convert to a number; NaN if it is not one."""
    return float(value) if isinstance(value, (int, float, np.number)) else math.nan


def mean_coherence(survey: CubeSurvey, date: int, polarization: str) -> float:
    """Return the mean coherence of a date: as measured in the run, or from the sampled pixels."""
    measured = as_number(
        nested(survey.quality, "dates", survey.keys[date], "coherence", polarization, "mean")
    )
    name = f"coherence_{polarization}"
    if math.isfinite(measured) or not survey.has(name):
        return measured
    sample = survey.scan(name, date).sample
    return float(sample.mean(dtype=np.float64)) if sample.size else math.nan


def valid_share(survey: CubeSurvey, date: int) -> float:
    """Return the share of valid pixels of a date: as measured in the run, or from its brightness."""
    measured = as_number(nested(survey.quality, "dates", survey.keys[date], "valid_fraction"))
    names = [survey.power_layer(p) for p in survey.polarizations]
    if math.isfinite(measured) or not names or names[0] is None:
        return measured
    return 1 - survey.scan(names[0], date).missing


def title(survey: CubeSurvey) -> str:
    """Return the title of the dataset."""
    return survey.text("title") or "SAR dataset"


def summary(survey: CubeSurvey) -> str:
    """Summarise the dataset in one sentence."""
    days = survey.days
    when = f"on {days[0]}" if len(days) == 1 else f"on {len(days)} dates from {min(days)} to {max(days)}"
    polarizations = " and ".join(p.upper() for p in survey.polarizations)
    size = f"{survey.view.lines} \u00d7 {survey.view.samples} pixels"
    platforms = " and ".join(dict.fromkeys(p for p in survey.names_along_time("platform") if p))
    what = "A radar image" if len(days) == 1 else "A stack of radar images of one place"
    return (
        f"{what}, taken by {platforms or 'a radar satellite'} {when} in {polarizations}, "
        f"on one grid of {size}, measured pixel by pixel."
    )


def facts(survey: CubeSurvey) -> tuple[tuple[str, str], ...]:
    """List the key facts as (name, value); unknown ones are left out."""
    view = survey.view
    platforms = ", ".join(dict.fromkeys(p for p in survey.names_along_time("platform") if p))
    orbit, day = survey.number("relative_orbit"), survey.days[survey.reference]
    mode = " ".join(filter(None, (survey.text("instrument_mode"), survey.text("swath"))))
    spacing = (
        f"{view.line_spacing:.1f} m along track \u00d7 {view.sample_spacing:.1f} m across (ground)"
        if view.on_ground
        else ""
    )
    device = survey.text("device") or str(nested(survey.quality, "device", "name") or "")
    extent = f"{view.extent[0] / 1000:.1f} \u00d7 {view.extent[1] / 1000:.1f} km" if view.on_ground else ""
    incidence = survey.number("incidence_angle_mid")
    heading = survey.number("heading")
    wavelength = survey.number("wavelength")
    bursts = survey.text("burst_id").split(",")
    named = (
        ("Satellite", platforms),
        ("Mode", mode),
        ("Burst", bursts[0] if len(bursts) == 1 else f"{len(bursts)}, {bursts[0]} to {bursts[-1]}"),
        ("Track (relative orbit)", f"{orbit:.0f}" if math.isfinite(orbit) else ""),
        ("Pass", survey.text("pass_direction")),
        ("Look direction", survey.text("look_side")),
        ("Heading", f"{heading:.1f}° from north" if math.isfinite(heading) else ""),
        ("Polarizations", ", ".join(p.upper() for p in survey.polarizations)),
        (
            "Dates",
            f"{len(survey.days)}; reference {survey.days[survey.reference]}" if survey.secondaries else day,
        ),
        ("Grid", f"{view.lines} lines \u00d7 {view.samples} samples"),
        ("Pixel spacing", spacing),
        ("Scene size", extent),
        ("Incidence angle", f"{incidence:.1f}° mid-scene" if math.isfinite(incidence) else ""),
        ("Wavelength", f"{100 * wavelength:.2f} cm" if math.isfinite(wavelength) else ""),
        ("Computed on", device),
        ("Software", survey.text("software")),
        ("Fingerprint", survey.text("fingerprint")[:12]),
    )
    return tuple((name, value) for name, value in named if value)


def dates_table(survey: CubeSurvey) -> Table:
    """Make the table of dates: baselines, height of ambiguity, validity, coherence, product."""
    products = survey.names_along_time("product_id")
    if not survey.secondaries:
        row = (survey.days[0], percent(valid_share(survey, 0)), products[0] or NONE)
        return Table(
            name="The date",
            head=("date", "valid pixels", "product"),
            rows=(row,),
            numeric=frozenset({1}),
            long=frozenset({2}),
        )
    apart, across, ambiguity = (
        survey.along_time(name)
        for name in ("temporal_baseline", "perpendicular_baseline", "height_of_ambiguity")
    )
    rows = []
    for date, day in enumerate(survey.days):
        is_reference = date == survey.reference
        coherence = [
            NONE if is_reference else number(mean_coherence(survey, date, p), 3) for p in survey.polarizations
        ]
        rows.append(
            (
                f"{day} (reference)" if is_reference else day,
                days(apart[date]),
                number(across[date]),
                number(ambiguity[date], 3),
                percent(valid_share(survey, date)),
                *coherence,
                products[date] or NONE,
            )
        )
    head = ("date", "days", "perp. baseline (m)", "height of ambiguity (m)", "valid pixels")
    coherences = tuple(f"mean coherence {p.upper()}" for p in survey.polarizations)
    count = len(head) + len(coherences)
    return Table(
        name="The dates",
        head=(*head, *coherences, "product"),
        rows=tuple(rows),
        numeric=frozenset(range(1, count)),
        long=frozenset({count}),
        caption=(
            "The dates. Days and baseline count from the reference. The height of ambiguity is the height "
            "difference that turns the phase by one cycle: the larger, the less a wrong height disturbs it. "
            "Coherence is that with the reference date."
        ),
    )


def _row(survey: CubeSurvey, name: str, dates: tuple[int | None, ...]) -> tuple[str, ...]:
    scans = [survey.scan(name, date) for date in dates]
    sample = np.concatenate([scan.sample for scan in scans])
    quantiles = np.percentile(sample, (1, 50, 99)) if sample.size else (math.nan,) * 3
    lowest = [scan.minimum for scan in scans if math.isfinite(scan.minimum)]
    highest = [scan.maximum for scan in scans if math.isfinite(scan.maximum)]
    missing = sum(scan.missing for scan in scans) / len(scans)
    values = (min(lowest, default=math.nan), *(float(q) for q in quantiles), max(highest, default=math.nan))
    attrs: Mapping[str, Any] = survey.cube[name].attrs
    digits = 8 if survey.cube[name].dtype == np.float64 else 4  # coordinates
    return (*(number(value, digits) for value in values), percent(missing), str(attrs.get("units", NONE)))


def _sources(survey: CubeSurvey) -> str:
    """Say which pixels the statistics of layers come from."""
    share = survey.least_share()
    if share == 1:
        return "Minimum, maximum and share without data are those of all pixels."
    return (
        "Where a layer of a date is pictured on this page, minimum, maximum and share without data are those of all "
        f"pixels; elsewhere those of evenly spread chunks with {percent(share)} of the pixels or more."
    )


def layer_tables(survey: CubeSurvey) -> tuple[Table, ...]:
    """Make the tables of layer statistics: over all dates, and a folded one with a row a layer and date."""
    head = ("min", "1 %", "median", "99 %", "max", "no data", "unit")
    together, apart = [], []
    for name in survey.layers:
        dates: tuple[int | None, ...] = (None,)
        if "time" in survey.cube[name].dims:
            compared = name.startswith(INTERFEROMETRIC) and survey.secondaries
            dates = survey.secondaries if compared else tuple(range(len(survey.days)))
            apart += [(name, survey.days[d], *_row(survey, name, (d,))) for d in dates if d is not None]
        meaning = str(survey.cube[name].attrs.get("long_name", ""))
        together.append((name, *_row(survey, name, dates), meaning))
    return (
        Table(
            name="Every layer",
            head=("layer", *head, "meaning"),
            rows=tuple(together),
            numeric=frozenset(range(1, 7)),
            caption=(
                "Every layer, all dates together (phase and coherence without the reference date, where "
                f"they are 0 and 1 by definition). {_sources(survey)} "
                "Percentiles come from a regular sample of these. Complex layers count by their magnitude."
            ),
        ),
        Table(
            head=("layer", "date", *head),
            rows=tuple(apart),
            numeric=frozenset(range(2, 8)),
            name="The same for each date",
            folded=True,
        ),
    )


def stages(quality: Mapping[str, Any]) -> tuple[StageTime, ...]:
    """List the stages of the run with their times."""
    measured = nested(quality, "stages")
    seconds = {str(name): as_number(value) for name, value in (measured or {}).items()}
    longest = max((s for s in seconds.values() if math.isfinite(s)), default=0.0)
    return tuple(
        StageTime(
            name=name,
            time=f"{value:.2f}" if math.isfinite(value) else NONE,
            share=100 * value / longest if longest > 0 and math.isfinite(value) else 0.0,
        )
        for name, value in seconds.items()
    )
