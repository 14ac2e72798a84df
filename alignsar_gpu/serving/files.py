"""What a server shows of a folder: regular files in it or below, and their media types."""

from __future__ import annotations

import os
from mimetypes import MimeTypes
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from alignsar_gpu.opening.files import is_inside

if TYPE_CHECKING:
    from pathlib import Path

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
TIFF = "image/tiff"
BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
ENDINGS = {
    ".css": "text/css; charset=utf-8",
    ".geojson": "application/geo+json",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".log": TEXT,
    ".md": "text/markdown; charset=utf-8",
    ".nc": "application/netcdf",
    ".parquet": "application/vnd.apache.parquet",
    ".txt": TEXT,
    ".yaml": "application/yaml",
}
KNOWN = MimeTypes()  # those of Python: the machine's own tables are not read
COG_MARK, MARK_WITHIN = b"LAYOUT=IFDS_BEFORE_DATA", 256  # what GDAL writes behind the header of a COG


def find(folder: Path, url_path: str) -> Path | None:
    """Return the file or folder at the path of a URL; None for what is not there, hidden, or outside of ``folder``."""
    parts = [part for part in unquote(url_path, errors="surrogateescape").split("/") if part]
    if any(part.startswith(".") or "\0" in part for part in parts):
        return None
    path = folder.joinpath(*parts)
    try:
        is_shown = is_inside(path, folder) and (path.is_file() or path.is_dir())
    except (OSError, RuntimeError):  # too long a name, or links in a circle
        return None
    return path if is_shown else None


def address(path: Path, folder: Path) -> str:
    """Return the path of the URL at which a file or folder is served."""
    url = "".join(f"/{quote(os.fsencode(part))}" for part in path.relative_to(folder).parts)
    return f"{url}/" if path.is_dir() else url


def media_type(path: Path) -> str:
    """Return the media type of a file, by its ending; of a TIFF, by what it says of itself."""
    ending = path.suffix.lower()
    if ending in {".tif", ".tiff"}:
        return COG if is_cog(path) else TIFF
    return ENDINGS.get(ending) or KNOWN.guess_type(f"file{ending}")[0] or BINARY


def is_cog(path: Path) -> bool:
    """Return whether a TIFF says that it is cloud-optimized."""
    try:
        with path.open("rb") as file:
            return COG_MARK in file.read(MARK_WITHIN)
    except OSError:
        return False
