"""Connected regions of classes: numbered strip by strip, and joined where strips meet."""

from __future__ import annotations

from dataclasses import dataclass
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


def find_objects(
    classes: Classes, strips: Sequence[slice], smallest: int, advance: Callable[[int], None] = lambda _: None
) -> Objects:
    """Find the connected regions of an image that have at least ``smallest`` pixels; the same whatever the strips.

    In memory are a strip, and the facts of regions that are large enough or reach the border of their strip.
    """
    parts: list[Facts] = []
    kept: list[NDArray[np.intp]] = []
    pairs = [np.zeros((0, 2), dtype=np.intp)]
    above, count = None, 0
    for lines in strips:
        numbers, of_class = classes.regions(lines)
        edges = classes.device.download(numbers[:: max(1, numbers.shape[0] - 1)])
        facts = _facts_of(numbers, of_class, lines.start, classes.device)
        is_kept = facts["pixels"] >= smallest
        is_kept[edges] = True  # they may go on in the next strip
        is_kept[0] = False
        places = np.zeros(is_kept.size, dtype=np.intp)
        kept.append(np.flatnonzero(is_kept))
        places[kept[-1]] = 1 + count + np.arange(kept[-1].size)
        rows = np.stack([places[edges], of_class[edges]])  # [place or class, first or last line, sample]
        if above is not None:
            pairs.append(_touching(above, rows[:, 0], classes.connectivity))
        parts.append({name: values[kept[-1]] for name, values in facts.items()})
        above, count = rows[:, -1], count + kept[-1].size
        advance(1)
    facts = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    number_of, facts = _joined(facts, np.concatenate(pairs), smallest)
    facts["first_line"] = facts["first_pixel"] // rows.shape[-1]
    ends = np.cumsum([own.size for own in kept])[:-1]
    numbers_of = [
        (own[given > 0], given[given > 0]) for own, given in zip(kept, np.split(number_of, ends), strict=True)
    ]
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

    ``above`` and ``below`` are the lines there [place or class, sample]; places count from 1 on.
    """
    found, samples = [], above.shape[1]
    for shift in (0,) if connectivity == 4 else (-1, 0, 1):
        first = above[:, max(0, -shift) : samples - max(0, shift)]
        second = below[:, max(0, shift) : samples + min(0, shift)]
        touch = (first[0] > 0) & (second[0] > 0) & (first[1] == second[1])
        found.append(np.stack([first[0, touch], second[0, touch]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _joined(facts: Facts, pairs: NDArray[np.intp], smallest: int) -> tuple[NDArray[np.intp], Facts]:
    """Join regions of strips; returns the number of the object of each, 0 for none, and the facts of objects."""
    size = facts["pixels"].size
    first, second = pairs.T - 1
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
    order = np.lexsort((found["first_pixel"], found["class"]))
    order = order[found["pixels"][order] >= smallest]
    number = np.zeros(count, dtype=np.intp)
    number[order] = 1 + np.arange(order.size)
    facts = {name: values[order] for name, values in found.items()}
    return number[group], facts
