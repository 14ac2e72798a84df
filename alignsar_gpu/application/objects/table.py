"""objects.parquet: a row an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignsar_gpu.application.objects.means import Averaged, Statistics
    from alignsar_gpu.application.objects.regions import Objects

# Columns that every object has: type, unit and meaning.
OWN = {
    "layer": ("string", "", "label that the object is in"),
    "class": ("string", "", "class of the object"),
    "number": ("int64", "1", "number of the object in its layer: by class, then by the first pixel"),
    "pixels": ("int64", "1", "pixels of the object"),
    "first_line": ("int64", "1", "first line of the object, from 0 on"),
    "last_line": ("int64", "1", "last line of the object"),
    "first_sample": ("int64", "1", "first sample of the object, from 0 on"),
    "last_sample": ("int64", "1", "last sample of the object"),
    "centroid_line": ("float64", "1", "mean line of the pixels of the object"),
    "centroid_sample": ("float64", "1", "mean sample of the pixels of the object"),
}
PLACES = {
    "ground_area": ("float64", "m2", "ground in the pixels of the object"),
    "longitude": ("float64", "degrees_east", "mean longitude of the pixels of the object (WGS84)"),
    "latitude": ("float64", "degrees_north", "mean latitude of the pixels of the object (WGS84)"),
}
PARTS = {
    "mean": ("float32", "mean over the object"),
    "deviation": ("float32", "standard deviation in the object"),
    "count": ("int64", "pixels of the object with a value"),
}


def schema_of(places: Sequence[str], layers: Sequence[Averaged], attributes: Mapping[str, str]) -> pa.Schema:
    """Return the columns of the table, with units and meanings; ``places`` are those of PLACES that are known."""
    own = OWN | {name: PLACES[name] for name in places}
    fields = [_field(name, kind, unit, text) for name, (kind, unit, text) in own.items()]
    for layer in layers:
        words = layer.attributes.get("long_name", layer.name)
        for part, (kind, text) in PARTS.items():
            unit = "1" if part == "count" else layer.attributes.get("units", "1")
            fields.append(_field(f"{layer.name}_{part}", kind, unit, f"{words}: {text}"))
    return pa.schema(fields, metadata=dict(attributes))


def _field(name: str, kind: str, unit: str, text: str) -> pa.Field:
    about = {"units": unit, "long_name": text} if unit else {"long_name": text}
    return pa.field(name, kind, metadata=about)


def rows_of(
    label: str, classes: Sequence[str], objects: Objects, found: Mapping[str, Statistics], schema: pa.Schema
) -> pa.Table:
    """Return the rows of the objects of a label; ``classes`` are its names of classes, in order."""
    facts, count = objects.facts, objects.count
    columns: dict[str, Any] = {
        "layer": np.full(count, label, dtype=object),
        "class": np.array(classes, dtype=object)[facts["class"] - 1],
        "number": 1 + np.arange(count),
        "pixels": facts["pixels"],
        "centroid_line": facts["line_sum"] / facts["pixels"],
        "centroid_sample": facts["sample_sum"] / facts["pixels"],
        **{name: facts[name] for name in ("first_line", "last_line", "first_sample", "last_sample")},
    }
    for name, statistics in found.items():
        if name in PLACES:
            columns[name] = statistics.total if name == "ground_area" else statistics.mean
        else:
            columns |= {f"{name}_{part}": getattr(statistics, part) for part in PARTS}
    arrays = [pa.array(columns[field.name]).cast(field.type, safe=False) for field in schema]
    return pa.table(arrays, schema=schema)
