"""The chapters of the page: which pictures there are; their prose is in ``captions.html``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing import display
from alignsar_gpu.report.drawing.figures import Scale, class_picture, raster_pixels, rgb_picture
from alignsar_gpu.report.drawing.plots import (
    baseline_picture,
    brightness_histogram,
    coherence_histogram,
    contour_picture,
    map_picture,
)
from alignsar_gpu.report.page import Panel, Picture, Section
from alignsar_gpu.report.pictures import GREY_SHADES, PHASE_SCALE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.report.pictures import PictureWriter

COHERENCE_SCALE = Scale(colormap="viridis", limits=(0, 1), label="coherence", shades=64)
# Of the flags 0 to 3 of layover_shadow.
FLAGS = (("neither", "#d5d9dd"), ("layover", "#d55e00"), ("shadow", "#0072b2"), ("both", "#cc79a7"))
COLOUR_CELLS = 120_000  # speckle in true colour compresses badly: this keeps it below 400 kB


def _pictured_words(writer: PictureWriter) -> dict[str, object]:
    return {"shown": len(writer.survey.pictured), "dates": len(writer.survey.days)}


def where_section(writer: PictureWriter) -> Section | None:
    """The scene on a map."""
    survey = writer.survey
    if survey.coordinates is None or writer.directions is None or not writer.bright:
        return None
    known_longitude, known_latitude, view = survey.coordinates
    longitude = display.fill_coordinates(known_longitude)
    latitude = display.fill_coordinates(known_latitude)
    brightness = writer.brightness(writer.bright[0], survey.reference, view)
    brightness[~(np.isfinite(known_longitude) & np.isfinite(known_latitude))] = np.nan
    scale = Scale(
        colormap="gray",
        limits=display.stretch([brightness]) or (0, 1),
        label="brightness (dB)",
        shades=GREY_SHADES,
    )
    drawn = writer.save(map_picture(longitude, latitude, brightness, scale, writer.directions), "where")
    centre = _place(float(np.mean(longitude)), float(np.mean(latitude)))
    alt = (
        f"Map of the scene around {centre}: radar brightness inside its outline, north up, "
        "with the flight and look directions"
    )
    panel = Panel(
        kind="where", pictures=(Picture(drawn=drawn, alt=alt),), words={"centre": centre}, size="wide"
    )
    return Section(anchor="where", title="Where", panels=(panel,))


def amplitude_section(writer: PictureWriter) -> Section | None:
    """Brightness of every date and polarization, and colour composites."""
    panels = [_amplitude_panel(writer, p) for p in writer.bright]
    if not panels:
        return None
    if len(panels) > 1:
        panels.append(_composite_panel(writer, *writer.bright[:2]))
    return Section(anchor="amplitude", title="Amplitude", words=_pictured_words(writer), panels=tuple(panels))


def _amplitude_panel(writer: PictureWriter, polarization: str) -> Panel:
    survey, shown = writer.survey, polarization.upper()
    scale = writer.brightness_scales[polarization]
    pictures = []
    for date in survey.pictured:
        image, day = writer.brightness(polarization, date), survey.days[date]
        name = f"amplitude_{polarization}_{survey.keys[date]}"
        drawn = writer.raster(image, scale, f"{day}  {shown}", name)
        line = _median(image, "dB") + (" Reference date." if date == survey.reference else "")
        alt = f"Radar brightness in {shown} on {day}, in grey"
        pictures.append(Picture(drawn=drawn, alt=alt, line=line))
    view = survey.view
    return Panel(
        kind="amplitude",
        title=f"Brightness in {shown}",
        pictures=tuple(pictures),
        words={
            "first_panel": polarization == writer.bright[0],
            "polarization": shown,
            "cross": polarization[0] != polarization[1],
            "low": overview.number(scale.limits[0], 3),
            "high": overview.number(scale.limits[1], 3),
            "stretched": raster_pixels(view)[2],
            "on_ground": view.on_ground,
            "cell": (view.cell_lines, view.cell_samples),
            "compass": writer.directions is not None,
        },
    )


def _composite_panel(writer: PictureWriter, first: str, second: str) -> Panel:
    survey = writer.survey
    view = survey.view.coarser(COLOUR_CELLS)
    channels = {}
    for date in survey.pictured:
        a, b = (writer.brightness(p, date, view) for p in (first, second))
        channels[date] = (a, b, a - b)
    limits = [display.stretch(many[i] for many in channels.values()) or (0.0, 1.0) for i in range(3)]
    one, two = first.upper(), second.upper()
    labels = [
        f"{name}  {round(low)} to {round(high)} dB"
        for name, (low, high) in zip(
            (f"red: {one}", f"green: {two}", f"blue: {one} / {two}"), limits, strict=True
        )
    ]
    pictures = []
    for date, many in channels.items():
        day = survey.days[date]
        draw = rgb_picture(many, limits, view, labels, f"{day}  {one}, {two}, ratio", writer.directions)
        drawn = writer.save(draw, f"composite_{survey.keys[date]}")
        alt = f"Colour composite of {one}, {two} and their ratio on {day}"
        pictures.append(Picture(drawn=drawn, alt=alt))
    return Panel(
        kind="composite",
        title="Both polarizations in colour",
        pictures=tuple(pictures),
        words={"first": one, "second": two, "cell": (view.cell_lines, view.cell_samples)},
    )


def interferograms_section(writer: PictureWriter) -> Section | None:
    """Phase, coherence and histograms of every secondary date."""
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
            **_pictured_words(writer),
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
    draw = coherence_histogram(samples("coherence"), samples("interferometric_phase"), noise)
    drawn = writer.save(draw, f"histogram_{survey.keys[date]}")
    alt = f"Histograms of coherence and of phase of {survey.days[date]}"
    return Picture(drawn=drawn, alt=alt, full_row=True)


def signatures_section(writer: PictureWriter) -> Section:
    """Histograms of the calibrated brightness, and the statistics of every layer."""
    survey = writer.survey
    histograms: dict[str, dict[str, list[NDArray[Any]]]] = {}
    for quantity in ("sigma0", "beta0"):
        for p in survey.polarizations:
            if not survey.has(f"{quantity}_{p}"):
                continue
            scans = [survey.scan(f"{quantity}_{p}", date) for date in range(len(survey.days))]
            powers = [display.decibels(scan.sample[scan.sample > 0]) for scan in scans]
            if any(power.size for power in powers):
                curves = histograms.setdefault(f"{quantity} (dB)", {})
                curves[p.upper()] = [power for power in powers if power.size]
    panels = []
    if histograms:
        drawn = writer.save(brightness_histogram(histograms), "backscatter")
        picture = Picture(drawn=drawn, alt="Histograms of the calibrated brightness in decibels")
        panels.append(Panel(kind="backscatter", pictures=(picture,), size="wide"))
    return Section(
        anchor="signatures",
        title="Signatures",
        panels=tuple(panels),
        tables=overview.layer_tables(survey),
    )


def geometry_section(writer: PictureWriter) -> Section | None:
    """Height, angles, layover and shadow, and longitude and latitude as contour lines."""
    survey = writer.survey
    pictures = []
    for name, unit, label, colormap in (
        ("height", "m", "height above the ellipsoid (m)", "cividis"),
        ("incidence_angle", "degrees", "incidence angle (degrees)", "viridis"),
        ("local_incidence_angle", "degrees", "local incidence angle (degrees)", "viridis"),
    ):
        if survey.has(name):
            image = survey.image(name)
            limits = display.stretch([image], 0.5, 99.5) or (0, 1)
            heading = name.replace("_", " ").capitalize()
            scale = Scale(colormap=colormap, limits=limits, label=label)
            drawn = writer.raster(image, scale, heading, name)
            alt = f"{heading} over the scene, from dark (low) to yellow (high)"
            pictures.append(Picture(drawn=drawn, alt=alt, line=_median(image, unit)))
    if survey.has("layover_shadow"):
        pictures.append(_flags_picture(writer, "layover_shadow"))
    if survey.coordinates is not None and writer.bright:
        longitude, latitude, view = survey.coordinates
        backdrop = survey.view.coarser(COLOUR_CELLS)
        lines = {"longitude (degrees east)": longitude, "latitude (degrees north)": latitude}
        draw = contour_picture(
            writer.brightness(writer.bright[0], survey.reference, backdrop),
            backdrop,
            writer.brightness_scales[writer.bright[0]],
            "Longitude and latitude",
            {name: (view, values) for name, values in lines.items()},
            writer.directions,
        )
        alt = "Contour lines of longitude and latitude over the radar brightness"
        pictures.append(Picture(drawn=writer.save(draw, "coordinates"), alt=alt))
    if not pictures:
        return None
    panel = Panel(kind="geometry", pictures=tuple(pictures), words={"viewing": survey.has("layover_shadow")})
    return Section(anchor="geometry", title="Geometry", panels=(panel,))


def _flags_picture(writer: PictureWriter, name: str) -> Picture:
    """Layover and shadow at the middle pixel of every cell."""
    flags = writer.survey.at_cell_centres(name, writer.survey.view).astype(np.uint8)
    draw = class_picture(flags, writer.survey.view, FLAGS, "Layover and shadow", writer.directions)
    sample = writer.survey.scan(name).sample.astype(np.uint8)
    layover, shadow = (overview.percent(float(np.mean(sample & bit > 0))) for bit in (1, 2))
    line = f"About {layover} of the pixels in layover, {shadow} in shadow."
    alt = "Where the terrain lies over itself in the radar's view, and where the radar does not reach it"
    return Picture(drawn=writer.save(draw, name), alt=alt, line=line)


def baselines_section(writer: PictureWriter) -> Section | None:
    """Perpendicular baseline against time."""
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


def _place(longitude: float, latitude: float) -> str:
    """A place in words; a longitude beyond the antimeridian is brought back."""
    east = (longitude + 180) % 360 - 180
    north = f"{abs(latitude):.3f}° {'N' if latitude >= 0 else 'S'}"
    return f"{north}, {abs(east):.3f}° {'E' if east >= 0 else 'W'}"


def _median(image: NDArray[np.floating[Any]], unit: str) -> str:
    finite = image[np.isfinite(image)]
    if not finite.size:
        return "No valid data."
    return f"Median {overview.number(float(np.median(finite)), 3)} {unit}."
