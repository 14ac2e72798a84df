"""Windows that are summed in tiles on the device: as summed directly, beside bright targets, and cut in other ways."""

from __future__ import annotations

import sys

import numba
import numpy as np
import pytest
from polarimetry import channels

from alignsar_gpu import kernels

SHAPE = (6, 262) if numba.config.ENABLE_CUDASIM else (301, 1000)  # two tiles across at least
TARGET = (3, 240)
BRIGHT = 1e8  # in power
NAMES = {"dual": ["span", "cross_correlation"], "quad": ["span_quad", "copolar_correlation"]}
PLANES = {"boxcar": 2, "lee": 2, "gamma_map": 1}
FAMILIES = [*NAMES, *PLANES]


def images(family):
    """Pixels [channel or plane, line, sample] and their mask."""
    rng = np.random.default_rng(30)
    valid = rng.random(SHAPE) > 0.05
    valid[TARGET] = True
    if family in NAMES:
        return np.stack(channels(rng, SHAPE, 2 if family == "dual" else 4)), valid
    return rng.gamma(1.0, 1.0, (PLANES[family], *SHAPE)).astype(np.float32), valid


def filtered(cupy, family, pixels, valid, window):
    """Layers [layer, line, sample] that the device makes of them."""
    given = [cupy.asarray(np.ascontiguousarray(one)) for one in pixels]
    mask = cupy.asarray(np.ascontiguousarray(valid))
    if family in NAMES:
        found = kernels.polarimetric_signatures(given, mask, NAMES[family], window=window)
        return np.stack([cupy.asnumpy(layer) for layer in found.values()])
    planes = cupy.asarray(np.ascontiguousarray(pixels))
    options = {"method": family, "window": window, "looks": 1.0, "powers": len(pixels)}
    return cupy.asnumpy(kernels.speckle_filter(planes, mask, **options))


@pytest.mark.parametrize("window", [(5, 5), (7, 7), (11, 11), (25, 5), (5, 129)])
@pytest.mark.parametrize("family", FAMILIES)
def test_tiles_give_what_direct_sums_give(cupy, monkeypatch, family, window):
    from alignsar_gpu.kernels.driving import tiling  # noqa: PLC0415 - imports numba.cuda

    assert tiling.is_tiled((window[0] // 2, window[1] // 2))
    pixels, valid = images(family)
    tiled = filtered(cupy, family, pixels, valid, window)
    monkeypatch.setattr(tiling, "FEWEST_TILED", sys.maxsize)
    direct = filtered(cupy, family, pixels, valid, window)
    tolerance = 1e-5 if family in NAMES else 1e-6
    np.testing.assert_allclose(tiled, direct, rtol=tolerance, atol=0.1 * tolerance, equal_nan=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_windows_beside_a_target_80_db_brighter_are_those_without_it(cupy, family):
    """To the bit, though in the cut image all lines and samples are others of their tiles."""
    quiet, valid = images(family)
    loud = quiet.copy()
    loud[:, TARGET[0], TARGET[1]] *= np.sqrt(BRIGHT) if family in NAMES else BRIGHT
    cut = np.s_[..., 1:, 3:]
    whole = filtered(cupy, family, loud, valid, (5, 5))[cut]
    part = filtered(cupy, family, quiet[cut], valid[cut], (5, 5))
    beside = np.zeros(SHAPE, bool)
    beside[3:, 5:] = True  # whose windows the cut leaves whole
    beside[TARGET[0] - 2 : TARGET[0] + 3, TARGET[1] - 2 : TARGET[1] + 3] = False
    beside = beside[cut]
    np.testing.assert_array_equal(part[:, beside], whole[:, beside])
    assert np.isfinite(part[:, beside]).mean() > 0.8
    assert not np.array_equal(part[:, 2:, 2:], whole[:, 2:, 2:], equal_nan=True)
