"""Which places and dates become chips, and in which split each is."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from alignsar_gpu.application.chips.regions import read_regions
from alignsar_gpu.dataset.chips.splits.blocks import split_by_blocks, split_by_folds
from alignsar_gpu.dataset.chips.splits.dates import split_by_dates
from alignsar_gpu.dataset.chips.splits.files import read_blocks
from alignsar_gpu.dataset.chips.splits.places import TRAIN, Places, Splits, chip_length, choose_buffer
from alignsar_gpu.dataset.chips.splits.regions import split_by_regions
from alignsar_gpu.dataset.chips.splits.scenes import split_by_scene
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.application.chips.places import Screened
    from alignsar_gpu.application.chips.source import Source
    from alignsar_gpu.config.chips import ChipsConfig

BLOCKS_OF_BUFFER = 4.0  # side of a block, in buffers, where none is given
STEP = 10.0  # m, which the side is then a multiple of


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The chips, in the order of dates, and in each of places.

    Attributes
    ----------
    places : numbers of the places that have chips.
    place : index into ``places`` of each chip.
    date : index of the date of each chip.
    split, block : of each chip.
    blocks : the blocks or regions, each with its split.
    left_out : chips that are none, by reason.
    buffer, side, chip : metres: between splits, of a block (0 without), and the largest extent of a place.
    """

    places: NDArray[np.int64]
    place: NDArray[np.int64]
    date: NDArray[np.int64]
    split: NDArray[np.str_]
    block: NDArray[np.str_]
    blocks: gpd.GeoDataFrame
    left_out: dict[str, int]
    buffer: float
    side: float
    chip: float

    def only(self, kept: NDArray[np.bool_], why: str) -> Selection:
        """Return some of the chips; the others are left out for a reason."""
        places, place = np.unique(self.place[kept], return_inverse=True)
        others = int(np.count_nonzero(~kept))
        return replace(
            self,
            places=self.places[places],
            place=place,
            date=self.date[kept],
            split=self.split[kept],
            block=self.block[kept],
            left_out=self.left_out | ({why: others} if others else {}),
        )


def select_chips(
    source: Source,
    screened: Screened,
    config: ChipsConfig,
    window: float,
    others: gpd.GeoDataFrame | None = None,
) -> Selection:
    """Choose the chips and their splits; ``window`` (m) is the widest that their layers were computed over.

    ``others`` are chips that these are added to.

    Raises AlignsarError where none is left, and for splits that cannot be made of them.
    """
    usable, left_out = _usable(screened, config)
    eligible = np.flatnonzero(usable.any(axis=0))
    if not eligible.size:
        raise AlignsarError(
            f"chips: none of {usable.size} places and dates is left ({_said(left_out)}); lower chips.least_valid or "
            "chips.least_labelled, or give smaller chips"
        )
    hulls = screened.hulls.iloc[eligible]
    chip = chip_length(hulls)
    if config.onto is not None and config.split.buffer is not None and config.split.buffer < chip + window:
        raise AlignsarError(
            f"chips.onto={config.onto}: its splits are {config.split.buffer:.1f} m apart, and these chips need "
            f"{chip + window:.1f} m; make that dataset again with chips.split.buffer={math.ceil(chip + window)}"
        )
    buffer = choose_buffer(hulls, window, config.split.buffer)
    known = _known_blocks(source, config)
    side = _side_of(known) if config.split.block is None else config.split.block
    if side is None:
        side = STEP * math.ceil(BLOCKS_OF_BUFFER * buffer / STEP)
    places = Places(
        footprints=hulls,
        classes=np.rint(screened.fractions[eligible]).astype(np.int64),
        names=screened.classes,
    )
    if config.split.by == "scenes":
        scene: dict[str, Any] = {
            "scene": str(source.data.attrs["id"]),
            "split": config.split.scene,
            "buffer": buffer,
        }
        found = split_by_scene(places, **scene, others=others)
    else:
        found = _split_places(places, source, config, side, buffer, known)
    of_place, block_of_place, blocks = found.of_place, found.block_of_place, found.blocks
    split = np.broadcast_to(of_place, (len(source.dates), eligible.size))
    if config.split.by == "dates":
        times = source.data["time"].values
        split = np.broadcast_to(
            split_by_dates(list(times), ranges_of(config.split.dates.there))[:, np.newaxis], split.shape
        )
    chosen = usable[:, eligible]
    left_out["between splits"] = int(np.count_nonzero(chosen & (split == "")))
    if config.split.by != "folds" and others is None and TRAIN not in split[chosen]:
        raise AlignsarError(
            "chips.split: no chip is left for training; give other blocks (chips.split.seed, chips.split.file), or "
            "smaller chips"
        )
    date, place = np.nonzero(chosen & (split != ""))
    kept, number = np.unique(place, return_inverse=True)
    return Selection(
        places=eligible[kept],
        place=number,
        date=date,
        split=split[date, place],
        block=block_of_place[place],
        blocks=blocks,
        left_out={reason: count for reason, count in left_out.items() if count},
        buffer=buffer,
        side=side,
        chip=chip,
    )


