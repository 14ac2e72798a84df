"""What users of a dataset must know of it: its limits, each a sentence with its number, and what nobody has stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.card.subject import SHARE
from alignsar_gpu.card.words import day, listed, percent, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignsar_gpu.card.subject import Subject

RARE = 0.01  # share of the training chips that a class must have not to be called rare
YEAR = 365  # days that one needs to see all seasons
UNLIKE = 0.05  # share by which a class may differ between splits without being named
OLD = 366.0  # days between a map and an image that are named
CERTAIN = 0.5  # samples: labels that are placed less exactly are named


def limits(subject: Subject) -> list[str]:
    """Return the known limits of a dataset, a sentence each: those that are measured, then those of its makers."""
    measured = [*_scene(subject), *_pixels(subject), *_labels(subject), *_classes(subject), *_chips(subject)]
    return [*measured, *subject.keys.limits]


def unknown(subject: Subject) -> dict[str, str]:
    """Return what a reader would want to know and nobody has stated: phrases, and the keys that would state it."""
    of, found = subject.cube.attrs, {}
    if not subject.facts.get("license"):
        found["the licence of the dataset: without one, nobody may use it"] = "dataset.license"
    if "creator_name" not in of:
        found["who made it"] = "dataset.creator_name"
    if "date_created" not in of:
        found["the day on which it was made"] = "dataset.date_created"
    inherited = {str(about["inherited_from"]): about for _, about in _label_attributes(subject)}
    for file, about in inherited.items():
        lacking = [
            text
            for name, text in (
                ("source", "who made it"),
                ("license", "its licence"),
                ("valid_start", "its date"),
            )
            if name not in about
        ]
        if lacking and not subject.is_simulated:
            found[f"of the label file {file}: {listed(lacking)}"] = "source, license and date of the layer"
    return found


def _label_attributes(subject: Subject) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the layers of the cube that were made of label files, with their attributes."""
    for name, layer in subject.cube.variables.items():
        if "inherited_from" in layer.attrs:
            yield str(name), layer.attrs


def _scene(subject: Subject) -> Iterator[str]:
    of, dates = subject.cube.attrs, subject.dates
    if subject.is_simulated:
        yield (
            "**The images are simulated.** Ground, backscatter, speckle, phase and the timing of the products follow "
            "models, and the names of products are made up: no satellite has seen this ground. What a network scores "
            "here says nothing of real images."
        )
    tracks = sorted(set(subject.index["track"])), sorted(set(subject.index["pass_direction"]))
    if all(len(values) == 1 for values in tracks):
        name = f"track {tracks[0][0]}, {tracks[1][0]}" if tracks[0][0] else str(tracks[1][0])
        angle = of.get("incidence_angle_mid")
        seen = f" (mid-scene incidence angle {float(angle):.1f} degrees)" if angle is not None else ""
        yield f"All images are of one viewing direction: {name}{seen}."
    if (span := day(dates[-1]) - day(dates[0])) < YEAR:
        yield f"The {len(dates)} dates lie within {span + 1} days: other seasons are not in it."
    sides = subject.index["footprint"].total_bounds
    across, up = ((sides[2 + k] - sides[k]) / 1e3 for k in (0, 1))
    yield f"All chips lie within {across:.0f} x {up:.0f} km: it represents no other landscape."


def _pixels(subject: Subject) -> Iterator[str]:
    of, quality = subject.cube.attrs, subject.quality
    if of.get("thermal_noise") == "kept":
        yield "Thermal noise is not removed: dark surfaces, such as calm water, are brighter than they are."
    if of.get("speckle_filter", "none") == "none":
        yield "Speckle is not filtered: the value of a single pixel is random, means of many are not."
    hidden = [(name, quality.get(f"{name}_fraction", 0.0)) for name in ("layover", "shadow")]
    for name, share in hidden:
        if share > 0.0:
            yield f"{percent(share)} of the scene lies in {name}, where a pixel shows several places or none."
    rounded = [name for name, layer in subject.facts["layers"].items() if "mantissa_bits" in layer]
    if rounded or any(layer["type"] == "float16" for layer in subject.facts["layers"].values()):
        yield "Values are rounded, as the table of inputs says."


