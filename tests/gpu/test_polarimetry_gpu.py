"""The polarimetric kernels on a device, against the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from polarimetry import channels

from alignsar_gpu import kernels

OUTPUTS = {2: kernels.DUAL_OUTPUTS, 4: kernels.QUAD_OUTPUTS}


def images(count, shape=(131, 517)):
    rng = np.random.default_rng(count)
    pixels, valid = channels(rng, shape, count), rng.random(shape) > 0.05
    for one in pixels:
        one[~valid] = 0
    return pixels, valid


def compare(found, expected):
    for name, values in expected.items():
        got = found[name].get()
        # Where one side finds nothing to divide by, rounding decides.
        assert np.mean(np.isnan(got) != np.isnan(values)) < 1e-4, name
        error = np.abs(got - values)
        if "phase" in name:
            error = np.abs(np.angle(np.exp(1j * error)))
        scale = np.nanpercentile(np.abs(values), 99) + 1e-30
        assert np.nanpercentile(error, 99.9) < 1e-4 * scale, name


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("window", [(1, 1), (3, 3), (7, 7), (5, 21), (3, 131)])
def test_windows(cupy, count, window):
    pixels, valid = images(count)
    names = [
        n for n in OUTPUTS[count] if window != (1, 1) or n in {"span", "span_quad", "rvi", "pauli_volume"}
    ]
    options = {"window": window, "first": 10, "stop": 120}
    expected = kernels.polarimetric_signatures(pixels, valid, names, **options)
    on_device = [cupy.asarray(one) for one in pixels]
    compare(kernels.polarimetric_signatures(on_device, cupy.asarray(valid), names, **options), expected)


@pytest.mark.parametrize("count", [2, 4])
def test_matrices(cupy, count):
    pixels, valid = images(count)
    elements = [name for name in OUTPUTS[count] if name.startswith("covariance")]
    found = kernels.polarimetric_signatures(pixels, valid, elements, window=(5, 5))
    planes = np.nan_to_num(np.stack([found[name] for name in elements]))
    expected = kernels.matrix_signatures(planes, valid, OUTPUTS[count])
    got = kernels.matrix_signatures(cupy.asarray(planes), cupy.asarray(valid), OUTPUTS[count])
    compare(got, expected)
