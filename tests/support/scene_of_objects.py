"""Chips of a sea with ships and oil slicks, and of land with tanks, in speckle; with boxes, and cross-sections."""

import numpy as np
import pandas as pd
from chipped_cube import cube_of, make_chips

from alignsar_gpu.config.chips import BoxesConfig, SharesConfig, SplitConfig

KINDS = ("ship", "tank", "oil")
SEA, LAND = (0.02, 0.004), (0.12, 0.03)  # sigma nought of VV and VH
SPLIT = SplitConfig(shares=SharesConfig(train=0.6, validation=0.2, test=0.2), balance=list(KINDS))


def scene_of_objects(lines=480, samples=640, dates=2, seed=0, counts=(25, 30, 16)):
    """A cube with layers of ids, and the cross-sections of the ids of each; ships are elsewhere on each date."""
    rng = np.random.default_rng(seed)
    cube = cube_of(lines, samples, dates)
    land = np.arange(samples) >= samples // 2
    shape = (dates, lines, samples)
    power = np.stack([np.where(land, a, b) * np.ones(shape) for a, b in zip(LAND, SEA, strict=True)])
    ids = {kind: np.zeros(shape, dtype=np.int32) for kind in KINDS}
    tables = {kind: [0.0] for kind in KINDS}
    for kind, count in zip(KINDS, counts, strict=True):
        for date in range(dates if kind == "ship" else 1):
            for _ in range(count):
                _draw(rng, kind, slice(date, date + 1) if kind == "ship" else slice(None), power, ids, tables)
    speckle = rng.exponential(1.0, (2, *shape))
    for name, values in zip(("sigma0_vv", "sigma0_vh"), power * speckle, strict=True):
        attributes = cube["sigma0_vv"].attrs
        cube[name] = ("time", "azimuth", "range"), values.astype(np.float32), attributes
    for kind, values in ids.items():
        about = {"units": "1", "long_name": kind, "inherited_from": "objects.geojson"}
        if kind == "ship":
            cube[kind] = ("time", "azimuth", "range"), values, about
        else:
            cube[kind] = ("azimuth", "range"), values[0], about
    return cube, {
        kind: pd.DataFrame({"number": np.arange(len(t)), "rcs_vv": t})[1:] for kind, t in tables.items()
    }


def _draw(rng, kind, dates, power, ids, tables):
    """Draw an object where there is none, and enter its cross-section, m2 (from 10 to 50 dBm2)."""
    size = {"ship": (4, 16), "tank": (4, 10), "oil": (12, 40)}[kind]
    size = [int(rng.integers(least, 2 * least)) for least in size]
    middle = power.shape[-1] // 2
    low, high = (middle, power.shape[-1]) if kind == "tank" else (0, middle)
    for _ in range(100):
        first = int(rng.integers(0, power.shape[-2] - size[0])), int(rng.integers(low, high - size[1]))
        part = (dates, slice(first[0], first[0] + size[0]), slice(first[1], first[1] + size[1]))
        if not any(of[part].any() for of in ids.values()):
            break
    else:
        return
    inside = np.ones(size, dtype=bool)
    if kind == "oil":
        line, sample = (np.linspace(-1, 1, count) for count in size)
        inside = line[:, None] ** 2 + sample**2 <= 1.0
    decibels = rng.uniform(10.0, 50.0)
    tables[kind].append(np.nan if kind == "oil" else 10 ** (decibels / 10))
    ids[kind][part][:, inside] = len(tables[kind]) - 1
    for of in power:
        if kind == "oil":
            of[part][:, inside] *= 0.1
        else:
            of[part] += 10 ** (decibels / 10) / (inside.size * 50.0)


def chips_with_objects(folder, cube, tables, size=(32, 96), **keys):
    """Make chips with boxes of a cube, in ``folder``; returns the folder of chips."""
    boxes = BoxesConfig(layers=list(tables), image=["sigma0_vv"])
    how = {"layers": ["sigma0_vv", "sigma0_vh"], "products": ["zarr", "coco"], "split": SPLIT} | keys
    chips, _ = make_chips(folder, cube, size=list(size), boxes=boxes, **how)
    (chips.parent / "labels").mkdir()
    for kind, table in tables.items():
        table.to_parquet(chips.parent / "labels" / f"{kind}.parquet")
    return chips
