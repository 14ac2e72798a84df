"""The CUDA kernels over dates, run in numba's simulator, against the CPU drivers."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.driving.gpujit import THREADS
from alignsar_gpu.kernels.temporal import cuda as cuda_temporal
from simulated_kernels import run_simulated
from speckle import same_bits

from alignsar_gpu import kernels

DAYS = np.array([400.0, 433.5, 501.0, 590.0, 640.0, 702.0, 790.0])


def stack(seed, shape):
    """Powers and a mask: some missing, not finite, zero or negative; pixels without any date; equal dates."""
    rng = np.random.default_rng(seed)
    power = rng.gamma(2.0, 1.0, shape).astype(np.float32)
    valid = rng.random(shape) > 0.2
    power[~valid] = np.nan
    power[:, 0, 0] = 0.1
    power[:, 0, 1] = rng.choice([0.0, -0.2, np.inf, 3.0], shape[0])
    power[:, -1, 0] = -1.0
    valid[:, :2, :2] = True
    valid[:, -1, -1] = False
    return {"power": power, "valid": valid}


def arguments():
    """The arguments of every case, by case."""
    seven = stack(1, (7, 4, 9))
    one, two, three = seven["power"][:3]
    valid = seven["valid"][:3].all(axis=0)
    values = np.where(seven["valid"], seven["power"], np.float32(np.nan))
    return {
        "temporal_statistics-all": seven,
        "temporal_statistics-one": {**stack(2, (1, 3, 5)), "outputs": np.array(kernels.STATISTICS[:1])},
        "temporal_statistics-dispersion": {
            **stack(3, (2, 3, 5)),
            "outputs": np.array(kernels.STATISTICS[3:]),
        },
        "temporal_statistics-large": stack(4, (3, 2, 300)),
        "seasonal_fit-both": {**seven, "days": DAYS, "outputs": np.array(kernels.SEASONAL)},
        "seasonal_fit-day": {**seven, "days": DAYS, "outputs": np.array(kernels.SEASONAL[1:])},
        "seasonal_fit-strict": {**seven, "days": DAYS, "largest_inflation": np.array(1.3)},
        "temporal_extremes-any": seven,
        "temporal_extremes-positive": {**seven, "positive": np.array(1)},
        "temporal_mean_minimum": {"values": values},
        "log_ratio": {"power": one, "other": two, "valid": valid},
        "change_index": {"power": one, "dry": two, "wet": three, "valid": valid},
        "change_index-range": {
            "power": one,
            "dry": np.fmin(one, two),
            "wet": np.fmax(one, two),
            "valid": valid,
            "smallest_range": np.array(0.1),
        },
    }


CASES = arguments()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return run_simulated("run_temporal.py", CASES, tmp_path_factory.mktemp("simulator"))


def on_cpu(case):
    given = {name: array.item() if array.ndim == 0 else array for name, array in CASES[case].items()}
    if "outputs" in given:
        given["outputs"] = given["outputs"].tolist()
    got = getattr(kernels, case.split("-")[0])(**given)
    return list(got.values()) if isinstance(got, dict) else list(got) if isinstance(got, tuple) else [got]


@pytest.mark.parametrize("case", CASES)
def test_simulated_kernel_gives_what_the_cpu_gives(case, simulated):
    wanted = on_cpu(case)
    assert sum(key.startswith(f"{case}/") for key in simulated) == len(wanted)
    got = [simulated[f"{case}/{i}"] for i in range(len(wanted))]
    for array, other in zip(got, wanted, strict=True):
        assert array.dtype == np.float32
        assert array.shape == other.shape
        assert np.isfinite(other).any()
    # the same functions in the same order; the sign of NaN is the compiler's
    assert same_bits(
        [np.nan_to_num(a, nan=-77.0) for a in got], [np.nan_to_num(a, nan=-77.0) for a in wanted]
    )


def test_every_kernel_has_a_case_and_more_pixels_than_threads():
    assert {case.split("-")[0] for case in CASES} == set(cuda_temporal.DECLARED)
    assert CASES["temporal_statistics-large"]["power"][0].size > 2 * THREADS
