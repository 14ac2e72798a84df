"""Calibration at every pixel: on the CPU against numpy, the CUDA kernels in the simulator against the CPU."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_kernels import run_simulated

from alignsar_gpu import kernels

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 60))


def images(seed, shape):
    """Gains, powers around the noise, some of them NaN, and the noise."""
    rng = np.random.default_rng(seed)
    gain, floor = rng.uniform(0.1, 2.0, (2, *shape)).astype(np.float32)
    power = rng.exponential(1.0, shape).astype(np.float32)
    power[rng.random(shape) < 0.1] = np.nan
    return gain, power, floor


@given(st.integers(0, 2**32), SHAPES, st.booleans())
@settings(max_examples=40, deadline=None)
def test_powers_have_the_bits_of_numpy(seed, shape, masked):
    gain, power, floor = images(seed, shape)
    np.testing.assert_array_equal(kernels.calibrate_powers(gain, power), gain * power)
    wanted = gain * power - floor
    if masked:
        wanted[wanted < 0.0] = np.nan
    np.testing.assert_array_equal(kernels.calibrate_powers(gain, power, floor, masked=masked), wanted)


@given(st.integers(0, 2**32), SHAPES, st.integers(1, 6), st.booleans())
@settings(max_examples=40, deadline=None)
def test_lines_lie_between_the_rows_of_the_table(seed, shape, rows, as_gain):
    rng = np.random.default_rng(seed)
    table = rng.uniform(100.0, 900.0, (rows, shape[1])).astype(np.float32)
    row = np.sort(rng.uniform(-1.0, rows, shape[0]))
    place = np.clip(row, 0.0, rows - 1.0)
    exact = np.stack(
        [np.interp(place, np.arange(rows), column) for column in table.T.astype(np.float64)], axis=1
    )
    found = kernels.interpolate_rows(table, row, as_gain=as_gain)
    np.testing.assert_allclose(found, exact**-2 if as_gain else exact, rtol=5e-7 if as_gain else 2e-7)
    part = kernels.interpolate_rows(table, row[:1], as_gain=as_gain)
    np.testing.assert_array_equal(part, found[:1])


def cases():
    rng = np.random.default_rng(3)
    gain, power, floor = images(4, (3, 300))
    table, row = rng.uniform(100.0, 900.0, (4, 300)).astype(np.float32), np.array([-1.0, 0.25, 2.5, 3.0, 7.0])
    return {
        "calibrate_powers-plain": {"gain": gain, "power": power},
        "calibrate_powers-noise": {"gain": gain, "power": power, "floor": floor},
        "interpolate_rows": {"table": table, "host_row": row},
        "interpolate_rows-one": {"table": table[:1], "host_row": row},
    }


def test_simulated_kernels_give_what_the_cpu_gives(tmp_path):
    simulated = run_simulated("run_kernels.py", cases(), tmp_path)
    for case, arrays in cases().items():
        plain = {name.removeprefix("host_"): array for name, array in arrays.items()}
        wanted = getattr(kernels, case.split("-")[0])(**plain)
        np.testing.assert_array_equal(simulated[f"{case}/0"], wanted, err_msg=case)


def test_arrays_that_do_not_fit_are_refused():
    image = np.zeros((3, 4), np.float32)
    with pytest.raises(ValueError, match=r"power: expected the shape \(3, 4\) of gain"):
        kernels.calibrate_powers(image, image[:2])
    with pytest.raises(TypeError, match=r"floor: expected dtype float32"):
        kernels.calibrate_powers(image, image, image.astype(np.float64))
    with pytest.raises(ValueError, match=r"table: expected two dimensions"):
        kernels.interpolate_rows(image[0], np.zeros(3))
