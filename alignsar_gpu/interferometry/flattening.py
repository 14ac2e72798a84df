"""Removal of reference (flat-earth) and topographic phase from the secondaries of a stack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.kernels import ZERO_DOPPLER, ground_to_radar, rotate_phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.stack.block import Stack
    from alignsar_gpu.stack.ground import Ground


def slant_ranges(orbit: Orbit, ground: Ground, seed: Any) -> Any:
    """Compute the zero-Doppler slant range (m) from ``orbit`` to every pixel, in float64, where ``ground`` is.

    ``seed`` (lines,) are times near the zero-Doppler time of every line (s since its epoch). NaN where the coordinates
    are.
    """
    return ground_to_radar(ground.longitude, ground.latitude, ground.height, seed, orbit.table, ZERO_DOPPLER)[
        1
    ]


def flatten(stack: Stack, ground: Ground, delays: Sequence[float]) -> Stack:
    """Remove reference and topographic phase from every secondary that still has it.

    The pixels of a secondary are multiplied by exp(-j 4 pi / lambda (R_ref - R_sec)), so that reference *
    conj(secondary) is the flattened interferogram and any two dates of the result can be paired. Dates that
    are already flattened are left as they are; pixels without ground coordinates become invalid.

    ``ground`` covers the lines of the stack, halo included, on its device (`stack.block.load_ground`). ``delays``
    gives per date how much later than in the reference pass (each in seconds since its own midnight) the scene is at
    zero Doppler.
    """
    raw = [i for i, acquisition in enumerate(stack.acquisitions) if not acquisition.flattened]
    if not raw:
        return stack
    xp, upload, times = stack.device.xp, stack.device.upload, stack.azimuth_time
    pixels, valid = stack.pixels.copy(), stack.valid.copy()
    reference = slant_ranges(stack.acquisitions[stack.reference].orbit, ground, upload(times))
    for date in raw:
        turn = slant_ranges(stack.acquisitions[date].orbit, ground, upload(times + delays[date]))
        turn -= reference
        turn *= 4.0 * np.pi / stack.grid.wavelength
        known = xp.isfinite(turn)
        turn = xp.where(known, turn, 0.0)
        for polarization in range(len(stack.polarizations)):
            valid[date, polarization] &= known
            turned = rotate_phase(stack.pixels[date, polarization], turn)
            pixels[date, polarization] = xp.where(valid[date, polarization], turned, np.complex64(0))
    return replace(stack, pixels=pixels, valid=valid)
