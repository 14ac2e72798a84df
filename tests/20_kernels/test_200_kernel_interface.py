"""What the kernels promise beside their values: bits, errors, light imports, a cache that never misleads."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numba
import numpy as np
import pytest
from speckle import pair, same_bits

from alignsar_gpu import kernels

# Blocks and threads


@pytest.mark.parametrize("window", [(1, 1), (5, 21), (81, 3)])
@pytest.mark.parametrize("strips", [1, 2, 3])
def test_blocks_give_the_bits_of_the_whole_image(window, strips):
    reference, secondary, valid = pair(np.random.default_rng(13), (150, 67))
    whole = kernels.boxcar_coherence(reference, secondary, valid, window=window)
    half = window[0] // 2
    parts = []
    for first in range(0, 150, strips * kernels.STRIP):
        stop = min(first + strips * kernels.STRIP, 150)
        a = max(first - half, 0)
        b = min(stop + half, 150)
        block = (np.ascontiguousarray(image[a:b]) for image in (reference, secondary, valid))
        parts.append(kernels.boxcar_coherence(*block, window=window, first=first - a, stop=stop - a))
    assert same_bits(whole, [np.concatenate(part) for part in zip(*parts, strict=True)])


def test_threads_do_not_change_a_bit():
    rng = np.random.default_rng(14)
    reference, secondary, valid = pair(rng, (170, 600))
    phase = rng.uniform(-100, 100, reference.shape)

    def run():
        return (
            *kernels.boxcar_coherence(reference, secondary, valid, window=(5, 21)),
            *kernels.amplitude_intensity_phase(reference, valid),
            kernels.phase_difference(reference, secondary, valid),
            kernels.rotate_phase(secondary, phase),
        )

    before = numba.get_num_threads()
    results = []
    try:
        for threads in {1, min(2, numba.config.NUMBA_NUM_THREADS), numba.config.NUMBA_NUM_THREADS}:
            numba.set_num_threads(threads)
            results.append(run())
    finally:
        numba.set_num_threads(before)
    assert all(same_bits(results[0], other) for other in results[1:])


def test_first_and_stop_cut_lines_out():
    reference, secondary, valid = pair(np.random.default_rng(15), (90, 40))
    whole = kernels.boxcar_coherence(reference, secondary, valid, window=(5, 7))
    for first, stop in ((0, 1), (kernels.STRIP, 80), (89, None), (33, 33)):
        part = kernels.boxcar_coherence(reference, secondary, valid, window=(5, 7), first=first, stop=stop)
        for got, wanted in zip(part, whole, strict=True):
            np.testing.assert_allclose(got, wanted[first:stop], atol=2e-6, equal_nan=True)


def test_arrays_that_may_not_be_written_are_accepted():
    reference, secondary, valid = pair(np.random.default_rng(16), (20, 30))
    wanted = kernels.boxcar_coherence(reference, secondary, valid, window=(3, 3))
    for array in (reference, secondary, valid):
        array.setflags(write=False)
    assert same_bits(kernels.boxcar_coherence(reference, secondary, valid, window=(3, 3)), wanted)


# Errors


def arguments(**changes):
    standard = {
        "reference": np.ones((6, 8), dtype=np.complex64),
        "secondary": np.ones((6, 8), dtype=np.complex64),
        "valid": np.ones((6, 8), dtype=bool),
        "window": (3, 3),
    }
    return standard | changes


class OnDevice:
    """Says that it lies on a device, like a CuPy array."""

    __cuda_array_interface__: ClassVar = {"version": 3}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"reference": np.ones((6, 8))}, TypeError, "reference: expected dtype complex64, got float64"),
        ({"reference": [[1.0]]}, TypeError, "reference: expected a numpy array.*got list"),
        (
            {"secondary": np.ones((6, 8), dtype=np.complex128)},
            TypeError,
            "secondary: expected dtype complex64",
        ),
        ({"secondary": np.ones((6, 8), dtype=">c8")}, TypeError, "secondary: expected dtype complex64"),
        (
            {"secondary": np.ones((6, 7), dtype=np.complex64)},
            ValueError,
            r"secondary: .*\(6, 8\) of reference",
        ),
        (
            {"secondary": OnDevice()},
            TypeError,
            "reference is on the host, secondary is on the device, valid is",
        ),
        ({"valid": np.ones((6, 8), dtype=np.uint8)}, TypeError, "valid: expected dtype bool, got uint8"),
        ({"valid": np.ones((8, 6), dtype=bool).T}, ValueError, "valid: expected a C-contiguous array"),
        ({"valid": np.ma.ones((6, 8), dtype=bool)}, TypeError, "valid: a masked array is not accepted"),
        ({"window": (2, 3)}, ValueError, r"window: expected an odd .* got \(2, 3\)"),
        ({"window": (3, 0)}, ValueError, "window: expected an odd"),
        ({"window": (3, -5)}, ValueError, "window: expected an odd"),
        ({"window": (3.0, 5)}, TypeError, "window: expected an odd"),
        ({"window": 5}, TypeError, "window: expected an odd"),
        ({"window": (3, 3, 3)}, TypeError, "window: expected an odd"),
        ({"first": -1}, ValueError, "first and stop: expected 0 <= first <= stop <= 6 lines, got -1 and 6"),
        ({"first": 4, "stop": 3}, ValueError, "first and stop"),
        ({"stop": 7}, ValueError, "first and stop"),
    ],
)
def test_errors_name_the_argument(changes, error, message):
    with pytest.raises(error, match=message):
        kernels.boxcar_coherence(**arguments(**changes))


def test_coherence_needs_two_dimensions():
    one = {"reference": np.ones(6, dtype=np.complex64), "secondary": np.ones(6, dtype=np.complex64)}
    with pytest.raises(ValueError, match="reference: expected two dimensions"):
        kernels.boxcar_coherence(**arguments(**one, valid=np.ones(6, dtype=bool)))


def test_elementwise_errors_name_the_argument():
    pixels = np.ones(5, dtype=np.complex64)
    with pytest.raises(TypeError, match="phase: expected dtype float64, got float32"):
        kernels.rotate_phase(pixels, np.zeros(5, dtype=np.float32))
    with pytest.raises(ValueError, match=r"valid: expected the shape \(5,\) of pixels, got \(4,\)"):
        kernels.amplitude_intensity_phase(pixels, np.ones(4, dtype=bool))
    with pytest.raises(ValueError, match="pixels: expected a C-contiguous array"):
        kernels.amplitude_intensity_phase(np.ones(10, dtype=np.complex64)[::2], np.ones(5, dtype=bool))
    with pytest.raises(TypeError, match="secondary: expected dtype complex64"):
        kernels.phase_difference(pixels, np.ones(5), np.ones(5, dtype=bool))


@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is not None, reason="numba-cuda is installed")
def test_device_arrays_without_numba_cuda_are_an_error_that_names_the_extras():
    with pytest.raises(ImportError, match="cuda12 or cuda13"):
        kernels.phase_difference(OnDevice(), OnDevice(), OnDevice())


# Importing and caching


def run_python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_no_compiler():
    code = "import sys, alignsar_gpu.kernels; print({'numba', 'cupy', 'llvmlite'} & set(sys.modules))"
    assert run_python(code) == "set()"


def test_an_install_where_nothing_can_be_written_compiles_without_a_cache(tmp_path):
    package = tmp_path / "alignsar_gpu" / "kernels"
    shutil.copytree(Path(kernels.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "alignsar_gpu" / "__init__.py").touch()
    for module in package.rglob("*.py"):
        (
            module.parent / "__pycache__"
        ).touch()  # a file where numba would make its folder: not even root may write
    blocked = tmp_path / "blocked"
    blocked.touch()
    code = (
        "import numpy; from alignsar_gpu import kernels; assert 'unwritable' in kernels.__file__; "
        "o = numpy.ones(3, 'c8'); "
        "print(kernels.phase_difference(o * numpy.complex64(1j), o, o == 1).round(3).tolist())"
    ).replace("unwritable", tmp_path.name)
    environment = {"PYTHONPATH": str(tmp_path), "HOME": str(blocked), "XDG_CACHE_HOME": str(blocked)}
    environment |= {"NUMBA_CACHE_DIR": "", "PYTHONDONTWRITEBYTECODE": "1"}
    assert eval(run_python(code, **environment)) == pytest.approx([1.571] * 3)
