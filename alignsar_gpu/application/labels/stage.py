"""Labels as parts of the dataset: their layers, and their offset against the image."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.description import scene_times
from alignsar_gpu.application.dataset.part import CUBE, Part
from alignsar_gpu.application.labels.offset import measure_labels, offset_attributes
from alignsar_gpu.application.labels.places import scene_of
from alignsar_gpu.application.labels.sources import label_settings, open_labels
from alignsar_gpu.application.labels.writer import LabelWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignsar_gpu.application.dataset.part import Plan
    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.application.labels.writer import Labels
    from alignsar_gpu.config import Config
    from alignsar_gpu.dataset.cube import CubeLayer

WHOLE = 0.995  # share of the scene from which on nothing is said of what a map lacks


class Radarcoding(Part):
    """Layers that pixels inherit from maps, rasters, points and fields, and their offset against the image."""

    name = "radarcoding"
    offset: dict[str, Any] | None = None
    statistics: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return bool(config.radarcoding.layers)

    @cached_property
    def labels(self) -> Labels:
        """The files, opened."""
        return open_labels(self.run.config, self.run.device.memory_budget)

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return {"radarcoding": label_settings(self.run.config)}

    def files(self) -> Sequence[Sequence[Path | str]]:
        """See `Stage.files`."""
        return self.labels.files

    def layers(self, plan: Plan) -> list[CubeLayer]:
        """See `Part.layers`. Raises AlignsarError for a name that is taken, or a file that has nothing here."""
        times = scene_times(plan.product, plan.scene)
        self._scene = scene_of(plan.product, self.run.config, self.run.device, times, plan.work)
        return self.labels.checked_layers(self._scene, plan.layers)

    def make(self, folder: RunFolder) -> None:
        """Fill the layers, strip by strip."""
        plan = self.plan
        writer = LabelWriter(labels=self.labels, scene=self._scene, product=plan.product, layout=plan.layout)
        with self.run.timer.stage(self.name, plan.layout.rows) as advance:
            writer.fill(folder, advance)

    def measure(self) -> Mapping[str, Any]:
        """Measure how far the layers are off against the image, and what their classes are like."""
        settings, polarizations = self.run.config.radarcoding, self.plan.product.polarizations
        with self.run.timer.stage("offset"):
            cube = open_dataset(self.plan.work / CUBE)
            self.offset, self.statistics = measure_labels(cube, self.labels, settings, polarizations)
        return offset_attributes(self.offset)

    def facts(self) -> Mapping[str, Any]:
        """See `Part.facts`."""
        facts = {
            "layers": self.labels.facts(self._scene.times),
            "label_offset": self.offset,
            **self.statistics,
        }
        return {"radarcoding": facts}

    def warnings(self) -> list[str]:
        """See `Stage.warnings`."""
        return [*self.labels.warnings(self._scene.times), *self._unknown()]

    def _unknown(self) -> list[str]:
        """Return a sentence for each vector map that does not cover the scene."""
        layers = self.run.config.radarcoding.layers
        return [
            f"radarcoding.layers.{name}.coverage={Path(layers[name].coverage).name}: the map covers "
            f"{100.0 * share:.1f} % of the scene, and elsewhere its layers are NaN; if it shows all there is, set "
            "everywhere, or name a file with the area that it covers"
            for name, share in self.statistics["known"].items()
            if layers[name].kind == "vector" and share < WHOLE
        ]
