"""truth.zarr: what is known of simulated data, beside what was made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu.coregistration.timing.shifts import LOOKS
from alignsar_gpu.dataset.cube import append_dataset, write_dataset
from alignsar_gpu.simulate.assessment.label_assessment import label_agreement
from alignsar_gpu.simulate.assessment.product_assessment import ProductAssessment
from alignsar_gpu.simulate.assessment.product_truth import find_truth, truth_files

TRUTH = "truth.zarr"

if TYPE_CHECKING:
    import xarray as xr

    from alignsar_gpu.config import Config
    from alignsar_gpu.stack.product import StackProduct


def files_of_truth(config: Config) -> list[Path]:
    """What the truth is read from where the run simulated its products; empty where it did not."""
    return [] if config.simulate is None else truth_files(_folder(config))


def write_truth(
    path: Path, cube: xr.Dataset, product: StackProduct, config: Config, window: tuple[int, int]
) -> dict[str, Any] | None:
    """Write what is true at the pixels of ``cube`` to ``path``; return how far the cube is from it.

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
    if agreement := label_agreement(cube, assessment.pieces, assessment.truth.class_names):
        facts["labels"] = agreement
    for index, name in enumerate(assessment.names):
        part, found = assessment.date(index)
        if index:
            append_dataset(path, part, "time")
        else:
            write_dataset(path, part.merge(ground))
        if found:
            facts["dates"][name] = found
    return facts


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
