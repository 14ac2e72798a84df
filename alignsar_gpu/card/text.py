"""The text of a card: Markdown with the header fields of Hugging Face, and the same as a page."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any

import jinja2
from markdown_it import MarkdownIt

from alignsar_gpu.card.limits import limits, unknown
from alignsar_gpu.card.pictures import example_of
from alignsar_gpu.card.tables import (
    classes_table,
    files_table,
    glance_table,
    inputs_table,
    labels_table,
    made_table,
    sources_table,
    splits_table,
)
from alignsar_gpu.catalog.collection import citation_of
from alignsar_gpu.report.templates import own_file, template_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.card.subject import Subject

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
LARGEST = "1M<n<10M"
# Licences by their SPDX identifier, as Hugging Face calls them where that is not the same in small letters.
OTHER = "other"
HUGGING_FACE = {
    *("apache-2.0", "mit", "cc0-1.0", "odbl", "pddl"),
    *(f"cc-{kind}-{version}" for kind in ("by", "by-sa", "by-nc", "by-nc-sa") for version in ("3.0", "4.0")),
}
RENAMED = {"odbl-1.0": "odbl", "pddl-1.0": "pddl"}
TAGS = ("sar", "remote-sensing", "earth-observation", "geospatial", "croissant")


def card_text(subject: Subject, taster: int) -> str:
    """Return README.md; ``taster`` is the number of chips in the taster."""
    facts = subject.facts
    inputs, decibels = inputs_table(subject)
    of_split, example = facts["split"], example_of(subject)
    body = markdown_template(template_text(__package__, "card.md")).render(
        title=subject.title,
        summary=_summary(subject),
        glance=glance_table(subject),
        unknown=unknown(subject),
        label=next(iter(facts["classes"]), ""),
        shown_layer=example.layer,
        shown_in_decibels=example.in_decibels,
        shown_date=subject.dates[0],
        label_shown=example.label,
        taster=taster,
        files=files_table(subject),
        inputs=inputs,
        has_decibels=decibels,
        labels=labels_table(subject),
        splits_text=_splits_text(subject),
        has_map=of_split["by"] != "dates",
        counts=splits_table(subject),
        pixels=classes_table(subject),
        limits=limits(subject),
        warnings=subject.warnings,
        made=made_table(subject),
        sources=sources_table(subject),
        citation=_citation(subject),
    )
    return f"{_header(subject)}\n{body.rstrip()}\n"


def markdown_template(text: str) -> jinja2.Template:
    """Return a template of Markdown, with filters for cells of tables and for texts that are shown as they are."""
    environment = jinja2.Environment(  # noqa: S701  (Markdown: cells are escaped where they are written)
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"cell": cell, "shown": shown}
    return environment.from_string(text)


def page_of(text: str, title: str) -> str:
    """Return a card (Markdown, with or without its header) as a page of HTML."""
    body = text.split("---\n", 2)[2] if text.startswith("---\n") else text
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(body)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(template_text(__package__, "card.html"))
    return template.render(title=title, body=html, style=own_file("report.css")) + "\n"


def shown(text: str) -> str:
    """Return a text as one line of Markdown that shows it; tags in it are no HTML."""
    return " ".join(escape(str(text), quote=False).split())


def cell(text: str) -> str:
    """Return a text as a cell of a table in Markdown."""
    return shown(text).replace("|", r"\|")


def _header(subject: Subject) -> str:
    """Return the fields that Hugging Face reads, as YAML (of which JSON is a part)."""
    fields: dict[str, Any] = {
        "pretty_name": subject.title,
        **license_fields(str(subject.facts.get("license", ""))),
    }
    count = len(subject.index)
    fields |= {
        "task_categories": subject.tasks,
        "tags": [*TAGS, *_sensors(subject)],
        "size_categories": [next((name for most, name in SIZES if count < most), LARGEST)],
        "configs": [{"config_name": "index", "data_files": "chips/index.parquet"}],
    }
    return header_of(fields)


def license_fields(given: str) -> dict[str, str]:
    """Return the fields by which Hugging Face is told a licence, of its SPDX identifier; empty: none is stated."""
    known = RENAMED.get(given.lower(), given.lower())
    fields = {"license": known if known in HUGGING_FACE else OTHER}
    return fields | ({"license_name": given} if given and known not in HUGGING_FACE else {})


def header_of(fields: Mapping[str, Any]) -> str:
    """Return fields as the header of a card, YAML (of which JSON is a part); empty ones are left out."""
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items() if value]
    return "\n".join(["---", *lines, "---", ""])


def _sensors(subject: Subject) -> list[str]:
    """Return tags that tell the sensors: those of their missions, without the letter of the satellite."""
    simulated = ["simulated"] if subject.is_simulated else []
    names = {str(name).removeprefix("Simulated ").lower() for name in subject.index["platform"] if name}
    return [*simulated, *sorted({re.sub(r"(?<=\d)[a-z]$", "", name).replace(" ", "-") for name in names})]


def _summary(subject: Subject) -> str:
    given = subject.cube.attrs.get("summary", "")
    size = " x ".join(map(str, subject.facts["size"]))
    axes = (
        "lines x samples of the radar image"
        if subject.facts["geometry"] == "radar"
        else "rows x columns of a map"
    )
    inputs = [name for name, _ in subject.layers_in("images", "pairs", "ground")]
    labels = [name for name, _ in subject.labels]
    what = (
        f"{len(subject.index)} chips for machine learning, each {size} pixels ({axes}), at "
        f"{subject.index['place_id'].nunique()} places on {len(subject.dates)} dates; {len(inputs)} layers as inputs"
    )
    return f"{what}{f' and {len(labels)} as labels' if labels else ''}. {given}"


def _splits_text(subject: Subject) -> str:
    of = subject.facts["split"]
    buffer, chip, window = (
        round(value) for value in (of["buffer_m"], subject.facts["chip_m"], subject.facts["window_m"])
    )
    how = {
        "blocks": "The ground is divided into blocks, and each block is in one split",
        "folds": f"The ground is divided into blocks, and each block is in one of {of['folds']} folds",
        "regions": "Each split is a region of its own",
        "dates": "Splits differ by their dates: they show the same ground at other times",
        "scenes": "Each split has scenes of its own",
    }[of["by"]]
    if of["by"] == "dates":
        return f"{how}."
    return (
        f"{how}. A place is in the same split on all dates. Chips of different splits lie at least {buffer} m apart, "
        f"edge to edge: the length of a chip from corner to corner ({chip} m) and of the widest window that values "
        f"were averaged over ({window} m). What lies between was left out."
    )


def _citation(subject: Subject) -> str:
    keys = subject.keys
    text = citation_of(subject.cube.attrs, subject.title, keys.citation, keys.doi)
    if text:
        return text
    return (
        "How to cite it is not stated. Name its title, its version "
        f"({subject.facts.get('product_version', 'none is stated')}) and its identifier, {subject.facts['id']}."
    )
