"""Histograms of the calibrated brightness, and the statistics of every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing import display
from alignsar_gpu.report.drawing.plots import brightness_histogram
from alignsar_gpu.report.page import Panel, Picture, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.report.pictures import PictureWriter


def signatures_section(writer: PictureWriter) -> Section:
    """Make the section on signatures: histograms of calibrated brightness, statistics of every layer."""
    survey = writer.survey
    histograms: dict[str, dict[str, list[NDArray[Any]]]] = {}
    for quantity in ("sigma0", "beta0"):
        for p in survey.polarizations:
            if not survey.has(f"{quantity}_{p}"):
                continue
            scans = [survey.scan(f"{quantity}_{p}", date) for date in survey.pictured]
            powers = [display.decibels(scan.sample[scan.sample > 0]) for scan in scans]
            if any(power.size for power in powers):
                curves = histograms.setdefault(f"{quantity} (dB)", {})
                curves[p.upper()] = [power for power in powers if power.size]
    panels = []
    if histograms:
        drawn = writer.save(brightness_histogram(histograms), "backscatter")
        picture = Picture(drawn=drawn, alt="Histograms of the calibrated brightness in decibels")
        panels.append(
            Panel(kind="backscatter", pictures=(picture,), words=writer.pictured_words(), size="wide")
        )
    return Section(
        anchor="signatures",
        title="Signatures",
        panels=tuple(panels),
        tables=overview.layer_tables(survey),
    )
