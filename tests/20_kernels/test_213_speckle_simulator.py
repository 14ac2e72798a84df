"""The CUDA kernels against speckle, run in numba's simulator, against the CPU drivers."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.driving.tiling import is_tiled
from alignsar_gpu.kernels.speckle import cuda as cuda_speckle
from alignsar_gpu.kernels.speckle import cuda_tiles
from simulated_kernels import run_simulated

from alignsar_gpu import kernels


def image(seed, shape, looks=1, **numbers):
    """Planes of powers, correlated, with fields, zeros, a bright target, and garbage under the mask."""
    rng = np.random.default_rng(seed)
    planes = rng.gamma(looks, 1.0 / looks, shape).astype(np.float32)
    planes[:, :, shape[2] // 2 :] *= 10.0
    planes[:, shape[1] // 2 :, : shape[2] // 3] = 0.0
    planes[:, shape[1] // 3, shape[2] // 4] = 1e8
    valid = rng.random(shape[1:]) > 0.1
    planes[:, ~valid] = np.nan
    return {"planes": planes, "valid": valid, "looks": np.array(float(looks)), **numbers}


def pixels(window, powers=1, **more):
    return {name: np.array(value) for name, value in {"window": window, "powers": powers, **more}.items()}


def arguments():
    """The arguments of every case, by case: method, and what is special."""
    rng = np.random.default_rng(50)
    cases = {
        "boxcar": image(1, (1, 13, 19), **pixels((5, 7))),
        "boxcar-planes": image(2, (4, 7, 9), **pixels((3, 3), 2)),
        "boxcar-wide": image(3, (1, 2, 270), **pixels((1, 3))),
        "lee": image(4, (1, 13, 19), 4, **pixels((5, 5))),
        "lee-planes": image(5, (9, 7, 8), **pixels((3, 5), 3)),
        "lee-lines": image(6, (2, 12, 9), **pixels((3, 3), 2, first=4, stop=9)),
        "gamma_map": image(7, (1, 15, 19), 3, **pixels((5, 5))),
        "gamma_map-direct": image(13, (1, 5, 9), 3, **pixels((3, 3))),
        "gamma_map-larger": image(8, (1, 6, 5), **pixels((21, 31))),
        "refined_lee": image(9, (1, 17, 19), 4, **pixels((7, 7))),
        "refined_lee-planes": image(10, (4, 9, 11), **pixels((5, 5), 2)),
        "refined_lee-lines": image(11, (1, 12, 13), 2, **pixels((9, 9), first=5, stop=8)),
        "refined_lee-wide": image(12, (1, 2, 262), **pixels((5, 5))),
    }
    powers = rng.gamma(1, 1, (5, 6, 7)).astype(np.float32)
    means = rng.gamma(4, 0.25, powers.shape).astype(np.float32)
    valid = rng.random(powers.shape) > 0.3
    means[3, 2:4] = powers[3, 2:4] = 0.0
    powers[~valid] = np.nan
    cases["multitemporal"] = {"powers": powers, "means": means, "valid": valid}
    return cases


CASES = arguments()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return run_simulated("run_speckle.py", CASES, tmp_path_factory.mktemp("simulator"))


def on_cpu(case):
    given = dict(CASES[case])
    if case == "multitemporal":
        return kernels.multitemporal_filter(**given)
    numbers = {name: given.pop(name).tolist() for name in list(given) if name not in {"planes", "valid"}}
    numbers["window"] = tuple(numbers["window"])
    return kernels.speckle_filter(**given, **numbers, method=case.split("-")[0])


@pytest.mark.parametrize("case", CASES)
def test_simulated_kernel_gives_what_the_cpu_gives(case, simulated):
    wanted, got = on_cpu(case), simulated[case]
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    assert 0.5 < np.isfinite(wanted).mean() < 1.0
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=0.0, equal_nan=True)  # other order of the sums


def test_cases_reach_every_kernel_and_several_blocks():
    reached = {"multitemporal"}
    for case, given in CASES.items():
        method = case.split("-")[0]
        if method == "refined_lee":
            reached.add("speckle_refined_lee")
        elif method != "multitemporal":
            form = "tile" if is_tiled(tuple(given["window"] // 2)) else "direct"
            reached.add(f"speckle_{method}_{form}")
    assert reached == {*cuda_speckle.DECLARED, *cuda_tiles.DECLARED}
    for case in ("boxcar-wide", "refined_lee-wide"):
        assert CASES[case]["planes"].shape[2] > cuda_speckle.THREADS
