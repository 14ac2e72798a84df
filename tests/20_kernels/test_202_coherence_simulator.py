"""The CUDA kernels, run in numba's simulator, against the CPU drivers."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.coherence import cuda
from simulated_kernels import run_simulated

from alignsar_gpu import kernels

# Windows that take every way through the kernels: no vertical or no horizontal sums, the smallest windows
# that have them, wider than the image, and too wide for a tile (which sums whole windows).
COHERENCE = {
    "boxcar_coherence-one": {"shape": (5, 9), "window": (1, 1)},
    "boxcar_coherence-column": {"shape": (9, 31), "window": (3, 1)},
    "boxcar_coherence-row": {"shape": (6, 23), "window": (1, 3)},
    "boxcar_coherence-usual": {"shape": (13, 41), "window": (5, 21)},
    "boxcar_coherence-lines": {"shape": (14, 37), "window": (3, 7), "first": 3, "stop": 9},
    "boxcar_coherence-larger": {"shape": (4, 11), "window": (21, 31)},
    "boxcar_coherence-tall": {"shape": (31, 3), "window": (9, 3)},
    "boxcar_coherence-tiles": {"shape": (2, 263), "window": (3, 11)},
    "boxcar_coherence-direct": {"shape": (3, 71), "window": (3, 131)},
}
ELEMENTWISE = ("amplitude_intensity_phase", "phase_difference", "rotate_phase")


def pair(seed, shape):
    rng = np.random.default_rng(seed)
    real = rng.standard_normal((4, *shape))
    common = real[0] + 1j * real[1]
    reference = (common + 0.5 * real[2]).astype(np.complex64)
    secondary = (common + 0.5j * real[3]).astype(np.complex64)
    valid = rng.random(shape) > 0.15
    reference[~valid] = np.nan
    return {"reference": reference, "secondary": secondary, "valid": valid}


def arguments():
    """The arguments of every case, by case."""
    cases = {}
    for seed, (case, given) in enumerate(COHERENCE.items()):
        numbers = {name: np.array(value) for name, value in given.items() if name != "shape"}
        cases[case] = pair(seed, given["shape"]) | numbers
    bright = pair(90, (14, 45))
    bright["reference"][7, 20] = bright["secondary"][7, 20] = 1e4
    bright["reference"][6:13, 22:44] = 0.0
    cases["boxcar_coherence-bright"] = {**bright, "window": np.array((3, 5))}
    spoiled = pair(91, (9, 21))
    spoiled["valid"][:] = True
    spoiled["reference"] = np.nan_to_num(spoiled["reference"])
    spoiled["reference"][4, 10] = np.inf
    cases["boxcar_coherence-infinite"] = {**spoiled, "window": np.array((3, 3))}
    edges = {"lines": np.array([0, 4, 9, 9, 12]), "samples": np.array([2, 3, 11, 23, 29])}
    cases["block_coherence"] = pair(94, (14, 31)) | edges
    cases["block_coherence"]["valid"][4:9, 3:11] = False
    cases["block_coherence"]["valid"][10, 4] = True
    cases["block_coherence"]["reference"][10, 4] = np.inf
    image = pair(92, (17, 29))
    image["reference"][3, :4] = (0.0, complex(0.0, -0.0), -2.0, 3j)
    image["valid"][3, :4] = True
    cases["phase_difference"] = image
    cases["amplitude_intensity_phase"] = {"pixels": image["reference"], "valid": image["valid"]}
    phase = np.random.default_rng(93).uniform(-1e8, 1e8, image["valid"].shape)
    cases["rotate_phase"] = {"pixels": image["secondary"], "phase": phase}
    return cases


CASES = arguments()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return run_simulated("run_kernels.py", CASES, tmp_path_factory.mktemp("simulator"))


def on_cpu(case):
    given = dict(CASES[case])
    if "window" in given:
        given["window"] = tuple(given["window"].tolist())
    given |= {name: int(given[name]) for name in ("first", "stop") if name in given}
    got = getattr(kernels, case.split("-")[0])(**given)
    return got if isinstance(got, tuple) else (got,)


@pytest.mark.parametrize("case", CASES)
def test_simulated_kernel_gives_what_the_cpu_gives(case, simulated):
    wanted = on_cpu(case)
    assert sum(key.startswith(f"{case}/") for key in simulated) == len(wanted)
    for i, array in enumerate(wanted):
        got = simulated[f"{case}/{i}"]
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(np.isnan(got), np.isnan(array))
        if case in ELEMENTWISE:  # the same function, in the same arithmetic
            np.testing.assert_array_equal(got, array)
        else:  # sums in float64 in another order
            np.testing.assert_allclose(got, array, rtol=1e-6, atol=1e-6, equal_nan=True)


def test_bright_target_beside_zeros_leaves_no_residue_in_the_simulator(simulated):
    magnitude = simulated["boxcar_coherence-bright/0"]
    assert np.isnan(magnitude[7:12, 24:42]).all()  # windows of zeros alone
    given = CASES["boxcar_coherence-bright"]
    valid = given["valid"]
    r, s = (np.where(valid, given[name], 0).astype(complex) for name in ("reference", "secondary"))
    padded = [np.pad(one, [(1, 1), (2, 2)]) for one in (r * s.conj(), abs(r) ** 2, abs(s) ** 2)]
    windows = [np.lib.stride_tricks.sliding_window_view(one, (3, 5)) for one in padded]
    cross, p, q = (window.sum(axis=(2, 3)) for window in windows)
    good = valid & (p * q > 0)
    wanted = np.where(good, abs(cross) / np.sqrt(np.where(good, p * q, 1.0)), np.nan)
    np.testing.assert_allclose(magnitude, wanted, rtol=0, atol=1e-6)  # 80 dB above its surroundings
    assert np.count_nonzero(np.isfinite(magnitude)) > 200


def test_cases_reach_both_coherence_kernels_and_several_tiles():
    widths = [case["window"][1] for case in COHERENCE.values()]
    assert max(widths) > cuda.WIDEST_TILED_WINDOW > sorted(widths)[-2]
    tiles = COHERENCE["boxcar_coherence-tiles"]
    assert tiles["shape"][1] > cuda.THREADS - tiles["window"][1]


def test_every_kernel_has_a_case():
    names = {case.split("-")[0] for case in CASES}
    assert names == {name.removesuffix("_tile").removesuffix("_direct") for name in cuda.DECLARED}
