"""Whole subswaths of simulated products brought together: speed, and what is left of timing and phase.

python benchmarks/subswath.py SIMULATION [--output FILE]: the folder that `+experiment=simulate` wrote, of any size;
with simulate.templates the geometry is that of real products. Timing against the errors that were put in, phase against
the truth, the jumps of the phase where bursts overlap, and the seconds that it all takes, beside a copy of memory.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from common import copy_bandwidth, copy_memory, load, machine, print_machine, seconds_in_turn, versions, write

from alignsar_gpu.config import DeviceConfig
from alignsar_gpu.coregistration.assemble import coregistered_stack
from alignsar_gpu.device import choose_device
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.products.sentinel1.products import open_products

if TYPE_CHECKING:
    from alignsar_gpu.coregistration.stack import CoregisteredStack

LINES = 256  # of a block
PIXEL_BYTES = (
    3 * 8 + 3 * 8 + 4 + 8
)  # of a second date: where it is in both, its turns, the image read and written


class Burst:
    """What is summed up of a burst and a date, against the truth at the pixels that this was kept of."""

    def __init__(self, truth: xr.Dataset, piece: Any, date: int) -> None:
        self.piece, self.date = piece, date
        line, sample = truth["line"].values + piece.first_line, truth["sample"].values + piece.first_sample
        self.rows = np.flatnonzero((line >= piece.lines.start) & (line < piece.lines.stop))
        columns = np.flatnonzero((sample >= piece.samples.start) & (sample < piece.samples.stop))
        self.line, self.sample, self.columns = line[self.rows], sample[columns], columns
        self.phase = truth["flattened_phase"][date].values[np.ix_(self.rows, columns)]
        self.height = truth["height"].values[np.ix_(self.rows, columns)]
        self.plain = truth["layover_shadow"].values[np.ix_(self.rows, columns)] == 0
        self.total, self.by_height = 0.0 + 0.0j, np.zeros((2, 64), dtype=np.complex128)
        low, high = float(self.height.min()), float(self.height.max()) + 1e-3
        self.low, self.step = low, (high - low) / 64

    def add(self, first: int, product: np.ndarray[Any, Any]) -> None:
        inside = np.flatnonzero((self.line >= first) & (self.line < first + len(product)))
        if not inside.size:
            return
        values = product[np.ix_(self.line[inside] - first, self.sample)]
        values = np.where(self.plain[inside], values * np.exp(-1j * self.phase[inside]), 0)
        self.total += values.sum()
        place = ((self.height[inside] - self.low) / self.step).astype(int)
        for part, weight in ((0, values.real), (1, values.imag)):
            self.by_height[part] += np.bincount(place.ravel(), weight.ravel(), 64)

    def facts(self) -> dict[str, float]:
        sums = self.by_height[0] + 1j * self.by_height[1]
        phase, weight = np.angle(sums / self.total), np.abs(sums)
        height = self.low + (np.arange(64) + 0.5) * self.step
        known = weight > 0
        slope = np.polyfit(height[known], phase[known], 1, w=np.sqrt(weight[known]))[0]
        return {
            "phase_bias_rad": float(np.angle(self.total)),
            "phase_by_height_rad_per_100_m": float(100.0 * slope),
            "relief_m": 64.0 * self.step,
        }


def walk(stack: CoregisteredStack, truth: Path) -> tuple[dict[str, Any], float]:
    """Facts of every secondary, and the seconds that reading the stack took."""
    dates = [date for date in range(len(stack.acquisitions)) if date != stack.reference]
    opened = {piece.name: xr.open_zarr(truth, group=piece.name) for piece in stack.mosaic.pieces}
    bursts = [Burst(opened[piece.name], piece, date) for piece in stack.mosaic.pieces for date in dates]
    seconds = 0.0
    for first in range(0, stack.grid.lines, LINES):
        stop = min(first + LINES, stack.grid.lines)
        begin = time.perf_counter()
        pixels, valid = stack.read_pixels(first, stop)
        seconds += time.perf_counter() - begin
        for date in dates:
            both = valid[stack.reference, 0] & valid[date, 0]
            one, other = (np.where(both, pixels[d, 0], 0) for d in (stack.reference, date))
            product = one * np.conj(other)
            for burst in bursts:
                if burst.date == date:
                    burst.add(first, product)
    facts = {}
    for date in dates:
        own = [burst.facts() | {"burst": burst.piece.name} for burst in bursts if burst.date == date]
        facts[stack.acquisitions[date].date] = {
            "bursts": own,
            "largest_phase_bias_rad": max(abs(one["phase_bias_rad"]) for one in own),
        }
    return facts, seconds


def measure(simulation: Path) -> dict[str, Any]:
    before = load()
    begin = time.perf_counter()
    opened = open_products(simulation / "products", orbits=simulation / "orbits")
    choice = opened.choose(reference=min(product.date for product in opened.opened.values()))
    dem = open_dem(simulation / "scene" / "dem.tif", "ellipsoid")
    device = choose_device(DeviceConfig(kind="cpu"))
    stack = coregistered_stack(choice.selection, dem, device, around=choice.around)
    prepared = time.perf_counter() - begin
    copies = {"copy": copy_memory}
    took = seconds_in_turn(copies, 3)["copy"]
    facts, seconds = walk(stack, simulation / "truth.zarr")
    bandwidth = copy_bandwidth(0.5 * (took + seconds_in_turn(copies, 3)["copy"]))
    put_in = json.loads((simulation / "simulation.json").read_text())["dates"]
    timing = stack.facts["timing"]
    for date, found in timing["dates"].items():
        true = next(one for one in put_in if one["start"][:10].replace("-", "") == date)
        facts[date]["timing"] = {
            "put_in_lines": true["azimuth_error_lines"],
            "azimuth_lines": float(found["azimuth_lines"]),
            "azimuth_deviation_lines": float(found["azimuth_deviation_lines"]),
            "put_in_samples": true["range_error_samples"],
            "range_samples": float(found["range_samples"]),
            "range_deviation_samples": float(found["range_deviation_samples"]),
        }
        left = [
            one["phase_after_rad"]
            for one in timing["overlaps"]
            if date in {one["first_date"], one["second_date"]}
        ]
        size = np.abs(left)
        facts[date]["phase_of_overlaps_rad"] = {"largest": float(size.max()), "mean_size": float(size.mean())}
    count = stack.grid.lines * stack.grid.samples * (len(stack.acquisitions) - 1) * len(stack.polarizations)
    return {
        **machine(before),
        "versions": versions("numpy", "numba", "rasterio"),
        "mosaic": {
            "lines": stack.grid.lines,
            "samples": stack.grid.samples,
            "bursts": len(stack.mosaic.pieces),
        },
        "dates": facts,
        "opening_and_timing_seconds": round(prepared, 1),
        "reading_seconds": round(seconds, 1),
        "secondary_megapixels_per_second": round(count / seconds / 1e6, 1),
        "copy_gigabytes_per_second": round(bandwidth / 1e9, 1),
        "share_of_floor": round(count * PIXEL_BYTES / bandwidth / seconds, 3),
    }


def report(results: dict[str, Any]) -> None:
    mosaic = results["mosaic"]
    print_machine(results)
    print(f"{mosaic['bursts']} bursts, {mosaic['lines']} x {mosaic['samples']} pixels")
    for date, facts in results["dates"].items():
        timing = facts["timing"]
        print(
            f"{date}: {timing['azimuth_lines']:.5f} +- {timing['azimuth_deviation_lines']:.5f} lines late "
            f"({timing['put_in_lines']:g} put in), {timing['range_samples']:.4f} +- "
            f"{timing['range_deviation_samples']:.4f} samples far ({timing['put_in_samples']:g} put in)"
        )
        left = facts["phase_of_overlaps_rad"]
        print(
            f"  phase jumps in overlaps: {left['mean_size']:.4f} rad in the mean, {left['largest']:.4f} at most"
        )
        for one in facts["bursts"]:
            print(
                f"  {one['burst']}: phase less truth {one['phase_bias_rad']:.4f} rad, "
                f"{one['phase_by_height_rad_per_100_m']:.4f} rad per 100 m over {one['relief_m']:.0f} m"
            )
    print(f"opened, and timing measured: {results['opening_and_timing_seconds']} s")
    print(
        f"brought together: {results['reading_seconds']} s, {results['secondary_megapixels_per_second']} Mpixel/s with "
        f"reading files and the terrain, {results['share_of_floor']} of what a copy of memory allows"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("simulation", type=Path)
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    results = measure(options.simulation)
    report(results)
    if options.output:
        write(results, options.output)


if __name__ == "__main__":
    main()
