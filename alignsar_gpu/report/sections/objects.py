"""Objects of the report: how many there are of each class, and how large they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from alignsar_gpu.report import overview
from alignsar_gpu.report.page import Table

if TYPE_CHECKING:
    from pathlib import Path

AREA = "ground_area"
SIZES = {AREA: ("ha", 1e-4), "pixels": ("pixels", 1.0)}


def objects_table(path: Path) -> Table:
    """Make the table of the objects in a file, a row a class."""
    size = AREA if AREA in pq.read_schema(path).names else "pixels"
    unit, factor = SIZES[size]
    objects = pq.read_table(path, columns=["layer", "class", size]).to_pandas()
    rows = tuple(
        (
            f"{name} of {layer}".replace("_", " ") if name != layer else str(name).replace("_", " "),
            str(len(sizes)),
            *(
                overview.number(factor * float(value), 3)
                for value in (sizes.sum(), sizes.median(), sizes.max())
            ),
        )
        for (layer, name), sizes in objects.groupby(["layer", "class"], sort=False)[size]
    )
    return Table(
        name="Objects",
        head=("class", "objects", f"all ({unit})", f"median ({unit})", f"largest ({unit})"),
        rows=rows,
        caption="Connected regions of each class. objects.parquet has a row for each, with the means of signatures.",
        numeric=frozenset(range(1, 5)),
    )
