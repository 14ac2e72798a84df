"""What is written of chips beside their pixels: the columns of the index, and dataset.json."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.chips.classes import require_classes
from alignsar_gpu.application.chips.layers import decibels_of
from alignsar_gpu.dataset.chips.description import FORMAT
from alignsar_gpu.dataset.chips.layout import CLASSES
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.application.chips.cutting import Cutting
    from alignsar_gpu.application.chips.layers import ChosenLayers
    from alignsar_gpu.application.chips.places import Screened
    from alignsar_gpu.application.chips.source import Source
    from alignsar_gpu.config.chips import ChipsConfig
    from alignsar_gpu.dataset.chips.store import Stored

WINDOWS = (
    "coherence_window",
    "matrix_window",
)  # attributes of a cube that begin so say over what it averages
OF_LAYER = (
    *("long_name", "description", "units", "references", "valid_range", "comment", "standard_name"),
    *("inherited_from", "source", "license", "attribution", "flag_colors"),
)
OF_SCENE = ("id", "fingerprint", "reference_date", "reference_product_id", "pass_direction", "look_side")
OF_DATASET = ("title", "license", "product_version", "creator_name", "institution", "acknowledgement")
NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]+")


def widest_window(source: Source) -> float:
    """Return the largest extent on the ground, in m, of a window that layers of a cube were computed over."""
    of = source.data.attrs
    across = float(of["range_spacing"]) / math.sin(math.radians(float(of["incidence_angle_mid"])))
    lines = [float(of[name]) * float(of["azimuth_spacing"]) for w in WINDOWS if (name := f"{w}_lines") in of]
    samples = [float(of[name]) * across for w in WINDOWS if (name := f"{w}_samples") in of]
    return max([0.0, *lines, *samples])


def place_ids(
    source: Source, bursts: NDArray[np.str_], line: NDArray[Any], sample: NDArray[Any]
) -> list[str]:
    """Name places by their burst, or where that is not known by the reference product, and by line and sample."""
    of = source.data.attrs
    product = str(of.get("reference_product_id") or of["id"])
    grid = "" if source.geometry == "radar" else f"_{source.crs.to_epsg() or 'map'}"
    return [
        f"{NOT_IN_IDS.sub('-', burst or product)}{grid}_l{a:05d}_s{b:05d}"
        for burst, a, b in zip(bursts.tolist(), line.tolist(), sample.tolist(), strict=True)
    ]


def chip_ids(cutting: Cutting) -> list[str]:
    """Return the names of the chips: that of their place, and the date."""
    source, selection = cutting.source, cutting.selection
    line, sample = cutting.windows.origin(selection.places[selection.place])
    places = place_ids(source, cutting.bursts(line, sample), line, sample)
    return [f"{place}_{source.dates[date]}" for place, date in zip(places, selection.date, strict=True)]


def index_columns(cutting: Cutting, screened: Screened, stored: Sequence[Stored]) -> dict[str, Any]:
    """Return the columns of the index, but for footprints; a row a chip."""
    source, selection = cutting.source, cutting.selection
    number = selection.places[selection.place]
    line, sample = cutting.windows.origin(number)
    dates = np.array(source.dates)
    bursts = cutting.bursts(line, sample)
    place = place_ids(source, bursts, line, sample)
    day = dates[selection.date]
    of = source.data.attrs
    known = screened.known[number]
    shares = np.divide(screened.fractions[number], known, out=np.full(known.shape, np.nan), where=known > 0.0)
    return {
        "id": chip_ids(cutting),
        "place_id": place,
        "chip": cutting.first["chip"] + np.arange(len(number)),
        "place": cutting.first["place"] + selection.place,
        "scene": np.full(len(number), str(of["id"])),
        "date": day,
        "is_reference": selection.date == source.reference,
        "time": source.data["time"].values[selection.date].astype("datetime64[us]"),
        "split": selection.split,
        "block": selection.block,
        "first_line": line,
        "first_sample": sample,
        "track": np.full(len(number), int(of.get("relative_orbit", 0))),
        "pass_direction": np.full(len(number), str(of.get("pass_direction", ""))),
        "burst": bursts,
        "platform": _per_date(source, "platform")[selection.date],
        "valid_share": screened.valid[selection.date, number].astype(np.float32),
        "labelled_share": screened.labelled[selection.date, number].astype(np.float32),
        **{f"fraction_{n}": shares[:, k].astype(np.float32) for k, n in enumerate(screened.classes)},
        "position_uncertainty": screened.uncertainty[number].astype(np.float32),
        "shard": [one.shard for one in stored],
        "offset": [one.offset for one in stored],
        "length": [one.length for one in stored],
        "checksum": [one.checksum for one in stored],
    }


def _per_date(source: Source, name: str) -> NDArray[np.str_]:
    if name not in source.data:
        return np.full(len(source.dates), "")
    return np.array([str(value) for value in source.data[name].values])


def decibels(layers: ChosenLayers) -> dict[str, float]:
    """Return what the logarithms of layers are multiplied by in decibels, of those that have them."""
    return {plane.name: factor for _, plane in layers.planes if (factor := decibels_of(plane.name))}


def dataset_facts(
    cutting: Cutting,
    config: ChipsConfig,
    window: float,
    statistics: Mapping[str, Any],
    errors: Mapping[str, Mapping[str, float]],
    ignored: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """Return what dataset.json says, but for its files.

    ``errors`` are those of layers that are rounded, ``ignored`` the pixels of classes that are, by layer.
    """
    source, selection, of = cutting.source, cutting.selection, cutting.source.data.attrs
    names, counts = np.unique(selection.split, return_counts=True)
    split = config.split
    return {
        "format": FORMAT,
        "version": 1,
        "id": f"{of['id']}-chips",
        **{name: of[name] for name in OF_DATASET if name in of},
        "software": f"alignsar_gpu {VERSION}",
        "geometry": source.geometry,
        "size": list(cutting.windows.size),
        "stride": list(cutting.windows.stride),
        "halo": cutting.windows.halo,
        "dates": config.dates,
        "scenes": [{**{name: of[name] for name in OF_SCENE if name in of}, "dates": source.dates}],
        "crs": source.crs.to_string(),
        "window_m": window,
        "chip_m": selection.chip,
        "split": {
            "by": split.by,
            "block_m": selection.side,
            "buffer_m": selection.buffer,
            "seed": split.seed,
            "shares": split.shares.there,
            "folds": split.folds,
            "dates": split.dates.there,
            "training": statistics["split"],
        },
        "counts": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "left_out": selection.left_out,
        "layers": dict(_layers(cutting, errors)),
        "labels": list(cutting.layers.labels),
        "classes": _classes(cutting, statistics),
        **({"ignored": ignored} if ignored else {}),
    }


def _layers(cutting: Cutting, errors: Mapping[str, Mapping[str, float]]) -> list[tuple[str, dict[str, Any]]]:
    described = []
    for array in cutting.layout.arrays:
        for index, plane in enumerate(cutting.arrays[array.name]):
            of = cutting.source.data[plane.variable].attrs
            facts: dict[str, Any] = {"array": array.name, "index": index, "type": array.dtype}
            if array.mantissa_bits is not None:
                facts["mantissa_bits"] = array.mantissa_bits
            if factor := decibels_of(plane.name):
                facts["decibel"] = factor
            if plane.part:
                facts["part"] = plane.part
            facts |= errors.get(plane.name, {})
            described.append(
                (plane.name, facts | {name: _plain(of[name]) for name in OF_LAYER if name in of})
            )
    return described


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _classes(cutting: Cutting, statistics: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Classes that occur, by name, of each layer of them."""
    result = {}
    for plane in (plane for name in CLASSES for plane in cutting.arrays.get(name, ())):
        of_splits = statistics["classes"][plane.name].values()
        there = {value for split in of_splits for value in split}
        classes = cutting.source.classes(plane.variable)
        if plane.variable in cutting.layers.labels:
            require_classes(cutting.source.data[plane.variable], {int(value) for value in there})
        result[plane.name] = {name: value for name, value in classes.items() if str(value) in there}
    return result
