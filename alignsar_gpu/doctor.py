"""What a bug report needs to know of a machine: ``alignsar_gpu doctor``, or ``python -m alignsar_gpu.doctor``."""

from __future__ import annotations

import importlib
import locale
import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Libraries whose versions decide what works, in the order in which they are shown.
LIBRARIES = (
    *("numpy", "scipy", "numba", "llvmlite", "xarray", "zarr", "numcodecs", "netcdf4", "h5py"),
    *("rasterio", "pyproj", "pyogrio", "geopandas", "shapely", "pyarrow", "laspy", "matplotlib", "pystac"),
    *("hydra-core", "omegaconf", "rich", "cupy-cuda12x", "cupy-cuda13x", "numba-cuda"),
)
A_LINE = 6  # libraries on a line
GIB = 1 << 30
INDENT = " " * 12
PROBLEM = "PROBLEM: "


def _versions() -> str:
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    lines = (", ".join(found[first : first + A_LINE]) for first in range(0, len(found), A_LINE))
    return f",\n{INDENT}".join(lines)


def _device() -> str:
    from alignsar_gpu.config import DeviceConfig  # noqa: PLC0415
    from alignsar_gpu.device import choose_device  # noqa: PLC0415

    device = choose_device(DeviceConfig())
    return f"{device}\n{INDENT}{device.reason}; a run may take {device.memory_budget / GIB:.1f} GiB"


def _threads() -> str:
    numba: Any = importlib.import_module("numba")
    numba.set_num_threads(numba.get_num_threads())  # starts them, which chooses the layer
    names = ("NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER", "OMP_NUM_THREADS")
    told = "".join(f", {name}={os.environ[name]}" for name in names if name in os.environ)
    return f"{numba.get_num_threads()}, layer {numba.threading_layer()}{told}"


def _writable(path: Path) -> str:
    """Say whether files can be made in a folder, or in the one that it would be made in."""
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return f"{path}, writable" if there == path else f"{path}, not there yet, can be made"
    except OSError as error:
        return f"{PROBLEM}{path} cannot be written ({error.strerror})"


def _numba_cache() -> str:
    """Say where compiled kernels are kept: numba takes the first of these places that it can write."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return f"{_writable(Path(given).expanduser().absolute())} (NUMBA_CACHE_DIR)"
    import alignsar_gpu.kernels  # noqa: PLC0415

    beside = _writable(Path(alignsar_gpu.kernels.__file__).parent)
    instead = _writable(Path("~/.cache/numba").expanduser())
    found = next((text for text in (beside, instead) if not text.startswith(PROBLEM)), "")
    return found or f"{beside}; set NUMBA_CACHE_DIR to a folder that can, or every run compiles for a minute"


def _proj() -> str:
    import pyproj  # noqa: PLC0415
    from pyproj.datadir import get_data_dir  # noqa: PLC0415

    told = [f"{name}={os.environ[name]}" for name in ("PROJ_DATA", "PROJ_LIB") if name in os.environ]
    wrong = [text for text in told if not (Path(text.partition("=")[2]) / "proj.db").exists()]
    notes = [*told, *(f"{PROBLEM}{text} has no proj.db; unset it" for text in wrong)]
    return f"{pyproj.proj_version_str}, {get_data_dir()}" + "".join(f"\n{INDENT}{note}" for note in notes)


def _geoid(model: Literal["egm96", "egm2008"], needed: str) -> Callable[[], str]:
    def look() -> str:
        from alignsar_gpu.geometry.dem.geoid_files import open_geoid  # noqa: PLC0415

        try:
            return str(open_geoid(model).source)
        except AlignsarError:
            return f"no grid on this machine; {needed}"

    return look


def _disk() -> str:
    places = (Path.cwd(), Path(tempfile.gettempdir()))
    return ", ".join(f"{place} {shutil.disk_usage(place).free / GIB:.1f} GiB free" for place in places)


def _memory() -> str:
    page = os.sysconf("SC_PAGE_SIZE") / GIB
    free, total = (os.sysconf(name) * page for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"))
    return f"{free:.1f} of {total:.1f} GiB free"


def _locale() -> str:
    encoding = locale.getpreferredencoding(do_setlocale=False)
    told = ", ".join(
        f"{name}={os.environ[name]}" for name in ("LC_ALL", "LC_CTYPE", "LANG") if name in os.environ
    )
    text = f"{encoding}, files {sys.getfilesystemencoding()}{f' ({told})' if told else ''}"
    if "utf" in encoding.lower():
        return text
    return f"{PROBLEM}{text}: names with accents fail; export LC_ALL=C.UTF-8"


def _rows() -> Iterator[tuple[str, Callable[[], str]]]:
    yield "version", lambda: f"{version('alignsar_gpu')}, {Path(__file__).parent}"
    yield "python", lambda: f"{platform.python_version()}, {sys.executable}"
    yield "system", lambda: f"{platform.platform()}"
    yield "libraries", _versions
    yield "device", _device
    yield "threads", _threads
    yield "kernels", _numba_cache
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    yield "cache", lambda: _writable(cache / "alignsar_gpu")
    yield "proj", _proj
    yield "egm96", _geoid("egm96", "dem=srtm needs it: apt-get install proj-data")
    yield "egm2008", _geoid("egm2008", "dem=copernicus needs it: pip install 'alignsar_gpu[egm2008]'")
    yield "disk", _disk
    yield "memory", _memory
    yield "locale", _locale


def examine() -> str:
    """Return the page: a line for each thing that is looked at, whatever is broken."""
    lines = []
    for name, look in _rows():
        try:
            text = look()
        except Exception as error:  # noqa: BLE001  (what is broken is what is asked for)
            text = f"{PROBLEM}{type(error).__name__}: {' '.join(str(error).split())}"
        lines.append(f"{name:{len(INDENT) - 1}} {text}")
    return "\n".join(lines)


def main() -> int:
    """Print the page; returns the exit status, 1 where there is a problem."""
    page = examine()
    print(page)  # noqa: T201
    return int(PROBLEM in page)


if __name__ == "__main__":
    sys.exit(main())
