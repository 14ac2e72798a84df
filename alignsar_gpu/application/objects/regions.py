"""Connected regions of classes: numbered strip by strip, and joined where strips meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.device import Device

# What is known of the regions of a strip or an image, by name: a value for each.
Facts = dict[str, "NDArray[Any]"]
LEAST, MOST, SUMMED = (
    ("first_pixel", "first_sample"),
    ("last_line", "last_sample"),
    ("line_sum", "sample_sum"),
)
NO_PIXEL = np.iinfo(np.int32).max


@dataclass(frozen=True, kw_only=True, eq=False)
class Classes:
    """A layer of classes, and how its pixels are connected.

    Attributes
    ----------
    read : returns the classes of some lines [line, sample], numbered from 1 on; 0 where there is none.
    count : of classes.
    connectivity : 4 or 8 neighbours of a pixel.
    device : where regions are numbered.
    """

    read: Callable[[slice], NDArray[np.uint8]]
    count: int
    connectivity: int
    device: Device

    def regions(self, lines: slice) -> tuple[Any, NDArray[np.int32]]:
        """Number the regions of each class in some lines, the same way every time.

        Returns the numbers [line, sample] on the device, 0 where there is no class, and the class of each number.
        """
        classes, xp = self.device.upload(self.read(lines)), self.device.xp
        numbers, counts = xp.zeros(classes.shape, dtype=np.int32), [1]
        for number in range(1, self.count + 1):
            own, count = self.device.label(classes == number, self.connectivity)
            numbers = xp.where(own > 0, own + (sum(counts) - 1), numbers)
            counts.append(count)
        return numbers, np.repeat(np.arange(len(counts), dtype=np.int32), counts)


@dataclass(frozen=True, kw_only=True, eq=False)
class Objects:
    """Regions of an image, in order of their class and their first pixel.

    Attributes
    ----------
    facts : ``class`` (from 1 on), ``pixels``, ``first_pixel`` (line by line), ``first_line`` and the last one, the
        first and last sample, and ``line_sum`` and ``sample_sum`` of its pixels.
    strips : of the image.
    numbers : for each strip, the numbers of its regions that belong to objects, and those of the objects from 1 on.
    """

    facts: Facts
    strips: Sequence[slice]
    numbers: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.facts["pixels"].size)

    def image(self, classes: Classes, strip: int) -> Any:
        """Return the objects that the pixels of a strip belong to, from 1 on, on the device; 0 without one."""
        own, given = self.numbers[strip]
        numbers, of_class = classes.regions(self.strips[strip])
        number_of = np.zeros(of_class.size, dtype=np.int32)
        number_of[own] = given
        return classes.device.upload(number_of)[numbers]


def find_objects(
    classes: Classes, strips: Sequence[slice], smallest: int, advance: Callable[[int], None] = lambda _: None
) -> Objects:
    """Find the connected regions of an image that have at least ``smallest`` pixels; the same whatever the strips.

    In memory are a strip, the objects found, and the regions that reach the end of the strip.
    """
    joining = _Joining(classes.connectivity, smallest)
    for lines in strips:
        numbers, of_class = classes.regions(lines)
        edges = classes.device.download(numbers[:: max(1, numbers.shape[0] - 1)])
        facts = _facts_of(numbers, of_class, lines.start, classes.device)
        joining.add(facts, edges, is_last=lines is strips[-1])
        advance(1)
    facts, numbers_of = joining.finish()
    facts["first_line"] = facts["first_pixel"] // edges.shape[1]
    return Objects(facts=facts, strips=strips, numbers=numbers_of)


def _facts_of(numbers: Any, of_class: NDArray[np.int32], first_line: int, device: Device) -> Facts:
    """Measure the regions of a strip, number 0 among them; ``first_pixel`` counts line by line from its first line."""
    xp, count, samples = device.xp, of_class.size, numbers.shape[1]
    pixel = xp.flatnonzero(numbers > 0)
    own, line, sample = numbers.ravel()[pixel], pixel // samples, pixel % samples
    found = {"pixels": xp.bincount(own, minlength=count)}
    for name, values in zip(SUMMED, (line, sample), strict=True):
        found[name] = xp.bincount(own, weights=values.astype(np.float64), minlength=count)
    for name, values in zip(LEAST, (pixel, sample), strict=True):
        found[name] = xp.full(count, NO_PIXEL, dtype=np.int32)
        xp.minimum.at(found[name], own, values.astype(np.int32))
    for name, values in zip(MOST, (line, sample), strict=True):
        found[name] = xp.zeros(count, dtype=np.int32)
        xp.maximum.at(found[name], own, values.astype(np.int32))
    facts = {name: device.download(values).astype(np.int64) for name, values in found.items()}
    facts["line_sum"] += first_line * facts["pixels"]
    facts["last_line"] += first_line
    facts["first_pixel"] += first_line * samples
    return facts | {"class": of_class}


def _touching(above: NDArray[Any], below: NDArray[Any], connectivity: int) -> NDArray[np.intp]:
    """Return the pairs of regions of the same class that touch where two strips meet.

    ``above`` and ``below`` are the lines there [region or class, sample]; regions count from 1 on.
    """
    found, samples = [], above.shape[1]
    for shift in (0,) if connectivity == 4 else (-1, 0, 1):
        first = above[:, max(0, -shift) : samples - max(0, shift)]
        second = below[:, max(0, shift) : samples + min(0, shift)]
        touch = (first[0] > 0) & (second[0] > 0) & (first[1] == second[1])
        found.append(np.stack([first[0, touch], second[0, touch]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


@dataclass(kw_only=True, eq=False)
class _Kept:
    """Regions of a strip that are, or may become, objects.

    Attributes
    ----------
    own : their numbers in the strip.
    ends : what became of each: the number of an object from 1 on, or -1, -2, ... for the groups that go on below.
    becomes : what became of these groups in the next strip, likewise; 0 where they were too small.
    """

    own: NDArray[np.intp]
    ends: NDArray[np.intp]
    becomes: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))

    def go_on(self, becomes: NDArray[np.intp]) -> None:
        """Note what became of groups that went on, and forget those that were too small."""
        self.becomes = becomes
        kept = _resolved(self.ends, becomes) != 0
        self.own, self.ends = self.own[kept], self.ends[kept]


def _resolved(ends: NDArray[np.intp], becomes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Replace what goes on by what became of it."""
    result = ends.copy()
    goes_on = ends < 0
    result[goes_on] = becomes[-1 - ends[goes_on]]
    return result


