"""Check the geolocation grid of a NISAR RSLC product against its orbit: whether both are of one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.geometry.range_doppler import ground_distance, radar_to_ground
from alignsar_gpu.products.nisar.hdf5 import DAMAGED

if TYPE_CHECKING:
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.products.nisar.hdf5 import Group

POINTS = 16  # lines and samples that are looked at, spread over the grid
NEEDED = ("coordinateX", "coordinateY", "epsg", "heightAboveEllipsoid", "slantRange", "zeroDopplerTime")
DEGREES = 4326  # EPSG code of longitude and latitude; products near the poles have others


def check_geolocation(product: Group, orbit: Orbit, grid: RadarGrid) -> None:
    """Raise AlignsarError, with the metres, where the grid is not what the orbit sees at its times, ranges and heights.

    Not checked are products without such a grid, with one in another coordinate reference system, and with one whose
    times or ranges do not increase, as ISCE3 has written for tiny images.
    """
    group = product.find("metadata/geolocationGrid")
    if group is None or not all(group.has(name) for name in NEEDED) or group.number("epsg") != DEGREES:
        return
    times = group.numbers("zeroDopplerTime", None) + group.epoch("zeroDopplerTime", grid.epoch)
    ranges = group.numbers("slantRange", None)
    height = group.numbers("heightAboveEllipsoid", None)
    if not (np.all(np.diff(times) > 0) and np.all(np.diff(ranges) > 0)):
        return
    lowest = int(np.argmin(np.abs(height)))
    line, sample = (
        np.linspace(0, len(axis) - 1, min(POINTS, len(axis))).astype(int) for axis in (times, ranges)
    )
    seen = radar_to_ground(orbit, times[line, np.newaxis], ranges[sample], height[lowest], grid.look_side)
    stated = [
        np.asarray(group.rows(name, lowest, lowest + 1), dtype=np.float64)[0][np.ix_(line, sample)]
        for name in ("coordinateX", "coordinateY")
    ]
    covered = (times[line] >= orbit.time[0]) & (times[line] <= orbit.time[-1])
    distances = ground_distance(*seen, *stated)[covered]
    require("geolocation_error", distances, group.where, DAMAGED)
