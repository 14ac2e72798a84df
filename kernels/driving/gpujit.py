"""The choice of a CUDA compiler: the only module that imports numba.cuda. Import it late: it is heavy.

With ``NUMBA_ENABLE_CUDASIM=1`` set before numba is first imported, kernels run in numba's simulator, on
numpy arrays; otherwise the package numba-cuda compiles them (extras ``cuda12`` and ``cuda13``).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from . import families
from .binding import Compiler, bind

if TYPE_CHECKING:
    from collections.abc import Callable

if not hasattr(np, "row_stack"):  # numba-cuda 0.30 calls it while compiling; numpy 2.5 removed it
    np.__dict__["row_stack"] = np.vstack

cuda: Any = importlib.import_module("numba.cuda")  # untyped, and another package's when numba-cuda is there
SIMULATED = bool(importlib.import_module("numba.core.config").ENABLE_CUDASIM)

THREADS = 256
# numba warns of a grid below 128 blocks, and the loops of a kernel cope with any number.
FEWEST_BLOCKS = 1 if SIMULATED else 128
MOST_BLOCKS = 65535


def require_compiler() -> None:
    """Raise ImportError unless kernels can be compiled or simulated."""
    if not SIMULATED and importlib.util.find_spec("numba_cuda") is None:
        raise ImportError(
            "arrays on a CUDA device need the package numba-cuda: install alignsar_gpu with the extra cuda12 "
            "or cuda13, whichever the driver supports"
        )


def device_function(function: Callable[..., Any]) -> Any:
    """Compile a function that kernels call; fast-math is not inherited, so it is asked for here too."""
    return function if SIMULATED else cuda.jit(function, device=True, fastmath=True)


def ordered_function(function: Callable[..., Any]) -> Any:
    """Compile a function that kernels call, and whose additions keep their order."""
    return function if SIMULATED else cuda.jit(function, device=True)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that is launched on a grid."""
    return cuda.jit(function, fastmath=True)


def device_functions(family: str) -> dict[Any, Any]:
    """Compile the mathematics of a family and of those that it uses: plain function to device function."""
    return families.functions(families.family(family), _compiler)


def _compiler(tag: str) -> Compiler:
    return Compiler(function=device_function, inlined_function=device_function, tag=tag)


def kernels_of(name: str) -> dict[str, Any]:
    """Return the kernels that a module declares, by name; ``name`` is its ``__name__``."""
    module = sys.modules[name]
    forms = device_functions(str(module.__package__))
    forms = bind(device_function, module.DEVICE_FUNCTIONS, module, forms)
    forms = bind(kernel, tuple(module.DECLARED), module, forms)
    return {declared: forms[getattr(module, declared)] for declared in module.DECLARED}
