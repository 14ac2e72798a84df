"""Comparison of simulated stacks with their truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing.figures import class_picture
from alignsar_gpu.report.drawing.palette import colours_of
from alignsar_gpu.report.drawing.plots import truth_scatter
from alignsar_gpu.report.page import Panel, Picture, Section, Table
from alignsar_gpu.report.pictures import PHASE_SCALE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.report.pictures import PictureWriter
    from alignsar_gpu.report.survey import CubeSurvey

# Of `measured_table`: what it calls the numbers of a date, and what follows them as deviation.
SUMMARY = (
    ("phase bias (rad)", "phase_bias_rad", "phase_bias_deviation_rad"),
    ("correlation with height", "phase_error_correlation_with_height", ""),
    ("jump at seams (rad)", "mean_jump_at_seams_rad", "mean_jump_deviation_rad"),
    ("azimuth shift (lines)", "azimuth_error_lines", "azimuth_deviation_lines"),
    ("range shift (samples)", "range_error_samples", "range_deviation_samples"),
)


def truth_section(writer: PictureWriter, truth: xr.Dataset) -> Section | None:
    """Make the section that compares estimates with the simulation's truth; None if the truth is empty."""
    legend = class_legend(truth)
    panels = [
        panel
        for panel in (
            land_cover_panel(writer, truth, legend),
            coherence_panel(writer, truth, legend),
            phase_panel(writer, truth),
        )
        if panel is not None
    ]
    tables = [
        table
        for table in (errors_table(writer.survey), measured_table(writer.survey.quality))
        if table is not None
    ]
    if not panels and not tables:
        return None
    return Section(
        anchor="truth",
        title="Against the truth",
        panels=tuple(panels),
        tables=tuple(tables),
    )


def class_legend(truth: xr.Dataset) -> tuple[tuple[str, str], ...]:
    """Return (name, colour) of every class, each colour once while there are enough."""
    attrs = truth["land_cover"].attrs if "land_cover" in truth else {}
    text = str(attrs.get("class_names", truth.attrs.get("class_names", "")))
    names = [name.strip() for name in text.split(",") if name.strip()]
    count = max(truth.sizes.get("class", 0), len(names))
    names += [f"class {number}" for number in range(len(names), count)]
    return tuple(zip(names, colours_of(names), strict=True))


