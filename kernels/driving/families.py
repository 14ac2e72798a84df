"""Kernel families: what one is made of, what it uses, and its drivers, bound to a compiler on first use.

A family is a package whose ``__init__`` names its modules and the families whose functions it calls:

- ``SCALAR``: modules of mathematics, each with ``FUNCTIONS``, in the order in which they call each other;
- ``CPU``: modules of loops, each with ``PARTS``, which loops call, ``LOOPS``, which go over a range of rows or of
  other things that do not depend on each other, and ``DRIVERS``, plain Python, which hand ranges to loops;
- ``CUDA``: modules of kernels, each with ``DEVICE_FUNCTIONS``, which kernels call, and ``DECLARED``, the kernels;
- ``USES``: other families.

Beside them lie ``launch``, with the same drivers for CUDA, and ``interface``, which checks arguments.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import mathematics
from .binding import Compiler, as_it_is, bind

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    MakeCompiler = Callable[[str], Compiler]  # of what is appended to names

KERNELS = __name__.rsplit(".", maxsplit=2)[0]

COMPILERS = ("binding.py", "borrowing.py", "cpujit.py")


@dataclass(frozen=True, kw_only=True)
class Family:
    """The modules and functions of a kernel family, as its package declares them.

    Attributes
    ----------
    name : of the package.
    scalar, cpu : its modules.
    uses : the families whose functions it calls.
    """

    name: str
    scalar: tuple[ModuleType, ...]
    cpu: tuple[ModuleType, ...]
    uses: tuple[Family, ...]

    def sources(self) -> set[Path]:
        """Return all source files that the compiled code depends on."""
        own = {Path(str(module.__file__)) for module in (mathematics, *self.scalar, *self.cpu)}
        own |= {Path(__file__).with_name(name) for name in COMPILERS}
        return own.union(*(used.sources() for used in self.uses))

    def tag(self) -> str:
        """Return a tag of these sources for the compile cache: numba watches a loop's own file, not those it calls."""
        digest = hashlib.sha256()
        for path in sorted(self.sources()):
            digest.update(path.read_bytes())
        return f"_{digest.hexdigest()[:12]}"


@functools.cache
def family(name: str) -> Family:
    """Return the family of a package; a name without dots is a folder of ``kernels``."""
    if "." not in name:
        return family(f"{KERNELS}.{name}")
    package = importlib.import_module(name)
    return Family(
        name=name,
        scalar=tuple(importlib.import_module(f".{module}", name) for module in package.SCALAR),
        cpu=tuple(importlib.import_module(f".{module}", name) for module in package.CPU),
        uses=tuple(family(used) for used in package.USES),
    )


def names() -> list[str]:
    """List the families: the folders of ``kernels`` that have an interface."""
    beside = importlib.import_module(KERNELS).__path__
    folders = {path.parent.name for place in beside for path in Path(place).glob("*/interface.py")}
    return [f"{KERNELS}.{name}" for name in sorted(folders)]


def cuda_modules(name: str) -> tuple[ModuleType, ...]:
    """Import the CUDA modules of a family, which import numba.cuda."""
    package = importlib.import_module(name)
    return tuple(importlib.import_module(f".{module}", name) for module in package.CUDA)


@functools.cache
def functions(own: Family, make_compiler: MakeCompiler) -> dict[Any, Any]:
    """Compile the mathematics of a family and of those that it uses: plain function to compiled one."""
    forms = _elementary(make_compiler)
    for used in own.uses:
        forms = forms | functions(used, make_compiler)
    for module in own.scalar:
        forms = bind(make_compiler("").functions(module.INLINED), module.FUNCTIONS, module, forms)
    return forms


@functools.cache
def _elementary(make_compiler: MakeCompiler) -> dict[Any, Any]:
    return bind(make_compiler("").functions(mathematics.INLINED), mathematics.FUNCTIONS, mathematics, {})


@functools.cache
def loops(own: Family, make_compiler: MakeCompiler) -> dict[Any, Any]:
    """Compile the mathematics, parts and loops of a family and of those that it uses: plain to compiled."""
    compiler = make_compiler(own.tag())
    forms = functions(own, make_compiler)
    for used in own.uses:
        forms = forms | loops(used, make_compiler)
    for module in own.cpu:
        forms = bind(compiler.parts(module.INLINED), module.PARTS, module, forms)
        forms = bind(compiler.loop, module.LOOPS, module, forms, tag=compiler.tag)
    return forms


@functools.cache
def drivers(own: Family, make_compiler: MakeCompiler) -> dict[str, Any]:
    """Return the drivers of a family by name: plain Python that calls compiled loops.

    A module whose loops are compiled once for each of several numbers or functions that they are bound with has a
    function ``make_loops(compiler, forms, *key)``; its drivers get them, by name, from ``loops_for(*key)``.
    """
    compiler = make_compiler(own.tag())
    forms = loops(own, make_compiler)
    found: dict[str, Any] = {}
    for module in own.cpu:
        given = {}
        if hasattr(module, "make_loops"):
            given["loops_for"] = functools.cache(functools.partial(module.make_loops, compiler, forms))
        bound = bind(as_it_is, module.DRIVERS, module, forms, given)
        found |= {driver: bound[getattr(module, driver)] for driver in module.DRIVERS}
    return found


def plain_drivers(name: str) -> dict[str, Any]:
    """Return the drivers of a family, with everything that they call, as plain Python."""
    return drivers(family(name), _no_compiler)


def _no_compiler(tag: str) -> Compiler:
    return Compiler(tag=tag)
