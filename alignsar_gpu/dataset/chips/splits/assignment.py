"""Assign blocks to splits so that the shares of chips and of every class are met after the buffer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.dataset.chips.splits.grid import Nearby

RESTARTS = 64  # assignments that are made side by side
ORDERS = 10  # random orders for each; what is aimed at is corrected between them
MOVED, MOST_MOVES = 2, 300  # blocks that move at a time, and how often at most
EFFORT = 100_000  # how often blocks move, times groups of places
STEPS = 1000  # blocks, or groups of blocks where there are more, that are assigned one after the other
UNIT = 1 << 26  # all chips, or all pixels of a class, as an integer: sums are then the same on any machine
SCORE = 1 << 20  # a deviation or share of 1 as an integer
AT_ONCE = 1 << 14  # groups whose blocks are compared at once
CORRECTION = 2.0  # largest factor from one round to the next
LOST = 0.5  # weight of the share of chips that the buffer takes, beside deviations of shares


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is to be assigned: blocks with the chips and pixels of classes that belong to them.

    Attributes
    ----------
    nearby : blocks of each place.
    weights : 1 and the pixels of each class, [place, 1 + class].
    shares : wanted share of each split, summing to 1.
    folds : whether splits are folds, each of which is once tested and otherwise in training. If not, the first one is
        the training split.
    known : split of each block that has one already; -1 for the others, and the number of splits for those that are
        kept out of all splits.
    """

    nearby: Nearby
    weights: NDArray[np.int64]
    shares: NDArray[np.float64]
    folds: bool
    known: NDArray[np.int64]

    @cached_property
    def totals(self) -> NDArray[np.int64]:
        """Chips and pixels of classes, of all places."""
        return np.asarray(self.weights.sum(axis=0))

    @cached_property
    def of_groups(self) -> NDArray[np.int64]:
        """Chips and pixels of classes [group, 1 + class] of the places that come near the same blocks."""
        return _sums(self.weights, self.nearby.group_of, len(self.nearby.groups))

    @cached_property
    def of_blocks(self) -> NDArray[np.int64]:
        """Chips and pixels of classes of the blocks [block, 1 + class], each in parts of ``UNIT`` of its total."""
        sums = _sums(self.weights, self.nearby.home, len(self.nearby.cells))
        return np.rint(sums / np.maximum(self.totals, 1) * UNIT).astype(np.int64)

    @cached_property
    def free(self) -> NDArray[np.int64]:
        """Blocks with chips whose split is not known."""
        return np.flatnonzero((self.known < 0) & (self.of_blocks[:, 0] > 0))

    @cached_property
    def leader(self) -> NDArray[np.int64]:
        """The block that each one follows: itself, or if no chip has its middle there the one that most chips share."""
        nearby, leader = self.nearby, np.arange(len(self.nearby.cells))
        filled = self.of_blocks[:, 0] > 0
        group, k = np.nonzero(~filled[nearby.groups])
        members = nearby.groups[group]
        block = np.repeat(nearby.groups[group, k], members.shape[1])
        chips = np.repeat(self.of_groups[group, 0], members.shape[1])
        other = members.ravel()
        block, other, chips = (values[filled[other]] for values in (block, other, chips))
        pairs, pair = np.unique(np.stack([block, other], axis=1), axis=0, return_inverse=True)
        shared = np.bincount(pair.reshape(-1), weights=chips, minlength=len(pairs))
        rising = np.lexsort((-pairs[:, 1], shared))
        leader[pairs[rising, 0]] = pairs[rising, 1]  # of several values for one block the last counts
        return leader


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Splits of blocks, and what they make of the places.

    Attributes
    ----------
    of_blocks : split of each block.
    of_groups : split of the places of each group; the number of splits if they are left out.
    kept : chips and pixels of classes [split, 1 + class] after the buffer.
    """

    of_blocks: NDArray[np.int64]
    of_groups: NDArray[np.int64]
    kept: NDArray[np.int64]


def assign(problem: Problem, seed: int) -> Assignment:
    """Assign each block to a split: many assignments are made in random orders and improved, and the best is taken.

    In an order, every block goes to the split that lacks most of what is in it (chips, and pixels of each class as
    shares of all of that class). Then a few blocks at a time move to other splits, and what is better is kept. The best
    has the smallest deviations of the shares of chips and classes from the wanted ones, and few chips left out, all
    measured after the buffer. The result depends on the seed and the places alone: random numbers are PCG64's, and sums
    are of integers.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    groups, splits = problem.nearby.groups, len(problem.shares)
    aim = np.repeat(problem.shares[:, None], problem.weights.shape[1], axis=1)
    best = _fill(problem, aim, rng)
    best_scores = np.full(RESTARTS, np.iinfo(np.int64).max)
    for number in range(ORDERS + min(MOST_MOVES, EFFORT // len(groups))):
        tried = _fill(problem, aim, rng) if number < ORDERS else _moved(problem, best, rng)
        kept = _kept(_splits_of_groups(groups, tried, splits), problem.of_groups, splits)
        scores = _scores(kept, problem)
        better = scores < best_scores
        best[:, better], best_scores[better] = tried[:, better], scores[better]
        aim = _corrected(aim, kept[scores.argmin()], problem.shares)
    chosen = best[:, [best_scores.argmin()]]
    of_groups = _splits_of_groups(groups, chosen, splits)
    kept = _kept(of_groups, problem.of_groups, splits)[0]
    return Assignment(
        of_blocks=chosen[:, 0].astype(np.int64), of_groups=of_groups[:, 0].astype(np.int64), kept=kept
    )


def absent(kept: NDArray[np.int64], problem: Problem) -> NDArray[np.bool_]:
    """Find the classes [..., class] that occur in places but not in training, which for folds are all but one."""
    pixels = kept[..., 1:]
    training = pixels.sum(axis=-2) - pixels.max(axis=-2) if problem.folds else pixels[..., 0, :]
    lacking: NDArray[np.bool_] = (training == 0) & (problem.totals[1:] > 0)
    return lacking


def _sums(values: NDArray[np.int64], index: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    sums = np.zeros((count, values.shape[1]), np.int64)
    np.add.at(sums, index, values)
    return sums


def _fill(problem: Problem, aim: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int8]:
    """Assign the blocks [block, restart] in random orders, those with much of a class first."""
    weights, known = problem.of_blocks, problem.known
    fixed = np.flatnonzero((known >= 0) & (known < len(aim)))
    lacks = np.rint(aim * UNIT).astype(np.int64) - _sums(weights[fixed], known[fixed], len(aim))
    lacks = np.repeat(lacks[None], RESTARTS, axis=0)
    free = problem.free
    keys = rng.random((RESTARTS, len(free))) * weights[free].sum(axis=1)
    order = free[np.argsort(-keys, axis=1, kind="stable")]
    tried = np.repeat(known.astype(np.int8)[:, None], RESTARTS, axis=1)
    every = np.arange(RESTARTS)
    for blocks in np.array_split(order, min(STEPS, max(1, len(free))), axis=1):
        weight = weights[blocks].sum(axis=1)
        split = (lacks * weight[:, None]).sum(axis=2).argmax(axis=1)
        lacks[every, split] -= weight
        tried[blocks.T, every] = split
    return _followed(problem, tried)


def _moved(problem: Problem, best: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int8]:
    """Move a few random blocks of each assignment [block, restart] to random splits."""
    tried, free = best.copy(), problem.free
    if free.size:
        blocks = free[(rng.random((MOVED, RESTARTS)) * len(free)).astype(np.int64)]
        tried[blocks, np.arange(RESTARTS)] = rng.random(blocks.shape) * len(problem.shares)
    return _followed(problem, tried)


def _followed(problem: Problem, tried: NDArray[np.int8]) -> NDArray[np.int8]:
    """Give blocks without chips the split of the block that they follow."""
    following = np.flatnonzero(problem.known < 0)
    tried[following] = tried[problem.leader[following]]
    return tried


def _splits_of_groups(groups: NDArray[np.int64], tried: NDArray[np.int8], outside: int) -> NDArray[np.int8]:
    """Return the split [group, restart] of the places of each group; ``outside`` if their blocks differ."""
    splits = np.empty((len(groups), tried.shape[1]), np.int8)
    for first in range(0, len(groups), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        near = tried[groups[part]]
        splits[part] = np.where((near == near[:, :1]).all(axis=1), near[:, 0], outside)
    return splits


def _kept(of_groups: NDArray[np.int8], weights: NDArray[np.int64], splits: int) -> NDArray[np.int64]:
    """Sum up chips and classes [restart, split, 1 + class] that are kept. (Exact: integers below 2^53.)"""
    values = weights.astype(np.float64)
    sums = [(of_groups == split).T.astype(np.float64) @ values for split in range(splits)]
    return np.stack(sums, axis=1).astype(np.int64)


def _scores(kept: NDArray[np.int64], problem: Problem) -> NDArray[np.int64]:
    """Rate restarts, the lower the better: no split empty and no class absent from training come first."""
    total = kept.sum(axis=1, keepdims=True)
    off = np.abs(kept / np.maximum(total, 1) - problem.shares[:, None])
    deviation = np.rint(off * SCORE).astype(np.int64).sum(axis=1)
    occurring = problem.totals > 0
    classes = max(1, int(occurring[1:].sum()))
    lost = np.rint((1.0 - total[:, 0, 0] / problem.totals[0]) * LOST * SCORE).astype(np.int64)
    score = deviation[:, 0] + (deviation[:, 1:] * occurring[1:]).sum(axis=1) // classes + lost
    empty = (kept[:, :, 0] == 0).sum(axis=1)
    wrong = empty * (1 + classes) + absent(kept, problem).sum(axis=1)
    rated: NDArray[np.int64] = score + wrong * 100 * SCORE
    return rated


def _corrected(
    aim: NDArray[np.float64], kept: NDArray[np.int64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Aim at more of what a split got too little of: the buffer takes more from small splits."""
    factor = np.sqrt(shares[:, None] * kept.sum(axis=0) / np.maximum(kept, 1))
    corrected = aim * np.clip(factor, 1.0 / CORRECTION, CORRECTION)
    return np.asarray(corrected / corrected.sum(axis=0))
