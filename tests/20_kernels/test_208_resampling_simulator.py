"""The CUDA kernels of resampling, run in numba's simulator, against the CPU drivers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from alignsar_gpu.kernels.resampling import cuda as cuda_resampling
from simulated_kernels import run_simulated
from speckle import speckle

from alignsar_gpu import kernels

INTERVAL = 1 / 486.4863
STORED = [f"{function}_{kind}" for function in ("ramp", "decode") for kind in ("float32", "int16")]


def resampling(seed, image, shape, taps, box=kernels.EVERYWHERE, **given):
    """Positions in and around an image, some of them not numbers."""
    rng = np.random.default_rng(seed)
    line, sample = (rng.uniform(2.0, size - 3.0, shape) for size in image)
    line[0, 0], sample[-1, -1], sample[0, -1] = np.nan, np.inf, -1e300
    line[-1, 0] = np.round(line[-1, 0])
    return {
        "image": speckle(rng, image),
        "line": line,
        "sample": sample,
        "down": np.array(taps[0]),
        "across": np.array(taps[1]),
        "carrier_slope": rng.uniform(-2500.0, 2500.0, image[1]),
        "carrier_centroid": rng.uniform(-500.0, 500.0, image[1]),
        "carrier_times": np.array([-0.4, INTERVAL]),
        "box": np.array(box),
    } | {name: make(rng) for name, make in given.items()}


def ramping(seed, shape, sign):
    rng = np.random.default_rng(seed)
    slope, centroid = rng.uniform(-2500.0, 2500.0, (2, shape[1]))
    time = rng.uniform(-1.5, 1.5, shape[0])
    return {
        "image": speckle(rng, shape),
        "slope": slope,
        "centroid": centroid,
        "time": time,
        "sign": np.array(sign),
    }


def arguments():
    """The arguments of every case, by case."""
    cases = {}
    for down in kernels.TAPS:
        for across in kernels.TAPS:
            seed = 100 * down + across
            cases[f"resample-{down}-{across}"] = resampling(seed, (26, 29), (3, 40), (down, across))
    shape = (5, 61)
    turns = {"turns": lambda rng: rng.uniform(-1e6, 1e6, shape)}
    cases["resample-turns"] = resampling(1, (14, 25), shape, (8, 8), **turns)
    cases["resample-turns"]["turns"][2, 5:9] = np.nan
    box = kernels.Box(6.25, 13.0, -math.inf, 20.5)
    cases["resample-box"] = resampling(2, (26, 29), shape, (8, 8), box)
    cases["resample-box"]["line"][1, :20] = 6.25
    cases["resample-small"] = resampling(3, (7, 30), (2, 9), (8, 8))
    cases["ramp-off"] = ramping(4, (3, 300), -1)
    cases["ramp-on"] = ramping(5, (5, 7), 1)
    cases["ramp-int16"] = ramping(6, (3, 300), -1)
    rng = np.random.default_rng(7)
    image = speckle(rng, (4, 90))
    image[1, 5], image[2, 80:], image[3, 0] = complex(np.nan, 1.0), 0.0, complex(1.0, np.inf)
    stored = np.stack([1000.0 * speckle(rng, (3, 300)).real for _ in range(2)], axis=-1).astype(np.int16)
    stored[0, 7] = 0
    cases["ramp-int16"]["image"] = stored
    for name, given in (("complex", image), ("int16", stored)):
        cases[f"decode-{name}"] = {"image": given, "wanted": np.arange(len(given)) != 1}
    line, sample = rng.uniform(-50.0, 4000.0, (2, 3, 300))
    line[0, 4], line[1], sample[2, 250:] = np.nan, np.nan, np.inf
    cases["extents"] = {"line": line, "sample": sample}
    cases["extents-none"] = {"line": line[1:2], "sample": sample[1:2]}
    return cases


CASES = arguments()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return run_simulated("run_resampling.py", CASES, tmp_path_factory.mktemp("simulator"))


def as_array(ends):
    """What `extents` returns, as the simulator's script keeps it."""
    return np.array([] if ends is None else ends)


def on_cpu(case):
    given = dict(CASES[case])
    function = case.split("-")[0]
    if function == "extents":
        return (as_array(kernels.extents(**given)),)
    if function == "decode":
        return kernels.decode(**given)
    if "sign" in given:
        return (kernels.ramp(**given | {"sign": int(given["sign"])}),)
    carrier = [given.pop(f"carrier_{name}") for name in ("slope", "centroid", "times")]
    given["carrier"] = kernels.CarrierTable(*carrier[:2], *carrier[2].tolist())
    given |= {name: kernels.weights(int(given[name]), 0.7) for name in ("down", "across")}
    return kernels.resample(**given)


@pytest.mark.parametrize("case", CASES)
def test_simulated_kernel_gives_what_the_cpu_gives(case, simulated):
    wanted = on_cpu(case)
    assert sum(key.startswith(f"{case}/") for key in simulated) == len(wanted)
    for i, array in enumerate(wanted):  # the same functions, in the same arithmetic
        got = simulated[f"{case}/{i}"]
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(got, array)


def test_cases_reach_every_kernel_and_every_way_through_it():
    taps = {f"resample_{g['down']}_{g['across']}" for g in CASES.values() if "down" in g}
    assert {"extents", *STORED, *taps} == set(cuda_resampling.DECLARED)
    share = {case: on_cpu(case)[1].mean() for case in CASES if case.startswith("resample")}
    assert share.pop("resample-small") == 0.0
    assert all(0.05 < part < 0.95 for part in share.values())
    assert CASES["ramp-off"]["image"].shape[1] > cuda_resampling.THREADS > CASES["ramp-on"]["image"].shape[1]
