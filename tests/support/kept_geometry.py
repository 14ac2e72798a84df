"""Whether what a cube keeps of its geometry agrees with its layers longitude and latitude."""

import numpy as np

import alignsar_gpu
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.stored.geometry import read_geometry


def away(output):
    """Lines and samples from each pixel to where its coordinates are seen, outside of layover and shadow."""
    cube, kept = alignsar_gpu.open(output), read_geometry(output / "cube.zarr")
    place = cube["longitude"].values, cube["latitude"].values
    lines, samples = np.arange(cube.sizes["azimuth"]), np.arange(cube.sizes["range"])
    times = kept.grid.azimuth_time(lines)[:, np.newaxis]
    time, slant_range = ground_to_radar(kept.orbit, *place, kept.dem.height_at(*place), times)
    line, sample = kept.grid.line(time), kept.grid.sample(slant_range)
    later, farther = kept.offset(line, sample) if callable(kept.offset) else kept.offset
    clear = cube["valid"].values.any(axis=0)
    if "layover_shadow" in cube:
        clear &= cube["layover_shadow"].values == 0
    apart = np.stack([line + later - lines[:, np.newaxis], sample + farther - samples])[:, clear]
    assert apart.size > 2000
    return apart, kept
