"""Positions of a map's pixels and a terrain correction by sarsen: run by a Python that has it, for geocoding.py.

python sarsen_beside.py PRODUCT SWATH/POLARIZATION DEM FOLDER: the DEM is that of the map's pixels, heights above the
ellipsoid. Writes FOLDER/sarsen.npz: azimuth times and slant range times [row, column], seconds of both.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import sarsen
from sarsen import apps, orbit, scene


def main(path: str, group: str, heights: str, folder: str) -> None:
    warnings.simplefilter("ignore")
    product = sarsen.Sentinel1SarProduct(path, group)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        places = scene.convert_to_dem_ecef(scene.open_dem_raster(heights))  # rows from south to north
        fit = orbit.OrbitPolyfitInterpolator.from_position(product.state_vectors())
        seen = apps.simulate_acquisition(places, fit).compute()
        middle = time.perf_counter()
        output = str(Path(folder) / "sarsen.tif")
        sarsen.terrain_correction(product, heights, output, interp_method="linear")
        seconds.append((middle - began, time.perf_counter() - middle))
    np.savez(
        Path(folder) / "sarsen.npz",
        azimuth_time=seen.azimuth_time.values[::-1],
        slant_range_time=seen.slant_range_time.values[::-1],
        seconds=np.median(seconds, axis=0),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