def _labels(subject: Subject) -> Iterator[str]:
    of, coding = subject.cube.attrs, subject.quality.get("radarcoding", {})
    for name, known in (coding.get("known") or {}).items():
        if known < 1.0:
            yield f"{plain(name)} is known on {percent(known)} of the scene; elsewhere it is 255 or NaN."
    for name, _ in subject.labels:
        days = (
            np.atleast_1d(subject.cube[name].attrs.get("days_from_images", 0.0))
            if name in subject.cube
            else 0.0
        )
        if (most := float(np.nanmax(np.abs(days)))) > OLD:
            yield f"{plain(name)} shows another time than the images: up to {most:.0f} days from them."
    uncertain = subject.index["position_uncertainty"]
    if uncertain.notna().any() and float(uncertain.max()) > CERTAIN:
        yield (
            f"Labels are off by up to {float(uncertain.max()):.1f} samples in range (standard deviation), because of "
            "the heights that they were placed with."
        )
    if not uncertain.notna().any() and subject.labels:
        yield "How exactly labels are placed is unknown: the accuracy of the DEM was not given."
    if "label_offset_lines" in of:
        lines, samples = float(of["label_offset_lines"]), float(of["label_offset_samples"])
        deviations = (float(of[f"label_offset_{axis}_standard_deviation"]) for axis in ("lines", "samples"))
        sizes = " and ".join(f"{size:.2f}" for size in deviations)
        yield (
            f"Labels fit the image best where they are moved by {-lines:+.2f} lines and {-samples:+.2f} samples "
            f"(standard deviations {sizes}); they were left where they are."
        )


def _classes(subject: Subject) -> Iterator[str]:
    """Say which classes are rare, absent, or not alike in all splits."""
    index, facts = subject.index, subject.facts
    training = index[index["split"].isin(facts["split"].get("training", ["train"]))]
    shares = training[subject.class_shares].mean()
    rare = {str(name).removeprefix(SHARE): float(share) for name, share in shares.items()} | {
        name: subject.statistics["layers"][name]["linear"]["mean"] or 0.0
        for name, of in subject.labels
        if list(of.get("valid_range", ())) == [0.0, 1.0]
    }
    if found := [f"{plain(name)} ({percent(share)})" for name, share in rare.items() if share < RARE]:
        yield f"Rare, in less than {percent(RARE)} of the training pixels: {listed(found)}."
    unlike = []
    for name, share in shares.items():
        others = {
            split: float(index[str(name)][index["split"] == split].mean())
            for split in subject.splits
            if split not in facts["split"].get("training", ["train"])
        }
        apart = [f"{percent(v)} of {s}" for s, v in others.items() if abs(v - share) > UNLIKE]
        if apart:
            what = plain(str(name).removeprefix(SHARE))
            unlike.append(f"{what} is {listed([f'{percent(share)} of training', *apart])}")
    if unlike:
        yield f"Splits are not alike: {'; '.join(unlike)}."
    for split in subject.splits:
        own = index[index["split"] == split][subject.class_shares].max()
        if absent := [plain(str(n).removeprefix(SHARE)) for n, v in own.items() if not v > 0.0]:
            yield f"The split {split} has no {listed(absent, 'or')}."


def _chips(subject: Subject) -> Iterator[str]:
    index, facts = subject.index, subject.facts
    if len(subject.dates) > 1 and facts["split"]["by"] != "dates":
        places = [
            f"{split} {index['place_id'][index['split'] == split].nunique()}" for split in subject.splits
        ]
        yield (
            "The dates of a place show the same ground: for the certainty of a score count places, not chips "
            f"({', '.join(places)})."
        )
    if facts["halo"] == 0 and facts["stride"] == facts["size"]:
        yield "Chips touch and do not overlap: an object at their edge is in several chips, in part."
    if left := [f"{count} {reason}" for reason, count in facts["left_out"].items() if count]:
        yield f"Chips that were left out, of all dates together: {listed(left)}."
