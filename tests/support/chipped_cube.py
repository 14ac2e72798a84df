"""The stage of chips on a cube of one's own, without the stages before it."""

import json
from types import SimpleNamespace

import geopandas
import numpy as np
from fake_cube import fake_cube
from geocoding_scene import CPU

from alignsar_gpu.application.chips.stage import ChipsStage
from alignsar_gpu.application.dataset.description import bounds
from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.application.stage import Run
from alignsar_gpu.config.chips import ChipsConfig, SharesConfig, SplitConfig
from alignsar_gpu.dataset.cube import FORMAT, finish_cube, write_dataset
from alignsar_gpu.progress import StageTimer

SPLIT = SplitConfig(shares=SharesConfig(train=0.6, validation=0.0, test=0.4))


def cube_of(lines=160, samples=240, dates=1, **more):
    """A cube of one polarization, without labels; ``more`` as of `fake_cube`."""
    cube = fake_cube(lines, samples, dates, ("vv",), **{"complex_slc": False} | more)
    for name in [name for name in cube.attrs if name.startswith("geospatial_")]:
        del cube.attrs[name]
    return cube.assign_attrs(cube_format=FORMAT)


def with_label(cube, name, values, **attributes):
    """Add a label [line, sample]: classes (uint8; flag_values, flag_meanings) or shares from 0 to 1."""
    kind = {"units": "1"} if values.dtype == np.uint8 else {"units": "1", "valid_range": [0.0, 1.0]}
    cube[name] = (
        ("azimuth", "range"),
        values,
        kind | {"long_name": name, "inherited_from": "a map"} | attributes,
    )
    return cube


def make_chips(output, cube, device=CPU, split=SPLIT, **keys):
    """Cut chips from a cube, in the folder ``output`` of a run that is not finished; returns their folder and index."""
    config = ChipsConfig(**{"size": [8, 12], "least_valid": 0.5, "split": split} | keys)
    run = Run(
        config=SimpleNamespace(chips=config), published=lambda facts: facts, device=device, timer=StageTimer()
    )
    with RunFolder(output, [StageRecord(name="root", digest="f", products=("cube.zarr",))], "") as folder:
        folder.begin()
        write_dataset(folder.work / "cube.zarr", cube)
        finish_cube(folder.work / "cube.zarr", bounds(folder.work / "cube.zarr"))
        ChipsStage(run).make(folder)
        chips = folder.work / "chips"
    return chips, geopandas.read_parquet(chips / "index.parquet")


def facts_of(chips, name="dataset.json"):
    """The content of one of the files that describe chips."""
    return json.loads((chips / name).read_text())
