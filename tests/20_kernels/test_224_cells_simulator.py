"""The CUDA kernels of ground cells, run in numba's simulator, against the CPU drivers."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.cells import cuda as cuda_cells
from alignsar_gpu.kernels.cells import cuda_accumulate, cuda_covers
from alignsar_gpu.kernels.driving.gpujit import THREADS
from simulated_kernels import run_simulated

from alignsar_gpu import kernels

PLACES = {"start": (3, 5), "steps": (4, 16), "chart": (-1.5, -2.25), "cell": (0.25, 0.25)}
WIDE = (4, THREADS + 20)  # rows and columns of cells: more columns than a block has threads
ROUNDING = 2.0**-52


def lattice_of(rng, shape, slopes):
    """Places on a DEM of (6, 60) posts, lines by metre and by metre squared, samples by both."""
    counts = [(PLACES["start"][k] + shape[k]) // PLACES["steps"][k] + 2 for k in range(2)]
    row, column = np.mgrid[0.0 : counts[0], 0.0 : counts[1]]
    place = [0.2 + 1.9 * row + 0.05 * column, -1.0 + 3.1 * column - 0.2 * row]
    factors = rng.uniform(0.8, 1.2, (4, *row.shape)) * np.array(slopes)[:, None, None]
    return np.stack([*place, *factors])


def terrain(rng):
    posts = rng.uniform(0.0, 80.0, (6, 60)).astype(np.float32)
    posts[1:4, 30:34] = np.nan
    return posts


def displacing():
    rng = np.random.default_rng(1)
    given = {"lattice": lattice_of(rng, WIDE, (1e-2, 1e-6, -5e-2, 1e-5)), **PLACES, "shape": WIDE}
    given |= {"posts": terrain(rng), "origin": (0, 1)}
    shifts = rng.normal(0.0, 0.3, (2, 4, 5)).astype(np.float32)
    return {
        "displace_cells-terrain": given | {"shifts": np.zeros((2, 0, 0), np.float32), "nodes": (0, 0, 1)},
        "displace_cells-moved": given | {"shifts": shifts, "nodes": (-1, 2, 13)},
        "displace_cells-none": given | {"shifts": shifts, "nodes": (0, 0, 1), "shape": (0, 0)},
        "lattice_cells-six": {"lattice": given["lattice"], **PLACES, "shape": WIDE},
        "lattice_cells-one": {"lattice": given["lattice"][:1], **PLACES, "shape": (4, 7)},
    }


def rings_of(rng, count, shape, planes):
    """Rings of all sizes within and around cells, some of them listed twice, backwards or not at all."""
    x, y, rings, extents, at = [], [], [], [], 0
    for k in range(count):
        corners = rng.integers(3, 9)
        angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, corners))[:: rng.choice([-1, 1])]
        angle = np.append(angle, angle[0])
        radius = 10.0 ** rng.uniform(-0.5, 1.6)
        column = rng.uniform(-5.0, shape[1] + 5.0) + radius * np.cos(angle)
        row = rng.uniform(-5.0, shape[0] + 5.0) + radius * np.sin(angle)
        if k % 5 == 0:  # edges along and across cells, on their sides
            column, row = np.floor(column), np.floor(row)
        if k == 7:
            row[1] = np.nan
        if k != 3:
            rings.append([at, at + len(row), rng.integers(planes), rng.choice([-1, 1])])
            extents.append([row.min(), row.max()])
        x.append(column)
        y.append(row)
        at += len(row)
    rings += [[0, 0, 0, 1], [4, 5, 0, 1], rings[5]]  # no edges; one again
    extents += [[0.0, 1.0], [0.0, 5.0], extents[5]]
    order = rng.permutation(len(rings))
    return {
        "x": np.concatenate(x),
        "y": np.concatenate(y),
        "rings": np.array(rings)[order],
        "extents": np.array(extents)[order],
    }


def covering():
    rng = np.random.default_rng(2)
    shape = (3, 40, 30)
    started = rng.integers(-99, 99, shape).astype(np.int32)
    outside = {"x": np.zeros(3), "y": np.array([9.0, 8.0, 9.0]), "rings": np.array([[0, 3, 0, 1]])}
    sums = rng.integers(-kernels.WHOLE_CELL, kernels.WHOLE_CELL, (3, 2, WIDE[1])).astype(np.int32)
    sums[:, 1] //= 4
    sums[2, 0, :3] = 2**31 - 1, 5, 0  # sums have 32 bits
    return {
        "cover_cells-rings": {**rings_of(rng, 60, shape[1:], 3), "cover": started},
        "cover_cells-outside": {
            **outside,
            "extents": np.array([[8.0, 9.0]]),
            "cover": np.ones((1, 4, 5), np.int32),
        },
        "resolve_overlaps-apart": {"cover": sums, "order": np.zeros(0, np.int64)},
        "resolve_overlaps-ordered": {"cover": sums // 3, "order": np.array([2, 0])},
        "resolve_overlaps-narrow": {
            "cover": np.full((2, 3, 1), 700_000, np.int32),
            "order": np.array([0, 1]),
        },
    }


def accumulating():
    rng = np.random.default_rng(3)
    cases = {}
    for name, shape, spread, slant in (("wide", WIDE, 0.3, 0.02), ("far", (9, 25), 0.5, 3.0)):
        corners = shape[0] + 1, shape[1] + 1
        down = rng.normal(0.0, spread, corners).astype(np.float32)
        across = (rng.normal(0.0, spread, corners) + slant * np.arange(corners[1])).astype(np.float32)
        down[2, 5], across[1, 9], across[0, 3], down[3, 1] = np.nan, np.nan, np.inf, np.inf
        across[3, 14], down[1, 16] = -4e7, 4e8
        given = PLACES | {"chart": (-0.6, -2.25), "down": down, "across": across}
        given["area"] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        given["area"][2, :4] = 0.0
        values = rng.normal(0.0, 50.0, (3, *shape)).astype(np.float32)
        values[0, 1, 3:5] = np.nan
        values[1, :, 12] = np.nan
        covers = rng.integers(0, kernels.WHOLE_CELL + 1, (2, *shape)).astype(np.int32)
        covers[1][rng.random(shape) < 0.5] = 0
        classes = rng.integers(0, 6, (1, *shape)).astype(np.uint8)
        classes[0, 0, ::3] = 255
        for planes, count in ((values, 4), (covers, 3), (classes, 5)):
            sums = rng.uniform(0.0, 1.0, (count, 2, 50))
            cases[f"accumulate_cells-{planes.dtype}-{name}"] = given | {"planes": planes, "sums": sums}
    return cases


CASES = displacing() | covering() | accumulating()


def on_the_host(case):
    given = {n: a.copy() if isinstance(a, np.ndarray) else a for n, a in CASES[case].items()}
    function = case.split("-")[0]
    if "start" in given:
        given["cells"] = kernels.Cells(**{name: given.pop(name) for name in kernels.Cells._fields})
    found = getattr(kernels, function)(**given)
    if found is None:
        found = given["sums" if function == "accumulate_cells" else "cover"]
    return found if isinstance(found, tuple) else (found,)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return run_simulated("run_cells.py", CASES, tmp_path_factory.mktemp("simulator"))


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("accumulate")])
def test_simulated_kernel_has_the_bits_of_the_cpu(case, simulated):
    for k, wanted in enumerate(on_the_host(case)):
        got = simulated[f"{case}/{k}"]
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)  # the same functions in the same order; or integers in any


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("accumulate")])
def test_simulated_kernel_adds_what_the_cpu_adds_in_another_order(case, simulated):
    given = CASES[case]
    (wanted,) = on_the_host(case)
    got = simulated[f"{case}/0"]
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    # What is added is the same: sums of n terms differ by n 2^-52 of the sum of their magnitudes at most.
    magnitude = wanted.copy()
    if given["planes"].dtype != np.uint8:
        largest = np.nanmax(np.abs(given["planes"].astype(np.float64)), axis=(1, 2))
        magnitude[:-1] = given["sums"][:-1] + wanted[-1] * largest[:, None, None]
    known = np.isfinite(wanted)
    bound = given["area"].size * ROUNDING * magnitude[known]
    assert (np.abs(got - wanted)[known] <= bound).all()


def test_cases_reach_every_kernel_and_tell_right_from_wrong():
    reached = {"sum_rows", "order_cells"}
    for case in CASES:
        function, kind, *_ = case.split("-")
        kernel = {"cover_cells": "cover_edges", "accumulate_cells": f"accumulate_{kind}"}.get(
            function, function
        )
        reached |= {kernel} - {"resolve_overlaps"}
    assert reached == {
        name for module in (cuda_cells, cuda_covers, cuda_accumulate) for name in module.DECLARED
    }
    for case, given in CASES.items():
        before = given.get("sums", given.get("cover"))
        if before is not None:
            changed = (on_the_host(case)[0] != before).mean()
            assert changed == 0.0 if case == "cover_cells-outside" else changed > 0.1
    down, across = on_the_host("displace_cells-moved")
    assert 0.05 < np.isnan(down).mean() < 0.7
    np.testing.assert_array_equal(np.isnan(down), np.isnan(across))
    assert np.nanmax(np.abs(down - on_the_host("displace_cells-terrain")[0])) > 0.1
    for case in ("accumulate_cells-float32-wide", "accumulate_cells-float32-far"):
        lost = np.isnan(on_the_host(case)[0]).mean(axis=(1, 2))
        assert lost[1] > 0.0
        np.testing.assert_array_equal(lost[[0, 2, 3]], 0.0)
    (settled,) = on_the_host("resolve_overlaps-ordered")
    assert 0.1 < (settled == 0).mean() < 0.9
    assert 0.0 < (settled == kernels.WHOLE_CELL).mean() < 0.9
