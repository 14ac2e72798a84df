"""Write the calibration and noise annotations of a simulated subswath (``annotation/calibration/*.xml``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.simulate.safe.annotation import header
from alignsar_gpu.simulate.safe.xml_writing import document, element, listed, numbers, utc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from alignsar_gpu.simulate.safe.plan.product import ProductPlan
    from alignsar_gpu.simulate.safe.plan.swaths import SwathPlan

DIGITS = 6  # after the point, as ESA's


def _calibration_vectors(plan: ProductPlan, swath: SwathPlan, polarization: str) -> Iterator[Element]:
    table = swath.calibration[polarization]
    for k, time in enumerate(table.azimuth_time.tolist()):
        yield element(
            "calibrationVector",
            element("azimuthTime", utc(plan.epoch, time)),
            element("line", int(table.line[k])),
            numbers("pixel", table.pixel),
            numbers("sigmaNought", table.sigma_nought[k], DIGITS),
            numbers("betaNought", table.beta_nought[k], DIGITS),
            numbers("gamma", table.gamma_nought[k], DIGITS),
            numbers("dn", table.beta_nought[k], DIGITS),
        )


def calibration(plan: ProductPlan, swath: SwathPlan, polarization: str) -> bytes:
    """Make the content of a ``calibration-*.xml``."""
    return document(
        element(
            "calibration",
            header(plan, swath, polarization),
            element("calibrationInformation", element("absoluteCalibrationConstant", 1.0)),
            listed("calibrationVectorList", _calibration_vectors(plan, swath, polarization)),
        )
    )


def _range_vectors(plan: ProductPlan, swath: SwathPlan, polarization: str) -> Iterator[Element]:
    table = swath.noise[polarization]
    for k, time in enumerate(table.azimuth_time.tolist()):
        yield element(
            "noiseRangeVector",
            element("azimuthTime", utc(plan.epoch, time)),
            element("line", int(table.line[k])),
            numbers("pixel", table.pixel),
            numbers("noiseRangeLut", table.power[k], DIGITS),
        )


def noise(plan: ProductPlan, swath: SwathPlan, polarization: str) -> bytes:
    """Make the content of a ``noise-*.xml``."""
    table = swath.noise[polarization]
    azimuth = element(
        "noiseAzimuthVector",
        element("swath", swath.name),
        element("firstAzimuthLine", 0),
        element("firstRangeSample", 0),
        element("lastAzimuthLine", swath.image_lines - 1),
        element("lastRangeSample", swath.samples - 1),
        numbers("line", table.azimuth_line),
        numbers("noiseAzimuthLut", table.factor, DIGITS),
    )
    return document(
        element(
            "noise",
            header(plan, swath, polarization),
            listed("noiseRangeVectorList", _range_vectors(plan, swath, polarization)),
            listed("noiseAzimuthVectorList", [azimuth]),
        )
    )
