"""Speed of bringing one burst of a second date to the first, on the CPU: from annotations and pixels to coherence.

python benchmarks/coregistration.py [--output FILE]: a burst of 1500 x 21000 pixels on made-up mountains with a post
every second of arc, one secondary, pixels in memory, after compiling. Radar to ground with reading the DEM and all
angles and flags; ground to radar and the places in the secondary; carrier off, resampling with 8 x 8, 12 x 12 or 8 x 16
taps, carrier on and flattening; coherence and phase over 3 x 11 pixels. On one thread and on all: each in turn with a
copy of memory, and its share of the speed that the copy allows.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels import boxcar_coherence
from common import image_command, print_table, stage_rates, versions
from geometry import EPOCH, GROUND_BYTES, RADAR_BYTES, burst_and_orbits, mountains

from alignsar_gpu.config import DeviceConfig
from alignsar_gpu.coregistration.burst import BurstPair, GroundBlock
from alignsar_gpu.device import choose_device
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT, RadarGrid
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.products.selection import Match
from alignsar_gpu.products.slc import Burst, Channel, RangePolynomial, SlcProduct

if TYPE_CHECKING:
    from alignsar_gpu.geometry.orbit import Orbit

PLACES_BYTES = RADAR_BYTES + 8  # and the turns of phase
RESAMPLE_BYTES = 3 * 8 + 8 + 8 + 1  # places and turns, the image, values and where there are any
COHERENCE_BYTES = 2 * 8 + 1 + 2 * 4  # both images, what is valid; coherence and phase
ISCE3 = {"radar to ground": 31.0, "ground to radar": 3.2, "resample and flatten": 7.6 + 1.8}


class Memory:
    """Pixels that need no file."""

    source = "memory"

    def __init__(self, image: np.ndarray[Any, np.dtype[np.complex64]]) -> None:
        self.image = image

    def read(self, lines: slice, samples: slice) -> np.ndarray[Any, np.dtype[np.complex64]]:
        return self.image[lines, samples].copy()

    def read_stored(self, lines: slice, samples: slice, _: Any = None) -> np.ndarray[Any, Any]:
        return self.read(lines, samples)


def match_of(grid: RadarGrid, orbit: Orbit, swath: str, image: np.ndarray[Any, Any]) -> Match:
    """A burst like Sentinel-1's of a product like Sentinel-1's."""
    middle = 2.0 / SPEED_OF_LIGHT * grid.first_slant_range
    channel = Channel(
        first_valid_sample=np.zeros(grid.lines, dtype=np.int64),
        last_valid_sample=np.full(grid.lines, grid.samples - 1, dtype=np.int64),
        doppler_centroid=RangePolynomial(
            azimuth_time=0.0, slant_range_time=middle, coefficients=np.array([-30.0, 9e4])
        ),
        measurement=Memory(image),
        calibration=None,
        noise=None,
    )
    burst = Burst(
        swath=swath,
        index=0,
        burst_id=f"t001_000001_{swath.lower()}",
        anx_time=0.0,
        grid=grid,
        azimuth_fm_rate=RangePolynomial(
            azimuth_time=0.0, slant_range_time=middle, coefficients=np.array([-2330.0, 4.5e5])
        ),
        steering_rate=np.radians(1.59),
        channels={"vv": channel},
        footprint=np.zeros((4, 2)),
        transmission=None,
    )
    product = SlcProduct(
        product_id="made up",
        platform="Sentinel-1A",
        start=EPOCH,
        orbit=orbit,
        pass_direction="ascending",
        absolute_orbit=1,
        relative_orbit=1,
        instrument_mode="IW",
        processor="none",
        polarizations=("vv",),
        bursts=(burst,),
        facts={},
    )
    return Match(product=product, burst=burst)


def measure(lines: int, samples: int, repeats: int) -> dict[str, Any]:
    grid, orbit, second = burst_and_orbits(lines, samples)
    rng = np.random.default_rng(1)
    images = [
        rng.standard_normal((lines, samples, 2), dtype=np.float32).view(np.complex64)[..., 0]
        for _ in range(2)
    ]
    device = choose_device(DeviceConfig(kind="cpu"))
    reference = match_of(grid, orbit, "IW2", images[0])
    with tempfile.TemporaryDirectory() as folder:
        path = mountains(Path(folder) / "dem.tif", grid, orbit, 1.0 / 3600.0)
        terrain = Terrain(grid=grid, orbit=orbit, dem=open_dem(path, "ellipsoid"))
        drawing = terrain.lines(0, lines)
        ground = GroundBlock(
            azimuth_time=grid.azimuth_time(np.arange(lines)),
            slant_range=grid.slant_range(np.arange(samples)),
            time_offset=0.0,
            range_offset=0.0,
            line=0,
            sample=0,
            longitude=drawing.longitude,
            latitude=drawing.latitude,
            height=drawing.height,
        )

        def pair(swath: str, taps: int) -> BurstPair:
            secondary = match_of(replace(grid), second, swath, images[1])
            return BurstPair(reference=reference, secondary=secondary, device=device, taps=taps)

        eight, twelve, wide = pair("IW2", 8), pair("IW2", 12), pair("IW1", 8)
        places = eight.to_radar(ground)
        values, valid = eight.pixels(places, "vv")
        stages = {
            "radar to ground": (lambda: terrain.lines(0, lines), GROUND_BYTES),
            "ground to radar": (lambda: eight.to_radar(ground), PLACES_BYTES),
            "resample 8 x 8 and flatten": (lambda: eight.pixels(places, "vv"), RESAMPLE_BYTES),
            "coherence and phase": (
                lambda: boxcar_coherence(images[0], values, valid, window=(3, 11), first=0, stop=lines),
                COHERENCE_BYTES,
            ),
            "resample 12 x 12 and flatten": (
                lambda: twelve.pixels(places, "vv"),
                RESAMPLE_BYTES,
            ),
            "resample 8 x 16 and flatten": (lambda: wide.pixels(places, "vv"), RESAMPLE_BYTES),
        }
        rows = stage_rates(stages, lines * samples, repeats)
    chain = ("radar to ground", "ground to radar", "resample 8 x 8 and flatten", "coherence and phase")
    return {
        "versions": versions("numpy", "numba", "llvmlite", "rasterio"),
        "valid": float(valid.mean()),
        "stages": rows,
        "chain_seconds": {
            str(count): round(
                sum(r["seconds"] for r in rows if r["threads"] == count and r["stage"] in chain), 2
            )
            for count in sorted({row["threads"] for row in rows})
        },
    }


def report(results: dict[str, Any]) -> None:
    print(f"{100 * results['valid']:.0f} % valid")
    print_table(results["stages"])
    for count, total in results["chain_seconds"].items():
        print(f"from radar to coherence, 8 x 8 taps, on {count} threads: {total} s")
    print(
        f"ISCE3, optimized, on 2 threads of the same kind of machine: {sum(ISCE3.values()):.1f} s without coherence"
    )


if __name__ == "__main__":
    image_command(__doc__, measure, report)
