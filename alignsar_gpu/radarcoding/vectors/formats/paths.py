"""Paths of vector files: on the disk, in an archive, or paths of GDAL."""

from __future__ import annotations

import gzip
import re
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from alignsar_gpu.errors import AlignsarError, did_you_mean
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.sources import source_files

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_ARCHIVE = re.compile(r"/vsizip/\{?(?P<archive>[^{}]+?\.zip)\}?(?:/(?P<member>.+))?", re.IGNORECASE)
SHOWN = 20  # names in a message
# Endings of files that are vectors by themselves, for messages about archives.
VECTORS = (
    *(
        ".shp",
        ".gpkg",
        ".geojson",
        ".json",
        ".geojsonl",
        ".gml",
        ".xml",
        ".kml",
        ".parquet",
        ".fgb",
        ".tab",
        ".mif",
    ),
    *(".dxf", ".gpx", ".csv", ".gmz", ".kmz"),
)
SIDECARS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".xsd", ".tab", ".dat", ".map", ".id", ".mif", ".mid")


@dataclass(frozen=True, kw_only=True)
class VectorPath:
    """Path of a vector file for GDAL and for Python.

    Attributes
    ----------
    shown : as the user wrote it.
    dataset : for GDAL.
    path : the file, folder or archive; None for other paths of GDAL.
    member : of the archive, "" where ``path`` is not one.
    """

    shown: str
    dataset: str
    path: Path | None
    member: str = ""

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
        stem = self.path.stem
        beside = {self.path.with_name(stem + ending) for ending in SIDECARS + tuple(map(str.upper, SIDECARS))}
        same = (
            {file for file in beside if file.is_file()}
            if self.path.suffix.lower() in {*SIDECARS, ".gml"}
            else set()
        )
        return tuple(sorted({self.path} | same))

    def has_beside(self, ending: str) -> bool:
        """Return whether a file of the same name with another ending is there."""
        if self.path is None:
            return False
        if self.member:
            return str(Path(self.member).with_suffix(ending)) in _members(self.path)
        return self.path.with_suffix(ending).is_file()

    @contextmanager
    def opened(self) -> Iterator[IO[bytes] | None]:
        """Open the bytes of the file, unpacked; None where Python cannot read them."""
        if self.path is None or not self.path.is_file():
            yield None
        elif self.member:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                yield stream
        elif self.path.suffix.lower() == ".gz":
            with gzip.open(self.path) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            with self.path.open("rb") as stream:
                yield stream


def find_vectors(text: str, key: str) -> VectorPath:
    """Find the file that ``text`` names. Raises AlignsarError, beginning with ``key``, where there is none."""
    if text.startswith("/vsi"):
        inside = IN_ARCHIVE.fullmatch(text)
        if inside and Path(inside["archive"]).is_file():
            return _in_archive(text, Path(inside["archive"]), inside["member"] or "", key)
        return VectorPath(shown=text, dataset=text, path=None)
    try:
        path = Path(text).expanduser()
        if path.exists():
            archive = path.suffix.lower() == ".zip" and path.is_file()
            return (
                _in_archive(text, path, "", key)
                if archive
                else VectorPath(shown=text, dataset=str(path), path=path)
            )
        before, mark, member = text.partition("!")
        archive_path = Path(before).expanduser()
        if mark and archive_path.is_file():
            return _in_archive(text, archive_path, member.lstrip("/"), key)
    except (OSError, RuntimeError, ValueError):  # too long, no such home, a null character: not a path
        pass
    raise AlignsarError(f"{key}: {text}: there is no such file; correct path")


def _in_archive(shown: str, archive: Path, member: str, key: str) -> VectorPath:
    try:
        names = _members(archive)
    except (zipfile.BadZipFile, OSError) as error:
        raise AlignsarError(f"{key}: {archive}: is not a zip archive that can be read ({error})") from None
    folder = member.rstrip("/") + "/"
    if member and member not in names and not any(name.startswith(folder) for name in names):
        raise AlignsarError(f"{key}: {archive}: has no member {member!r}; {_fitting(member, names)}")
    if not member and len(names) == 1:
        member = names[0]
    inside = f"/{member.rstrip('/')}" if member else ""
    return VectorPath(
        shown=shown,
        dataset=f"/vsizip/{{{archive.absolute()}}}{inside}",
        path=archive,
        member=member if member in names else "",
    )


def _members(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return [name for name in without_clutter(opened.namelist()) if not name.endswith("/")]


def _fitting(member: str, names: list[str]) -> str:
    """Suggest members of an archive: those whose names are near, or those that are vectors."""
    return did_you_mean(member, names) or f"there are {listed(_vectors(names) or names)}"


def _vectors(names: list[str]) -> list[str]:
    return [name for name in names if Path(name).suffix.lower() in VECTORS]


def members_of(path: VectorPath) -> list[str]:
    """List the vector files in an archive, or all of its files where none is; empty where ``path`` is no archive."""
    if path.path is None or "/vsizip/" not in path.dataset or path.member:
        return []
    names = _members(path.path)
    return _vectors(names) or names


def listed(names: list[str]) -> str:
    """Join names for a message, as many as fit."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more if names else "none"
