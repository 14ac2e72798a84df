"""Windows that CUDA kernels sum in tiles, in numba's simulator: beside bright targets, and cut in other ways."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.driving import tiling
from polarimetry import channels
from simulated_kernels import run_simulated

from alignsar_gpu import kernels

SHAPE = (6, 40)  # two tiles of the simulated blocks across, three down
WINDOW = (5, 5)
TARGET = (1, 9)  # whose power is 80 dB above its surroundings
BRIGHT = 1e4
NAMES = {2: ["span", "entropy", "cross_correlation"], 4: ["span_quad", "copolar_correlation"]}
SPECKLE = {"boxcar": 2, "lee": 2, "gamma_map": 1}  # planes
CUT = np.s_[..., 1:, 3:]  # tiles and pairs of lines lie elsewhere in it
FAMILIES = ["dual", "quad", *SPECKLE]


def polarimetric(count, seed):
    rng = np.random.default_rng(seed)
    quiet = np.stack(channels(rng, SHAPE, count))
    given = {"valid": rng.random(SHAPE) > 0.1, "outputs": np.array(NAMES[count]), "window": np.array(WINDOW)}
    given["valid"][TARGET] = True
    return "polarimetric_signatures", "channels", quiet, given


def filtered(method, planes, seed):
    rng = np.random.default_rng(seed)
    quiet = rng.gamma(1.0, 1.0, (planes, *SHAPE)).astype(np.float32)
    given = {"valid": rng.random(SHAPE) > 0.1, "method": np.array(method), "window": np.array(WINDOW)}
    given |= {"looks": np.array(1.0), "powers": np.array(planes)}
    given["valid"][TARGET] = True
    return "speckle_filter", "planes", quiet, given


def arguments():
    """The arguments of every case, by case: with the target, and a part of the image without it."""
    cases = {}
    made = {"dual": polarimetric(2, 2), "quad": polarimetric(4, 3)}
    made |= {method: filtered(method, planes, 4) for method, planes in SPECKLE.items()}
    for family, (function, name, quiet, given) in made.items():
        loud = quiet.copy()
        loud[:, TARGET[0], TARGET[1]] *= BRIGHT if name == "channels" else BRIGHT**2
        cases[f"{function}-{family}_loud"] = given | {name: loud}
        cut = {"valid": np.ascontiguousarray(given["valid"][CUT]), name: np.ascontiguousarray(quiet[CUT])}
        cases[f"{function}-{family}_quiet_one_block"] = given | cut
    return cases


CASES = arguments()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return run_simulated("run_windows.py", CASES, tmp_path_factory.mktemp("simulator"))


def found(simulated, family, which):
    """The layers of a case, [layer, line, sample]."""
    function = "polarimetric_signatures" if family in {"dual", "quad"} else "speckle_filter"
    layers = [array for key, array in simulated.items() if key.startswith(f"{function}-{family}_{which}/")]
    return np.concatenate([layer.reshape(-1, *layer.shape[-2:]) for layer in layers])


def on_cpu(family, which):
    case = next(case for case in CASES if case.endswith(f"-{family}_{which}"))
    given = {
        name: array if array.ndim > 1 else tuple(array.tolist()) if name == "window" else array.tolist()
        for name, array in CASES[case].items()
    }
    if "channels" in given:
        given["channels"] = list(given["channels"])
    got = getattr(kernels, case.split("-")[0])(**given)
    return np.stack(list(got.values())) if isinstance(got, dict) else got


@pytest.mark.parametrize("family", FAMILIES)
def test_tiles_give_what_the_cpu_gives(family, simulated):
    """But for the order of the sums; also of the windows that hold the target."""
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if family in {"dual", "quad"} else {"rtol": 1e-6, "atol": 0.0}
    for which in ("loud", "quiet_one_block"):
        got, wanted = found(simulated, family, which), on_cpu(family, which)
        assert np.isfinite(wanted).mean() > 0.5
        np.testing.assert_allclose(got, wanted, **tolerance, equal_nan=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_windows_beside_a_target_80_db_brighter_are_those_without_it(family, simulated):
    """To the bit, though in the cut image all lines and samples are others of their tiles, in another grid."""
    loud, quiet = found(simulated, family, "loud"), found(simulated, family, "quiet_one_block")
    away = np.ones(SHAPE, bool)
    away[: TARGET[0] + 3, TARGET[1] - 2 : TARGET[1] + 3] = False
    whole = loud[CUT]
    inside = np.zeros(whole.shape[1:], bool)
    inside[2:, 2:] = True  # windows that the cut leaves whole
    beside = inside & away[CUT]
    np.testing.assert_array_equal(quiet[:, beside], whole[:, beside])
    assert np.isfinite(quiet[:, beside]).mean() > 0.5
    assert (quiet[:, inside & ~away[CUT]] != whole[:, inside & ~away[CUT]]).any()


@pytest.mark.parametrize(
    ("window", "tiled"),
    [
        ((3, 3), False),
        ((3, 129), False),
        ((129, 3), False),
        ((5, 5), True),
        ((5, 129), True),
        ((5, 131), False),
    ],
)
def test_tiles_are_for_windows_that_read_less_in_them(window, tiled):
    assert tiling.is_tiled((window[0] // 2, window[1] // 2)) == tiled


@pytest.mark.parametrize("half", [(2, 2), (0, 64), (20, 0)])
@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (200_001, 129)])
def test_tiles_cover_the_image(half, shape):
    across, down = tiling.tile_grid(*shape, half)
    assert across * (tiling.THREADS - 2 * half[1]) >= shape[1]
    assert 1 <= down <= tiling.MOST_BLOCKS
    assert down == tiling.MOST_BLOCKS or down * tiling.LINES >= shape[0]
