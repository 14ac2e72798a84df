"""The chapters of the page: which pictures there are; their prose is in ``captions.html``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.report import display, overview
from alignsar_gpu.report.comparisons import comparison_sections
from alignsar_gpu.report.figures import (
    Drawn,
    Scale,
    class_picture,
    radar_picture,
    raster_pixels,
    rgb_picture,
    save,
)
from alignsar_gpu.report.page import Panel, Picture, Section
from alignsar_gpu.report.plots import (
    PHASE_TICKS,
    baseline_picture,
    brightness_histogram,
    coherence_histogram,
    contour_picture,
    map_picture,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from alignsar_gpu.report.display import View
    from alignsar_gpu.report.figures import Theme
    from alignsar_gpu.report.survey import Survey

PHASE_SCALE = Scale(colormap="twilight", limits=(-math.pi, math.pi), label="phase (rad)", ticks=PHASE_TICKS)
COHERENCE_SCALE = Scale(colormap="viridis", limits=(0, 1), label="coherence", shades=64)
GREY_SHADES = 64
# Of the flags 0 to 3 of layover_shadow.
FLAGS = (("neither", "#d5d9dd"), ("layover", "#d55e00"), ("shadow", "#0072b2"), ("both", "#cc79a7"))
COLOUR_CELLS = 120_000  # speckle in true colour compresses badly: this keeps it below 400 kB


class Chapters:
    """Draws the pictures of a survey into a folder and gives the sections of the page.

    ``drawn`` : what is drawn already, by its name.
    ``directions`` : as ``display.ground_directions`` gives them; None where the cube has no coordinates.
    """

    def __init__(self, survey: Survey, folder: Path) -> None:
        self.survey = survey
        self.folder = folder
        self.drawn: dict[str, Drawn] = {}
        self.directions: NDArray[np.float64] | None = None
        if survey.coordinates is not None:
            self.directions = display.ground_directions(*survey.coordinates)
        self.bright = tuple(p for p in survey.polarizations if survey.power_layer(p))
        self.brightness_scales = {p: self._brightness_scale(p) for p in self.bright}

    def sections(self) -> tuple[Section, ...]:
        """Every section that the cube has something for."""
        made = (
            self.where(),
            self.amplitude(),
            self.interferograms(),
            self.signatures(),
            *comparison_sections(self),
            self.geometry(),
            self.baselines(),
        )
        return tuple(section for section in made if section is not None)

    def save(self, draw: Callable[[Theme], Figure], name: str) -> Drawn:
        """Draw a figure into the folder."""
        self.drawn[name] = save(draw, self.folder, name)
        return self.drawn[name]

    def raster(
        self, image: NDArray[Any], scale: Scale, heading: str, name: str, view: View | None = None
    ) -> Drawn:
        """Draw cells (rows, columns) on the radar grid; ``view`` is the survey's own where none is given."""
        view = view or self.survey.view
        return self.save(radar_picture(image, view, scale, heading, self.directions), name)

    def brightness(self, polarization: str, date: int, view: View | None = None) -> NDArray[np.float32]:
        """Brightness of a date in dB (rows, columns), in the survey's view or a coarser one of it."""
        power = self.survey.image(str(self.survey.power_layer(polarization)), date)
        if view is not None:
            own = self.survey.view
            cells = view.cell_lines // own.cell_lines, view.cell_samples // own.cell_samples
            power = display.cell_average(power, cells)
        return display.decibels(power)

    def _brightness_scale(self, polarization: str) -> Scale:
        limits = display.stretch(self.brightness(polarization, date) for date in self.survey.pictured)
        label = f"brightness {polarization.upper()} (dB)"
        return Scale(colormap="gray", limits=limits or (0, 1), label=label, shades=GREY_SHADES)

    def _pictured_words(self) -> dict[str, object]:
        return {"shown": len(self.survey.pictured), "dates": len(self.survey.days)}

    def where(self) -> Section | None:
        """The scene on a map."""
        survey = self.survey
        if survey.coordinates is None or self.directions is None or not self.bright:
            return None
        known_longitude, known_latitude, view = survey.coordinates
        longitude = display.fill_coordinates(known_longitude)
        latitude = display.fill_coordinates(known_latitude)
        brightness = self.brightness(self.bright[0], survey.reference, view)
        brightness[~(np.isfinite(known_longitude) & np.isfinite(known_latitude))] = np.nan
        scale = Scale(
            colormap="gray",
            limits=display.stretch([brightness]) or (0, 1),
            label="brightness (dB)",
            shades=GREY_SHADES,
        )
        drawn = self.save(map_picture(longitude, latitude, brightness, scale, self.directions), "where")
        centre = _place(float(np.mean(longitude)), float(np.mean(latitude)))
        alt = (
            f"Map of the scene around {centre}: radar brightness inside its outline, north up, "
            "with the flight and look directions"
        )
        panel = Panel(
            kind="where", pictures=(Picture(drawn=drawn, alt=alt),), words={"centre": centre}, size="wide"
        )
        return Section(anchor="where", title="Where", panels=(panel,))

    def amplitude(self) -> Section | None:
        """Brightness of every date and polarization, and colour composites."""
        panels = [self._amplitude_panel(p) for p in self.bright]
        if not panels:
            return None
        if len(panels) > 1:
            panels.append(self._composite_panel(*self.bright[:2]))
        return Section(
            anchor="amplitude", title="Amplitude", words=self._pictured_words(), panels=tuple(panels)
        )

    def _amplitude_panel(self, polarization: str) -> Panel:
        survey, shown = self.survey, polarization.upper()
        scale = self.brightness_scales[polarization]
        pictures = []
        for date in survey.pictured:
            image, day = self.brightness(polarization, date), survey.days[date]
            name = f"amplitude_{polarization}_{survey.keys[date]}"
            drawn = self.raster(image, scale, f"{day}  {shown}", name)
            line = _median(image, "dB") + (" Reference date." if date == survey.reference else "")
            alt = f"Radar brightness in {shown} on {day}, in grey"
            pictures.append(Picture(drawn=drawn, alt=alt, line=line))
        view = survey.view
        return Panel(
            kind="amplitude",
            title=f"Brightness in {shown}",
            pictures=tuple(pictures),
            words={
                "first_panel": polarization == self.bright[0],
                "polarization": shown,
                "cross": polarization[0] != polarization[1],
                "low": overview.number(scale.limits[0], 3),
                "high": overview.number(scale.limits[1], 3),
                "stretched": raster_pixels(view)[2],
                "on_ground": view.on_ground,
                "cell": (view.cell_lines, view.cell_samples),
                "compass": self.directions is not None,
            },
        )

    def _composite_panel(self, first: str, second: str) -> Panel:
        survey = self.survey
        view = survey.view.coarser(COLOUR_CELLS)
        channels = {}
        for date in survey.pictured:
            a, b = (self.brightness(p, date, view) for p in (first, second))
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
            draw = rgb_picture(many, limits, view, labels, f"{day}  {one}, {two}, ratio", self.directions)
            drawn = self.save(draw, f"composite_{survey.keys[date]}")
            alt = f"Colour composite of {one}, {two} and their ratio on {day}"
            pictures.append(Picture(drawn=drawn, alt=alt))
        return Panel(
            kind="composite",
            title="Both polarizations in colour",
            pictures=tuple(pictures),
            words={"first": one, "second": two, "cell": (view.cell_lines, view.cell_samples)},
        )

    def interferograms(self) -> Section | None:
        """Phase, coherence and histograms of every secondary date."""
        survey = self.survey
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
                **self._pictured_words(),
            },
            panels=tuple(self._pair_panel(date, compared, first=date == dates[0]) for date in dates),
        )

    def _pair_panel(self, date: int, polarizations: list[str], *, first: bool) -> Panel:
        survey, day = self.survey, self.survey.days[date]
        reference = survey.days[survey.reference]
        pictures = []
        for p in polarizations:
            if survey.has(f"interferometric_phase_{p}"):
                image = survey.image(f"interferometric_phase_{p}", date)
                heading, name = f"{day}  {p.upper()}  phase", f"phase_{p}_{survey.keys[date]}"
                drawn = self.raster(image, PHASE_SCALE, heading, name, survey.phase_view)
                alt = f"Interferometric phase in {p.upper()} between {reference} and {day}, in cyclic colours"
                pictures.append(Picture(drawn=drawn, alt=alt))
            if survey.has(f"coherence_{p}"):
                image = survey.image(f"coherence_{p}", date)
                heading = f"{day}  {p.upper()}  coherence"
                drawn = self.raster(image, COHERENCE_SCALE, heading, f"coherence_{p}_{survey.keys[date]}")
                line = f"Mean {overview.number(overview.mean_coherence(survey, date, p), 3)}."
                alt = f"Coherence in {p.upper()} between {reference} and {day}, from dark (0) to yellow (1)"
                pictures.append(Picture(drawn=drawn, alt=alt, line=line))
        looks = survey.number("coherence_window_lines") * survey.number("coherence_window_samples")
        pictures.append(self._pair_histogram(date, polarizations, looks))
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

    def _pair_histogram(self, date: int, polarizations: list[str], looks: float) -> Picture:
        survey = self.survey

        def samples(quantity: str) -> dict[str, NDArray[np.float32]]:
            names = {p.upper(): f"{quantity}_{p}" for p in polarizations if survey.has(f"{quantity}_{p}")}
            return {p: survey.scan(name, date).sample for p, name in names.items()}

        noise = display.noise_coherence(looks) if looks >= 1 else None
        draw = coherence_histogram(samples("coherence"), samples("interferometric_phase"), noise)
        drawn = self.save(draw, f"histogram_{survey.keys[date]}")
        alt = f"Histograms of coherence and of phase of {survey.days[date]}"
        return Picture(drawn=drawn, alt=alt, full_row=True)

    def signatures(self) -> Section:
        """Histograms of the calibrated brightness, and the statistics of every layer."""
        survey = self.survey
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
            drawn = self.save(brightness_histogram(histograms), "backscatter")
            picture = Picture(drawn=drawn, alt="Histograms of the calibrated brightness in decibels")
            panels.append(Panel(kind="backscatter", pictures=(picture,), size="wide"))
        return Section(
            anchor="signatures",
            title="Signatures",
            panels=tuple(panels),
            tables=overview.layer_tables(survey),
        )

    def geometry(self) -> Section | None:
        """Height, angles, layover and shadow, and longitude and latitude as contour lines."""
        survey = self.survey
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
                drawn = self.raster(image, scale, heading, name)
                alt = f"{heading} over the scene, from dark (low) to yellow (high)"
                pictures.append(Picture(drawn=drawn, alt=alt, line=_median(image, unit)))
        if survey.has("layover_shadow"):
            pictures.append(self._flags_picture("layover_shadow"))
        if survey.coordinates is not None and self.bright:
            longitude, latitude, view = survey.coordinates
            backdrop = survey.view.coarser(COLOUR_CELLS)
            lines = {"longitude (degrees east)": longitude, "latitude (degrees north)": latitude}
            draw = contour_picture(
                self.brightness(self.bright[0], survey.reference, backdrop),
                backdrop,
                self.brightness_scales[self.bright[0]],
                "Longitude and latitude",
                {name: (view, values) for name, values in lines.items()},
                self.directions,
            )
            alt = "Contour lines of longitude and latitude over the radar brightness"
            pictures.append(Picture(drawn=self.save(draw, "coordinates"), alt=alt))
        if not pictures:
            return None
        panel = Panel(
            kind="geometry", pictures=tuple(pictures), words={"viewing": survey.has("layover_shadow")}
        )
        return Section(anchor="geometry", title="Geometry", panels=(panel,))

    def _flags_picture(self, name: str) -> Picture:
        """Layover and shadow at the middle pixel of every cell."""
        flags = self.survey.at_cell_centres(name, self.survey.view).astype(np.uint8)
        draw = class_picture(flags, self.survey.view, FLAGS, "Layover and shadow", self.directions)
        sample = self.survey.scan(name).sample.astype(np.uint8)
        layover, shadow = (overview.percent(float(np.mean(sample & bit > 0))) for bit in (1, 2))
        line = f"About {layover} of the pixels in layover, {shadow} in shadow."
        alt = "Where the terrain lies over itself in the radar's view, and where the radar does not reach it"
        return Picture(drawn=self.save(draw, name), alt=alt, line=line)

    def baselines(self) -> Section | None:
        """Perpendicular baseline against time."""
        survey = self.survey
        across = survey.along_time("perpendicular_baseline")
        if not survey.secondaries or not np.isfinite(across).any():
            return None
        p = survey.polarizations[0] if survey.polarizations else "vv"
        coherence = np.array([overview.mean_coherence(survey, d, p) for d in range(len(survey.days))])
        times = survey.cube["time"].values
        drawn = self.save(
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
