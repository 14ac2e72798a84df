"""Paths of vector files: on the disk, in an archive, or paths of GDAL."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from alignsar_gpu.errors import AlignsarError, did_you_mean
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.sources import source_files

IN_ARCHIVE = re.compile(
    r"(?:/vsizip/)?\{?(?P<archive>[^{}]+?\.zip)\}?(?:[/!]+(?P<member>.+))?", re.IGNORECASE
)
SHOWN = 20  # names in a message
BESIDE = {  # what makes up a file of these endings, besides it
    ".shp": {".shx", ".dbf", ".prj", ".cpg"},
    ".tab": {".dat", ".map", ".id"},
    ".mif": {".mid"},
    ".gml": {".xsd"},
}


@dataclass(frozen=True, kw_only=True)
class VectorPath:
    """Path of a vector file for GDAL and for Python.

    Attributes
    ----------
    shown : as the user wrote it.
    dataset : for GDAL.
    path : the file, folder or archive; None for other paths of GDAL.
    member : of the archive, "" where ``path`` is not one, or no file in it is named.
    members : files in the archive, where none is named.
    """

    shown: str
    dataset: str
    path: Path | None
    member: str = ""
    members: list[str]

    @property
    def ending(self) -> str:
        """Last suffix of the file or member, in lower case; the one before ".gz"."""
        name = (self.member or self.dataset).lower().removesuffix(".gz")
        return Path(name).suffix

    @property
    def files(self) -> tuple[Path | str, ...]:
        """Files that the content depends on, for a fingerprint; names of what lies on a server."""
        if self.path is None:
            return source_files(self.dataset, (), self.shown)
        if self.path.is_dir():
            return tuple(sorted(file for file in without_clutter(self.path.rglob("*")) if file.is_file()))
        beside = BESIDE.get(self.path.suffix.lower(), set())
        same = (file for file in self.path.parent.iterdir() if file.stem == self.path.stem) if beside else ()
        return tuple(sorted({self.path, *(file for file in same if file.suffix.lower() in beside)}))


def find_vectors(text: str, key: str) -> VectorPath:
    """Find the file that ``text`` names. Raises AlignsarError, beginning with ``key``, where there is none."""
    try:
        path, inside = Path(text).expanduser(), IN_ARCHIVE.fullmatch(text)
        archive = Path(inside["archive"]).expanduser() if inside and not path.is_dir() else None
        if inside and archive and archive.is_file():
            return _in_archive(text, archive, (inside["member"] or "").rstrip("/"), key)
        if text.startswith("/vsi"):
            return VectorPath(shown=text, dataset=text, path=None, members=[])
        if path.exists():
            return VectorPath(shown=text, dataset=str(path), path=path, members=[])
    except (OSError, RuntimeError, ValueError):  # too long, no such home, a null character: not a path
        pass
    raise AlignsarError(f"{key}: {text}: there is no such file; correct path")


def _in_archive(shown: str, archive: Path, member: str, key: str) -> VectorPath:
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [name for name in without_clutter(opened.namelist()) if not name.endswith("/")]
    except (zipfile.BadZipFile, OSError) as error:
        raise AlignsarError(f"{key}: {archive}: is not a zip archive that can be read ({error})") from None
    if member and not any(f"{name}/".startswith(f"{member}/") for name in names):
        there = did_you_mean(member, names) or f"there are {listed(names)}"
        raise AlignsarError(f"{key}: {archive}: has no member {member!r}; {there}")
    member = member or (names[0] if len(names) == 1 else "")
    return VectorPath(
        shown=shown,
        dataset=f"/vsizip/{{{archive.absolute()}}}{'/' if member else ''}{member}",
        path=archive,
        member=member if member in names else "",
        members=[] if member else names,
    )


def listed(names: list[str]) -> str:
    """Join names for a message, as many as fit."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more if names else "none"
