"""Check what the environment sets before the work: the data of PROJ, the locale, the threads of numba."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from alignsar_gpu.errors import AlignsarError

PROJ_FOLDERS = ("PROJ_DATA", "PROJ_LIB")
GDAL_CACHE = (
    "256"  # MB of rasters that GDAL keeps; without it 5 % of the machine's memory, whatever the run may use
)
LOCALES = ("LC_ALL", "LC_CTYPE", "LANG")  # in the order that they count


def check_environment() -> None:
    """Raise AlignsarError where PROJ's data are not where they should be, or texts and threads would fail later.

    Limits GDAL's cache too, unless ``GDAL_CACHEMAX`` is set.
    """
    os.environ.setdefault("GDAL_CACHEMAX", GDAL_CACHE)
    _check_proj()
    _check_locale()
    _check_threads()


def _check_proj() -> None:
    for name in PROJ_FOLDERS:
        folders = [Path(part) for part in os.environ.get(name, "").split(os.pathsep) if part]
        if folders and not any((folder / "proj.db").is_file() for folder in folders):
            raise AlignsarError(
                f"{name}={os.environ[name]}: there is no proj.db, without which no coordinate system is known; "
                f"unset {name} (PROJ's data come with the packages)"
            )


def _check_locale() -> None:
    encoding = sys.getfilesystemencoding()
    if encoding.lower().replace("-", "") != "utf8":
        name = next((name for name in LOCALES if os.environ.get(name)), "LANG")
        raise AlignsarError(
            f"{name}={os.environ.get(name, '')}: its encoding is {encoding}, by which not all paths and texts can be "
            "written; set PYTHONUTF8=1, or a locale of UTF-8 such as C.UTF-8"
        )


def _check_threads() -> None:
    import numba  # noqa: PLC0415  (0.2 s that --help need not wait for)

    try:
        numba.get_num_threads()
    except ValueError as error:
        name = "NUMBA_THREADING_LAYER"
        what = " ".join(str(error).split())
        raise AlignsarError(
            f"{name}={os.environ.get(name, '')}: numba cannot use it ({what}); unset {name}"
        ) from None
