"""A device without a GPU, in the process of the tests: the stand-in for CuPy, with CPU drivers in place of kernels.

What this shows is the code around the kernels: what is allocated, what goes up and down, in what order. It says nothing
about the kernels on a GPU.
"""

import importlib.util
import sys
from contextlib import contextmanager
from pathlib import Path

from alignsar_gpu.device import Device

REHEARSAL = Path(__file__).parents[2] / "benchmarks" / "rehearsal"
GIB = 1 << 30


@contextmanager
def stand_in():
    """The module that stands in for CuPy, which ``import cupy`` gives inside the block."""
    real = {
        name: module for name, module in sys.modules.items() if name.partition(".")[0] in {"cupy", "cupyx"}
    }
    for name in real:
        del sys.modules[name]
    from alignsar_gpu.kernels.driving import arrays, gpujit  # noqa: PLC0415 - imports numba.cuda

    has_compiler = importlib.util.find_spec("numba_cuda") is not None
    run, require_compiler = arrays.Arrays.run, gpujit.require_compiler
    sys.path.insert(0, str(REHEARSAL))
    try:
        import cupy  # noqa: PLC0415 - the one just put on the path

        assert cupy.__version__ == "0+stand.in"
        yield cupy
    finally:
        sys.path.remove(str(REHEARSAL))
        arrays.Arrays.run, gpujit.require_compiler = run, require_compiler
        if not has_compiler:
            sys.modules.pop("numba_cuda", None)
        for name in [name for name in sys.modules if name.partition(".")[0] in {"cupy", "cupyx"}]:
            del sys.modules[name]
        sys.modules.update(real)


def device(memory=GIB):
    """A device of the stand-in."""
    return Device("cuda", "stand-in", "a test", memory)
