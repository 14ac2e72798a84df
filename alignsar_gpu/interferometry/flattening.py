"""Removal of reference (flat-earth) and topographic phase from the secondaries of a stack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.geometry.ground_to_radar import slant_range_to
from alignsar_gpu.kernels import rotate_phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.stack.block import Stack
    from alignsar_gpu.stack.ground import Ground


def reference_and_topographic_phase(
    wavelength: float,
    passes: tuple[Orbit, Orbit],
    seeds: tuple[NDArray[np.float64], NDArray[np.float64]],
    ground: Ground,
) -> NDArray[np.float64]:
    """Compute 4 pi / lambda (R_ref - R_sec) in radians, (lines, samples), not wrapped.

    Parameters
    ----------
    wavelength : metres.
    passes : the orbits of the reference and of the secondary.
    seeds : for each of the two, times near the zero-Doppler time of every line (s since its epoch).
    ground : where the pixels lie.

    Both ranges are solved in float64 from the ground coordinates of each pixel; NaN where those are NaN.
    """
    where = (ground.longitude, ground.latitude, ground.height)
    reference, secondary = (
        slant_range_to(orbit, *where, seed[:, np.newaxis]) for orbit, seed in zip(passes, seeds, strict=True)
    )
    return 4.0 * np.pi / wavelength * (reference - secondary)


def flatten(stack: Stack, ground: Ground, delays: Sequence[float]) -> Stack:
    """Remove reference and topographic phase from every secondary that still has it.

    The pixels of a secondary are multiplied by exp(-j 4 pi / lambda (R_ref - R_sec)), so that reference *
    conj(secondary) is the flattened interferogram and any two dates of the result can be paired. Dates that
    are already flattened are left as they are; pixels without ground coordinates become invalid.

    ``ground`` covers the lines of the stack, halo included. ``delays`` gives per date how much later than in
    the reference pass (each in seconds since its own midnight) the scene is at zero Doppler.
    """
    raw = [i for i, acquisition in enumerate(stack.acquisitions) if not acquisition.flattened]
    if not raw:
        return stack
    device = stack.device
    pixels, valid = stack.pixels.copy(), stack.valid.copy()
    reference = stack.acquisitions[stack.reference].orbit
    times = stack.azimuth_time
    for date in raw:
        secondary = stack.acquisitions[date].orbit
        phase = reference_and_topographic_phase(
            stack.grid.wavelength, (reference, secondary), (times, times + delays[date]), ground
        )
        known = device.upload(np.isfinite(phase))
        turn = device.upload(-np.nan_to_num(phase))
        for polarization in range(len(stack.polarizations)):
            valid[date, polarization] &= known
            turned = rotate_phase(stack.pixels[date, polarization], turn)
            pixels[date, polarization] = device.xp.where(valid[date, polarization], turned, np.complex64(0))
    return replace(stack, pixels=pixels, valid=valid)