class _Joining:
    """Regions of strips that are joined, one strip after the other.

    Groups of regions that do not reach the last line so far are finished: small ones are forgotten.
    """

    def __init__(self, connectivity: int, smallest: int) -> None:
        self._connectivity, self._smallest = connectivity, smallest
        self._open: Facts = {}
        self._above = np.zeros((2, 0), dtype=np.intp)  # the last line: group, from 1 on, and class
        self._finished: list[Facts] = []
        self._count = 0
        self._strips: list[_Kept] = []

    def add(self, facts: Facts, edges: NDArray[np.int32], *, is_last: bool) -> None:
        """Join the regions of the next strip, of which ``edges`` are the first and last line."""
        is_kept = facts["pixels"] >= self._smallest
        is_kept[edges] = True
        is_kept[0] = False
        own = np.flatnonzero(is_kept)
        place, before = np.zeros(is_kept.size, dtype=np.intp), 0
        place[own] = 1 + np.arange(own.size)
        nodes, pairs = {name: values[own] for name, values in facts.items()}, np.zeros((0, 2), dtype=np.intp)
        if self._strips:
            before = self._open["pixels"].size
            below = np.stack([place[edges[0]], facts["class"][edges[0]]])
            pairs = _touching(self._above, below, self._connectivity) + np.array([-1, before - 1])
            nodes = {name: np.concatenate([self._open[name], values]) for name, values in nodes.items()}
        group, joined = _joined(nodes, pairs)
        last = edges[-1]
        is_open = np.zeros(joined["pixels"].size, dtype=bool)
        is_open[group[before + place[last[last > 0]] - 1]] = not is_last
        is_object = ~is_open & (joined["pixels"] >= self._smallest)
        ends = np.zeros(is_open.size, dtype=np.intp)
        ends[is_object] = self._count + 1 + np.arange(np.count_nonzero(is_object))
        ends[is_open] = -1 - np.arange(np.count_nonzero(is_open))
        if self._strips:
            self._strips[-1].go_on(ends[group[:before]])
        found = ends[group[before:]]
        self._strips.append(_Kept(own=own[found != 0], ends=found[found != 0]))
        self._finished.append({name: values[is_object] for name, values in joined.items()})
        self._count += int(np.count_nonzero(is_object))
        self._open = {name: values[is_open] for name, values in joined.items()}
        line = np.zeros(last.size, dtype=np.intp)
        line[last > 0] = -ends[group[before + place[last[last > 0]] - 1]]
        self._above = np.stack([line, facts["class"][last]])

    def finish(self) -> tuple[Facts, list[tuple[NDArray[np.intp], NDArray[np.intp]]]]:
        """Return the facts of objects in order of class and first pixel, and which regions of each strip they are."""
        facts = {name: np.concatenate([part[name] for part in self._finished]) for name in self._finished[0]}
        order = np.lexsort((facts["first_pixel"], facts["class"]))
        number = np.zeros(self._count + 1, dtype=np.intp)
        number[1 + order] = 1 + np.arange(self._count)
        numbers, becomes = [], np.zeros(0, dtype=np.intp)
        for strip in reversed(self._strips):
            becomes = _resolved(strip.becomes, becomes)
            found = number[_resolved(strip.ends, becomes)]
            numbers.append((strip.own[found > 0], found[found > 0]))
        return {name: values[order] for name, values in facts.items()}, numbers[::-1]


def _joined(facts: Facts, pairs: NDArray[np.intp]) -> tuple[NDArray[np.intp], Facts]:
    """Join regions by pairs that touch; returns the group of each, and the facts of groups."""
    size = facts["pixels"].size
    first, second = pairs.T
    graph = coo_array((np.ones(first.size, dtype=bool), (first, second)), shape=(size, size))
    count, group = connected_components(graph, directed=False)
    found: Facts = {"class": np.zeros(count, dtype=np.int64)}
    found["class"][group] = facts["class"]
    for name in ("pixels", *SUMMED):
        found[name] = np.zeros(count, dtype=np.int64)
        np.add.at(found[name], group, facts[name])
    for name in LEAST:
        found[name] = np.full(count, np.iinfo(np.int64).max)
        np.minimum.at(found[name], group, facts[name])
    for name in MOST:
        found[name] = np.zeros(count, dtype=np.int64)
        np.maximum.at(found[name], group, facts[name])
    return group, found
