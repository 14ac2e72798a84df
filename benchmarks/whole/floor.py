"""The least that a whole run can take: its bytes at the disk's speed, its arithmetic at the kernels' speed."""

from __future__ import annotations

import os
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from chain import CPU, POLARIZATIONS, make_burst, repeated
from common import KERNELS, images, seconds_in_turn
from device.case import Size

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from pathlib import Path

PART = Size(lines=400, samples=8_000)  # of a burst, for the speed of the kernels
TRIED = 2**28  # bytes, for the speed of the disk


def disk_speed(folder: Path) -> tuple[float, float]:
    """Bytes a second that are written to the disk, and read from it with nothing of them in memory."""
    path, data = folder / "speed.bin", np.random.default_rng(1).bytes(TRIED)
    written, read = [], []
    for _ in range(3):
        began = time.perf_counter()
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            written.append(time.perf_counter() - began)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        began = time.perf_counter()
        path.read_bytes()
        read.append(time.perf_counter() - began)
        path.unlink()
    return TRIED / median(written), TRIED / median(read)


def kernel_seconds(dates: int, pixels: int, polarizations: int) -> float:
    """Seconds of the kernels that bring dates together and compute signatures, pixels in memory, on all threads."""
    took = repeated(make_burst(PART), CPU, 3)
    detect = KERNELS[1]
    arrays = [images(PART.lines, PART.samples)[name] for name in detect.arrays]
    call = {"detect": lambda: kernels.amplitude_intensity_phase(*arrays)}
    signatures = took["signatures"] if polarizations > 1 else seconds_in_turn(call, 3)["detect"]
    share = polarizations / len(POLARIZATIONS)  # of what was timed in all of them
    second = took["ground to radar"] + share * (took["resample and flatten"] + took["coherence"])
    return pixels / PART.pixels * (took["radar to ground"] + (dates - 1) * second + dates * signatures)


def bytes_under(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def floor_of(output: Path, reads: Path, polarizations: int) -> dict[str, Any]:
    """Seconds below which a run cannot come, even where reading, computing and writing overlap: the longest of them."""
    cube = xr.open_zarr(output / "cube.zarr").sizes
    write_speed, read_speed = disk_speed(output)
    read, written = bytes_under(reads), bytes_under(output)
    parts = {
        "reading_seconds": read / read_speed,
        "writing_seconds": written / write_speed,
        "kernel_seconds": kernel_seconds(cube["time"], cube["azimuth"] * cube["range"], polarizations),
    }
    return {
        "read_mb": round(read / 1e6),
        "written_mb": round(written / 1e6),
        "disk_read_mb_per_second": round(read_speed / 1e6),
        "disk_write_mb_per_second": round(write_speed / 1e6),
        **{name: round(seconds, 2) for name, seconds in parts.items()},
        "seconds": round(max(parts.values()), 2),
    }
