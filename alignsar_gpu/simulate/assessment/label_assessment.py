"""Agreement of radarcoded classes with the true land cover of a simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.simulate.assessment.product_assessment import FIRST
from alignsar_gpu.simulate.assessment.product_truth import NO_CLASS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from alignsar_gpu.simulate.assessment.product_truth import PieceTruth

CERTAIN = 0.9  # share of a pixel that a class must have to be compared with the class at the pixel's centre
FEWEST = 2  # classes that a layer must have in common with the truth


def label_agreement(
    cube: xr.Dataset, pieces: Sequence[PieceTruth], class_names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Compute the share of certain pixels with the true class, for each radarcoded layer of the truth's classes.

    By the name of the layer: ``agreement`` (0 to 1; NaN without pixels), ``pixels`` that were compared (those that
    the truth keeps, with a class on more than ``CERTAIN`` of their ground), and ``certain``, their share of those where
    the layer is known.
    """
    names = [name.replace(" ", "_") for name in class_names]
    found = {}
    for layer in _layers(cube, names):
        shares = {k: cube[f"{layer}_{n}"] for k, n in enumerate(names) if f"{layer}_{n}" in cube}
        right = compared = kept = 0
        for piece in pieces:
            stack = np.stack([share[piece.slices].values for share in shares.values()])
            true = piece.layer("land_cover", FIRST)
            known = np.isfinite(stack).all(axis=0) & (true != NO_CLASS)
            stack = np.nan_to_num(stack)
            certain = (stack.max(axis=0) > CERTAIN) & known
            best = np.array(list(shares))[stack.argmax(axis=0)]
            right += int(np.count_nonzero(certain & (best == true)))
            compared += int(np.count_nonzero(certain))
            kept += int(np.count_nonzero(known))
        found[layer] = {
            "agreement": right / compared if compared else np.nan,
            "pixels": compared,
            "certain": compared / kept if kept else np.nan,
        }
    return found


def _layers(cube: xr.Dataset, names: Sequence[str]) -> list[str]:
    """What radarcoded layers are called before the names of classes."""
    counts: dict[str, int] = {}
    for layer in cube.data_vars:
        for name in names:
            if str(layer).endswith(f"_{name}") and "inherited_from" in cube[layer].attrs:
                start = str(layer)[: -len(name) - 1]
                counts[start] = counts.get(start, 0) + 1
    return sorted(start for start, count in counts.items() if count >= FEWEST)
