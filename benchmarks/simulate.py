"""How fast simulated Sentinel-1 pixels are made: one burst of real length, VV and VH, on rough terrain.

python benchmarks/simulate.py [--output FILE]: in turn with a copy of memory, on one thread and on all, and its share
of the speed that the copy allows.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import beside_copy, load, machine, print_machine, print_table, thread_counts, versions, write

from alignsar_gpu.simulate.ground.scene import SceneParameters, make_scene
from alignsar_gpu.simulate.radar.campaign import ground_on, make_campaign, scene_bounds
from alignsar_gpu.simulate.radar.ground_mesh import sight_mesh
from alignsar_gpu.simulate.radar.imaging import image_window
from alignsar_gpu.simulate.radar.passes.dates import view_of
from alignsar_gpu.simulate.radar.window import windows
from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
from alignsar_gpu.simulate.safe.planning import plan_passes
from alignsar_gpu.simulate.safe.product import write_metadata

# What must be moved at least for a pixel of a polarization: spread, two transforms forth and two back, noise the
# same way, and written as two int16.
PIXEL_BYTES = 2 * (2 * 8) * 3 + 4


def measure(samples: int, repeats: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        (plan,) = plan_passes(
            PassParameters(
                longitude=5.77,
                latitude=52.1,
                pass_direction="ascending",
                first_day=np.datetime64("2022-03-01"),
                dates=1,
                subswaths=("IW1",),
                bursts=1,
                lines=1507,
                samples=samples,
                mean_height=300.0,
            )
        )
        view = view_of(
            0,
            write_metadata(plan, Path(folder)),
            plan.true_pass,
            errors=(0.0, 0.0),
            swaths=["IW1"],
            polarizations=["vv", "vh"],
        )
    parameters = SceneParameters(relief=600.0)
    (burst,) = view.product.bursts
    scene = make_scene(
        scene_bounds([view], (50.0, 650.0)),
        np.array([0.0]),
        seed=1,
        wavelength=burst.grid.wavelength,
        parameters=parameters,
    )
    lines, columns = burst.valid
    pixels = 2 * (lines.stop - lines.start) * (columns.stop - columns.start)
    rows = []
    for threads in thread_counts():
        campaign = make_campaign([view], 0, scene, 1, threads)
        ground, sight = ground_on(scene, 0), sight_mesh(campaign.mesh, view.satellite)

        def fill(campaign: Any = campaign, ground: Any = ground, sight: Any = sight) -> None:
            for window in windows(burst):
                image_window(campaign, ground, view, sight, burst, window)

        row = beside_copy(fill, repeats, pixels * PIXEL_BYTES)
        rate = round(pixels / row["seconds"] / 1e6, 2)
        rows.append({"threads": threads, "megapixels_per_second": rate, **row})
    return {
        "versions": versions("numpy", "scipy", "numba", "llvmlite"),
        "burst": {"lines": burst.grid.lines, "samples": burst.grid.samples, "polarizations": 2},
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=6000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    before = load()
    found = measure(options.samples, options.repeats)
    results = {**machine(before), **found}
    burst = results["burst"]
    print_machine(results)
    print(f"{burst['lines']} x {burst['samples']} pixels, VV and VH")
    print_table(results["rows"])
    if options.output:
        write(results, options.output)


if __name__ == "__main__":
    main()
