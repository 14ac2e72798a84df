"""Quality levels of pixels as a part of the dataset: by statistics over the dates, by labels, and by both.

Level 1: the pixel has data on all dates, and is a steady scatterer or coherent over time. Of amplitude dispersion,
Ferretti, Prati and Rocca (2001, IEEE TGRS 39(1)) take 0.25, Hooper, Segall and Zebker (2007, JGR 112(B7)) 0.4 for
candidates; of speckle alone, 7 % of pixels stay below 0.4 on 20 dates and 35 % on 4: few dates do not count. Of two
images that have nothing in common, a share of (1 - c^2)^(L - 1) reads a coherence of c or more with L independent looks
(Touzi et al. 1999, IEEE TGRS 37(1)): 4 % with 12 looks and c = 0.5, 42 % with 4: few looks do not count.

Level 2: one class fills the pixel, labels are where they seem to be, and the ground in it is neither in layover nor in
shadow. Level 3 is both. The levels are those of AlignSAR's benchmark datasets.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.dataset.output import open_flow, record_written
from alignsar_gpu.application.dataset.part import CUBE, Part
from alignsar_gpu.application.labels.stage import Radarcoding
from alignsar_gpu.dataset.cube import CubeLayer, open_layer
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.application.dataset.part import Plan
    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.config import Config

LEVEL = "quality_level"
STATISTICS, REFERENCE = 1, 2
DISPERSION, COHERENCE = "amplitude_dispersion", "coherence_mean"


class LevelsPart(Part):
    """The layer ``quality_level``."""

    name = "levels"

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.quality.levels

    def layers(self, plan: Plan) -> list[CubeLayer]:
        """See `Part.layers`. Raises AlignsarError where the cube will have nothing that a level is told by."""
        self._there = {layer.name for layer in plan.layers}
        self._polarization, self._looks = plan.product.polarizations[0], plan.looks
        self._dates = len(plan.product.acquisitions)
        if not self._statistics and not self.run.config.radarcoding.layers:
            raise AlignsarError(
                f"quality.levels=true: needs {DISPERSION} or {COHERENCE} among signatures.names, of enough dates "
                "(quality.dates) or looks (quality.looks), or labels (radarcoding.layers)"
            )
        attributes = {
            "long_name": "quality level",
            "description": f"1: {self._level_1}; 2: {self._level_2}; 3: both",
            "flag_masks": [STATISTICS, REFERENCE],
            "flag_meanings": "sar_statistics reference_data",
        }
        return [CubeLayer(name=LEVEL, dtype="uint8", dated=False, attributes=attributes)]

    @cached_property
    def _statistics(self) -> dict[str, str]:
        """The layers that level 1 is told by, by signature; those of too few dates or looks are left out."""
        keys = self.run.config.quality
        enough = {DISPERSION: self._dates >= keys.dates, COHERENCE: (self._looks or 0.0) >= keys.looks}
        found = {name: f"{name}_{self._polarization}" for name, counts in enough.items() if counts}
        return {name: layer for name, layer in found.items() if layer in self._there}

    @property
    def _level_1(self) -> str:
        keys = self.run.config.quality
        bounds = {
            DISPERSION: f"amplitude dispersion of at most {keys.amplitude_dispersion:g}",
            COHERENCE: f"mean coherence of at least {keys.coherence:g}",
        }
        told = " or ".join(bounds[name] for name in self._statistics)
        return f"data on all dates, and in {self._polarization.upper()} {told}" if told else "not told"

    @property
    def _level_2(self) -> str:
        keys = self.run.config.quality
        return (
            f"one class in {keys.least_fraction:g} of the pixel or more, labels known to {keys.position:g} samples, "
            "neither layover nor shadow"
        )

    @property
    def _fractions(self) -> Sequence[str]:
        """The layers of shares of classes."""
        parts = [part for part in self.plan.parts if isinstance(part, Radarcoding)]
        return parts[0].labels.fractions if parts else ()

    def make(self, folder: RunFolder) -> None:
        """Fill the layer, row of chunks by row of chunks."""
        path, layout = folder.work / CUBE, self.plan.layout
        counts = np.zeros(4, dtype=np.int64)
        with (
            self.run.timer.stage(self.name, layout.rows) as advance,
            open_flow(self.run.device) as flow,
        ):
            writer = CubeWriter(path, layout, flow)
            done = folder.journal.resume(self.name, layout.rows, [writer])
            advance.keep(done)
            for row in range(layout.rows):
                first = row * layout.chunk[0]
                lines = slice(first, min(first + layout.chunk[0], layout.shape[1]))
                levels = self._levels(path, lines)
                counts += np.bincount(levels.ravel(), minlength=4)
                if row >= done:
                    writer.write(LEVEL, first, levels)
                    record_written(flow, folder, f"{self.name}-{row}", [writer], advance)
        self._shares = counts / counts.sum()

    def _levels(self, path: Path, lines: slice) -> NDArray[np.uint8]:
        """The levels of some lines."""

        def read(name: str) -> NDArray[Any]:
            return np.asarray(open_layer(path, name)[lines])

        keys = self.run.config.quality
        valid = np.asarray(open_layer(path, "valid")[:, lines])
        steady = np.zeros(valid.shape[1:], dtype=bool)
        # What is NaN is below and above nothing.
        for name, layer in self._statistics.items():
            values = read(layer)
            steady |= values <= keys.amplitude_dispersion if name == DISPERSION else values >= keys.coherence
        known = np.zeros(steady.shape, dtype=bool)
        for name in self._fractions:
            known |= read(name) >= keys.least_fraction
        if "position_uncertainty" in self._there:
            known &= read("position_uncertainty") <= keys.position
        if "layover_shadow" in self._there:
            known &= read("layover_shadow") == 0
        return np.asarray(
            STATISTICS * (steady & valid.all(axis=0)).astype(np.uint8) + REFERENCE * known.astype(np.uint8),
            dtype=np.uint8,
        )

    def measure(self) -> Mapping[str, Any]:
        """Return the level that the dataset reaches, unless the configuration gives one."""
        if self.run.config.dataset.processing_level:
            return {}
        reached = STATISTICS * bool(self._statistics) + REFERENCE * bool(self._fractions)
        return {"processing_level": f"L{reached or STATISTICS}"}

    def facts(self) -> Mapping[str, Any]:
        """See `Part.facts`: the share of pixels of each level."""
        return {"quality_levels": {str(level): float(self._shares[level]) for level in range(4)}}

    def warnings(self) -> list[str]:
        """See `Stage.warnings`."""
        keys, found = self.run.config.quality, []
        if not self._statistics:
            looks = self._looks or 0.0
            found.append(
                f"quality.levels=true: no pixel has level 1: {DISPERSION} needs {keys.dates} dates (there are "
                f"{self._dates}), {COHERENCE} {keys.looks:g} independent looks (its window has {looks:g}); both must "
                "be among signatures.names"
            )
        if self.run.config.radarcoding.layers and not self._fractions:
            found.append(
                "quality.levels=true: no label holds shares of classes (method: fraction), so that no pixel has level 2"
            )
        return found
