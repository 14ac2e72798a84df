"""Objects that a network of centres finds in a scene, as a table with their places on the ground (GeoParquet)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import torch

from alignsar_gpu.dataset.dates import date_name
from alignsar_gpu.learn.detection.centres import peaks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.learn.scenes import Tile

BOX = ("first_line", "first_sample", "lines", "samples")
LEAST_SCORE = 0.1


def objects_in(
    outputs: NDArray[np.float32], tile: Tile, known: NDArray[np.bool_], date: int | None
) -> dict[str, NDArray[Any]]:
    """Return the objects whose middles lie in a tile's core where there are data; boxes count from the scene's start.

    ``outputs`` are those of the tile's window, ``known`` of its core.
    """
    found = peaks(torch.from_numpy(outputs)[None])
    box = found.box + np.array([tile.window[0].start, tile.window[1].start, 0.0, 0.0])
    middle = np.floor(box[:, :2] + 0.5 * box[:, 2:]).astype(np.intp)
    first, size = np.array([part.start for part in tile.core]), np.array(known.shape)
    place = middle - first
    inside = ((place >= 0) & (place < size)).all(axis=1) & (found.score >= LEAST_SCORE)
    inside[inside] = known[tuple(place[inside].T)]
    return {
        "category": found.category[inside],
        "score": found.score[inside],
        "box": box[inside],
        "middle": middle[inside],
        "date": np.full(int(inside.sum()), date),
    }


def write_detections(
    parts: Path, path: Path, classes: Sequence[str], cube: xr.Dataset, about: Mapping[str, Any]
) -> None:
    """Write the objects that were found in rows of tiles as one table, by date and falling score."""
    found: list[dict[str, NDArray[Any]]] = []
    for file in sorted(parts.glob("*.npz")):
        with np.load(file, allow_pickle=False) as content:
            found.append(dict(content))
    columns = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    order = np.lexsort([-columns["score"], columns["date"]])
    columns = {name: values[order] for name, values in columns.items()}
    lines, samples = columns["middle"].T
    places = [_at(cube, name, lines, samples) for name in ("longitude", "latitude")]
    times = cube["time"].values
    table = gpd.GeoDataFrame(
        {
            "class": np.array(classes, dtype=object)[columns["category"]],
            "score": columns["score"],
            "date": [date_name(times[date]) for date in columns["date"].tolist()],
            **{name: columns["box"][:, number] for number, name in enumerate(BOX)},
            "longitude": places[0],
            "latitude": places[1],
        },
        geometry=gpd.points_from_xy(*places),
        crs="EPSG:4326",
    )
    table.attrs = dict(about)
    beside = path.with_name(f".{path.name}.partial")
    table.to_parquet(beside)
    beside.replace(path)


def _at(
    cube: xr.Dataset, name: str, lines: NDArray[np.intp], samples: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Read a coordinate at pixels, a row of chunks at a time."""
    values = np.full(len(lines), np.nan)
    if name in cube.coords:
        rows = 256
        for first in np.unique(lines // rows).tolist():
            chosen = lines // rows == first
            part = cube[name].variable[first * rows : (first + 1) * rows].values
            values[chosen] = part[lines[chosen] - first * rows, samples[chosen]]
    return values
