"""Labels of the report: layers radarcoded from maps, rasters, points and fields, and their measured offset."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing.figures import Scale, class_picture, date_ticks
from alignsar_gpu.report.drawing.palette import CLASS_COLOURS, colours_of, stated_colours
from alignsar_gpu.report.page import Panel, Picture, Section, Table
from alignsar_gpu.report.sections.objects import objects_table
from alignsar_gpu.report.survey import MATCHED, SELECTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.report.pictures import PictureWriter

INHERITED = "inherited_from"  # the attribute that says from which file
MOST = 24  # pictures of a panel
LONG = 100.0  # days, from which on no fractions of a day are shown
NONE, UNKNOWN = "none", "unknown"  # as flag_meanings call them
NO_CLASS = "#d5d9dd"
DAYS, TICKS = "days since 1970-01-01", 5  # units of dates, and how many stand at a colour bar
FRACTION_SCALE = Scale(colormap="viridis", limits=(0, 1), label="share of the pixel", shades=64)


def labels_section(writer: PictureWriter) -> Section | None:
    """Make the section on labels: classes and values that were radarcoded; None if there are none."""
    survey = writer.survey
    names = [name for name in survey.layers if INHERITED in survey.cube[name].attrs]
    if not names:
        return None
    files = {file for name in names for file in str(survey.cube[name].attrs[INHERITED]).split(", ")}
    matched = [name for name in names if survey.is_of_dates(name)]
    classes = [name for name in names if "flag_meanings" in survey.cube[name].attrs and name not in matched]
    objects = [name for name in names if survey.cube[name].dtype.kind == "i" and name not in matched]
    values = [name for name in names if name not in {*classes, *objects, *matched}]
    panels = []
    if classes or objects:
        drawn = [*((_classes, name) for name in classes), *((_objects, name) for name in objects)]
        pictures = tuple(draw(writer, name) for draw, name in drawn[:MOST])
        panels.append(
            Panel(kind="label_classes", pictures=pictures, size="wide" if len(pictures) == 1 else "gallery")
        )
    if values:
        date = survey.reference
        pictures = tuple(_values(writer, name, date) for name in values[:MOST])
        words = {"left": len(values) - len(pictures), "day": survey.days[date]}
        panels.append(Panel(kind="label_values", pictures=pictures, words=words))
    if matched:
        dated = [(name, date) for name in matched for date in survey.pictured][:MOST]
        panels.append(Panel(kind="label_dates", pictures=tuple(_of_date(writer, *one) for one in dated)))
    found = overview.nested(survey.quality, "radarcoding", "label_offset")
    measured = overview.nested(survey.quality, "radarcoding") or {}
    tables = [
        _class_table(name, measured) for name in (*classes, *matched) if name in measured.get("classes", {})
    ]
    if dates := _dates_table(measured.get("layers", {}), len(survey.days)):
        tables.append(dates)
    if known := measured.get("known"):
        tables.append(_known_table(known))
    if writer.objects is not None:
        tables.append(objects_table(writer.objects))
    return Section(
        anchor="labels",
        title="Labels",
        words={"files": _list(sorted(files))},
        panels=tuple(panels),
        tables=(*tables, *(() if not found else (_offset_table(found),))),
    )


def _list(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _of_date(writer: PictureWriter, name: str, date: int) -> Picture:
    """A layer of several dates on one of them, with the raster or the features that it has there."""
    survey, attributes = writer.survey, writer.survey.cube[name].attrs
    draw = _objects if survey.cube[name].dtype.kind == "i" else _values
    picture = (_classes if "flag_meanings" in attributes else draw)(writer, name, date)
    alt = f"{picture.alt} on {survey.days[date]}"
    if SELECTED in attributes:
        return replace(picture, line=f"{picture.line} Of the features {attributes[SELECTED]}.", alt=alt)
    raster = str(attributes[MATCHED]).split(", ")[date]
    apart = float(np.atleast_1d(attributes["days_from_images"])[date])
    away = f"{overview.days(apart)} days away" if apart else "of the same time"
    line = (
        f"No raster is near enough: the nearest is {away}." if raster == NONE else f"From {raster}, {away}."
    )
    return replace(picture, line=line, alt=alt)


def _titles(writer: PictureWriter, name: str, date: int | None) -> tuple[str, str]:
    """Return the title of a picture and the end of its file name; with the date where a layer is shown on several."""
    survey = writer.survey
    if date is None or not survey.is_of_dates(name):
        return name, name
    return f"{survey.days[date]} {name}", f"{name}_{survey.keys[date]}"


def _classes(writer: PictureWriter, name: str, date: int | None = None) -> Picture:
    """The classes of a layer, at the middle pixel of every cell."""
    survey = writer.survey
    attributes = survey.cube[name].attrs
    meanings = dict(zip(attributes["flag_values"], str(attributes["flag_meanings"]).split(), strict=True))
    codes = survey.image(name, date).astype(np.uint8)
    classes = [word for word in meanings.values() if word not in {NONE, UNKNOWN}]
    colours = dict(zip(classes, colours_of(classes), strict=True))
    colours |= {meanings[code]: colour for code, colour in stated_colours(attributes).items()} | {
        NONE: NO_CLASS
    }
    shown = [code for code, word in meanings.items() if word != UNKNOWN and np.any(codes == code)]
    legend = tuple((meanings[code].replace("_", " "), colours[meanings[code]]) for code in shown)
    numbers = np.full(256, len(shown), np.uint8)
    numbers[shown] = np.arange(len(shown))
    title, file = _titles(writer, name, date)
    picture = class_picture(numbers[codes], legend, writer.frame(title.replace("_", " ")))
    label = str(attributes.get("long_name", name))
    return Picture(
        drawn=writer.save(picture, f"classes_{file}"),
        alt=f"Map of classes: {label}",
        line=f"{label[:1].upper()}{label[1:]}.",
    )


def _objects(writer: PictureWriter, name: str, date: int | None = None) -> Picture:
    """The objects whose numbers a layer holds, at the middle pixel of every cell; colours repeat."""
    survey = writer.survey
    number = survey.image(name, date).astype(np.int64)
    own = 1 + number % len(CLASS_COLOURS)
    shown = np.where(number > 0, own, np.where(number == 0, 0, len(CLASS_COLOURS) + 1))
    legend = ((NONE, NO_CLASS), ("an object; colours repeat", CLASS_COLOURS[0]))
    title, file = _titles(writer, name, date)
    picture = class_picture(shown, legend, writer.frame(title.replace("_", " ")), CLASS_COLOURS[1:])
    attributes = survey.cube[name].attrs
    label = str(attributes.get("long_name", name))
    return Picture(
        drawn=writer.save(picture, f"objects_{file}"),
        alt=f"Map of objects: {label}",
        line=f"{label[:1].upper()}{label[1:]}; {attributes.get('table', 'its table')} has a row for each.",
    )


def _values(writer: PictureWriter, name: str, date: int) -> Picture:
    """A layer with values; of this date where each date has one."""
    survey, attributes = writer.survey, writer.survey.cube[name].attrs
    dated = date if "time" in survey.cube[name].dims else None
    image = survey.image(name, dated)
    label = str(attributes.get("long_name", name))
    if list(attributes.get("valid_range", ())) == [0.0, 1.0]:
        scale, line = (
            FRACTION_SCALE,
            f"{label[:1].upper()}{label[1:]}: {_mean(image)} of the ground where it is known.",
        )
    else:
        unit = "" if attributes.get("units", "1") == "1" else str(attributes["units"])
        limits, ticks = _limits(_shown(writer, name, dated)), None
        if unit == DAYS:
            unit, ticks = "", date_ticks(limits, TICKS)
        scale = Scale(colormap="viridis", limits=limits, label=unit, ticks=ticks, shades=64)
        line = f"{label[:1].upper()}{label[1:]}."
    title, file = _titles(writer, name, dated)
    return Picture(
        drawn=writer.raster(image, scale, title, f"label_{file}"),
        alt=f"{label} over the scene",
        line=line,
    )


def _shown(writer: PictureWriter, name: str, date: int | None) -> np.ndarray[Any, np.dtype[np.float32]]:
    """All pictures of a layer that have one scale of colours."""
    survey = writer.survey
    dates = survey.pictured if survey.is_of_dates(name) else (date,)
    return np.stack([survey.image(name, one) for one in dates])


def _limits(image: np.ndarray[Any, np.dtype[np.float32]]) -> tuple[float, float]:
    """What most values lie between; up to the largest where nearly all are the same, as of few points."""
    known = image[np.isfinite(image)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(known, (1, 99)))
    high = high if high > low else float(known.max())
    return low, high if high > low else low + 1.0


def _mean(image: np.ndarray[Any, np.dtype[np.float32]]) -> str:
    known = image[np.isfinite(image)]
    return overview.percent(float(known.mean())) if known.size else "none"


def _class_table(layer: str, measured: Mapping[str, Any]) -> Table:
    """How many pixels each class of a layer has, and how bright they are."""
    image = measured.get("brightness_of")
    rows = tuple(
        (
            name.replace("_", " "),
            f"{facts['pixels']:,}".replace(",", "\u202f"),
            overview.percent(facts["share"]),
            overview.number(overview.as_number(facts["brightness_db"]), 3),
        )
        for name, facts in measured["classes"][layer].items()
        if facts["pixels"]
    )
    without = {
        NONE: "None: the maps show no class there, or none that has enough of the pixel.",
        UNKNOWN: "Unknown: outside of what a map covers, or no data; anything may be there.",
    }
    named = [text for name, text in without.items() if measured["classes"][layer][name]["pixels"]]
    caption = [f"Classes of {layer.replace('_', ' ')}."]
    if image:
        caption.append(f"Brightness is the mean of {image} over the pixels of the class and the dates.")
    return Table(
        name=f"Classes of {layer.replace('_', ' ')}",
        head=("class", "pixels", "share", "mean brightness (dB)"),
        rows=rows,
        caption=" ".join((*caption, *named)),
        numeric=frozenset({1, 2, 3}),
    )


def _dates_table(layers: Mapping[str, Any], images: int) -> Table | None:
    """Of what time each source is, and how far that is from the images; None where none says it."""
    rows = []
    for name, facts in layers.items():
        away = [overview.as_number(days) for days in facts.get("days_from_images", ())]
        if MATCHED in facts:
            away = [days for days, raster in zip(away, facts[MATCHED], strict=True) if raster != NONE]
            rasters = {one for raster in facts[MATCHED] if raster != NONE for one in raster.split(" + ")}
            time = f"{len(rasters)} rasters, for {len(away)} of {images} images"
        elif "valid_start" in facts:
            first, last = facts["valid_start"], facts["valid_end"]
            time = first if first == last else f"{first} to {last}"
        else:
            continue
        ends = [overview.days(round(days, 0 if days >= LONG else 1)) for days in (min(away), max(away))]
        rows.append((name, time, ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"))
    if not rows:
        return None
    return Table(
        name="Dates of the sources",
        head=("source", "of what time", "days from the images"),
        rows=tuple(rows),
        caption=(
            "How far in time each source is from the images that are labelled with it, 0 within its time. What has "
            "changed on the ground in between is labelled wrong."
        ),
        numeric=frozenset({2}),
    )


def _known_table(known: Mapping[str, Any]) -> Table:
    """On how much of the scene each source is known."""
    return Table(
        name="Where the sources are known",
        head=("source", "known on"),
        rows=tuple((name, overview.percent(overview.as_number(share))) for name, share in known.items()),
        caption=(
            "Share of the scene's ground where each source is known, averaged over its dates. Elsewhere its layers are "
            "NaN, which is not 0: anything may be there. The layer labelled_NAME tells it pixel by pixel."
        ),
        numeric=frozenset({1}),
    )


def _offset_table(found: Mapping[str, Any]) -> Table:
    """How far labels are off against the image."""
    reason = str(found.get("reason", ""))
    rows = [
        (axis, *(_number(found.get(key)) for key in (axis, f"{axis}_standard_deviation")))
        for axis in ("lines", "samples")
    ]
    caption = (
        f"Not measured: {reason}."
        if reason
        else (
            "Positive where labels lie at larger lines or samples than what the image shows. Nothing was moved. "
            f"Correlation of log brightness with the classes: {_number(found.get('correlation'))} at this offset, "
            f"{_number(found.get('correlation_unshifted'))} where the labels are."
        )
    )
    return Table(
        name="How far labels are off against the image",
        head=("along", "offset (pixels)", "standard deviation"),
        rows=() if reason else tuple(rows),
        caption=caption,
        numeric=frozenset({1, 2}),
    )


def _number(value: Any) -> str:
    number = overview.as_number(value)
    return "" if math.isnan(number) else f"{number:.3f}"
