"""Where labels are put: the terrain under a stack, and what its lines and samples are off from the geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.inputs import open_surface
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.radarcoding.layers import LabelScene
from alignsar_gpu.radarcoding.level_ground import LevelGround
from alignsar_gpu.radarcoding.shifts import MARGIN, NO_SHIFTS, SPACING, Shifts
from alignsar_gpu.stack.product import radar_grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.config import Config
    from alignsar_gpu.device import Device
    from alignsar_gpu.stack.product import StackProduct

LINES, SAMPLES = 48, 64  # pixels at which a product's own coordinates are compared with the geometry


def terrain_of(product: StackProduct, config: Config) -> Terrain:
    """The ground of a stack. Raises AlignsarError where it has none, or the DEM given does not reach it."""
    if product.terrain is not None:
        return product.terrain
    if config.dem.path is None:
        raise AlignsarError(
            f"radarcoding.layers: products={config.products.reader} has no terrain to put labels onto; give a DEM "
            "(dem.path), or SLC products with one (+experiment=demo needs no data)"
        )
    reference = product.acquisitions[product.reference]
    return Terrain(grid=radar_grid(product), orbit=reference.orbit, dem=open_surface(config.dem))


def scene_of(
    product: StackProduct, config: Config, device: Device, times: Sequence[np.datetime64], temporary: Path
) -> LabelScene:
    """What labels are put onto; ``times`` are those of the dates. Raises AlignsarError where there is no terrain."""
    terrain = terrain_of(product, config)
    return LabelScene(
        level_ground=LevelGround(terrain=terrain, shifts=product_shifts(product, terrain)),
        device=device,
        times=np.array(times, dtype="datetime64[ns]"),
        reference=product.reference,
        temporary=temporary,
    )


def shifts_of(product: StackProduct, level_ground: LevelGround, height: Any, lines: slice) -> Shifts:
    """What lines and samples of a strip are off from the geometry: corrections of their places, or a product's own.

    ``height`` : of the pixels, [line, sample], read where it is needed.
    """
    if product.terrain is not None:
        total_lines, total_samples = product.grid.shape
        first, stop = max(lines.start - MARGIN, 0), min(lines.stop + MARGIN, total_lines)
        samples = np.arange(0, total_samples + SPACING, SPACING)
        inside = np.minimum(samples, total_samples - 1)
        heights = np.asarray(height[first:stop], dtype=np.float64)[:, inside]
        found = product.shifts(slice(first, stop), inside, heights)
        return NO_SHIFTS if found is None else Shifts(values=fill_nearest(found), first=first)
    return level_ground.shifts


def fill_nearest(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Fill NaN in values [..., line, sample] with the nearest ones along samples, then lines, and with 0."""
    filled = values.copy()
    for axis in (2, 1):
        for _ in range(2):
            known = np.isfinite(filled)
            place = np.where(
                known, np.arange(filled.shape[axis]).reshape([-1 if a == axis else 1 for a in range(3)]), 0
            )
            filled = np.take_along_axis(filled, np.maximum.accumulate(place, axis=axis), axis)
            filled = np.flip(filled, axis)
    return np.nan_to_num(filled).astype(np.float32)


def product_shifts(product: StackProduct, terrain: Terrain) -> Shifts:
    """What a product's own coordinates are off from its orbit and grid: a plane over the image; none without any.

    A stack that another processor has cut or resampled may say where its pixels lie, but not which lines of the grid
    they are to a part of one.
    """
    if product.terrain is not None or not product.has_heights:
        return NO_SHIFTS
    grid = radar_grid(product)
    lines = np.unique(np.linspace(0, grid.lines - 1, LINES).astype(int))
    samples = np.unique(np.linspace(0, grid.samples - 1, SAMPLES).astype(int))
    found = []
    for line in lines:
        ground = product.read_ground(int(line), int(line) + 1)
        places = [
            part[0, samples].astype(np.float64) for part in (ground.longitude, ground.latitude, ground.height)
        ]
        seen = terrain.to_radar(*places)
        found.append([seen[0] - line, seen[1] - samples])
    apart = np.array(found)  # [line, axis, sample]
    nodes = np.arange(0, grid.samples + SPACING, SPACING)
    all_lines = np.arange(grid.lines)[:, np.newaxis]
    planes = []
    for axis in range(2):
        constant, down, across = fit_plane(lines, samples, apart[:, axis])
        planes.append(constant + down * all_lines + across * nodes)
    return Shifts(values=np.stack(planes).astype(np.float32))


def fit_plane(
    lines: NDArray[np.intp], samples: NDArray[np.intp], values: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Fit a plane to values [line, sample], without those far from most: constant, by line, by sample."""
    line, sample = np.meshgrid(lines, samples, indexing="ij")
    keep = np.isfinite(values)
    if np.count_nonzero(keep) < 16:
        return 0.0, 0.0, 0.0
    spread = np.nanmedian(np.abs(values - np.nanmedian(values)))
    keep &= np.abs(values - np.nanmedian(values)) <= 10.0 * spread + 1e-6
    table = np.stack([np.ones(keep.sum()), line[keep], sample[keep]], axis=1)
    constant, down, across = np.linalg.lstsq(table, values[keep], rcond=None)[0].tolist()
    return constant, down, across
