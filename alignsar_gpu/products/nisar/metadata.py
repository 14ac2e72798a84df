"""Metadata of a NISAR RSLC product: grid, orbit, calibration, valid samples, identification.

The layout is that of JPL D-102268, NASA SDS Product Specification L1 RSLC, as ISCE3 writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT, RadarGrid
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.products.nisar.hdf5 import DAMAGED
from alignsar_gpu.stack.calibration import Calibration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.products.nisar.hdf5 import Group

BANDS = ("LSAR", "SSAR")
KINDS = ("RSLC", "SLC")  # early products have the shorter name
POLARIZATIONS = ("hh", "hv", "vv", "vh")  # transmitted, received
LEAST = 2  # lines and samples that a grid needs for its spacing
UNEVEN = 0.01  # lines or samples that one may lie away from an even grid
QUANTITIES = ("sigma0", "beta0", "gamma0")
LARGEST_NUMBER = 2**31 - 1  # of an orbit


def find_product(root: Group) -> tuple[Group, Group]:
    """Find the groups of the band and of its RSLC product. Raises AlignsarError if there is none."""
    science = root.find("science")
    bands = [] if science is None else [band for name in BANDS if (band := science.find(name)) is not None]
    for band in bands:
        for kind in KINDS:
            product = band.find(kind)
            if product is not None:
                return band, product
    held = [name for band in bands for name in band.names if name != "identification"]
    kinds = f"it holds {', '.join(held)}" if held else "it has no group science/LSAR or science/SSAR"
    raise AlignsarError(
        f"{root.where}: is no RSLC product in NISAR's layout: {kinds}; give a product of kind RSLC"
    )


def find_images(
    product: Group, frequency: str, asked: Sequence[str] = ()
) -> tuple[Group, tuple[str, ...], list[str]]:
    """Find the group of a frequency band, the polarizations to read, and those that are listed without an image.

    ``asked`` are the polarizations to read; empty: all that have an image. Raises AlignsarError for a band that is not
    there, has no images or not those asked for, and for other than linear polarizations.
    """
    swaths = product.require("swaths")
    images = swaths.find(f"frequency{frequency}")
    if images is None:
        there = [name.removeprefix("frequency") for name in swaths.names if name.startswith("frequency")]
        raise AlignsarError(
            f"{swaths.where}: no frequency {frequency} in the product; say products.frequency="
            f"{there[0] if there else 'A'} ({'there is ' + ', '.join(there) if there else 'it has none'})"
        )
    listed = [name.lower() for name in images.texts("listOfPolarizations")]
    unknown = [name.upper() for name in listed if name not in POLARIZATIONS]
    if unknown:
        raise AlignsarError(
            f"{images.where}: polarization {', '.join(unknown)}: only HH, HV, VH and VV can be read; give a product of "
            "linear polarizations"
        )
    there = [name for name in POLARIZATIONS if name in listed and images.has(name.upper())]
    if not there:
        others = [
            name for name in swaths.names if name.startswith("frequency") and name != f"frequency{frequency}"
        ]
        instead = f"; the product also has {', '.join(others)} (products.frequency)" if others else ""
        raise AlignsarError(
            f"{images.where}: no image of {', '.join(listed).upper() or 'any polarization'}: {DAMAGED}{instead}"
        )
    if not set(asked) <= set(there):
        raise AlignsarError(
            f"products.polarizations=[{','.join(asked)}]: {images.where} has images of {', '.join(there).upper()}; "
            "choose from these"
        )
    return images, tuple(name for name in there if name in asked or not asked), sorted({*listed} - {*there})


def image_shape(images: Group, polarizations: tuple[str, ...]) -> tuple[int, int]:
    """Return the (lines, samples) of all images. Raises AlignsarError if they differ or are not complex numbers."""
    shapes = {}
    for name in (polarization.upper() for polarization in polarizations):
        kind, shape = images.described(name)
        pair = kind.names == ("r", "i") and all(kind[part].kind == "f" for part in ("r", "i"))
        if len(shape) != 2 or not (pair or kind.kind == "c"):
            raise AlignsarError(
                f"{images.where}/{name}: expected a complex image (lines, samples), got {kind} of shape "
                f"{shape}: {DAMAGED}"
            )
        shapes[name] = (shape[0], shape[1])
    lines, samples = next(iter(shapes.values()))
    if len(set(shapes.values())) != 1 or min(lines, samples) < LEAST:
        sizes = ", ".join(f"{name} {size[0]} x {size[1]}" for name, size in shapes.items())
        raise AlignsarError(
            f"{images.where}: images of {sizes} pixels; all must have the same size, at least {LEAST} x {LEAST}: "
            f"{DAMAGED}"
        )
    return lines, samples


def _even(values: NDArray[np.float64], where: str) -> float:
    """The step of evenly spaced values. Raises AlignsarError where they are not."""
    step = float(values[-1] - values[0]) / (len(values) - 1)
    away = np.abs(values - (values[0] + step * np.arange(len(values)))).max()
    if away > UNEVEN * step:
        raise AlignsarError(f"{where}: is not evenly spaced, off by {away / step:.3g} steps: {DAMAGED}")
    return step


def read_grid(band: Group, product: Group, images: Group, shape: tuple[int, int]) -> RadarGrid:
    """Read the radar grid of a frequency band; its epoch is the midnight before its first line."""
    swaths = product.require("swaths")
    times, ranges = swaths.times("zeroDopplerTime"), images.increasing("slantRange")
    for name, axis, length in (
        ("zeroDopplerTime", times.seconds, shape[0]),
        ("slantRange", ranges, shape[1]),
    ):
        if len(axis) != length:
            raise AlignsarError(
                f"{images.where}: {len(axis)} values of {name} for images of {shape[0]} x {shape[1]} pixels: {DAMAGED}"
            )
    frequency, side = images.number("processedCenterFrequency"), _look_side(band)
    if frequency <= 0:
        raise AlignsarError(
            f"{images.where}/processedCenterFrequency: expected Hz, got {frequency}: {DAMAGED}"
        )
    midnight = times.midnight
    azimuth_time = times.since(midnight)
    return RadarGrid(
        epoch=midnight,
        first_azimuth_time=float(azimuth_time[0]),
        azimuth_interval=_even(azimuth_time, f"{swaths.where}/zeroDopplerTime"),
        first_slant_range=float(ranges[0]),
        range_spacing=_even(ranges, f"{images.where}/slantRange"),
        wavelength=SPEED_OF_LIGHT / frequency,
        look_side=side,
        lines=shape[0],
        samples=shape[1],
    )


def _look_side(band: Group) -> Literal["right", "left"]:
    identification = band.require("identification")
    text = identification.text("lookDirection").lower()
    if text not in {"left", "right"}:
        raise AlignsarError(
            f"{identification.where}/lookDirection: expected left or right, got {text!r}: {DAMAGED}"
        )
    return "left" if text == "left" else "right"


def read_orbit(product: Group, grid: RadarGrid) -> tuple[Orbit, str]:
    """Read the state vectors, in times of the grid's epoch, and the orbit type ("POE", "Custom", ...).

    Raises AlignsarError where they do not cover the grid.
    """
    group = product.require("metadata/orbit")
    times = group.times("time")
    position = group.numbers("position", len(times.seconds), 3)
    velocity = group.numbers("velocity", len(times.seconds), 3)
    kind = group.text("orbitType") if group.has("orbitType") else "unknown"
    first, last = grid.azimuth_time([0, grid.lines - 1])
    try:
        orbit = Orbit(
            epoch=grid.epoch,
            time=times.since(grid.epoch),
            position=position,
            velocity=velocity,
            source=f"in the product, {kind}",
        )
        orbit.require(float(first), float(last))
    except AlignsarError as error:
        raise AlignsarError(f"{group.where}: {error}") from None
    return orbit, kind


def calibration_tables(product: Group) -> Group | None:
    """Find the group of the calibration tables, filled in or not; None if there is none."""
    tables = product.find("metadata/calibrationInformation/geometry")
    return tables if tables is not None and all(tables.has(name) for name in QUANTITIES) else None


def read_calibration(product: Group, grid: RadarGrid, source: str) -> Calibration | None:
    """Read the calibration tables; None if the product has none or they are not filled in.

    sigma0 = |DN|^2 / sigma0_LUT^2, and beta0 and gamma0 likewise: the tables are amplitudes to divide by (Alaska
    Satellite Facility, NISAR Data User Guide, GSLC, "Backscatter"; the tables of a GSLC are those of its RSLC, and
    beta0's is 1). ISCE3 writes three tables of ones where it has no values: sigma0 is never equal to beta0.
    """
    tables = calibration_tables(product)
    if tables is None:
        return None
    # early products have one pair of axes for all that is in the group above
    axes = tables if tables.has("zeroDopplerTime") else product.require("metadata/calibrationInformation")
    times, ranges = axes.times("zeroDopplerTime"), axes.increasing("slantRange")
    sigma, beta, gamma = (tables.numbers(name, len(times.seconds), len(ranges)) for name in QUANTITIES)
    if np.array_equal(sigma, beta) or np.array_equal(gamma, beta):
        return None
    return Calibration(
        azimuth_time=times.since(grid.epoch),
        slant_range=ranges,
        sigma_nought=sigma,
        beta_nought=beta,
        gamma_nought=gamma,
        source=source,
    )


def read_valid_samples(images: Group, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Read the first valid sample and the one after the last, (sub-swaths, lines, 2) int64.

    No sub-swath where the product does not say: all samples are valid then. Lines whose first is not below their
    last have none (ISCE3, isce3::product::SubSwaths).
    """
    names = sorted(name for name in images.names if name.startswith("validSamplesSubSwath"))
    windows = np.zeros((len(names), shape[0], 2), dtype=np.int64)
    for index, name in enumerate(names):
        window = images.numbers(name, shape[0], 2)
        if window.min() < 0 or window.max() > shape[1]:
            raise AlignsarError(
                f"{images.where}/{name}: samples {window.min():.0f} to {window.max():.0f} of an image with {shape[1]}: "
                f"{DAMAGED}"
            )
        windows[index] = window
    if names and not (windows[..., 0] < windows[..., 1]).any():
        raise AlignsarError(
            f"{images.where}: no sample of the image is valid: every line of validSamplesSubSwath is empty: {DAMAGED}"
        )
    return windows


def _whole(group: Group, name: str) -> int:
    number = group.number(name)
    if not 0 <= number <= LARGEST_NUMBER or number != int(number):
        raise AlignsarError(f"{group.where}/{name}: expected a whole number, got {number}: {DAMAGED}")
    return int(number)


def _optional_text(group: Group | None, name: str) -> str:
    """A text, empty where the product does not have it or has a placeholder for it."""
    if group is None or not group.has(name):
        return ""
    text = " ".join(filter(None, group.texts(name)))
    return "" if text.startswith("(") or text.lower() == "none" else text


def read_identification(band: Group, product: Group, orbit: Orbit, grid: RadarGrid) -> dict[str, Any]:
    """Read the fields of the acquisition, by name; ``product_id`` is empty if the product does not state it."""
    identification = band.require("identification")
    stated = _optional_text(identification, "orbitPassDirection").lower()
    middle = float(grid.azimuth_time(0.5 * grid.lines))
    # airborne products state a heading instead
    north = stated.startswith("asc") or (not stated.startswith("desc") and orbit.velocity_at(middle)[2] > 0)
    version = _optional_text(product.find("metadata/processingInformation/algorithms"), "softwareVersion")
    return {
        "product_id": _optional_text(identification, "granuleId"),
        "platform": identification.text("missionId"),
        "pass_direction": "ascending" if north else "descending",
        "absolute_orbit": _whole(identification, "absoluteOrbitNumber"),
        "relative_orbit": _whole(identification, "trackNumber"),
        "instrument_mode": _optional_text(identification, "listOfObservationModes") or "stripmap",
        "processor": f"ISCE3 {version}" if version else "unknown",
    }
