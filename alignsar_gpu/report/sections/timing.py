"""Timing section of the report: shifts of the dates, and phases in burst overlaps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing.timing_plots import DateShifts, overlaps_picture, shifts_picture
from alignsar_gpu.report.overlaps import Overlaps
from alignsar_gpu.report.page import Panel, Picture, Section, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.report.pictures import PictureWriter
    from alignsar_gpu.report.survey import CubeSurvey

MOST_PAIRS = 24  # of dates in the picture of overlaps
MOST_ROWS = 300  # of the table of overlaps


def timing_section(writer: PictureWriter) -> Section | None:
    """Make the section on timing: shifts of the dates, phases in overlaps; None if already coregistered."""
    survey = writer.survey
    timing = overview.nested(survey.quality, "source", "timing")
    dates = overview.nested(timing, "dates")
    if not dates:
        return None
    names = [survey.keys[index] for index in survey.secondaries if survey.keys[index] in dates]
    if not names:
        return None
    panels = [_shifts_panel(writer, dates, names)]
    rows = [row for row in timing.get("overlaps") or () if _known(row)]
    shown, total = _fewer(rows, survey)
    if shown:
        panels.append(_overlaps_panel(writer, dates, shown, total))
    tables = [_dates_table(survey, dates, names)]
    if rows:
        tables.append(_overlaps_table(rows, survey))
    return Section(
        anchor="timing", title="Bringing the dates together", panels=tuple(panels), tables=tuple(tables)
    )


def _known(row: Mapping[str, Any]) -> bool:
    return math.isfinite(overview.as_number(row.get("shift_lines")))


def _day(name: str) -> str:
    return f"{name[:4]}-{name[4:6]}-{name[6:]}"


def _fewer(rows: Sequence[Mapping[str, Any]], survey: CubeSurvey) -> tuple[list[Mapping[str, Any]], int]:
    """The rows of the first pairs of dates, those with the reference before others, and how many pairs there are."""
    reference = survey.keys[survey.reference]
    pairs = list(dict.fromkeys((str(row["first_date"]), str(row["second_date"])) for row in rows))
    chosen = set(sorted(pairs, key=lambda pair: reference not in pair)[:MOST_PAIRS])
    return [row for row in rows if (row["first_date"], row["second_date"]) in chosen], len(pairs)


def _true(survey: CubeSurvey, name: str, key: str) -> float:
    return overview.as_number(overview.nested(survey.quality, "truth", "dates", name, key))


def _shifts_panel(writer: PictureWriter, dates: Mapping[str, Any], names: Sequence[str]) -> Panel:
    survey = writer.survey
    known = {}
    for kind, unit in (("azimuth", "lines"), ("range", "samples")):
        known[f"{kind} ({unit})"] = DateShifts(
            value=_column(dates, names, f"{kind}_{unit}"),
            deviation=_column(dates, names, f"{kind}_deviation_{unit}"),
            true=np.array([_true(survey, name, f"{kind}_true_{unit}") for name in names]),
        )
    has_truth = any(np.isfinite(one.true).any() for one in known.values())
    picture = Picture(
        drawn=writer.save(shifts_picture([_day(name) for name in names], known), "timing_dates"),
        alt="Shift of every date in azimuth and in range, as measured"
        + (", with the true one and the difference" if has_truth else ""),
    )
    worst = _column(dates, names, "azimuth_deviation_lines")
    return Panel(
        kind="timing_dates",
        title="Shift of each date",
        pictures=(picture,),
        words={
            "reference": survey.days[survey.reference],
            "truth": has_truth,
            "worst": overview.fixed(float(worst.max())) if np.isfinite(worst).all() else "",
        },
        size="wide",
    )


def _column(dates: Mapping[str, Any], names: Sequence[str], key: str) -> NDArray[np.float64]:
    return np.array([overview.as_number(dates[name].get(key)) for name in names])


def _overlaps_panel(
    writer: PictureWriter, dates: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], total: int
) -> Panel:
    overlaps = _overlaps(rows, dates)
    drawn = overlaps_picture(overlaps, [f"{_day(a)}\n{_day(b)}" for a, b in overlaps.pairs])
    before, after = (
        np.sqrt(np.mean(phase[np.isfinite(phase)] ** 2)) for phase in (overlaps.before, overlaps.after)
    )
    return Panel(
        kind="timing_overlaps",
        title="Overlaps of bursts",
        pictures=(
            Picture(
                drawn=writer.save(drawn, "timing_overlaps"),
                alt="Phase in the overlaps of bursts for pairs of dates, before and after the shifts are taken off",
            ),
        ),
        words={
            "before": f"{before:.2f}",
            "after": f"{after:.3f}",
            "shown": len(overlaps.pairs),
            "pairs": total,
        },
        size="wide",
    )


def _overlaps(rows: Sequence[Mapping[str, Any]], dates: Mapping[str, Any]) -> Overlaps:
    pairs = sorted({(str(row["first_date"]), str(row["second_date"])) for row in rows})
    named = [str(row["earlier_burst"]).rpartition("_")[2].upper() for row in rows]
    swaths = sorted(set(named))

    def shift(name: str) -> float:  # of the reference, which is not listed, 0
        return overview.as_number(dates[name]["azimuth_lines"]) if name in dates else 0.0

    def column(key: str) -> NDArray[np.float64]:
        return np.array([overview.as_number(row.get(key)) for row in rows])

    between = np.array([shift(str(row["second_date"])) - shift(str(row["first_date"])) for row in rows])
    return Overlaps(
        pairs=pairs,
        swaths=swaths,
        pair=np.array([pairs.index((str(row["first_date"]), str(row["second_date"]))) for row in rows]),
        swath=np.array([swaths.index(name) for name in named]),
        before=column("phase_before_rad"),
        after=column("phase_after_rad"),
        left=column("shift_lines") - between,
        deviation=column("deviation_lines"),
    )


def _dates_table(survey: CubeSurvey, dates: Mapping[str, Any], names: Sequence[str]) -> Table:
    has_truth = any(math.isfinite(_true(survey, name, "azimuth_true_lines")) for name in names)
    head = ["date", "azimuth (lines)", "±", "from", "range (samples)", "±"]
    if has_truth:
        head = ["date", "azimuth (lines)", "±", "true", "from", "range (samples)", "±", "true"]
    rows = []
    for name in names:
        one = dates[name]
        values = {key: overview.as_number(one.get(key)) for key in one}
        truth = {
            kind: (overview.fixed(_true(survey, name, f"{kind}_true_{unit}")),) if has_truth else ()
            for kind, unit in (("azimuth", "lines"), ("range", "samples"))
        }
        note = "" if one.get("range_put_right", True) else " (left to the orbits)"
        rows.append(
            (
                _day(name),
                overview.fixed(values["azimuth_lines"]),
                overview.fixed(values["azimuth_deviation_lines"]),
                *truth["azimuth"],
                str(one.get("azimuth_from", "")),
                overview.fixed(values["range_samples"]) + note,
                overview.fixed(values["range_deviation_samples"]),
                *truth["range"],
            )
        )
    words = {index for index, name in enumerate(head) if name in {"date", "from"}}
    return Table(
        name="Shifts of the dates",
        head=tuple(head),
        rows=tuple(rows),
        numeric=frozenset(set(range(len(head))) - words),
        caption=(
            f"How much later and farther than its orbit and annotation say each date sees the ground, against "
            f"{survey.days[survey.reference]}; ± is the standard deviation."
        ),
    )


def _overlaps_table(rows: Sequence[Mapping[str, Any]], survey: CubeSurvey) -> Table:
    reference = survey.keys[survey.reference]
    listed = rows
    if len(rows) > MOST_ROWS:
        listed = [row for row in rows if reference in (row["first_date"], row["second_date"])][:MOST_ROWS]
    left_out = len(rows) - len(listed)
    texts = tuple(
        (
            str(row["earlier_burst"]),
            str(row["later_burst"]),
            _day(str(row["first_date"])),
            _day(str(row["second_date"])),
            *(
                overview.fixed(overview.as_number(row.get(key)))
                for key in (
                    "shift_lines",
                    "deviation_lines",
                    "coherence",
                    "phase_before_rad",
                    "phase_after_rad",
                )
            ),
            overview.percent(overview.as_number(row.get("share_of_pixels"))),
        )
        for row in listed
    )
    return Table(
        name="Every overlap" + (f" (all but {left_out}, which quality.json has)" if left_out else ""),
        head=(
            "earlier burst",
            "later burst",
            "first date",
            "second date",
            "shift (lines)",
            "±",
            "coherence",
            "phase before (rad)",
            "after (rad)",
            "pixels used",
        ),
        rows=texts,
        numeric=frozenset(range(4, 10)),
        folded=True,
    )
