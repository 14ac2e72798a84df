"""truth.zarr: what is known of simulated data, beside what was made of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.coregistration.timing.shifts import LOOKS
from alignsar_gpu.dataset.cube import open_cube, write_dataset
from alignsar_gpu.dataset.lazy import computed_variable
from alignsar_gpu.simulate.assessment.label_assessment import label_agreement
from alignsar_gpu.simulate.assessment.product_assessment import ProductAssessment
from alignsar_gpu.simulate.assessment.product_truth import find_truth, linear, nearest, truth_files

TRUTH = "truth.zarr"
PLANE = ("azimuth", "range")

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.config import Config
    from alignsar_gpu.stack.product import StackProduct

    Axis = NDArray[np.float64]


def files_of_truth(config: Config) -> list[Path]:
    """What the truth is read from where the run simulated its products; empty where it did not."""
    return [] if config.simulate is None else truth_files(_folder(config))


def write_truth(
    path: Path, cube: xr.Dataset, product: StackProduct, config: Config, window: tuple[int, int]
) -> dict[str, Any] | None:
    """Write what is true at some pixels of ``cube`` to ``path``; return how far the cube is from it.

    None where that is not known: of real data, and of simulated ones that came from elsewhere.

    Parameters
    ----------
    window : that coherence was estimated in, lines and samples.
    """
    assessment = _assessment(cube, product, config, window)
    if assessment is None:
        return None
    ground, places = assessment.ground()
    facts: dict[str, Any] = {"dates": {}, "places": places}
    if agreement := label_agreement(cube, assessment.placed, assessment.truth.class_names):
        facts["labels"] = agreement
    parts = []
    for index, name in enumerate(assessment.names):
        part, found = assessment.date(index)
        parts.append(part)
        if found:
            facts["dates"][name] = found
    truth = xr.concat(
        parts, "time", data_vars="minimal", coords="minimal", compat="override", join="override"
    )
    truth = truth.merge(ground)
    for variable in truth.variables.values():  # a file each, the images one for every date
        variable.encoding["chunks"] = (1, *variable.shape[1:]) if variable.ndim == 3 else variable.shape
    write_dataset(path, truth)
    return facts


def open_truth(path: Path, cube: xr.Dataset) -> xr.Dataset:
    """Open truth.zarr on the grid of ``cube``, lazily.

    Images of real numbers are linear between the pixels that it has, others are of the nearest.
    """
    truth = open_cube(path)
    own, wanted = ((one["azimuth"].values, one["range"].values) for one in (truth, cube))
    images = {}
    for name, layer in truth.data_vars.items():
        if layer.dims[-2:] == PLANE:
            shape = (*layer.shape[:-2], *map(len, wanted))
            read = partial(_on_grid, layer.variable, own, wanted)
            images[name] = computed_variable(layer.dims, shape, layer.dtype, layer.attrs, read)
    return truth.drop_dims(PLANE).assign(images).assign_coords({name: cube[name] for name in PLANE})


def _on_grid(
    layer: xr.Variable, own: tuple[Axis, Axis], wanted: tuple[Axis, Axis], *places: NDArray[np.intp]
) -> NDArray[Any]:
    """Values of a layer (..., azimuth, range) between its pixels, by their coordinates."""
    *before, lines, samples = places
    values = layer[tuple(before)].values
    axes = wanted[0][lines], wanted[1][samples]
    between = linear if values.dtype.kind == "f" else nearest
    found = [between(image, own, axes) for image in values.reshape(-1, *values.shape[-2:])]
    return np.asarray(found).reshape(*values.shape[:-2], *map(len, axes))


def _folder(config: Config) -> Path:
    assert config.simulate is not None
    return Path(config.simulate.path).expanduser()


def _assessment(
    cube: xr.Dataset, product: StackProduct, config: Config, window: tuple[int, int]
) -> ProductAssessment | None:
    """A coregistered stack beside the truth of its products; None where these are not of the run's simulation."""
    if config.simulate is None or not product.pieces:
        return None
    names = [acquisition.product_id for acquisition in product.acquisitions]
    truth = find_truth(_folder(config), names, product.reference)
    if truth is None:
        return None
    pieces = [piece for one in product.pieces if (piece := truth.of(one)) is not None]
    return ProductAssessment(
        cube=cube,
        truth=truth,
        pieces=pieces,
        bursts=product.bursts,
        dates=[truth.dates[name] for name in names],
        names=[acquisition.date for acquisition in product.acquisitions],
        timing=product.facts.get("timing", {}).get("dates", {}),
        polarization=product.polarizations[0],
        window=window,
        independent=LOOKS,
    )
