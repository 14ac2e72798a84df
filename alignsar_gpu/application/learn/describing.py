"""Describe the models of a run: their cards, and the page with pictures of what they predict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.dataset.stage import read_quality
from alignsar_gpu.application.learn.cards import write_cards
from alignsar_gpu.application.learn.outputs import NO_CLASS, PREFIX
from alignsar_gpu.application.learn.page import Maps, write_page
from alignsar_gpu.application.learn.predicting import PREDICTIONS
from alignsar_gpu.card.limits import limits
from alignsar_gpu.card.subject import Keys, Subject
from alignsar_gpu.dataset.cube import open_cube
from alignsar_gpu.dataset.dates import date_name, scalar
from alignsar_gpu.report.drawing.learning import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.application.folder import RunFolder

CELLS = 1000  # along the longer side of a picture of the scene
LEARN = "learn"
REPORT = "../report/index.html"


def describe_models(folder: RunFolder, metrics: Mapping[str, Any], *, reported: bool) -> None:
    """Write the cards of the models and their page; ``reported``: whether the run has a report."""
    cube, learn = open_dataset(folder.work / CUBE), folder.work / LEARN
    subject = Subject(folder=folder.work, cube=cube, quality=read_quality(folder.work), keys=Keys())
    write_cards(
        learn,
        metrics,
        license_id=str(subject.facts.get("license", "")),
        limits=limits(subject),
        simulated=subject.is_simulated,
    )
    write_page(
        learn,
        metrics,
        aspect=pixel_aspect(cube),
        maps=scene_maps(cube, folder.work / PREDICTIONS, metrics),
        links={"Report of the dataset": REPORT} if reported else {},
    )


def pixel_aspect(cube: xr.Dataset) -> float:
    """Return how many times a pixel is longer along azimuth than along range, on level ground; 1 if not known."""
    of = cube.attrs
    try:
        across = float(of["range_spacing"]) / math.sin(math.radians(float(of["incidence_angle_mid"])))
        return float(of["azimuth_spacing"]) / across
    except (KeyError, ValueError, ZeroDivisionError):
        return 1.0


def scene_maps(cube: xr.Dataset, path: Path, metrics: Mapping[str, Any]) -> Maps | None:
    """Return what is drawn of the predictions of the scene; None where there are none."""
    if not path.is_dir():
        return None
    predictions = open_cube(path)
    names, label = list(metrics["classes"]), metrics["label"]
    model = str(predictions.attrs["model"])
    if metrics["task"] == "land_cover":
        codes = np.full(256, NO_CLASS, dtype=np.uint8)
        codes[list(metrics["classes"].values())] = np.arange(len(names))
        layers = [("truth", cube[label])] if label in cube else []
        layers.append(("prediction", predictions[f"{PREFIX}{label}"]))
        parts = [Shown(title=title, classes=codes[_reduced(layer)]) for title, layer in layers]
        parts.append(_shown("probability", predictions[f"{PREFIX}{label}_probability"]))
        text = "The true class of each pixel, the predicted one, and its probability (bright: sure). Pale: no data."
        return Maps(parts=parts, names=names, model=model, text=text)
    found = [str(name) for name in predictions.data_vars]
    last = predictions.isel(time=-1)
    day = date_name(scalar(last["time"]))
    parts = [_shown(f"{name.replace('_', ' ')}, {day}", last[name]) for name in found]
    return Maps(parts=parts, names=names, model=model, text="Scores of the last date: brighter is surer.")


def _shown(title: str, layer: xr.DataArray) -> Shown:
    return Shown(title=title, image=_reduced(layer))


def _reduced(layer: xr.DataArray) -> NDArray[Any]:
    """Read every n-th line and sample of a layer, as many as a picture shows."""
    step = max(1, max(layer.shape) // CELLS)
    return np.asarray(layer[::step, ::step].values)
