"""The CUDA kernels that sample and average images, run in numba's simulator, against the CPU drivers."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.driving.gpujit import THREADS
from alignsar_gpu.kernels.gathering import cuda as cuda_gather
from gathered_images import METHODS, image_of, known, positions
from simulated_kernels import run_simulated

from alignsar_gpu import kernels


def arguments():
    """The arguments of every case, by case."""
    rng = np.random.default_rng(1)
    cases = {}
    for dtype, method in METHODS:
        for name, image, shape in (
            ("large", (13, 17), (12, 60)),
            ("row", (1, 9), (10, 10)),
            ("small", (3, 4), (10, 10)),
        ):
            row, column = positions(rng, shape, image)
            given = {"image": image_of(dtype, rng, image, 0.1), "row": row, "column": column}
            cases[f"{method}-{dtype}-{name}"] = given
    cases["nearest-uint8-empty"] = {
        "image": np.zeros((0, 4), np.uint8),
        "row": np.zeros((2, 3)),
        "column": np.zeros((2, 3)),
    }
    return cases


def divided():
    """Values of parts of pixels, coefficients of parabolas, and phases, by case."""
    rng = np.random.default_rng(2)
    kinds = ("float32", "complex64", "uint8")
    coefficients = {name: rng.standard_normal((9, 8)) for name in "pqb"}
    turned = {"phase": rng.uniform(-20.0, 20.0, (9, 41)).astype(np.float32)}
    return {"parabolas": coefficients, "phases": turned} | {
        f"average-{kind}": {"values": image_of(kind, rng, (24, 90), 0.4)} for kind in kinds
    }


CASES = arguments()
DIVIDED = divided()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return run_simulated("run_gather.py", CASES | DIVIDED, tmp_path_factory.mktemp("simulator"))


@pytest.mark.parametrize("case", CASES)
def test_simulated_kernel_gives_what_the_cpu_gives(case, simulated):
    wanted = kernels.gather(**CASES[case], method=case.split("-")[0])
    got = simulated[case]
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)  # the same functions in the same order


@pytest.mark.parametrize("case", DIVIDED)
def test_simulated_average_parabola_or_phase_gives_what_the_cpu_gives(case, simulated):
    if case == "phases":
        wanted = kernels.phasors_to_phases(kernels.phases_to_phasors(**DIVIDED[case]))
    elif case == "parabolas":
        wanted = kernels.spread_parabolas(
            **DIVIDED[case], along=(np.arange(8.0) - 4.0) / 4.0, columns=slice(3, 61)
        )
    else:
        wanted = kernels.average_parts(**DIVIDED[case], parts=(2, 3), least=3)
        assert 0.1 < known(wanted).mean() < 0.99
    np.testing.assert_array_equal(simulated[case], wanted)


def test_cases_reach_every_kernel_and_have_more_positions_than_threads():
    reached = {
        f"gather_{method}_{dtype}" if method == "nearest" else f"gather_{method}"
        for method, dtype, _ in (case.split("-") for case in CASES)
    }
    assert reached | {"spread_parabolas"} == set(cuda_gather.DECLARED)
    assert CASES["cubic-float32-large"]["row"].size > 2 * THREADS
    for case, given in CASES.items():
        found = known(kernels.gather(**given, method=case.split("-")[0])).mean()
        assert (0.1 < found < 0.95) or case.endswith("empty") or case.startswith("triangles")
