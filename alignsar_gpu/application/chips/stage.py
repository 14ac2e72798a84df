"""Chips as a stage: places are looked at and split, chips written, then read for their index and statistics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.chips.boxes.layers import check_boxes, facts_of
from alignsar_gpu.application.chips.boxes.making import make_boxes
from alignsar_gpu.application.chips.cutting import Cutting
from alignsar_gpu.application.chips.describing import widest_window
from alignsar_gpu.application.chips.errors import measure_errors
from alignsar_gpu.application.chips.finishing import Finishing
from alignsar_gpu.application.chips.growth import Earlier
from alignsar_gpu.application.chips.layers import choose_layers, ignored_in
from alignsar_gpu.application.chips.places import Windows, balance_of, screen
from alignsar_gpu.application.chips.regions import KEY as REGIONS
from alignsar_gpu.application.chips.selection import select_chips
from alignsar_gpu.application.chips.source import Source
from alignsar_gpu.application.dataset.layers import mantissa_bits
from alignsar_gpu.application.dataset.output import open_flow, record_written
from alignsar_gpu.application.fingerprints import write_text
from alignsar_gpu.application.space import check_chips_space
from alignsar_gpu.application.stage import Stage, keys_of
from alignsar_gpu.dataset.chips.description import BLOCKS, DATASET, STATISTICS, as_json
from alignsar_gpu.dataset.chips.index import INDEX, write_index
from alignsar_gpu.dataset.chips.layout import STORE
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.dataset.chips.splits.files import write_blocks
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.dataset.chips.webdataset import FOLDER as WEBDATASET
from alignsar_gpu.dataset.chips.webdataset import tar_shards, write_tar
from alignsar_gpu.dataset.cube import finish_cube
from alignsar_gpu.device import cpu_threads
from alignsar_gpu.progress import LOGGER
from alignsar_gpu.radarcoding.vectors.formats.paths import find_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.config import Config

CHIPS = "chips"
MEMORY = 0.125  # share of the memory for the windows that chips are cut from


class ChipsStage(Stage):
    """chips/: chips of the cube or its map, with their index, splits and statistics."""

    name = "chips"
    reads = ("dataset", "geocoding")
    products = (CHIPS,)
    shown = (("chips", CHIPS, "(alignsar_gpu.open_dataset)"),)

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.chips.is_wanted

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return keys_of(self.run.config.chips)

    def files(self) -> Sequence[Sequence[Path | str]]:
        """See `Stage.files`."""
        chips = self.run.config.chips
        onto = None if chips.onto is None else folder_of(Path(chips.onto).expanduser()) / DATASET
        blocks = None if chips.split.file is None else Path(chips.split.file).expanduser()
        regions = () if chips.split.regions is None else find_vectors(chips.split.regions, REGIONS).files
        return *(() if path is None else (path,) for path in (blocks, onto)), regions

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`; a row of places is a unit, of what all dates share and then of each date."""
        config, target = self.run.config.chips, folder.work / CHIPS
        earlier = None if config.onto is None else Earlier.open(config.onto)
        if earlier is not None:
            config = earlier.continuing(config)
        crs = None if earlier is None else earlier.crs
        source = Source.open(folder.work, config.geometry, self._share, crs)
        layers, windows = choose_layers(source, config), Windows.of(config, source.shape)
        source = replace(source, ignored_classes=ignored_in(source, layers, config))
        windows.require_memory(self.run.device.memory_budget)
        check_boxes(config, facts_of(source))
        with self.run.timer.stage(self.name, windows.counts[0]) as advance:
            balance = balance_of(source, layers.labels, config.split.balance)
            screened = screen(source, windows, layers.labels, balance, advance)
            window = widest_window(source)
            cutting = Cutting(
                source=source,
                windows=windows,
                layers=layers,
                selection=select_chips(
                    source, screened, config, window, None if earlier is None else earlier.index
                ),
                dtype=config.type,
                mantissa_bits=mantissa_bits(config.digits),
                compressed=config.compressed,
            )
        if earlier is not None:
            cutting = earlier.grown(cutting)
        self._say(cutting)
        images = cutting.counts["chip"] if config.box_products else 0
        check_chips_space(cutting.layout, cutting.counts, folder.work, CHIPS, images)
        self._fill(folder, cutting, target / STORE, earlier)
        self._finish(folder, Finishing(cutting=cutting, screened=screened, window=window, earlier=earlier))

    def _say(self, cutting: Cutting) -> None:
        selection = cutting.selection
        splits = [str(name) for name in dict.fromkeys(selection.split.tolist())]
        LOGGER.info(
            "chips      %d, each %d x %d pixels, at %d places: %s",
            *(selection.place.size, *cutting.windows.shape, selection.places.size),
            ", ".join(f"{name} {int((selection.split == name).sum())}" for name in splits),
        )
        for reason, count in selection.left_out.items():
            LOGGER.info("left out   %d chips: %s", count, reason)
        if "pairs" in cutting.arrays and cutting.of_pairs.size < selection.place.size:
            names = ", ".join(plane.name for plane in cutting.arrays["pairs"])
            LOGGER.info(
                "left out   %s of the reference date %s: compared with itself, a date has coherence 1 and phase 0",
                *(names, cutting.source.dates[cutting.source.reference]),
            )

    @property
    def _pixels(self) -> int:
        """Pixels of all layers that are held at a time while chips are cut."""
        return self._share // np.dtype(np.float32).itemsize

    @property
    def _share(self) -> int:
        """Bytes of the windows that chips are cut from, and of the rows of chunks that are held for them."""
        return int(MEMORY * self.run.device.memory_budget)

    def _fill(self, folder: RunFolder, cutting: Cutting, path: Path, earlier: Earlier | None) -> None:
        unit, units = f"{self.name}/layout", cutting.units
        if not folder.is_recorded(unit):
            cutting.layout.create(path)
            if earlier is not None:
                earlier.link(path.parent)
            folder.record(unit, sorted(file for file in path.parent.rglob("*") if file.is_file()))
        with self.run.timer.stage("cutting", len(units)) as advance, open_flow(self.run.device) as flow:
            writers = cutting.writers(path, flow)
            done = folder.journal.resume(f"{self.name}_unit", len(units), list(writers.values()))
            advance.keep(done)
            for number in range(done, len(units)):
                for array, chip, values in cutting.chips(units[number], self._pixels):
                    writers[array].write(chip, values)
                record_written(flow, folder, f"{self.name}_unit-{number}", list(writers.values()), advance)
        finish_cube(path, {})

    def _finish(self, folder: RunFolder, made: Finishing) -> None:
        """Write all files but the chips."""
        config, target = self.run.config.chips, folder.work / CHIPS
        store = ChipStore.open(target)
        with self.run.timer.stage("index", 2) as advance:
            own, index = made.indices(store, cpu_threads())
            write_index(target / INDEX, index)
            advance(1)
            statistics = made.statistics(store, index, cpu_threads())
            advance(1)
        if "webdataset" in config.products:
            self._write_tars(folder, store, own if made.has_tars else index, made.version)
        write_blocks(target / BLOCKS, made.cutting.selection.blocks)
        write_text(target / STATISTICS, as_json(statistics))
        errors = measure_errors(made.cutting, store, self._pixels)
        facts = made.facts(config, index, statistics, errors)
        if config.box_products:
            facts["boxes"] = make_boxes(self.run, folder, target, made.cutting, store, index, statistics)
        facts["files"] = {
            str(path.relative_to(target)): {
                "size": path.stat().st_size,
                "sha256": folder.journal.checksums.of(path),
            }
            for path in sorted(target.rglob("*"))
            if path.is_file() and path.name != DATASET
        }
        if made.earlier is not None:
            made.earlier.require_unchanged(facts["files"])
        write_text(target / DATASET, as_json(self.run.published(facts)))

    def _write_tars(
        self, folder: RunFolder, store: ChipStore, index: Mapping[str, Any], version: int
    ) -> None:
        together = self.run.config.chips.dates == "together"
        shards = tar_shards(store, index, version, together=together)
        with self.run.timer.stage(WEBDATASET, len(shards)) as advance:
            for shard in shards:
                unit = f"{self.name}/{shard.name}"
                if folder.is_recorded(unit):
                    advance.keep(1)
                    continue
                path = folder.work / CHIPS / WEBDATASET
                folder.record(unit, [write_tar(path, shard, store, index, together=together)])
                advance(1)
