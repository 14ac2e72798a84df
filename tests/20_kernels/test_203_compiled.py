"""The CUDA kernels, compiled to machine code without a device, against the cost that they declare."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest
from alignsar_gpu.kernels.driving import families
from alignsar_gpu.kernels.driving.declared import Declared

PAGE = Path(__file__).parents[2] / "docs" / "kernels.py"


def load_page():
    """The script of the page, which compiles kernels, each once for an architecture."""
    spec = importlib.util.spec_from_file_location("kernels_page", PAGE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


page = load_page()
DECLARED = page.DECLARED
CROSSINGS = {"claim_pixels": 3, "cover_edges": 4, "cover_rings": 4}  # at least: loops may be unrolled
MOST_SHARED = 48 * 1024  # bytes that a block may have on every device
POWERS_OF_TWO = {"0d4130000000000000", "0d3FE0000000000000"}  # steps of a cell, and a half
ATOMIC = {
    "claim_pixels": {"atom.global.max.s64", "atom.global.min.s32"},
    "cover_edges": {"atom.global.add.u32"},
    "cover_rings": {"atom.global.add.u32"},
    "reach_rings": {"atom.global.cas.b32"},
    "spread_rings": {"atom.global.add.u64"},
    "spread_areas": {"atom.global.add.f64"},
} | {name: {"atom.global.add.f64"} for name in DECLARED if name.startswith("accumulate")}


def missing():
    """What the toolchain of the extra cuda13 lacks here, or None."""
    if importlib.util.find_spec("numba_cuda") is None:
        return "numba-cuda is not installed (extra cuda13)"
    if page.find_assembler() is None:
        return "ptxas was not found (extra cuda13)"
    try:
        importlib.import_module("numba.cuda.cudadrv.nvvm").NVVM()
    except Exception as error:  # noqa: BLE001 - whichever way it says that the library is not there
        return f"libnvvm was not found (extra cuda13): {error}"
    return None


REASON = missing()
compiles = pytest.mark.skipif(REASON is not None, reason=str(REASON))


@compiles
@pytest.mark.parametrize("name", DECLARED)
@pytest.mark.parametrize("architecture", page.ARCHITECTURES, ids="sm_{0[0]}{0[1]}".format)
def test_compiled_kernel_costs_what_it_declares(name, architecture):
    declared, made = DECLARED[name], page.compiled(name, architecture)
    ptx = made.ptx
    assert (made.stack, made.spills) == (0, 0)
    assert not re.search(r"\b(ld|st)\.local|\.local\b", ptx)
    assert made.registers <= declared.registers
    assert made.shared == declared.shared <= MOST_SHARED
    assert made.float64 <= declared.float64
    assert (made.float64 > 0) == (declared.float64 > 0)
    # Reduction to turns by addition is lost if the compiler may reorder it: it must still be there.
    if name in {"rotate_phase", "phasors"} or name.startswith(("resample", "ramp")):
        assert re.search(r"(add|fma)\S*f64.*0d4338000000000000", ptx)
        assert re.search(r"add\S*f32.*0f4B400000", ptx) or re.search(r"fma\S*f32.*0f4B400000", ptx)
    if name.startswith("accumulate"):
        assert re.search(r"add\S*f32.*0f4B400000", ptx)
    # Facets and polygons that share an edge must find the same crossings: nothing may be added to a product in
    # one rounding, unless the product is exact, so the last step before the addition is a division.
    if name in CROSSINGS:
        quotients = re.findall(r"div\.rn\.f64\s+(%fd\d+)", ptx)
        assert len(quotients) >= CROSSINGS[name]
        for quotient in quotients:
            assert re.search(rf"add\.\S*f64\s+%fd\d+, (%fd\d+, )?{quotient}[,;]", ptx)
    if name in {"cover_edges", "cover_rings"}:
        products = re.findall(r"fma\.rn\.f64\s+(.+);", ptx)
        assert all(product.split(", ")[2] in POWERS_OF_TWO for product in products)
    # Pixels are claimed, and parts of cells added, by one instruction.
    assert ATOMIC.get(name, set()) == set(re.findall(r"\b(?:atom|red)\.\S+", ptx))


@compiles
def test_page_has_what_is_compiled():
    """Compilers of other versions make other code: what is declared holds for them, what is written does not."""
    text = page.TARGET.read_text(encoding="utf-8")
    if page.versions() not in text:
        pytest.skip(f"docs/kernels.md was made by other compilers than {page.versions()}")
    assert text == page.page(), "run: python docs/kernels.py"


def test_page_has_every_kernel_and_what_float64_is_for():
    """Also where nothing can be compiled."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", page.TARGET.read_text(encoding="utf-8"), re.M)
    assert rows == [(name, declared.why_float64) for name, declared in DECLARED.items()], PAGE


@pytest.mark.parametrize(("float64", "why"), [(3, ""), (0, "sums over dates")])
def test_float64_needs_a_reason(float64, why):
    with pytest.raises(ValueError, match="why_float64="):
        Declared(arguments="ff", registers=32, float64=float64, why_float64=why)


def test_every_declared_kernel_has_a_name_of_its_own():
    modules = [module for own in page.MODULES.values() for module in own]
    assert len(DECLARED) == sum(len(module.DECLARED) for module in modules)
    assert DECLARED.keys() == page.KERNEL.keys()
    folder = Path(str(families.__file__)).parent.parent
    assert {Path(str(module.__file__)) for module in modules} == set(folder.glob("*/cuda*.py"))
