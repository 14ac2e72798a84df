"""Model cards: README.md beside the weights of a model, with the header fields of Hugging Face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.fingerprints import write_text
from alignsar_gpu.card.text import header_of, license_fields, markdown_template
from alignsar_gpu.report.drawing.learning import words
from alignsar_gpu.report.templates import template_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.learn.model_files import ModelFacts

CARD = "README.md"
PIPELINES = {
    "land_cover": "image-segmentation",
    "change": "image-segmentation",
    "detection": "object-detection",
}
SUMMARIES = {
    "land_cover": "Tells the class of each pixel ({label}) of a stack of radar images.",
    "change": "Tells which pixels change between two radar images.",
    "detection": "Finds objects ({classes}) in a radar image.",
}
OUTPUTS = {
    "land_cover": "A logit for each class; the largest is the prediction, and their softmax its probability.",
    "change": "A logit for each class; the probability of change is 1 less the softmax of the first.",
    "detection": "A logit for each class, that a cell is the middle of an object of it; then offsets of the middle "
    "(line, sample, in cells) and logarithms of the lines and samples of its box.",
}
DATES = {
    "land_cover": "Dates count from the earliest of the stack: give as many, and as far apart, as in training.",
    "change": "Date 1 is the earlier image of a pair.",
    "detection": "All channels are of one date.",
}


def write_cards(
    learn: Path,
    metrics: Mapping[str, Any],
    *,
    license_id: str = "",
    limits: Sequence[str] = (),
    simulated: bool = False,
) -> list[Path]:
    """Write the card of each model that has weights; return their paths.

    Parameters
    ----------
    learn : folder of metrics.json, with a folder for each model.
    metrics : what metrics.json holds.
    license_id : SPDX identifier of the dataset's licence, which the weights are given under too; empty: not stated.
    limits : of the dataset, a sentence each.
    simulated : whether no satellite has taken the images.
    """
    from alignsar_gpu.learn.model_files import load_model  # noqa: PLC0415  (torch is an extra)

    cards = []
    for name in metrics["models"]:
        files = sorted((learn / name).glob("*.safetensors"))
        if files:
            facts, _ = load_model(files[0])
            text = card_text(name, files[0].name, facts, metrics, limits=limits)
            header = header_of(_fields(name, facts, metrics, license_id, simulated=simulated))
            cards.append(learn / name / CARD)
            write_text(cards[-1], f"{header}\n{text}")
    return cards


def card_text(
    name: str, file: str, facts: ModelFacts, metrics: Mapping[str, Any], *, limits: Sequence[str] = ()
) -> str:
    """Return the card of a model as Markdown, without its header; ``file`` are its first weights."""
    model = metrics["models"][name]
    main = next(iter(model["test"]))
    template = markdown_template(template_text(__package__, "card.md"))
    body = template.render(
        name=name,
        file=file,
        task=facts.task,
        title=f"{model['title']}: {words(facts.label)}",
        summary=_summary(facts),
        software=facts.software,
        dataset=facts.dataset,
        tested=f"{metrics['samples']['test']:,}",
        scores=[_score_row(score, of) for score, of in model["test"].items()],
        main=words(main),
        others=[[other, _number(of[main]["mean"])] for other, of in model.get("others", {}).items()],
        channels=_channel_rows(facts),
        dates_text=DATES[facts.task],
        outputs_text=OUTPUTS[facts.task],
        classes=[
            [str(number), words(one), str(code)] for number, (one, code) in enumerate(facts.classes.items())
        ],
        training=_training(model, metrics),
        limits=[*_limits(facts, model), *limits],
    )
    return f"{body.rstrip()}\n"


def _summary(facts: ModelFacts) -> str:
    names = ", ".join(map(words, facts.classes))
    return SUMMARIES[facts.task].format(label=words(facts.label), classes=names)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _score_row(name: str, of: Mapping[str, float | None]) -> list[str]:
    low, high = of.get("low"), of.get("high")
    interval = "none" if low is None or high is None else f"{low:.3f} to {high:.3f}"
    deviation = of.get("deviation")
    return [
        words(name),
        _number(of["mean"]),
        "one seed" if deviation is None else f"{deviation:.3f}",
        interval,
    ]


def _channel_rows(facts: ModelFacts) -> list[list[str]]:
    scaling = facts.scaling
    return [
        [
            str(number),
            channel.layer,
            "the image's own, or none" if channel.date is None else str(channel.date + 1),
            *(f"{values[number]:.4g}" for values in (scaling.decibels, scaling.mean, scaling.deviation)),
        ]
        for number, channel in enumerate(facts.channels)
    ]


def _training(model: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    seeds = list(model["seeds"])
    epochs = max(len(of["history"]) for of in model["seeds"].values())
    samples = metrics["samples"]
    return (
        f"On {samples['train']:,} samples of the training split, in {epochs} epochs; the weights are those of the "
        f"epoch with the best score on the {samples['validation']:,} samples of the validation split. "
        f"{'A training for each of the seeds' if len(seeds) > 1 else 'One training, with the seed'} {', '.join(seeds)}."
    )


def _limits(facts: ModelFacts, model: Mapping[str, Any]) -> list[str]:
    found = [
        "It takes the layers of the table in their units, of the same sensor and spacing; nothing warns of others.",
        "Probabilities are not calibrated.",
    ]
    if not model.get("others"):
        found.append(
            "It was tested on ground of the same scene alone: expect lower scores on other ground and tracks."
        )
    if len(model["seeds"]) == 1:
        found.append("One training says nothing of how much scores change with the seed.")
    if facts.task == "land_cover":
        first = next(iter(model["seeds"].values()))["test"].get("classes", {})
        weak = [words(name) for name, of in first.items() if (of.get("f1") or 0.0) < 0.5]
        if weak:
            found.append(f"Hardly told from others (F1 below 0.5): {', '.join(weak)}.")
    return found


def _fields(
    name: str, facts: ModelFacts, metrics: Mapping[str, Any], license_id: str, *, simulated: bool
) -> dict[str, Any]:
    """Return the fields that Hugging Face reads."""
    model, pipeline = metrics["models"][name], PIPELINES[facts.task]
    scores = [(score, of["mean"]) for score, of in model["test"].items() if of["mean"] is not None]
    result = {
        "task": {"type": pipeline, "name": words(facts.task)},
        "dataset": {"type": facts.dataset, "name": facts.dataset, "split": "test"},
        "metrics": [{"type": score, "name": words(score), "value": value} for score, value in scores],
    }
    return {
        **license_fields(license_id),
        "library_name": "alignsar_gpu",
        "pipeline_tag": pipeline,
        "tags": ["sar", "remote-sensing", "earth-observation", *(["simulated"] if simulated else [])],
        "datasets": [facts.dataset],
        "metrics": [score for score, _ in scores],
        "model-index": [{"name": f"{facts.dataset}-{name}", "results": [result]}],
    }
