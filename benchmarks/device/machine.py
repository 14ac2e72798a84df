"""The GPU of this machine: CuPy, facts, and how fast it copies."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from common import load, processor, versions

from .case import device_seconds

if TYPE_CHECKING:
    from types import ModuleType

PACKAGES = (
    "numpy",
    "numba",
    "llvmlite",
    "numba-cuda",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "cuda-bindings",
    "cuda-core",
    "nvidia-cuda-nvrtc",
    "nvidia-nvjitlink",
    "nvidia-nvvm",
    "pytest",
)
QUESTIONS = (
    "name,driver_version,memory.total,memory.used,clocks.sm,clocks.max.sm,clocks.mem,clocks.max.mem,"
    "power.draw,power.limit,temperature.gpu,pstate,ecc.mode.current,pcie.link.gen.current,"
    "pcie.link.width.current"
)
COPIED = 2**30  # bytes
MOVED = 2**28


def find_device() -> ModuleType:
    """CuPy, if there is a device; otherwise the end of the program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what CuPy finds odd about an installation
        try:
            cupy = importlib.import_module("cupy")
        except ImportError as error:
            return stop(f"{error}: install alignsar_gpu with the extra cuda12 or cuda13")
    if importlib.util.find_spec("numba_cuda") is None and not numba.config.ENABLE_CUDASIM:
        return stop("numba_cuda is not installed: install alignsar_gpu with the extra cuda12 or cuda13")
    try:
        if cupy.cuda.runtime.getDeviceCount() > 0:
            return cupy
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return stop(str(error))
    return stop("the driver reports no device")


def stop(reason: str) -> Any:
    print(f"no CUDA device to measure: {reason}", file=sys.stderr)
    raise SystemExit(2)


def device_name(cupy: ModuleType) -> str:
    return str(cupy.cuda.runtime.getDeviceProperties(0)["name"].decode())


def default_record(cupy: ModuleType, folder: Path) -> Path:
    """The file of this device's results."""
    return folder / f"gpu-{re.sub(r'[^a-z0-9]+', '-', device_name(cupy).lower()).strip('-')}.json"


def clocks() -> dict[str, str]:
    """What nvidia-smi says about clocks, power and memory right now; empty without it."""
    if shutil.which("nvidia-smi") is None:
        return {}
    command = ["nvidia-smi", f"--query-gpu={QUESTIONS}", "--format=csv,noheader", "--id=0"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except subprocess.TimeoutExpired:
        return {"error": "nvidia-smi did not answer in 10 s"}
    if done.returncode:
        return {"error": (done.stderr or done.stdout).strip()}
    return dict(zip(QUESTIONS.split(","), (each.strip() for each in done.stdout.split(",")), strict=False))


def commit() -> str:
    """The version of the sources, as far as git knows it."""
    if shutil.which("git") is None:
        return "unknown"
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def facts(cupy: ModuleType) -> dict[str, Any]:
    """What the device and the machine are."""
    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(0)
    free, total = runtime.memGetInfo()
    return {
        "device": device_name(cupy),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "compute_capability": f"{properties['major']}.{properties['minor']}",
        "multiprocessors": properties["multiProcessorCount"],
        "memory_bytes": total,
        "free_bytes": free,
        "l2_bytes": properties.get("l2CacheSize"),
        "driver_cuda": runtime.driverGetVersion(),
        "runtime_cuda": runtime.runtimeGetVersion(),
        "clocks_before": clocks(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "cpu_threads": numba.config.NUMBA_NUM_THREADS,
        "load_before": load(),
        "host_memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "versions": versions(*PACKAGES),
        "cupy": cupy.__version__,
    }


def timed(call: Any, wait: Any, budget: float) -> float:
    """Seconds of a call on the device."""
    began = time.perf_counter()
    call()
    wait()
    return device_seconds(call, wait, time.perf_counter() - began, budget)[0]


def copy_bandwidth(cupy: ModuleType, *, tiny: bool, budget: float = 1.0) -> float:
    """Bytes read and written in a second by a copy on the device; ``budget`` in seconds."""
    size, budget = (2**16, 0.0) if tiny else (COPIED, budget)
    source = cupy.ones(size // 8, dtype=cupy.float64)
    target = cupy.empty_like(source)
    wait = cupy.cuda.runtime.deviceSynchronize
    return 2 * size / timed(lambda: cupy.copyto(target, source), wait, budget)


def transfer_bandwidths(cupy: ModuleType, *, tiny: bool) -> dict[str, float]:
    """Bytes in a second to the device and back, from memory as it comes and from pinned memory."""
    size, budget = (2**16, 0.0) if tiny else (MOVED, 0.5)
    wait = cupy.cuda.runtime.deviceSynchronize
    plain = np.ones(size // 8)
    pinned = np.frombuffer(cupy.cuda.alloc_pinned_memory(size), np.float64, plain.size)
    device = cupy.asarray(plain)
    found = {}
    for name, host in (("pageable", plain), ("pinned", pinned)):
        found[f"{name}_up"] = size / timed(lambda h=host: device.set(h), wait, budget)
        found[f"{name}_down"] = size / timed(lambda h=host: device.get(out=h), wait, budget)
    return found
