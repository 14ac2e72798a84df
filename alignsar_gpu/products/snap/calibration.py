"""Sentinel-1 calibration records in the original metadata of a SNAP product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.geometry.time_scale import seconds_since
from alignsar_gpu.stack.calibration import Calibration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from alignsar_gpu.products.snap.metadata import Element


def _records(metadata: Element, kind: str, root: str) -> Iterator[Element]:
    """Every ``root`` element below Original_Product_Metadata / ``kind``, one a polarization and swath."""
    original = metadata.find("Original_Product_Metadata", kind)
    for file in original.children if original else ():
        record = file.find(root)
        if record is not None:
            yield record


def _matches(record: Element, absolute_orbit: int, polarization: str, swath: str) -> bool:
    header = record.find("adsHeader")
    return (
        header is not None
        and int(header.number("absoluteOrbitNumber")) == absolute_orbit
        and header.text("polarisation").lower() == polarization
        and header.text("swath").upper() == swath.upper()
    )


def _sample_ranges(annotation: Element) -> tuple[float, float]:
    """Slant range of sample 0 of the original image, and metres from a sample to the next."""
    near = annotation.require("imageAnnotation", "imageInformation").number("slantRangeTime")
    rate = annotation.require("generalAnnotation", "productInformation").number("rangeSamplingRate")
    return 0.5 * SPEED_OF_LIGHT * near, 0.5 * SPEED_OF_LIGHT / rate


def _table(vectors: list[Element], name: str, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(vectors, pixels) of one quantity, each vector brought to the sample numbers of the first."""
    rows = []
    for vector in vectors:
        own = vector.require("pixel").numbers("pixel")
        values = vector.require(name).numbers(name)
        if own.shape != values.shape:
            raise AlignsarError(
                f"{vector.where}: calibration vector with {own.size} samples but {values.size} values of {name}"
            )
        rows.append(np.interp(pixels, own, values))
    return np.stack(rows)


def read_calibration(
    metadata: Element,
    *,
    absolute_orbit: int,
    polarization: str,
    swath: str,
    epoch: np.datetime64,
    source: str,
) -> Calibration | None:
    """Read the calibration vectors of one acquisition; None if the product has none.

    The record is joined on absolute orbit, polarization and swath, never on its position in the file.
    ``epoch`` is the midnight that the result's azimuth times count from.
    Raises AlignsarError when a record is there but is damaged.
    """
    calibration, annotation = (
        next(
            (r for r in _records(metadata, kind, root) if _matches(r, absolute_orbit, polarization, swath)),
            None,
        )
        for kind, root in (("calibration", "calibration"), ("annotation", "product"))
    )
    if calibration is None or annotation is None:
        return None
    vectors = list(calibration.require("calibrationVectorList").children)
    if not vectors:
        raise AlignsarError(f"{calibration.where}: an empty list of calibration vectors")
    near, spacing = _sample_ranges(annotation)
    pixels = vectors[0].require("pixel").numbers("pixel")
    return Calibration(
        azimuth_time=np.array([seconds_since(epoch, v.time("azimuthTime")) for v in vectors]),
        slant_range=near + spacing * pixels,
        sigma_nought=_table(vectors, "sigmaNought", pixels),
        beta_nought=_table(vectors, "betaNought", pixels),
        gamma_nought=_table(vectors, "gamma", pixels),
        source=source,
    )