def land_cover_panel(
    writer: PictureWriter, truth: xr.Dataset, legend: tuple[tuple[str, str], ...]
) -> Panel | None:
    """Make the panel with the map of classes."""
    view = writer.survey.view
    if "land_cover" not in truth or not legend:
        return None
    lines = np.minimum(np.arange(view.shape[0]) * view.cell_lines + view.cell_lines // 2, view.lines - 1)
    samples = np.minimum(
        np.arange(view.shape[1]) * view.cell_samples + view.cell_samples // 2, view.samples - 1
    )
    picked = truth["land_cover"].isel(azimuth=lines, range=samples).transpose("azimuth", "range")
    shown = {index: entry for index, entry in enumerate(legend) if np.any(picked.values == index)}
    numbers = np.full(256, len(shown), np.uint8)
    numbers[list(shown)] = np.arange(len(shown))
    drawn = class_picture(numbers[picked.values], tuple(shown.values()), writer.frame("Land cover"))
    names = ", ".join(name for name, _ in shown.values())
    picture = Picture(drawn=writer.save(drawn, "land_cover"), alt=f"Map of the simulated classes: {names}")
    return Panel(kind="land_cover", title="Land cover", pictures=(picture,), size="wide")


def coherence_panel(
    writer: PictureWriter, truth: xr.Dataset, legend: tuple[tuple[str, str], ...]
) -> Panel | None:
    """Make the panel of true against estimated coherence."""
    if not {"coherence_true", "coherence_estimated"} <= set(truth.variables) or not legend:
        return None
    dates = list(writer.survey.true_dates.values())

    def values(name: str) -> NDArray[np.float64]:
        if name not in truth:
            return np.full((len(dates), len(legend)), np.nan)
        return np.asarray(truth[name].transpose("time", "class").values[dates], dtype=np.float64)

    true, expected, estimated = (values(f"coherence_{n}") for n in ("true", "expected", "estimated"))
    if not np.isfinite(true).any():
        return None
    there = np.flatnonzero(np.isfinite(estimated).any(axis=0))
    shown = tuple(legend[index] for index in there)
    drawn = truth_scatter(true[:, there], expected[:, there], estimated[:, there], shown)
    picture = Picture(
        drawn=writer.save(drawn, "truth_coherence"),
        alt="Estimated against true coherence, a dot for each class and date, with the line of equality",
    )
    error = np.abs(estimated - expected)
    worst = f"{np.nanmax(error):.3f}" if np.isfinite(error).any() else ""
    return Panel(
        kind="truth_coherence", title="Coherence", pictures=(picture,), words={"worst": worst}, size="wide"
    )


def phase_panel(writer: PictureWriter, truth: xr.Dataset) -> Panel | None:
    """Make the panel of true phase, estimated phase and difference, a row for every pictured secondary."""
    survey = writer.survey
    name = survey.compared_phase
    dates = [date for date in survey.true_dates if date in survey.pictured]
    if "phase_true" not in truth or name is None or not dates:
        return None
    polarization = name.rpartition("_")[2]
    pictures = []
    for date in dates:
        day, key, against = survey.days[date], survey.keys[date], survey.scan(name, date).against
        if against is None:
            continue
        true, difference = (
            writer.raster(image, PHASE_SCALE, f"{day}  {title}", f"truth_{file}_{key}", survey.phase_view)
            for image, title, file in zip(
                against, ("true phase", "difference"), ("phase", "difference"), strict=True
            )
        )
        drawn = (true, writer.drawn[f"phase_{polarization}_{key}"], difference)
        alts = (
            f"True interferometric phase of {day}",
            f"Estimated interferometric phase of {day} in {polarization.upper()}",
            f"Difference of estimated and true interferometric phase of {day}",
        )
        pictures += [Picture(drawn=it, alt=alt) for it, alt in zip(drawn, alts, strict=True)]
    return Panel(
        kind="truth_phase",
        title="Phase",
        pictures=tuple(pictures),
        words={"polarization": polarization.upper()},
        row=3,
    )


def errors_table(survey: CubeSurvey) -> Table | None:
    """Make the table of errors, a row a date; None if none were measured."""
    dates = overview.nested(survey.quality, "truth", "dates") or {}
    names = [survey.keys[date] for date in survey.secondaries if survey.keys[date] in dates]
    columns = [one for one in SUMMARY if any(one[1] in dates[name] for name in names)]
    if not columns:
        return None

    def cell(found: Mapping[str, Any], value: str, deviation: str) -> str:
        text = overview.fixed(overview.as_number(found.get(value)))
        return (
            f"{text} ± {overview.fixed(overview.as_number(found[deviation]))}" if deviation in found else text
        )

    rows = tuple(
        (
            survey.days[survey.keys.index(name)],
            *(cell(dates[name], value, deviation) for _, value, deviation in columns),
        )
        for name in names
    )
    return Table(
        name="Measured less true",
        head=("date", *(title for title, _, _ in columns)),
        rows=rows,
        numeric=frozenset(range(1, 1 + len(columns))),
        caption=(
            "Measured less true, a row a date; ± is the standard deviation that noise alone gives. The bias is the "
            "mean error of the phase, each pixel counting by its coherence; seams are where bursts meet."
        ),
    )


def measured_table(quality: Any) -> Table | None:
    """Make the table of all comparisons with the truth, every number with its path."""
    rows = tuple(_leaves(overview.nested(quality, "truth"), ()))
    if not rows:
        return None
    return Table(
        head=("measured against the truth", "value"),
        rows=rows,
        numeric=frozenset({1}),
        name="Numbers of the comparison",
        folded=True,
    )


def _leaves(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if hasattr(node, "items"):
        for key, value in node.items():
            yield from _leaves(value, (*path, str(key)))
    elif path:
        value = overview.as_number(node)
        yield " · ".join(path), overview.number(value) if np.isfinite(value) else str(node)
