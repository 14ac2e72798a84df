"""Chips for machine learning: where those of each split lie, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely

from alignsar_gpu.dataset.chips.description import read_facts
from alignsar_gpu.dataset.chips.index import read_index
from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing.split_map import split_map
from alignsar_gpu.report.page import Panel, Picture, Section, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import geopandas as gpd

    from alignsar_gpu.report.pictures import PictureWriter

SHARE = "fraction_"  # begins the columns of the index that say what share of a chip a class has
KNOWN = "labelled_share"
NAMES = {KNOWN: "labels known"}
ORDER = ("train", "validation", "test")


def chips_section(writer: PictureWriter) -> Section | None:
    """Make the section with the places of chips by their splits; None where the run has made none."""
    if writer.chips is None:
        return None
    facts, index = read_facts(writer.chips), read_index(writer.chips)
    splits = [name for name in ORDER if name in facts["counts"]]
    splits += sorted(set(facts["counts"]) - set(splits))
    places = index.drop_duplicates("place_id")
    shapes = {name: places["footprint"][places["split"] == name].to_numpy() for name in splits}
    drawn = writer.save(split_map(shapes), "splits")
    alt = f"Map of {len(places)} places of chips in {len(splits)} splits, which lie apart"
    words: dict[str, Any] = {
        "size": " x ".join(map(str, facts["size"])),
        "places": len(places),
        "by": facts["split"]["by"],
        "buffer": round(facts["split"]["buffer_m"]),
        "left_out": ", ".join(f"{count} {reason}" for reason, count in facts["left_out"].items()),
        "area": round(float(shapely.area(places["footprint"].to_numpy()).mean()) / 1e6, 2),
    }
    panel = Panel(kind="splits", pictures=(Picture(drawn=drawn, alt=alt),), words=words, size="wide")
    return Section(
        anchor="chips",
        title="Chips",
        words=words,
        panels=() if facts["split"]["by"] == "dates" else (panel,),  # of dates, splits lie on the same ground
        tables=(_table(splits, facts, index),),
    )


def _table(splits: Sequence[str], facts: Mapping[str, Any], index: gpd.GeoDataFrame) -> Table:
    """How many chips each split has, and the mean shares in them: of pixels with known labels, and of each class."""
    shares = [str(name) for name in index if str(name).startswith(SHARE) and index[name].max() > 0.0]
    if (index[KNOWN] < 1.0).any():
        shares.insert(0, KNOWN)
    means = index.groupby("split")[shares].mean()
    rows = tuple(
        (
            name,
            str(facts["counts"][name]),
            *(overview.percent(float(means.loc[name, share])) for share in shares),
        )
        for name in splits
    )
    return Table(
        name="Chips of each split",
        head=("split", "chips", *(NAMES.get(s, s.removeprefix(SHARE).replace("_", " ")) for s in shares)),
        rows=rows,
        caption="Shares are means over the chips of a split; they should be alike."
        + (" Those of classes are of the pixels whose label is known." if KNOWN in shares else ""),
        numeric=frozenset(range(1, 2 + len(shares))),
    )