def _usable(screened: Screened, config: ChipsConfig) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Which dates [date, place] can be chips, and how many cannot for which reason."""
    valid = screened.valid >= config.least_valid
    labelled = ~(screened.labelled < config.least_labelled)  # without labels, NaN
    if config.dates == "together":
        valid, labelled = (np.broadcast_to(kept.all(axis=0), kept.shape) for kept in (valid, labelled))
    somewhere = ~screened.hulls.is_empty.to_numpy()
    usable = valid & labelled & somewhere
    left_out = {
        "without coordinates": int(np.count_nonzero(~somewhere)) * len(valid),
        "with too little data": int(np.count_nonzero(somewhere & ~valid)),
        "with too few labels": int(np.count_nonzero(somewhere & valid & ~labelled)),
    }
    return usable, left_out


def _said(left_out: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)


def _known_blocks(source: Source, config: ChipsConfig) -> gpd.GeoDataFrame | None:
    """Read the blocks of another dataset, which stay in their splits; None where none are given."""
    file = config.split.file
    return None if file is None else read_blocks(Path(file).expanduser(), source.crs)


def _side_of(blocks: gpd.GeoDataFrame | None) -> float | None:
    """The side of blocks, m, to a centimetre; None without any."""
    if blocks is None or not len(blocks):
        return None
    west, _, east, _ = blocks.geometry.iloc[0].bounds
    return round(float(east - west), 2)


def ranges_of(ranges: Mapping[str, Sequence[str]]) -> dict[str, tuple[dt.date, dt.date]]:
    """Read first and last days as they are configured, 20220101 or 2022-01-01."""
    found = {}
    for name, days in ranges.items():
        try:
            first, last = (dt.date.fromisoformat(day) for day in days)
        except ValueError:
            raise AlignsarError(
                f"chips.split.dates.{name}=[{','.join(days)}]: give its first and last day as YYYYMMDD"
            ) from None
        found[name] = first, last
    return found


def _no_blocks(source: Source) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"block": [], "split": []}, geometry=[], crs=source.crs)


def _split_places(
    places: Places,
    source: Source,
    config: ChipsConfig,
    side: float,
    buffer: float,
    known: gpd.GeoDataFrame | None,
) -> Splits:
    """Return the split and the block of each place, and the blocks."""
    split = config.split
    if split.by == "dates":
        count = len(places.footprints)
        none = np.full(count, "")
        return Splits(of_place=none, block_of_place=none, blocks=_no_blocks(source))
    if split.by == "regions":
        regions = read_regions(split.regions or "", split.field, source.crs)
        return split_by_regions(places, regions=regions, field=split.field, buffer=buffer)
    how: dict[str, Any] = {"side": side, "buffer": buffer, "seed": split.seed, "known": known}
    if split.by == "folds":
        return split_by_folds(places, count=split.folds, **how)
    return split_by_blocks(places, shares=split.shares.there, **how)
