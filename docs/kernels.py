"""Writes docs/kernels.md, what every CUDA kernel costs: python docs/kernels.py (extra cuda13; needs no device)."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

from alignsar_gpu.kernels.driving import families
from numba import cuda, types

if TYPE_CHECKING:
    from alignsar_gpu.kernels.driving.declared import Declared

TARGET = Path(__file__).with_name("kernels.md")
ARCHITECTURES = ((7, 5), (8, 0), (9, 0))  # all three are supported by the compilers of CUDA 12 and 13.0
MODULES = {name: families.cuda_modules(name) for name in families.names()}
DECLARED: dict[str, Declared] = {
    kernel: declared
    for own in MODULES.values()
    for module in own
    for kernel, declared in module.DECLARED.items()
}
KERNEL = {
    name: kernel for own in MODULES.values() for module in own for name, kernel in module.KERNEL.items()
}
FLOAT64 = re.compile(
    r"^\s+(?:@\S+\s+)?(?:add|sub|mul|fma|div|sqrt|rcp|neg|abs|max|min|setp|cvt)\.\S*f64", re.M
)
KINDS = {
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
HEAD = """# CUDA kernels

What each kernel costs, compiled without a device for sm_75 (Turing), sm_80 (Ampere) and sm_90 (Hopper).
Made by `python docs/kernels.py` in an environment with the extra `cuda13`, and held equal to what is compiled by a test
(`test_203_compiled.py`). Nothing here was measured: [the README](../README.md#on-a-gpu) says what has run on a GPU.
Compilers: {versions}.

- **registers** of a thread; **spills**, bytes stored and loaded for want of registers; **shared** memory of a block,
  bytes: as `ptxas -v` reports them. Three numbers where the architectures differ, in the order above.
- **float64**: instructions in the PTX, with conversions and the copies of unrolled loops. On a consumer's card each
  takes as long as 64 in float32 (32 on Turing), on an A100 or H100 as long as 2. So float64 is for phases, geometry and
  sums alone, and each kernel says for which.
- `_tile` sums windows in shared memory, `_direct` pixel by pixel: of those of polarimetry and speckle filters, the
  smaller ones, which read less so, and all that are too wide for a tile.
"""
COLUMNS = """| kernel | registers | spills | shared | float64 | what float64 is for |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A kernel in PTX, and what it costs as machine code; memory in bytes."""

    ptx: str
    registers: int
    stack: int
    spills: int
    shared: int
    float64: int


@functools.cache
def find_assembler() -> str | None:
    """Return the path of ptxas: on PATH, or in the wheel nvidia-cuda-nvcc."""
    found = shutil.which("ptxas")
    spec = importlib.util.find_spec("nvidia")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    return found or next((str(path) for f in folders for path in Path(f).rglob("bin/ptxas")), None)


def _ptxas(*arguments: str) -> str:
    """What ptxas says."""
    command = [str(find_assembler()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout + done.stderr


def _assembled(name: str, ptx: str, target: str) -> str:
    """What ptxas reports of a kernel."""
    with tempfile.TemporaryDirectory() as folder:
        source, machine_code = Path(folder) / f"{name}.ptx", Path(folder) / f"{name}.cubin"
        source.write_text(ptx, encoding="utf-8")
        report = _ptxas("-v", f"-arch={target}", str(source), "-o", str(machine_code))
        if not machine_code.stat().st_size:
            raise RuntimeError(f"{name}, {target}: ptxas wrote nothing")
    return report


@functools.cache
def compiled(name: str, architecture: tuple[int, int]) -> Compiled:
    """Compile a kernel for an architecture, once."""
    device = SimpleNamespace(compute_capability=architecture)
    arguments = tuple(KINDS[kind] for kind in DECLARED[name].arguments)
    with mock.patch("numba.cuda.dispatcher.get_current_device", return_value=device):
        ptx, _ = cuda.compile_ptx(KERNEL[name].py_func, arguments, cc=architecture, fastmath=True)
    report = _assembled(name, ptx, "sm_{}{}".format(*architecture))

    def number(pattern: str) -> int:
        return sum(int(found) for found in re.findall(pattern, report))

    return Compiled(
        ptx=ptx,
        registers=number(r"Used (\d+) registers"),
        stack=number(r"(\d+) bytes stack frame"),
        spills=number(r"(\d+) bytes spill (?:stores|loads)"),
        shared=number(r"(\d+) bytes smem"),
        float64=len(FLOAT64.findall(ptx)),
    )


def versions() -> str:
    """Return the compilers, by name and version; PTX and ptxas say their own."""
    made = compiled("phase_difference", ARCHITECTURES[0])
    packages = [f"{name} {importlib.metadata.version(name)}" for name in ("numba", "numba-cuda")]
    return ", ".join([*packages, f"libNVVM {_version(made.ptx)}", f"ptxas {_version(_ptxas('--version'))}"])


def _version(text: str) -> str:
    found = re.search(r"Cuda compilation tools, release \S+ V(\S+)", text)
    return found.group(1) if found else "of an unknown version"


def _three(values: list[int]) -> str:
    """A number for each architecture, or one for all."""
    return str(values[0]) if len(set(values)) == 1 else " / ".join(map(str, values))


def _row(name: str) -> str:
    made = [compiled(name, architecture) for architecture in ARCHITECTURES]
    costs = ("registers", "spills", "shared", "float64")
    cells = [_three([getattr(one, cost) for one in made]) for cost in costs]
    return f"| {' | '.join([f'`{name}`', *cells, DECLARED[name].why_float64])} |"


def page() -> str:
    """The whole page."""
    parts = [HEAD.format(versions=versions())]
    for family, modules in MODULES.items():
        rows = "\n".join(_row(name) for module in modules for name in module.DECLARED)
        parts.append(f"## {family.rpartition('.')[2]}\n\n{COLUMNS}{rows}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
