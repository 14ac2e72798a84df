"""The CUDA kernels of polarimetry, run in numba's simulator, against the CPU drivers."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.driving.tiling import is_tiled
from alignsar_gpu.kernels.polarimetry import cuda as cuda_polarimetry
from alignsar_gpu.kernels.polarimetry import cuda_windows
from polarimetry import channels
from simulated_kernels import run_simulated

from alignsar_gpu import kernels


def images(seed, shape, count):
    rng = np.random.default_rng(seed)
    valid = rng.random(shape) > 0.15
    pixels = np.stack(channels(rng, shape, count))
    pixels[:, ~valid] = np.nan
    return {"channels": pixels, "valid": valid}


def radiometry(seed, shape, channels):
    rng = np.random.default_rng(seed)
    return {
        name: rng.uniform(*bounds, (channels, *shape)).astype(np.float32)
        for name, bounds in (("gains", (0.5, 2.0)), ("noise", (0.0, 0.5)))
    }


def arguments():
    """The arguments of every case, by case."""
    dual = np.array(kernels.DUAL_OUTPUTS)
    cases = {
        "polarimetric_signatures-usual": images(1, (7, 23), 2)
        | {"outputs": dual, "window": np.array([3, 3])},
        "polarimetric_signatures-wide": images(2, (5, 9), 2) | {"outputs": dual, "window": np.array([1, 11])},
        "polarimetric_signatures-noise": images(3, (9, 12), 2)
        | {"outputs": dual[[10, 0, 5]], "window": np.array([5, 5]), "first": np.array(2), "stop": np.array(7)}
        | {"lowest": np.array(0.0)}
        | radiometry(4, (5, 12), 2),
    }
    quad = np.array(kernels.QUAD_OUTPUTS)
    cases["polarimetric_signatures-quad"] = (
        images(7, (6, 11), 4) | {"outputs": quad, "window": np.array([3, 3])} | radiometry(8, (6, 11), 3)
    )
    cases["polarimetric_signatures-quad_tile"] = images(10, (4, 9), 4) | {
        "outputs": quad[:9],
        "window": np.array([5, 5]),
    }
    elements = [name for name in kernels.QUAD_OUTPUTS if name.startswith("covariance_quad")]
    given = images(9, (4, 9), 4)
    found = kernels.polarimetric_signatures(list(given["channels"]), given["valid"], elements, window=(3, 3))
    matrices = np.stack([np.nan_to_num(found[name]) for name in elements])
    cases["matrix_signatures-quad"] = {"planes": matrices, "valid": given["valid"], "outputs": quad}
    rng = np.random.default_rng(5)
    a, b = (np.abs(one) for one in channels(rng, (3, 31)))
    planes = np.stack([a * a, b * b, 0.4 * a * b, -0.2 * a * b]).astype(np.float32)
    noise = radiometry(6, (3, 31), 2)["noise"]
    cases["matrix_signatures-dual"] = {"planes": planes, "valid": rng.random((3, 31)) > 0.1, "noise": noise}
    cases["matrix_signatures-dual"]["outputs"] = dual
    return cases


CASES = arguments()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return run_simulated("run_polarimetry.py", CASES, tmp_path_factory.mktemp("simulator"))


def on_cpu(case):
    given = dict(CASES[case])
    for name in ("first", "stop", "lowest"):
        if name in given:
            given[name] = given[name].item()
    if "channels" in given:
        given["channels"] = list(given["channels"])
        given["window"] = tuple(given["window"].tolist())
    return getattr(kernels, case.split("-")[0])(**given | {"outputs": given["outputs"].tolist()})


def absolute(name):
    """1e-5 of what an output ranges over: 180 degrees, a circle, the powers of the test's pixels."""
    degrees = ("alpha", "beta", "delta", "gamma", "theta", "angle", "alpha_quad", "alpha_1")
    powers = ("surface", "bounce", "volume", "helix", "sphere", "diplane", "remainder", "power", "prvi")
    if name.endswith((*degrees, *(f"{one}_quad" for one in degrees))):
        return 1.8e-3
    return 1e-4 if name.endswith(powers) else 1e-5


@pytest.mark.parametrize("case", CASES)
def test_simulated_kernel_gives_what_the_cpu_gives(case, simulated):
    """The same functions, but sums in another order, which a quotient of small numbers can show."""
    wanted = on_cpu(case)
    assert sum(key.startswith(f"{case}/") for key in simulated) == len(wanted)
    for name, array in wanted.items():
        got = simulated[f"{case}/{name}"]
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(np.isnan(got), np.isnan(array), err_msg=name)
        np.testing.assert_allclose(got, array, rtol=1e-5, atol=absolute(name), err_msg=name)


def test_cases_reach_every_kernel():
    reached = set()
    for given in CASES.values():
        if "channels" in given:
            kind = {2: "dual", 4: "quad"}[len(given["channels"])]
            form = "tile" if is_tiled(tuple(given["window"] // 2)) else "direct"
            reached.add(f"window_signatures_{kind}_{form}")
        else:
            reached.add(f"matrix_signatures_{'dual' if len(given['planes']) == 4 else 'quad'}")
    assert reached == {*cuda_polarimetry.DECLARED, *cuda_windows.DECLARED}
