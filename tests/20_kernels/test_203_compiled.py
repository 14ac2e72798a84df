"""The CUDA kernels, compiled to machine code without a device, against the cost that they declare."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from alignsar_gpu.kernels.driving import families
from numba import cuda, types

MODULES = tuple(module for name in families.names() for module in families.cuda_modules(name))
DECLARED = {name: declared for module in MODULES for name, declared in module.DECLARED.items()}
KERNEL = {name: kernel for module in MODULES for name, kernel in module.KERNEL.items()}
ARCHITECTURES = [(7, 5), (8, 0), (9, 0)]  # all three are supported by the compilers of CUDA 12 and 13.0
FLOAT64 = re.compile(
    r"^\s+(?:@\S+\s+)?(?:add|sub|mul|fma|div|sqrt|rcp|neg|abs|max|min|setp|cvt)\.\S*f64", re.M
)

CROSSINGS = {"claim_pixels": 3, "cover_edges": 4}  # at least: loops may be unrolled
POWERS_OF_TWO = {"0d4130000000000000", "0d3FE0000000000000"}  # steps of a cell, and a half
ATOMIC = {
    "claim_pixels": {"atom.global.max.s64", "atom.global.min.s32"},
    "cover_edges": {"atom.global.add.u32"},
    "spread_areas": {"atom.global.add.f64"},
} | {name: {"atom.global.add.f64"} for name in DECLARED if name.startswith("accumulate")}


def find_assembler():
    """Path of ptxas: on PATH, or in the wheel nvidia-cuda-nvcc."""
    found = shutil.which("ptxas")
    spec = importlib.util.find_spec("nvidia")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    return found or next((str(path) for f in folders for path in Path(f).rglob("bin/ptxas")), None)


def missing():
    """What the toolchain of the extra cuda13 lacks here, or None."""
    if importlib.util.find_spec("numba_cuda") is None:
        return "numba-cuda is not installed (extra cuda13)"
    if find_assembler() is None:
        return "ptxas was not found (extra cuda13)"
    try:
        importlib.import_module("numba.cuda.cudadrv.nvvm").NVVM()
    except Exception as error:  # noqa: BLE001 - whichever way it says that the library is not there
        return f"libnvvm was not found (extra cuda13): {error}"
    return None


REASON = missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))


def argument_types(declared):
    kinds = {
        "c": types.complex64[::1],
        "f": types.float32[::1],
        "d": types.float64[::1],
        "q": types.int64[::1],
        "w": types.int32[::1],
        "u": types.uint8[::1],
        "j": types.int16[::1],
        "b": types.boolean[::1],
        "2": types.float64[:, ::1],
        "3": types.float64[:, :, ::1],
        "F": types.float32[:, :, ::1],
        "i": types.int64,
        "h": types.float32,
        "s": types.float64,
        "p": types.UniTuple(types.int64, 2),
        "n": types.UniTuple(types.float64, 5),
        "m": types.UniTuple(types.float64, 7),
    }
    return tuple(kinds[kind] for kind in declared.arguments)


@pytest.mark.parametrize("name", DECLARED)
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids="sm_{0[0]}{0[1]}".format)
def test_compiled_kernel_costs_what_it_declares(name, architecture, monkeypatch, tmp_path):
    device = SimpleNamespace(compute_capability=architecture)
    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: device)
    declared = DECLARED[name]
    kernel = KERNEL[name].py_func
    ptx, _ = cuda.compile_ptx(kernel, argument_types(declared), cc=architecture, fastmath=True)
    source = tmp_path / f"{name}.ptx"
    source.write_text(ptx)
    target = "sm_{}{}".format(*architecture)
    done = subprocess.run(
        [str(find_assembler()), "-v", f"-arch={target}", str(source), "-o", str(tmp_path / "kernel.cubin")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kernel.cubin").stat().st_size > 0
    stack, stores, loads = re.search(
        r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", done.stderr
    ).groups()
    assert (stack, stores, loads) == ("0", "0", "0")
    assert not re.search(r"\b(ld|st)\.local|\.local\b", ptx)
    registers = int(re.search(r"Used (\d+) registers", done.stderr).group(1))
    shared = re.search(r"(\d+) bytes smem", done.stderr)
    assert registers <= declared.registers
    assert int(shared.group(1) if shared else 0) == declared.shared
    float64 = len(FLOAT64.findall(ptx))
    assert float64 <= declared.float64
    assert (float64 > 0) == (declared.float64 > 0)
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
    if name == "cover_edges":
        products = re.findall(r"fma\.rn\.f64\s+(.+);", ptx)
        assert all(product.split(", ")[2] in POWERS_OF_TWO for product in products)
    # Pixels are claimed, and parts of cells added, by one instruction.
    assert ATOMIC.get(name, set()) == set(re.findall(r"\b(?:atom|red)\.\S+", ptx))


def test_every_declared_kernel_has_a_name_of_its_own():
    assert len(DECLARED) == sum(len(module.DECLARED) for module in MODULES)
    assert DECLARED.keys() == KERNEL.keys()
    folder = Path(str(families.__file__)).parent.parent
    assert {Path(str(module.__file__)) for module in MODULES} == set(folder.glob("*/cuda*.py"))
