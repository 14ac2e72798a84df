"""A small dataset of chips: twelve places on three dates, of which the first is the reference."""

import hashlib
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import zarr
from chip_places import ORIGIN, UTM, squares

from alignsar_gpu.dataset.chips.description import BLOCKS, DATASET, STATISTICS, as_json
from alignsar_gpu.dataset.chips.index import INDEX, index_of, write_index
from alignsar_gpu.dataset.chips.layout import STORE, ChipArray, ChipLayout
from alignsar_gpu.dataset.chips.splits import write_blocks
from alignsar_gpu.dataset.chips.splits.grid import block_names, block_table
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.dataset.chips.summing import locate, training_statistics
from alignsar_gpu.dataset.cube import finish_cube

SIZE, PLACES, DATES = 8, 12, ("20220101", "20220113", "20220125")
CHIP, BUFFER, SIDE = 500.0, 600.0, 3000.0  # metres
ARRAYS = (
    ChipArray(name="images", layers=("sigma0_vv", "entropy"), dtype="float32"),
    ChipArray(name="pairs", layers=("coherence_vv",), dtype="float32"),
    ChipArray(name="valid", layers=(), dtype="bool"),
    ChipArray(name="ground", layers=("height",), dtype="float32"),
    ChipArray(name="classes", layers=("land_cover",), dtype="uint8"),
    ChipArray(name="targets", layers=("cover_water",), dtype="float32"),
)
DECIBELS = {"sigma0_vv": 10.0}
SPLITS = np.repeat(["train", "validation", "test"], 4)  # of places: four in each of three blocks side by side


def make_chips(folder, arrays=ARRAYS, *, holes=False, values=None):
    """Write the dataset into ``folder``: chips, index, blocks, statistics, and dataset.json with all files.

    With ``holes``, nothing is known of the first pixel of each chip, and of the second images are 0. Values are random,
    or those of ``values``, by the names of arrays.
    """
    folder.mkdir()
    layout = ChipLayout(
        shape=(SIZE, SIZE),
        dimensions=("line", "sample"),
        counts={"chip": PLACES * len(DATES), "place": PLACES},
        arrays=arrays,
    )
    layout.create(folder / STORE)
    _fill(folder / STORE, arrays, holes, values or {})
    finish_cube(folder / STORE, {})
    store, place = ChipStore.open(folder), np.tile(np.arange(PLACES), len(DATES))
    columns = _columns(locate(store, 0, place, 1), place)
    footprints = gpd.GeoSeries(squares(_middles(), CHIP), crs=UTM)
    write_index(folder / INDEX, index_of(columns, footprints.iloc[place]))
    cells = _cells()
    write_blocks(folder / BLOCKS, block_table(cells, np.array(SPLITS[::4]), side=SIDE, crs=footprints.crs))
    statistics = training_statistics(store, columns, DECIBELS, ["train"], 1)
    (folder / STATISTICS).write_text(as_json(statistics))
    (folder / DATASET).write_text(as_json(_facts(arrays)))
    seal(folder)


def seal(folder, **changed):
    """Write sizes and checksums of all files into dataset.json, as they are by now, and change some of its keys."""
    facts = json.loads((folder / DATASET).read_text()) | changed
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != DATASET]
    facts["files"] = {
        path.relative_to(folder).as_posix(): {
            "size": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in files
    }
    (folder / DATASET).write_text(as_json(facts))


def _fill(path, arrays, holes, given):
    rng = np.random.default_rng(0)
    for array in arrays:
        stored = zarr.open_array(path / array.name, mode="r+")
        if array.name in given:
            values = given[array.name]
        elif array.dtype == "bool":
            values = np.ones(stored.shape, bool)
        elif array.dtype == "uint8":
            values = rng.integers(1, 4, stored.shape, dtype=np.uint8)
        else:
            values = rng.uniform(0.1, 1.0, stored.shape).astype(np.float32)
        if holes:
            values[..., 0, 0] = stored.fill_value
            values[..., 0, 1] *= array.name != "images"
        if array.name == "pairs":
            values[:PLACES] = np.nan  # the reference date, of which nothing is stored
        stored[:] = values


def _cells():
    column, row = (ORIGIN // SIDE).astype(int)
    return np.array([[column + number, row] for number in range(3)])


def _middles():
    """Four places about the middle of each block."""
    around = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]) * CHIP / 2
    return ((_cells() + 0.5) * SIDE)[:, None].repeat(4, axis=1).reshape(-1, 2) + np.tile(around, (3, 1))


def _columns(stored, place):
    names = [f"burst_l{number:05d}_s00000" for number in place]
    date = np.repeat(DATES, PLACES)
    return {
        "id": [f"{name}_{day}" for name, day in zip(names, date, strict=True)],
        "place_id": names,
        "chip": np.arange(len(place)),
        "place": place,
        "scene": np.full(len(place), "scene"),
        "date": date,
        "is_reference": date == DATES[0],
        "time": pd.to_datetime(date),
        "split": SPLITS[place],
        "block": np.repeat(block_names(_cells(), gpd.GeoSeries(crs=UTM).crs), 4)[place],
        **{
            name: [getattr(one, name) for one in stored] for name in ("shard", "offset", "length", "checksum")
        },
    }


def _facts(arrays):
    layers = {
        name: {"array": array.name, "index": number, "type": array.dtype}
        for array in arrays
        for number, name in enumerate(array.layers or (array.name,))
    }
    for name, factor in DECIBELS.items():
        layers[name]["decibel"] = factor
    for name, layer in layers.items():
        if name.startswith("slc"):
            layer["part"] = name.rpartition("_")[2]
    return {
        "format": 1,
        "id": "fake",
        "geometry": "radar",
        "size": [SIZE, SIZE],
        "halo": 0,
        "dates": "each",
        "scenes": [{"id": "scene", "reference_date": "2022-01-01", "dates": DATES}],
        "window_m": BUFFER - CHIP,
        "chip_m": CHIP,
        "split": {"by": "blocks", "block_m": SIDE, "buffer_m": BUFFER},
        "counts": {name: 4 * len(DATES) for name in ("test", "train", "validation")},
        "layers": layers,
        "classes": {"land_cover": {"water": 1, "field": 2, "forest": 3}},
    }
