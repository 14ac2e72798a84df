"""Interferograms of the secondary dates, and the baselines of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing import display
from alignsar_gpu.report.drawing.figures import Scale
from alignsar_gpu.report.drawing.plots import baseline_picture, coherence_histogram
from alignsar_gpu.report.page import Panel, Picture, Section
from alignsar_gpu.report.pictures import PHASE_SCALE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.report.pictures import PictureWriter

COHERENCE_SCALE = Scale(colormap="viridis", limits=(0, 1), label="coherence", shades=64)


def interferograms_section(writer: PictureWriter) -> Section | None:
    """Make the section on interferograms: phase, coherence and histograms of every secondary date."""
    survey = writer.survey
    quantities = ("interferometric_phase", "coherence")
    compared = [p for p in survey.polarizations if any(survey.has(f"{q}_{p}") for q in quantities)]
    dates = [date for date in survey.pictured if date != survey.reference]
    if not compared or not dates:
        return None
    return Section(
        anchor="interferograms",
        title="Interferograms",
        words={
            "reference": survey.days[survey.reference],
            "flattened": survey.text("flattened").lower(),
            **writer.pictured_words(),
        },
        panels=tuple(_pair_panel(writer, date, compared, first=date == dates[0]) for date in dates),
    )


def _pair_panel(writer: PictureWriter, date: int, polarizations: list[str], *, first: bool) -> Panel:
    survey, day = writer.survey, writer.survey.days[date]
    reference = survey.days[survey.reference]
    pictures = []
    for p in polarizations:
        if survey.has(f"interferometric_phase_{p}"):
            image = survey.image(f"interferometric_phase_{p}", date)
            heading, name = f"{day}  {p.upper()}  phase", f"phase_{p}_{survey.keys[date]}"
            drawn = writer.raster(image, PHASE_SCALE, heading, name, survey.phase_view)
            alt = f"Interferometric phase in {p.upper()} between {reference} and {day}, in cyclic colours"
            pictures.append(Picture(drawn=drawn, alt=alt))
        if survey.has(f"coherence_{p}"):
            image = survey.image(f"coherence_{p}", date)
            heading = f"{day}  {p.upper()}  coherence"
            drawn = writer.raster(image, COHERENCE_SCALE, heading, f"coherence_{p}_{survey.keys[date]}")
            line = f"Mean {overview.number(overview.mean_coherence(survey, date, p), 3)}."
            alt = f"Coherence in {p.upper()} between {reference} and {day}, from dark (0) to yellow (1)"
            pictures.append(Picture(drawn=drawn, alt=alt, line=line))
    looks = survey.number("coherence_window_lines") * survey.number("coherence_window_samples")
    pictures.append(_pair_histogram(writer, date, polarizations, looks))
    return Panel(
        kind="pair",
        title=f"{reference} with {day}",
        pictures=tuple(pictures),
        words={
            "first_panel": first,
            "days": overview.days(abs(survey.along_time("temporal_baseline")[date])),
            "baseline": overview.number(abs(survey.along_time("perpendicular_baseline")[date])),
            "cell": (survey.phase_view.cell_lines, survey.phase_view.cell_samples),
            "looks": f"{looks:.0f}" if looks >= 1 else "",
        },
    )


def _pair_histogram(writer: PictureWriter, date: int, polarizations: list[str], looks: float) -> Picture:
    survey = writer.survey

    def samples(quantity: str) -> dict[str, NDArray[np.float32]]:
        names = {p.upper(): f"{quantity}_{p}" for p in polarizations if survey.has(f"{quantity}_{p}")}
        return {p: survey.scan(name, date).sample for p, name in names.items()}

    noise = display.noise_coherence(looks) if looks >= 1 else None
    picture = coherence_histogram(samples("coherence"), samples("interferometric_phase"), noise)
    drawn = writer.save(picture, f"histogram_{survey.keys[date]}")
    alt = f"Histograms of coherence and of phase of {survey.days[date]}"
    return Picture(drawn=drawn, alt=alt, full_row=True)


def baselines_section(writer: PictureWriter) -> Section | None:
    """Make the section on baselines: perpendicular baseline against time."""
    survey = writer.survey
    across = survey.along_time("perpendicular_baseline")
    if not survey.secondaries or not np.isfinite(across).any():
        return None
    p = survey.polarizations[0] if survey.polarizations else "vv"
    coherence = np.array([overview.mean_coherence(survey, d, p) for d in range(len(survey.days))])
    times = survey.cube["time"].values
    drawn = writer.save(
        baseline_picture(times, across, survey.reference, coherence, survey.days), "baselines"
    )
    alt = "Perpendicular baseline in metres against time, each date joined to the reference"
    panel = Panel(
        kind="baselines",
        pictures=(Picture(drawn=drawn, alt=alt),),
        words={"polarization": p.upper()},
        size="wide",
    )
    return Section(anchor="baselines", title="Baselines", panels=(panel,))
