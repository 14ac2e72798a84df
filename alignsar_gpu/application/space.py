"""Space on the disk: what a run will take is estimated, said, and compared with what is free, before the work."""

from __future__ import annotations

import math
import shutil
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.dataset.netcdf.alignsar import PLACE, SIGNATURES
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.application.dataset.part import Plan
    from alignsar_gpu.config import Config
    from alignsar_gpu.dataset.chips.layout import ChipLayout
    from alignsar_gpu.dataset.cube import CubeLayer, CubeLayout
    from alignsar_gpu.simulate.radar.passes.view import PassView

    Shape = tuple[int, int, int]  # dates, lines and samples (rows and columns)

# Share of a layer's bytes that its compressed chunks take, measured on the demo: layers of dates, and those of the
# ground; masks and classes.
DATED, STATIC, CODES = 0.75, 0.4, 0.05
STATIC_NETCDF = 0.2  # each NetCDF file has the latter, packed by a codec that packs more
MANTISSA = 23  # bits of a float32 that rounding leaves fewer of
SURE = 0.5  # share of an estimate that a run takes at least
SAFE_PIXEL = 4  # bytes of a pixel and polarization of a product, as a measurement file has it


def check_dataset_space(plan: Plan, networks: Sequence[CubeLayout], config: Config, path: Path) -> None:
    """Say how much a dataset will take, and raise AlignsarError where the disk of ``path`` has not even half of it.

    Its map counts too.
    """
    shape = dates, lines, samples = plan.layout.shape
    cube = _bytes_of(shape, plan.layout.layers, STATIC)
    parts, less = [f"cube.zarr {in_units(cube)}"], "netcdf=none"
    total = cube + sum(_bytes_of(layout.shape, layout.layers, STATIC) for layout in networks)
    if config.netcdf != "none":
        copies = dates if config.netcdf == "dates" else 1
        files = _bytes_of(shape, plan.layers, copies * STATIC_NETCDF)  # those too that the cube computes
        parts.append(f"netcdf {in_units(files)}")
        total += files
    if config.dataset.alignsar_layout:
        named = [layer for layer in plan.layers if layer.name in {*SIGNATURES.values(), *PLACE.values()}]
        files = _bytes_of(shape, named, dates * STATIC_NETCDF)
        parts.append(f"alignsar {in_units(files)}")
        total += files
    if plan.map_grid is not None:
        names, (rows, columns) = config.geocoding.layers, plan.map_grid.shape
        layers = [layer for layer in plan.layers if (layer.name in names if names else not layer.coordinate)]
        files = _bytes_of_map((dates, rows, columns), layers, config.geocoding.products)
        parts.append(f"map of {rows} x {columns} pixels {in_units(files)}")
        total += files
        less = f"a coarser geocoding.resolution, {less}"
    LOGGER.info(
        "size       %d date%s of %d x %d pixels, %d layers: %s on disk (%s), %s free",
        *(dates, "s" * (dates > 1), lines, samples, len(plan.layers)),
        *(_about(total), ", ".join(parts), in_units(_free(path))),
    )
    _check(
        total,
        path,
        f"{less}, dataset.derived=computed and dataset.digits=3 take less; or choose another output",
    )


def check_map_space(layout: CubeLayout, products: Sequence[str], path: Path, made: Sequence[str]) -> None:
    """Say how much a map will take, and raise AlignsarError where the disk of ``path`` has not even half of it.

    ``made`` names its folders in ``path``.
    """
    total = _bytes_of_map(layout.shape, layout.layers, products)
    dates, rows, columns = layout.shape
    LOGGER.info(
        "size       map of %d date%s, %d x %d pixels, %d layers: %s on disk, %s free",
        *(
            dates,
            "s" * (dates > 1),
            rows,
            columns,
            len(layout.layers),
            _about(total),
            in_units(_free(path)),
        ),
    )
    _check(total, path, "a coarser geocoding.resolution and fewer geocoding.layers take less", made)


def check_chips_space(
    layout: ChipLayout, counts: Mapping[str, int], path: Path, made: str, images: int
) -> None:
    """Say how much chips will take, and raise AlignsarError where the disk of ``path`` has not even half of it.

    ``made`` is their folder in ``path``; ``images`` is how many 8-bit images of three colours they have besides.
    """
    total = float(3 * images * math.prod(layout.shape))
    for array in layout.arrays:
        kind = np.dtype(array.dtype)
        if kind.kind == "f":
            share = (DATED if array.along == "chip" else STATIC) if array.compressed else 1.0
            total += share * counts[array.along] * math.prod(layout.chunk(array)) * kind.itemsize
    LOGGER.info("size       chips: %s on disk, %s free", _about(total), in_units(_free(path)))
    _check(total, path, "fewer chips.layers, chips.type=float16 and chips.digits=3 take less", (made,))


def check_products_space(views: Sequence[PassView], path: Path) -> None:
    """Say how much simulated products will take, and raise AlignsarError where the disk has not even half of it."""
    bursts = [burst for view in views for burst in view.product.bursts]
    total = sum(b.grid.lines * b.grid.samples * len(b.channels) * SAFE_PIXEL for b in bursts)
    LOGGER.info(
        "size       %d burst%s: %s on disk, %s free",
        *(len(bursts), "s" * (len(bursts) > 1), _about(total), in_units(_free(path))),
    )
    _check(total, path, "simulate fewer or smaller bursts, or choose another output")


def _bytes_of_map(shape: Shape, layers: Sequence[CubeLayer], products: Sequence[str]) -> float:
    files = len(set(products) - {"cube"})  # the cube is made in any case
    return (1 + files) * _bytes_of(shape, layers, STATIC)


def _bytes_of(shape: Shape, layers: Sequence[CubeLayer], static: float) -> float:
    dates, lines, samples = shape
    total = 0.0
    for layer in layers:
        kind = np.dtype(layer.dtype)
        if kind.kind not in "fc":
            total += CODES * (dates if layer.dated else 1) * lines * samples
            continue
        kept = 1.0 if layer.mantissa_bits is None else (32 - MANTISSA + layer.mantissa_bits) / 32
        share = DATED * dates if layer.dated else static
        total += share * kept * kind.itemsize * lines * samples
    return total


def _free(path: Path) -> int:
    return shutil.disk_usage(path).free


def _check(total: float, path: Path, advice: str, made: Sequence[str] = ("",)) -> None:
    """Compare what ``made``, files and folders in ``path``, will take with what is there of them and what is free."""
    files = [file for name in made for file in (path / name).rglob("*")]
    there = sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())
    needed, free = total - there, _free(path)  # a run that is continued has some of it
    if SURE * needed > free:
        raise AlignsarError(
            f"output={path}: the run will take about {in_units(total)}, and {in_units(free)} are free there; {advice}"
        )
    if needed > free:
        LOGGER.warning(
            "size       about %s are needed, and %s are free: the disk may become full",
            in_units(needed),
            in_units(free),
        )


def _about(count: float) -> str:
    text = in_units(count)
    return text if text.startswith("under") else f"about {text}"


def in_units(count: float) -> str:
    """Return a number of bytes as text, such as 1.7 GB."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.{0 if count >= 10 * size else 1}f} {unit}"
    return "under 1 MB"
