"""The dataset as a stage: the stack is opened, the cube filled by its parts, and the result measured."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.chips.checks import check_chips
from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.description import (
    attributes,
    bounds,
    check_flattening,
    check_report_dates,
    cube_layout,
    describe_scene,
    find_warnings,
)
from alignsar_gpu.application.dataset.extraction import SignaturesPart
from alignsar_gpu.application.dataset.geometry import GeometryPart
from alignsar_gpu.application.dataset.interferograms import INTERFEROGRAMS, InterferogramsPart
from alignsar_gpu.application.dataset.part import CUBE, TABLES, Plan
from alignsar_gpu.application.dataset.quality import QUALITY, measure, write_quality
from alignsar_gpu.application.dataset.signature_choice import (
    available,
    coherence_looks,
    options_of,
    settings_attributes,
)
from alignsar_gpu.application.dataset.truth import TRUTH, files_of_truth, write_truth
from alignsar_gpu.application.folder import StageRecord
from alignsar_gpu.application.geocoding.mapping import check_names
from alignsar_gpu.application.inputs import find_inputs
from alignsar_gpu.application.labels.levels import LevelsPart
from alignsar_gpu.application.labels.stage import Radarcoding
from alignsar_gpu.application.objects.choice import check_objects
from alignsar_gpu.application.space import check_dataset_space
from alignsar_gpu.application.stage import Stage, keys_of
from alignsar_gpu.dataset.cube import FORMAT, finish_cube
from alignsar_gpu.progress import LOGGER
from alignsar_gpu.signatures import select
from alignsar_gpu.signatures.derived import rules
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.application.dataset.part import Part
    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.application.stage import Run

# What fills the cube, in this order. A new part of the cube is a subclass of `Part` and a line here.
PARTS: tuple[type[Part], ...] = (SignaturesPart, GeometryPart, InterferogramsPart, Radarcoding, LevelsPart)
# Keys that do not change the dataset, or stand in its fingerprint in another form.
APART = (
    "output",
    "device",
    "orbits",
    "dem",
    "simulate",
    "radarcoding",
    "netcdf",
    "report",
    "geocoding",
    "chips",
    "objects",
    "learn",
    "card",
    "catalog",
)


class DatasetStage(Stage):
    """cube.zarr, interferograms.zarr, truth.zarr and tables of labels where there are any, and quality.json."""

    name = "dataset"
    products = (CUBE, TABLES, INTERFEROGRAMS, TRUTH, QUALITY)
    shown = (("dataset", CUBE, "(alignsar_gpu.open)"),)

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._signatures = select(run.config.signatures.names)
        self._inputs = find_inputs(run.config)
        self._parts = [part(run) for part in PARTS if part.is_wanted(run.config)]
        self._warnings: list[str] = []

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`: neither where it goes nor the memory it may take count."""
        facts: dict[str, Any] = {
            "products": self._inputs.settings,
            "device": self.run.device.kind,
            "format": FORMAT,
        }
        for part in self._parts:
            facts |= part.settings()
        keys = keys_of(self.run.config, *APART)
        keys["dataset"].pop("alignsar_layout")  # another stage's
        return keys | facts | {"software": VERSION}

    def files(self) -> list[Sequence[Path | str]]:
        """See `Stage.files`."""
        parts = [files for part in self._parts for files in part.files()]
        return [*self._inputs.files, files_of_truth(self.run.config), *parts]

    @cached_property
    def fingerprint(self) -> str:
        """Of the dataset, which stands in its attributes too."""
        return self.run.inputs.fingerprint(self.settings(), *self.files())

    def record(self) -> StageRecord:
        """See `Stage.record`."""
        return StageRecord(name=self.name, digest=self.fingerprint, products=self.products)

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`."""
        plan = self._plan(folder.work)
        parts = plan.parts = [part for part in self._parts if part.begin(plan)]
        networks = [part.network.layout for part in parts if isinstance(part, InterferogramsPart)]
        check_dataset_space(plan, networks, self.run.config, folder.work)
        for part in parts:
            part.make(folder)
        path = folder.work / CUBE
        finish_cube(path, bounds(path))
        for part in parts:
            if found := part.measure():
                finish_cube(path, found)
        self._measure(plan, parts)

    def _plan(self, work: Path) -> Plan:
        config, device = self.run.config, self.run.device
        with self.run.timer.stage("products"):
            product = self._inputs.open(device)
            LOGGER.info("products   %s", product.source)
            check_flattening(product, config)
            check_report_dates(product, config)
            looks = coherence_looks(product, self._signatures, config, device)
            options = options_of(product, config, looks)
            chosen, left_out = available(product, self._signatures, options)
            plan = Plan(
                product=product,
                scene=describe_scene(product, device),
                signatures=chosen,
                options=options,
                looks=looks,
                left_out=left_out,
                work=work,
                derived=(
                    rules(chosen, options, product.polarizations)
                    if config.dataset.derived == "computed"
                    else {}
                ),
            )
        for part in self._parts:
            plan.layers += part.layers(plan)
        if config.geocoding.is_wanted:
            check_names(config.geocoding.layers, [layer.name for layer in plan.layers])
        if config.chips.is_wanted:
            dates = [acquisition.date for acquisition in product.acquisitions]
            check_chips(config, plan.layers, product.grid.shape, dates, device.memory_budget)
        if config.objects.is_wanted:
            check_objects(config.objects, plan.layers)
        facts = attributes(
            product, plan.scene, config, device, self.fingerprint, settings_attributes(options, looks)
        )
        published = self.run.published
        facts = {
            name: fact for name, fact in facts.items() if f"dataset.{name}" not in published.from_environment
        }
        plan.layers = [replace(layer, attributes=published(layer.attributes)) for layer in plan.layers]
        layers = [layer for layer in plan.layers if layer.name not in plan.derived]
        plan.layout = cube_layout(product, plan.scene, config, layers, published(facts))
        return plan

    def _measure(self, plan: Plan, parts: Sequence[Part]) -> None:
        """Compare the cube with itself and the truth, and write quality.json."""
        run, cube = self.run, open_dataset(plan.work / CUBE)
        self._warnings = [
            *find_warnings(plan.product, run.config, plan.left_out),
            *(
                f"{key}: comes from the environment and is not written into the dataset; give it as text"
                for key in run.published.from_environment
                if key.startswith("dataset.")
            ),
        ]
        with run.timer.stage("quality"):
            for part in parts:
                self._warnings += part.warnings()
            quality = measure(cube, plan.product, plan.scene, plan.coverage, run.device, self._warnings)
            for part in parts:
                quality |= part.facts()
            window = plan.options.windows.coherence
            known = write_truth(plan.work / TRUTH, cube, plan.product, run.config, window)
            if known is not None:
                quality["truth"] = known
        quality["stages"] = run.timer.seconds
        write_quality(plan.work / QUALITY, run.published(quality))

    def warnings(self) -> list[str]:
        """See `Stage.warnings`."""
        return self._warnings


def read_quality(work: Path) -> dict[str, Any]:
    """Read quality.json of the folder ``work``."""
    content: dict[str, Any] = json.loads((work / QUALITY).read_text(encoding="utf-8"))
    return content
