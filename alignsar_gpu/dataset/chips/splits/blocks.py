"""Split places by square blocks of ground, into shares or into folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from alignsar_gpu.dataset.chips.splits import refusals
from alignsar_gpu.dataset.chips.splits.assignment import Problem, absent, assign
from alignsar_gpu.dataset.chips.splits.grid import block_names, block_table, boxes, find_nearby
from alignsar_gpu.dataset.chips.splits.places import NONE, TRAIN, Splits, chip_length
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.dataset.chips.splits.places import Places

SAME = 0.01  # metres: what corners of blocks may differ after a way through longitude and latitude


def split_by_blocks(
    places: Places,
    *,
    side: float,
    buffer: float,
    shares: Mapping[str, float],
    seed: int,
    known: GeoDataFrame | None = None,
) -> Splits:
    """Split places by square blocks of ground, so that shares of chips and of every class are met.

    Blocks have corners at multiples of ``side`` in the CRS of the footprints, so all tracks and dates of the same
    ground have the same blocks. A place is kept if all blocks that are nearer than ``buffer / 2`` to its footprint
    belong to one split, which is then the place's.

    Two chips of different splits are at least ``buffer`` apart. Proof: let p and q be the nearest points of chips A
    and B, of splits a and b, and suppose that they are less than ``buffer`` apart. Their middle m is less than
    ``buffer / 2`` from both, and lies in some block, for blocks cover the plane. This block is then nearer than
    ``buffer / 2`` to A, so it is of split a; it is as near to B, so it is of split b: but a and b are different.

    Parameters
    ----------
    places : footprints and classes; an overlap between them does no harm.
    side : side of a block in metres, above ``buffer``.
    buffer : smallest distance between chips of different splits, in metres; see ``choose_buffer``.
    shares : wanted share of the chips by name of the split, with "train"; they sum to 1.
    seed : of the random orders in which blocks are assigned (see ``assign``).
    known : blocks of an earlier dataset (see ``read_blocks``). They keep their split, or remain without one (""); so
        that it can grow, splits that have blocks there may get no chips here, and classes may be absent from training.

    Raises AlignsarError if shares or block are wrong, a split gets no chips, a class does not occur in training, or
    known blocks are of another grid or of splits that have no share.
    """
    refusals.check_shares(shares)
    names = [TRAIN, *(name for name in shares if name != TRAIN)]
    wanted = np.array([shares[name] for name in names])
    key = f"chips.split.block={side:g}"
    return _split(places, names, wanted, side=side, buffer=buffer, seed=seed, known=known, key=key)


def split_by_folds(
    places: Places, *, side: float, buffer: float, count: int, seed: int, known: GeoDataFrame | None = None
) -> Splits:
    """Split places by square blocks of ground into folds of equal size, fold_0, fold_1, ..., for cross-validation.

    As ``split_by_blocks``, which says what the parameters are and why folds are at least ``buffer`` apart. Every class
    must occur in at least two folds, so that it occurs in training whichever fold is tested.
    """
    refusals.check_folds(count)
    names = [f"fold_{number}" for number in range(count)]
    wanted = np.full(count, 1.0 / count)
    key = f"chips.split.folds={count}"
    return _split(places, names, wanted, side=side, buffer=buffer, seed=seed, known=known, key=key)


def _split(
    places: Places,
    names: Sequence[str],
    wanted: NDArray[np.float64],
    *,
    side: float,
    buffer: float,
    seed: int,
    known: GeoDataFrame | None,
    key: str,
) -> Splits:
    refusals.check_side(side, buffer)
    if known is None:
        refusals.check_places(len(places), len(names))
    nearby = find_nearby(places, side=side, distance=buffer / 2)
    cells = [(column, row) for column, row in nearby.cells.tolist()]
    splits_of = {} if known is None else _known_blocks(known, names, places.footprints.crs, side)
    elsewhere = {names[split] for split in splits_of.values() if split < len(names)}
    problem = Problem(
        nearby=nearby,
        weights=np.concatenate([np.ones((len(places), 1), np.int64), places.classes], axis=1),
        shares=wanted,
        folds=TRAIN not in names,
        known=np.array([splits_of.get(cell, -1) for cell in cells]),
    )
    assignment = assign(problem, seed)
    needed = chip_length(places.footprints) + buffer
    remedy = refusals.remedy_of_blocks(side, needed, folds=TRAIN not in names)
    chips = dict(zip(names, assignment.kept[:, 0].tolist(), strict=True))
    refusals.check_kept(chips, len(places), key, remedy, elsewhere)
    if not elsewhere:
        refusals.check_classes(absent(assignment.kept, problem), places.names, key, remedy)
    splits_of |= dict(zip(cells, assignment.of_blocks.tolist(), strict=True))
    labels, every = np.array([*names, NONE]), np.array(sorted(splits_of))
    of_blocks = labels[[splits_of[cell] for cell in sorted(splits_of)]]
    return Splits(
        of_place=labels[assignment.of_groups[nearby.group_of]],
        block_of_place=block_names(nearby.cells, places.footprints.crs)[nearby.home],
        blocks=block_table(every, of_blocks, side=side, crs=places.footprints.crs),
    )


def _known_blocks(
    known: GeoDataFrame, names: Sequence[str], crs: CRS, side: float
) -> dict[tuple[int, int], int]:
    """Return the split, an index into names, of known blocks by column and row; the number of names for none."""
    bounds = shapely.bounds(np.asarray(known.to_crs(crs).geometry.array))
    cells = np.floor((bounds[:, :2] + bounds[:, 2:]) / 2 / side).astype(np.int64)
    away = np.abs(bounds - shapely.bounds(boxes(cells, side))).max(axis=1)
    if (foreign := np.flatnonzero(away > SAME)).size:
        raise AlignsarError(
            f"chips.split.file: its block {known['block'].iloc[foreign[0]]!r} is no square of {side:g} m with corners "
            f"at multiples of that in {crs.name!r}; give the chips.split.block and the map projection of that dataset"
        )
    labels = [*names, NONE]
    index = {name: number for number, name in enumerate(labels)}
    if unknown := sorted(set(known["split"]) - set(index)):
        raise AlignsarError(
            f"chips.split.file: has blocks of the split {unknown[0]!r}, and there are only {', '.join(names)}; name "
            "the same splits as that dataset"
        )
    splits_of: dict[tuple[int, int], int] = {}
    for (column, row), split in zip(cells.tolist(), known["split"], strict=True):
        if splits_of.setdefault((column, row), index[split]) != index[split]:
            raise AlignsarError(
                f"chips.split.file: has the block at column {column}, row {row} twice, with the splits "
                f"{labels[splits_of[column, row]]!r} and {split!r}; remove one of them"
            )
    return splits_of
