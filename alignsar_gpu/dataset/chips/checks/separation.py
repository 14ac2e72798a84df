"""Check that splits keep apart: in place by the buffer, one split for a place on all dates, and as the blocks say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from alignsar_gpu.dataset.chips.description import BLOCKS, DATASET
from alignsar_gpu.dataset.chips.index import INDEX
from alignsar_gpu.dataset.chips.splits.files import read_blocks
from alignsar_gpu.dataset.chips.splits.places import chip_length
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from alignsar_gpu.dataset.chips.checks.findings import Dataset, Findings

MILLIMETRE = 1e-3  # metres: what distances may be short of the buffer
SLIVER = 0.01  # square metres: what rounding may make of a common edge


def check_splits(dataset: Dataset, findings: Findings) -> None:
    """Check the splits of chips: their numbers, one split a place or a date, blocks, and distances."""
    index, facts = dataset.index, dataset.facts
    counts = index["split"].value_counts().sort_index().to_dict()
    if counts != dict(sorted(facts["counts"].items())):
        findings.fail(
            INDEX, f"has the chips {_listed(counts)}, and {DATASET} says {_listed(facts['counts'])}"
        )
    unit, word = ("date", "dates") if dataset.by == "dates" else ("place_id", "places")
    if findings.require(_with_many(index, unit, "split"), INDEX, f"{word} in more than one split"):
        findings.prove(
            f"{index[unit].nunique()} {word} are each in one split on all chips: {_listed(counts)}"
        )
    if dataset.by == "dates":
        return
    _check_blocks(dataset, findings)
    _check_footprints(index, findings)
    places = index.drop_duplicates(["place_id", "split"])
    _check_buffer(facts, places, findings)
    _check_distances(facts["split"]["buffer_m"], places, findings)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _with_many(index: GeoDataFrame, unit: str, column: str) -> list[str]:
    """Return the units (places or dates) whose chips have more than one value in a column."""
    counts = index.groupby(unit)[column].nunique()
    return [str(name) for name in counts.index[counts > 1]]


def _check_blocks(dataset: Dataset, findings: Findings) -> None:
    """Check that the split of each chip is that of its block in splits.geojson, and that blocks do not overlap."""
    index = dataset.index
    try:
        blocks = read_blocks(dataset.folder / BLOCKS, index["footprint"].crs)
    except AlignsarError as error:
        findings.fail(BLOCKS, str(error))
        return
    split_of = dict(zip(blocks["block"], blocks["split"], strict=True))
    unknown = sorted(set(index["block"]) - set(split_of))
    findings.require(unknown, BLOCKS, f"blocks of {INDEX} that it lacks")
    other = index["block"].map(split_of).fillna(index["split"]) != index["split"]
    findings.require(
        index["id"][other].tolist(), INDEX, f"chips in another split than their block in {BLOCKS}"
    )


def _check_buffer(facts: Mapping[str, Any], places: GeoDataFrame, findings: Findings) -> None:
    """Check that the buffer is at least the longest chip and the widest window."""
    longest, buffer = chip_length(places["footprint"]), facts["split"]["buffer_m"]
    if longest > facts["chip_m"] + MILLIMETRE:
        findings.fail(
            DATASET, f"chip_m={facts['chip_m']:.3f}: the longest footprint in {INDEX} has {longest:.3f} m"
        )
    least = max(longest, facts["chip_m"]) + facts["window_m"]
    if buffer < least - MILLIMETRE:
        findings.fail(
            DATASET,
            f"split.buffer_m={buffer:.1f}: is less than a chip and the widest window, {least:.1f} m",
        )


def _check_footprints(index: GeoDataFrame, findings: Findings) -> None:
    """Check that a place has the same footprint on all dates."""
    different = index["footprint"].to_wkb().groupby(index["place_id"]).nunique()
    names = list(different.index[different > 1])
    findings.require(names, INDEX, "places with other footprints on other dates")


def _check_distances(buffer: float, places: GeoDataFrame, findings: Findings) -> None:
    """Check that no two chips of different splits are nearer than the buffer, from their footprints."""
    shapes = np.asarray(places["footprint"].array)
    nearest = np.inf
    for one, other in combinations(sorted(set(places["split"])), 2):
        tree = shapely.STRtree(shapes[places["split"] == other])
        asked = places[places["split"] == one]
        near = _Near.of(tree, np.asarray(asked["footprint"].array))
        nearest = min(nearest, float(near.distance.min()))
        theirs = places["id"][places["split"] == other].to_numpy()
        _report_near(findings, near, (one, other), (asked["id"].to_numpy(), theirs), buffer)
    if nearest >= buffer - MILLIMETRE:
        apart = f"at least {nearest:.1f} m apart" if np.isfinite(nearest) else "all of one split"
        findings.prove(f"{len(places)} places are {apart} between splits; the buffer is {buffer:.1f} m")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Near:
    """The nearest place of another split for each place of a split, and one that overlaps it.

    Attributes
    ----------
    number : of the nearest one, or of the one that overlaps most.
    distance : to it, in metres.
    overlaps : whether it overlaps.
    """

    number: NDArray[np.int64]
    distance: NDArray[np.float64]
    overlaps: NDArray[np.bool_]

    @classmethod
    def of(cls, tree: shapely.STRtree, shapes: NDArray[np.object_]) -> _Near:
        """Look for the nearest shapes of a tree."""
        (asked, found), distance = tree.query_nearest(shapes, return_distance=True, all_matches=False)
        number = found[np.argsort(asked)]
        touching = np.flatnonzero(distance == 0.0)
        inside, other = tree.query(shapes[touching], predicate="intersects")
        area = shapely.area(shapely.intersection(shapes[touching[inside]], tree.geometries[other]))
        rising = np.argsort(area, kind="stable")
        over = rising[area[rising] > SLIVER]
        number[touching[inside[over]]] = other[over]  # of several, the last, which overlaps most
        overlaps = np.zeros(len(shapes), np.bool_)
        overlaps[touching[inside[over]]] = True
        return cls(number=number, distance=distance[np.argsort(asked)], overlaps=overlaps)


def _report_near(
    findings: Findings,
    near: _Near,
    splits: tuple[str, str],
    names: tuple[NDArray[Any], NDArray[Any]],
    buffer: float,
) -> None:
    """Add failures for places that overlap, or are nearer than the buffer to, a place of another split."""
    one, other = splits
    pairs = list(zip(names[0], names[1][near.number], near.distance, strict=True))
    over = [f"{a} and {b}" for (a, b, _), overlaps in zip(pairs, near.overlaps, strict=True) if overlaps]
    findings.require(over, INDEX, f"places of {one} that overlap places of {other}")
    close = np.flatnonzero((near.distance < buffer - MILLIMETRE) & ~near.overlaps)
    close = close[np.argsort(near.distance[close], kind="stable")]
    findings.require(
        ["{} and {} ({:.1f} m)".format(*pairs[number]) for number in close],
        INDEX,
        f"places of {one} nearer than the buffer of {buffer:.1f} m to places of {other}",
    )
