"""How well the dataset made from a simulated stack gives back what was put into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.interferometry.statistics import expected_coherence
from alignsar_gpu.simulate.assessment.class_coherence import pure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from synthetic_stack.stack import SimulatedStack

FEWEST_PIXELS = 200


def assess(
    cube: xr.Dataset, product: SimulatedStack, window: tuple[int, int]
) -> tuple[xr.Dataset, Mapping[str, Any]]:
    """Truth beside estimate (a dataset for truth.zarr), and the differences (for quality.json).

    Coherence is compared per class over pixels whose whole ``window`` (lines, samples) lies in the class,
    with the mean that Touzi et al. 1999 give for as many looks; phase over all valid pixels.
    """
    truth, polarization = product.truth, product.polarizations[0]
    dates, classes = len(product.acquisitions), len(truth.class_names)
    true = np.asarray(truth.coherence, dtype=np.float64)
    expected, estimated = np.full((2, dates, classes), np.nan)
    reference_valid = cube["valid"][product.reference].values
    looks = window[0] * window[1]
    facts: dict[str, Any] = {}
    for date, acquisition in enumerate(product.acquisitions):
        if date == product.reference:
            continue
        valid = reference_valid & cube["valid"][date].values
        found: dict[str, Any] = {}
        if f"coherence_{polarization}" in cube and looks > 1:
            coherence = cube[f"coherence_{polarization}"][date].values
            inside = pure(truth.land_cover, valid, window)
            for index in range(classes):
                here = inside & (truth.land_cover == index)
                if np.count_nonzero(here) >= FEWEST_PIXELS:
                    expected[date, index] = expected_coherence(float(true[date, index]), looks)
                    estimated[date, index] = np.mean(coherence[here], dtype=np.float64)
            difference = (estimated - expected)[date].tolist()
            found["coherence_difference"] = dict(zip(truth.class_names, difference, strict=True))
        if f"interferometric_phase_{polarization}" in cube and cube.attrs["flattened"] == "true":
            phase = cube[f"interferometric_phase_{polarization}"][date].values
            found |= _phase_facts(phase, truth.phase[date], truth.height, valid & np.isfinite(phase))
        facts[acquisition.date] = found
    dataset = xr.Dataset(
        {
            "land_cover": (
                ("azimuth", "range"),
                truth.land_cover,
                {"long_name": "land cover", "class_names": ",".join(truth.class_names)},
            ),
            "coherence_true": (("time", "class"), true, {"units": "1"}),
            "coherence_expected": (
                ("time", "class"),
                expected,
                {"units": "1", "long_name": f"mean of {looks} looks"},
            ),
            "coherence_estimated": (("time", "class"), estimated, {"units": "1"}),
            "sigma0_true": (("class", "polarization"), np.asarray(truth.sigma0), {"units": "1"}),
            "phase_true": (("time", "azimuth", "range"), truth.phase, {"units": "rad"}),
            "height_true": (("azimuth", "range"), truth.height, {"units": "m"}),
            "perpendicular_baseline_true": ("time", np.asarray(truth.perpendicular_baseline), {"units": "m"}),
        },
        coords={
            "time": cube["time"].values,
            "azimuth": cube["azimuth"].values,
            "range": cube["range"].values,
            "class": np.array(truth.class_names, dtype=object),
            "polarization": np.array(product.polarizations, dtype=object),
        },
    )
    return dataset, {"dates": facts}


def _phase_facts(
    phase: NDArray[np.float32],
    true: NDArray[np.float32],
    height: NDArray[np.float32],
    valid: NDArray[np.bool_],
) -> dict[str, float]:
    """Bias of the phase (the angle of the mean unit phasor of the error), and whether it goes with height."""
    error = np.exp(1j * (phase[valid].astype(np.float64) - true[valid]))
    mean = error.mean()
    residual = np.angle(error / mean)
    return {
        "phase_bias_rad": float(np.angle(mean)),
        "phase_error_correlation_with_height": float(np.corrcoef(residual, height[valid])[0, 1]),
    }
