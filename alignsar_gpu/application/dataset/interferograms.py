"""Interferograms of a network of dates: multilooked block by block as the stack goes by, filtered pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.application.dataset.layers import phase_state
from alignsar_gpu.application.dataset.output import open_flow, record_written
from alignsar_gpu.application.dataset.part import Part
from alignsar_gpu.dataset.cube import create_cube, finish_cube, open_layer
from alignsar_gpu.dataset.interferograms import (
    COHERENCE,
    FILTERED_PHASE,
    PHASE,
    Interferograms,
    interferograms_layout,
)
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.interferometry.goldstein import ADAPTIVE_REFERENCES, REFERENCES, filtered_phase
from alignsar_gpu.interferometry.multilooking import cell_centres, multilooked
from alignsar_gpu.interferometry.networks import pairs_of, unconnected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignsar_gpu.application.dataset.part import Plan
    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.config import Config, InterferometryConfig
    from alignsar_gpu.dataset.cube import CubeLayout
    from alignsar_gpu.dataset.flow import Flow
    from alignsar_gpu.stack.block import Stack
    from alignsar_gpu.stack.ground import Ground
    from alignsar_gpu.stack.product import StackProduct

INTERFEROGRAMS = "interferograms.zarr"


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """Which pairs are formed, and what becomes of them.

    Attributes
    ----------
    what : pairs, polarizations, looks.
    layout : of interferograms.zarr.
    alpha : strength of Goldstein's filter, 0 for none; None: by the coherence of each patch.
    patch : its size, cells.
    warnings : what users must know, a sentence each.
    """

    what: Interferograms
    layout: CubeLayout
    alpha: float | None
    patch: int
    warnings: tuple[str, ...]


class InterferogramsPart(Part):
    """Interferograms of a network of dates, in interferograms.zarr beside the cube."""

    name = "interferograms"
    network: Network

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.interferometry.network != "none"

    def begin(self, plan: Plan) -> bool:
        """See `Part.begin`: a single date has no pairs."""
        super().begin(plan)
        network = network_of(
            plan.product,
            [(baseline.temporal, baseline.perpendicular) for baseline in plan.scene.baselines],
            self.run.config.interferometry,
            plan.layout,
            phase_state(plan.product, self.run.config),
        )
        if network is not None:
            self.network = network
        return network is not None

    def create(self) -> list[Path]:
        """See `Part.create`."""
        store = self.plan.work / INTERFEROGRAMS
        create_cube(store, self.network.layout)
        return sorted(store.glob("*/zarr.json"))

    def open_stores(self, flow: Flow) -> list[CubeWriter]:
        """See `Part.open_stores`."""
        self._writer = CubeWriter(self.plan.work / INTERFEROGRAMS, self.network.layout, flow)
        return [self._writer]

    def write_block(self, stack: Stack, ground: Ground) -> None:
        """Write the cells that begin in the core of ``stack``."""
        writer, looks, send = self._writer, self.network.what.looks, stack.device.begin_download
        first = (stack.begin + stack.first) // looks[0]
        longitude, latitude, height = cell_centres(ground, stack.core, looks)
        for name, values in (
            ("longitude", longitude),
            ("latitude", latitude),
            ("height", height.astype(np.float32)),
        ):
            writer.write(name, first, send(values))
        for pair in multilooked(stack, self.network.what.pairs, looks):
            writer.write(f"{PHASE}_{pair.polarization}", first, send(pair.phase), pair.pair)
            writer.write(f"{COHERENCE}_{pair.polarization}", first, send(pair.coherence), pair.pair)

    def make(self, folder: RunFolder) -> None:
        """Filter the pairs, where that is asked for, and close interferograms.zarr."""
        what, store = self.network.what, folder.work / INTERFEROGRAMS
        count = 0 if what.filtering is None else len(what.pairs)
        with self.run.timer.stage(self.name, count) as advance:
            with open_flow(self.run.device) as flow:
                writer = CubeWriter(store, self.network.layout, flow)
                done = folder.journal.resume("filtered", count, [writer])
                advance.keep(done)
                for pair in range(done, count):
                    self._filter(store, pair, writer)
                    record_written(flow, folder, f"filtered-{pair}", [writer], advance)
            finish_cube(store, {})

    def _filter(self, store: Path, pair: int, writer: CubeWriter) -> None:
        device, network = self.run.device, self.network
        for polarization in network.what.polarizations:
            phase, coherence = (
                device.upload(np.asarray(open_layer(store, f"{name}_{polarization}")[pair]))
                for name in (PHASE, COHERENCE)
            )
            values = filtered_phase(phase, coherence, device.xp, alpha=network.alpha, patch=network.patch)
            writer.write(f"{FILTERED_PHASE}_{polarization}", 0, device.begin_download(values), pair)

    def warnings(self) -> tuple[str, ...]:
        """See `Stage.warnings`."""
        return self.network.warnings


def network_of(
    product: StackProduct,
    baselines: Sequence[tuple[float, float]],
    config: InterferometryConfig,
    cube: CubeLayout,
    state: str,
) -> Network | None:
    """The network that ``config`` asks for; None for no network, or a single date.

    Parameters
    ----------
    baselines : temporal (days) and perpendicular (m) of every date against the reference.
    cube : layout of the cube that the interferograms lie beside.
    state : what is still in the phase, for users to read.

    Raises AlignsarError where no pair is within the limits, or looks do not divide the rows of chunks.
    """
    pairs = pairs_of(
        config.network,
        [days for days, _ in baselines],
        [metres for _, metres in baselines],
        product.reference,
        neighbours=config.network_neighbours,
        most_days=config.network_days,
        most_metres=config.network_metres,
    )
    if not pairs:
        return None
    alone = unconnected(pairs, len(baselines), product.reference)
    dates = ", ".join(product.acquisitions[date].date for date in alone)
    warnings = (f"interferometry.network={config.network}: joins nothing to {dates}",) if alone else ()
    adaptive = config.goldstein_adaptive
    filtering = None
    if adaptive or config.goldstein_alpha > 0.0:
        strength = "1 - coherence of each patch" if adaptive else f"{config.goldstein_alpha:g}"
        filtering = (
            f"Goldstein's filter, alpha = {strength}, patches of {config.goldstein_patch} x {config.goldstein_patch}",
            ADAPTIVE_REFERENCES if adaptive else REFERENCES,
        )
    what = Interferograms(
        pairs=pairs,
        polarizations=product.polarizations,
        looks=(config.looks_lines, config.looks_samples),
        state=state,
        network=_described(config),
        filtering=filtering,
    )
    return Network(
        what=what,
        layout=interferograms_layout(what, cube),
        alpha=None if adaptive else config.goldstein_alpha,
        patch=config.goldstein_patch,
        warnings=warnings,
    )


def _described(config: InterferometryConfig) -> str:
    """How the pairs were chosen, for users to read."""
    limits = [
        f"at most {limit:g} {unit}"
        for limit, unit in (
            (config.network_days, "days"),
            (config.network_metres, "m of perpendicular baseline"),
        )
        if limit is not None
    ]
    words = {
        "single_reference": "the reference date with every other",
        "sequential": f"every date with its next {config.network_neighbours}",
        "small_baseline": "all pairs of " + (" and ".join(limits) or "any baseline"),
    }
    return words[config.network]
