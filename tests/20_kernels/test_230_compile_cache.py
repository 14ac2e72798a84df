"""The compile cache: loops that another process has compiled call their own functions, not others of the same name."""

import os
import subprocess
import sys

import numpy as np
import pytest
from alignsar_gpu.kernels.driving.binding import as_it_is, bind

MODULE = """
import numpy as np
NUMBER = 0.0
def part(x):
    total = x * np.float32(0.0)
    for k in range(3):
{lines}
    return total + x * np.float32(2.0) + NUMBER
def loop(values, out):
    for i in range(values.size):
        out[i] = part(values[i]) + part(values[i] + np.float32(0.0)) - part(values[i])
"""
# Long, so that LLVM leaves it a function of its own.
LINE = "        total += np.sin(x + np.float32({0})) * np.cos(total) * np.exp(-total) * np.float32(0.0)"
SCRIPT = """
import sys
import numpy as np
import numbers_apart
from alignsar_gpu.kernels.driving import cpujit
from alignsar_gpu.kernels.driving.binding import bind
compiler = cpujit._compiler("_tag")
for number in sys.argv[1:]:
    parts = bind(compiler.part, ("part",), numbers_apart, {}, {"NUMBER": np.float32(number)})
    loop = bind(compiler.loop, ("loop",), numbers_apart, parts, {}, f"_{number}")[numbers_apart.loop]
    out = np.zeros(1, np.float32)
    loop(np.ones(1, np.float32), out)
    print(number, out[0], len(loop.stats.cache_hits))
"""


def test_a_loop_of_another_process_calls_its_own_functions(tmp_path):
    """numba numbers the functions that it compiles; one in memory had the name and number of that in the cache."""
    (tmp_path / "numbers_apart.py").write_text(
        MODULE.format(lines="\n".join(LINE.format(k) for k in range(12)))
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}

    def run(*numbers):
        command = [sys.executable, "-c", SCRIPT, *numbers]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout.split()

    assert run("1") == ["1", "3.0", "0"]
    assert run("2", "1") == ["2", "4.0", "0", "1", "3.0", "1"]


def part(x):
    return x + NUMBER


def caller(x):
    return part(x)


NUMBER = 0.0


@pytest.mark.parametrize("number", [1.0, np.float32(1.0), (1, 2), np.arange(3)])
def test_functions_are_named_by_what_they_are_bound_with(number):
    module = sys.modules[__name__]

    def named(given):
        bound = bind(as_it_is, ("part",), module, {}, {"NUMBER": given})
        bound = bind(as_it_is, ("caller",), module, bound)
        return [bound[function].__qualname__ for function in (part, caller)]

    assert named(number) == named(number)
    assert not set(named(number)) & set(named(2.0))
