"""The page of models, learn/index.html: what they score, what they confuse, and where they are most wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.fingerprints import write_text
from alignsar_gpu.report.drawing import learning
from alignsar_gpu.report.drawing.learning import Shown, words
from alignsar_gpu.report.templates import environment, own_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.report.drawing.svg import Svg

PAGE, PICTURES, WORST = "index.html", "pictures", "worst.npz"
TITLES = {
    "land_cover": "Models of land cover",
    "detection": "Models that detect objects",
    "change": "Models of change",
}
WHAT = {
    "land_cover": "the class of each pixel ({label}) from the images of all dates",
    "detection": "boxes around objects ({classes}) in the image of a date",
    "change": "which pixels change between two dates",
}
EXPLAINED = {
    "land_cover": "Macro F1 is the mean over the classes, rare ones as much as others; accuracy is the share of pixels "
    "that are right; kappa is how far it is above chance.",
    "detection": "mAP50 is the mean over the kinds of the area below precision against recall; a detection counts if "
    "its box overlaps the true one by half; mAP50-95 asks for tighter boxes too; detected is the share of objects "
    "that are found at the stated rate of false alarms.",
    "change": "Precision is the share of pixels called changed that are; recall the share of changed pixels that were "
    "found; F1 is their harmonic mean, IoU the overlap of what is predicted and what is true.",
}
WORST_TEXT = {
    "land_cover": "Samples of the test split with the lowest share of right pixels: the image, the true classes and "
    "the predicted ones.",
    "detection": "Images of the test split with most objects missed and false alarms: true boxes on the left, those "
    "that were found on the right.",
    "change": "Pairs of the test split with most wrong pixels: the ratio of the two dates, what changed, and what was "
    "predicted to.",
}
CURVES = {  # axes of curves that do not name their own, and whether x is logarithmic
    "froc": ("false alarms per km²", "share of objects detected", True),
    "by_cross_section": ("radar cross-section (dB m²)", "share of objects detected", False),
}
PURPOSES = {"train": "training", "test": "testing"}
OF_CLASSES = {"f1": "F1", "ap50": "average precision (overlap of one half)"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Maps:
    """The truth beside the prediction of the scene: numbers of classes or values, already reduced to a picture.

    Attributes
    ----------
    parts : what is drawn side by side.
    names : of the classes.
    model : title of the model.
    text : what is seen.
    """

    parts: Sequence[Shown]
    names: Sequence[str]
    model: str
    text: str


def write_page(
    folder: Path,
    metrics: Mapping[str, Any],
    *,
    aspect: float = 1.0,
    maps: Maps | None = None,
    links: Mapping[str, str] | None = None,
) -> Path:
    """Write index.html and its pictures beside metrics.json; same arguments, same bytes.

    Parameters
    ----------
    folder : of metrics.json, with a folder for each model.
    metrics : what metrics.json holds.
    aspect : how many times a pixel is longer along azimuth than along range, on the ground.
    maps : of the scene.
    links : other pages, by their names.
    """
    drawing = _Drawing(folder, metrics, aspect)
    task, models = metrics["task"], metrics["models"]
    text = (
        environment(__package__)
        .get_template("page.html")
        .render(
            style=own_file("report.css"),
            title=TITLES[task],
            summary=_summary(metrics),
            facts=_facts(metrics),
            measured=_measured(metrics),
            explained=EXPLAINED[task],
            worst_text=WORST_TEXT[task],
            scores={
                "head": ["model", *map(words, drawing.score_names), "seeds"],
                "rows": [_row(of, drawing.score_names) for of in models.values()],
                "picture": drawing.scores(),
            },
            compared=list(drawing.compared()),
            others=_others(metrics, drawing.score_names),
            models=[drawing.model(name) for name in models],
            maps=None
            if maps is None
            else {"model": maps.model, "text": maps.text, "picture": drawing.maps(maps)},
            links=links or {},
        )
    )
    write_text(folder / PAGE, text + "\n")
    return folder / PAGE


def _summary(metrics: Mapping[str, Any]) -> str:
    models, task = metrics["models"], metrics["task"]
    what = WHAT[task].format(label=words(metrics["label"]), classes=", ".join(map(words, metrics["classes"])))
    count = f"{len(models)} models" if len(models) > 1 else "A model"
    return f"{count} learned {what}. All were tested on blocks of ground that training has not seen."


def _facts(metrics: Mapping[str, Any]) -> dict[str, str]:
    facts = {
        "Dataset": metrics["dataset"],
        "Label": words(metrics["label"]) or "boxes",
        "Classes": ", ".join(map(words, metrics["classes"])),
    }
    for split, count in metrics["samples"].items():
        facts[f"Samples for {PURPOSES.get(split, split)}"] = f"{count:,}"
    return facts


def _measured(metrics: Mapping[str, Any]) -> str:
    rate = metrics.get("false_alarms_per_km2")
    more = f" Objects count as detected at {rate:g} false alarms per km²." if rate is not None else ""
    return (
        f"Measured on the {metrics['samples']['test']:,} samples of the test split. Scaling, class weights and the "
        f"choice of the epoch come from the training and validation splits alone.{more}"
    )


def score_text(of: Mapping[str, float | None]) -> str:
    """Return a score as text: the mean, its deviation over seeds, and its interval."""
    mean, deviation, low, high = (of.get(key) for key in ("mean", "deviation", "low", "high"))
    if mean is None:
        return "none"
    spread = "" if deviation is None else f" ± {deviation:.3f}"
    interval = "" if low is None or high is None else f" [{low:.3f} to {high:.3f}]"
    return f"{mean:.3f}{spread}{interval}"


def _row(model: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    scores = [score_text(model["test"].get(name, {})) for name in names]
    return [model["title"], *scores, str(len(model["seeds"]))]


def _others(metrics: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any] | None:
    models = metrics["models"].values()
    datasets = list(dict.fromkeys(name for of in models for name in of.get("others", {})))
    if not datasets:
        return None
    main = names[0]
    rows = [
        [
            of["title"],
            score_text(of["test"].get(main, {})),
            *(score_text(of["others"].get(name, {}).get(main, {})) for name in datasets),
        ]
        for of in models
    ]
    return {"head": [f"{words(main)} of", "this test split", *datasets], "rows": rows}


class _Drawing:
    """Draws the pictures of the page."""

    def __init__(self, folder: Path, metrics: Mapping[str, Any], aspect: float) -> None:
        self._folder, self._metrics, self._aspect = folder, metrics, aspect
        self._models: Mapping[str, Any] = metrics["models"]
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)

    @property
    def score_names(self) -> list[str]:
        """Names of the scores, the main one first."""
        return list(dict.fromkeys(name for of in self._models.values() for name in of["test"]))

    def _save(self, picture: Svg, name: str, alt: str, **more: str) -> dict[str, Any]:
        file = f"{PICTURES}/{name}.svg"
        write_text(self._folder / file, picture.text)
        return {
            "file": file,
            "width": picture.width,
            "height": picture.height,
            "alt": alt,
            "line": "",
            **more,
        }

    def scores(self) -> dict[str, Any]:
        """Draw the scores of all models."""
        scores = {of["title"]: of["test"] for of in self._models.values()}
        return self._save(
            learning.scores_picture(scores), "scores", "Scores of the models with their intervals"
        )

    def compared(self) -> Iterator[dict[str, Any]]:
        """Draw what compares models: a score of each class, and curves."""
        for key, label in OF_CLASSES.items():
            values = {
                of["title"]: {name: one[key] for name, one in classes.items() if key in one}
                for of in self._models.values()
                if (classes := self._first_seed(of)["test"].get("classes"))
            }
            if values := {title: of for title, of in values.items() if of}:
                picture = learning.class_bars(values, label)
                text = f"The {label} of each class on the test split, by the first seed of each model; 1 is perfect."
                yield self._save(picture, f"classes_{key}", f"{label} of each class", text=text)
        named = {name for of in self._models.values() for name in of.get("curves", {})}
        for name in sorted(named, key=lambda one: (one not in CURVES, one)):
            yield self._curve(name)

    def _curve(self, name: str) -> dict[str, Any]:
        curves = {
            of["title"]: of["curves"][name] for of in self._models.values() if name in of.get("curves", {})
        }
        one = next(iter(curves.values()))
        kind = "froc" if name.startswith("froc") else name
        x_title, y_title, logarithmic = CURVES.get(
            kind, (one.get("x_title", "x"), one.get("y_title", "y"), False)
        )
        logarithmic = logarithmic and all(max(of["x"], default=0) > 0 for of in curves.values())
        picture = learning.curve_picture(curves, x_title, y_title, logarithmic=logarithmic)
        of_kind = words(name.removeprefix("froc_")) if name.startswith("froc_") else ""
        text = (
            f"{y_title.capitalize()} against {x_title}{f', {of_kind}' if of_kind else ''}, on the test split."
        )
        if "low" in one:
            text += " The band is the 95 % interval."
        return self._save(picture, f"curve_{name}", text, text=text)

    def model(self, name: str) -> dict[str, Any]:
        """Draw what there is of one model."""
        of = self._models[name]
        found: dict[str, Any] = {"name": name, "title": of["title"], "files": self._files(name)}
        found |= {"confusion": None, "training": None, "worst": []}
        if "confusion" in of:
            matrix = np.array(of["confusion"])
            names = list(self._metrics["classes"])
            if len(names) != len(matrix):
                names = ["unchanged", "changed"]
            picture = learning.confusion_picture(matrix, names)
            found["confusion"] = self._save(
                picture, f"{name}_confusion", f"Confusion matrix of {of['title']}"
            )
        histories = {seed: one["history"] for seed, one in of["seeds"].items() if one.get("history")}
        if histories:
            picture = learning.training_picture(histories)
            found["training"] = self._save(picture, f"{name}_training", f"Training of {of['title']}")
        if (self._folder / name / WORST).is_file():
            found["worst"] = list(self._worst(name))
        return found

    def _files(self, name: str) -> dict[str, str]:
        files = sorted((self._folder / name).glob("*.safetensors"))
        card = self._folder / name / "README.md"
        named = {"model card": f"{name}/README.md"} if card.is_file() else {}
        return named | {f"weights, {file.stem.replace('-', ' ')}": f"{name}/{file.name}" for file in files}

    def _worst(self, name: str) -> Iterator[dict[str, Any]]:
        with np.load(self._folder / name / WORST, allow_pickle=False) as file:
            arrays = dict(file)
        names = list(self._metrics["classes"])
        for number, label in enumerate(arrays["ids"].tolist()):
            parts = _worst_parts(arrays, number)
            picture = learning.side_by_side(parts, names, self._aspect, legend=not number)
            yield self._save(
                picture, f"{name}_worst_{number + 1}", f"Image, truth and prediction of {label}", line=label
            )

    def maps(self, maps: Maps) -> dict[str, Any]:
        """Draw the scene."""
        picture = learning.side_by_side(maps.parts, maps.names, self._aspect)
        return self._save(picture, "scene", f"Truth and prediction of {maps.model}")

    @staticmethod
    def _first_seed(model: Mapping[str, Any]) -> Mapping[str, Any]:
        first: Mapping[str, Any] = next(iter(model["seeds"].values()))
        return first


def _worst_parts(arrays: Mapping[str, NDArray[Any]], number: int) -> list[Shown]:
    image = arrays["image"][number]
    if "truth" in arrays:
        return [
            Shown(title="image", image=image),
            Shown(title="truth", classes=arrays["truth"][number]),
            Shown(title="prediction", classes=arrays["predicted"][number]),
        ]
    of_chip = {
        side: arrays[f"boxes_{side}"][arrays[f"boxes_{side}"][:, 0] == number, 1:]
        for side in ("truth", "predicted")
    }
    return [
        Shown(title="truth", image=image, boxes=of_chip["truth"]),
        Shown(title="prediction", image=image, boxes=of_chip["predicted"]),
    ]
