"""NetCDF files of users: tried in a process of their own, for a damaged one can hang the library or end the process."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.hdf5 import check_hdf5, is_hdf5
from alignsar_gpu.opening.web_pages import refuse_web_page

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 5.0  # seconds to open one
OPEN = "import sys; from netCDF4 import Dataset; Dataset(sys.argv[1]).close()"


def check_netcdf(path: Path, where: str) -> None:
    """Raise AlignsarError if a NetCDF file cannot be opened, or something in it lies in another file."""
    refuse_web_page(path, where)
    if is_hdf5(path):
        check_hdf5(path, where)
    about = path.stat()
    _try(path, about.st_mtime_ns, about.st_size, where)


@lru_cache(maxsize=1024)
def _try(path: Path, _changed: int, _size: int, where: str) -> None:
    command = [sys.executable, "-I", "-c", OPEN, str(path)]
    try:
        result = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)  # noqa: S603  (our own text)
        fault = result.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        failed = result.returncode != 0
    except subprocess.TimeoutExpired:
        fault, failed = f"it takes more than {LONGEST:g} s", True
    if failed:
        raise AlignsarError(
            f"{where}: cannot be read as NetCDF or Zarr ({fault or 'it is damaged'}); fetch it again"
        )
