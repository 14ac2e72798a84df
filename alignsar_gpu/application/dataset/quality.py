"""quality.json: what a run measured of its own product."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.blocks import ChunkGrid
from alignsar_gpu.signatures.speckle import equivalent_number_of_looks
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from alignsar_gpu.application.dataset.coverage import Coverage
    from alignsar_gpu.application.dataset.description import Scene
    from alignsar_gpu.device import Device
    from alignsar_gpu.stack.product import StackProduct


QUALITY = "quality.json"
MOST_PIXELS = 4_000_000  # of a layer of a date, for its statistics
READ_PIXELS, MOST_READ_PIXELS = 4_000_000, 64_000_000  # read at once; where a row of chunks has more
SPECKLE_LINES = 1024
UNFILTERED_SPACING = (2, 2)  # pixels that are sampled more finely than they are resolved are not independent


def _statistics(layer: xr.Variable) -> dict[str, float]:
    """Median and mean of the finite values of a layer [line, sample]: of all, or of evenly spread chunks."""
    blocks = (layer[block].values for block in ChunkGrid.of(layer).spread(MOST_PIXELS))
    finite = np.concatenate([values[np.isfinite(values)] for values in blocks])
    if finite.size == 0:
        return {"median": np.nan, "mean": np.nan}
    return {"median": float(np.median(finite)), "mean": float(np.mean(finite, dtype=np.float64))}


def _dates(cube: xr.Dataset, product: StackProduct, coverage: Coverage) -> dict[str, Any]:
    """Per date (YYYYMMDD): share of pixels with data and a place; coherence and backscatter per polarization.

    The statistics of images beyond ``MOST_PIXELS`` come from that many, in evenly spread chunks: what is read of an
    image is then the same however large it is, and no chunk is decoded for a few of its lines.
    """
    result: dict[str, Any] = {}
    for index, acquisition in enumerate(product.acquisitions):
        facts: dict[str, Any] = {"valid_fraction": float(coverage.valid[index])}
        for name in ("coherence", "sigma0"):
            layers = [p for p in product.polarizations if f"{name}_{p}" in cube]
            if layers:
                facts[name] = {p: _statistics(cube[f"{name}_{p}"].variable[index]) for p in layers}
        result[acquisition.date] = facts
    return result


def _speckle(cube: xr.Dataset, product: StackProduct) -> dict[str, Any]:
    """Equivalent number of looks of the intensities of the reference date, in the middle of the image."""
    first = max(product.grid.shape[0] - SPECKLE_LINES, 0) // 2
    lines = slice(first, first + SPECKLE_LINES)
    filtered = cube.attrs["speckle_filter"] != "none"
    window = (cube.attrs["matrix_window_lines"], cube.attrs["matrix_window_samples"])
    looks = {}
    for polarization in product.polarizations:
        name = next((n for n in (f"intensity_{polarization}", f"sigma0_{polarization}") if n in cube), None)
        if name is not None:
            power = cube[name][product.reference, lines].values
            found = equivalent_number_of_looks(
                power, np.isfinite(power), np, spacing=window if filtered else UNFILTERED_SPACING
            )
            looks[polarization] = round(found, 2) if np.isfinite(found) else np.nan
    return (
        {"speckle_filter": cube.attrs["speckle_filter"], "equivalent_number_of_looks": looks} if looks else {}
    )


def _baselines(product: StackProduct, scene: Scene) -> dict[str, Any]:
    """Baselines of every date against the reference, at the scene centre."""
    return {
        "at": {
            "longitude": scene.centre.longitude,
            "latitude": scene.centre.latitude,
            "height": scene.centre.height,
        },
        "reference": product.acquisitions[product.reference].date,
        "dates": {
            acquisition.date: {
                "perpendicular_m": baseline.perpendicular,
                "parallel_m": baseline.parallel,
                "temporal_days": baseline.temporal,
                "height_of_ambiguity_m": baseline.height_of_ambiguity,
            }
            for acquisition, baseline in zip(product.acquisitions, scene.baselines, strict=True)
        },
    }


def _viewing(cube: xr.Dataset) -> dict[str, float]:
    """Share of pixels in layover and in shadow, where the cube tells; read by rows of chunks."""
    if "layover_shadow" not in cube:
        return {}
    layer = cube["layover_shadow"].variable
    flags = dict(zip(layer.attrs["flag_meanings"].split(), layer.attrs["flag_masks"], strict=True))
    counts = dict.fromkeys(flags, 0)
    for rows in ChunkGrid.of(layer).rows(READ_PIXELS, most=MOST_READ_PIXELS):
        values = layer[rows].values
        for name, mask in flags.items():
            counts[name] += int(np.count_nonzero(values & mask))
    return {f"{name}_fraction": count / layer.size for name, count in counts.items()}


def measure(
    cube: xr.Dataset,
    product: StackProduct,
    scene: Scene,
    coverage: Coverage,
    device: Device,
    warnings: list[str],
) -> dict[str, Any]:
    """Measure what quality.json says of the stack and its cube; parts of the dataset add their facts."""
    return {
        "device": {"kind": device.kind, "name": device.name, "reason": device.reason},
        "software": f"alignsar_gpu {VERSION}",
        "warnings": warnings,
        "source": dict(product.facts),
        "flattening": {a.date: a.flattened_how for a in product.acquisitions},
        "baselines": _baselines(product, scene),
        "incidence_angle_deg": scene.incidence_angle,
        "heading_deg": scene.heading,
        "azimuth_spacing_m": scene.azimuth_spacing,
        **_viewing(cube),
        "speckle": _speckle(cube, product),
        "dates": _dates(cube, product, coverage),
    }


def _without_nan(value: Any) -> Any:
    """``value`` with every NaN or infinity in it replaced by None, for JSON has neither."""
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def write_quality(path: Path, quality: dict[str, Any]) -> None:
    """Write ``quality`` as JSON."""
    path.write_text(json.dumps(_without_nan(quality), indent=2, allow_nan=False) + "\n", encoding="utf-8")
