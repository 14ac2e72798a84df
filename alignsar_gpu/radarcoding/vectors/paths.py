"""Where a vector file lies: on the disk, in an archive, or behind a path of GDAL."""

from __future__ import annotations

import gzip
import re
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_ARCHIVE = re.compile(r"/vsizip/\{?(?P<archive>[^{}]+?\.zip)\}?(?:/(?P<member>.+))?", re.IGNORECASE)
SHOWN = 20  # names in a message
SIDECARS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".xsd", ".tab", ".dat", ".map", ".id", ".mif", ".mid")


@dataclass(frozen=True, kw_only=True)
class VectorPath:
    """A file as GDAL and as Python find it.

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
        """The last suffix, in lower case, of the file or member; that before ".gz" where it has this."""
        name = (self.member or self.dataset).lower().removesuffix(".gz")
        return Path(name).suffix

    @property
    def files(self) -> tuple[Path, ...]:
        """What its content depends on, for a fingerprint."""
        if self.path is None:
            return ()
        if self.path.is_dir():
            return tuple(sorted(one for one in self.path.rglob("*") if one.is_file()))
        stem = self.path.stem
        beside = {self.path.with_name(stem + ending) for ending in SIDECARS + tuple(map(str.upper, SIDECARS))}
        same = (
            {one for one in beside if one.is_file()}
            if self.path.suffix.lower() in {*SIDECARS, ".gml"}
            else set()
        )
        return tuple(sorted({self.path} | same))

    def has_beside(self, ending: str) -> bool:
        """Whether a file of the same name and another ending is there."""
        if self.path is None:
            return False
        if self.member:
            return str(Path(self.member).with_suffix(ending)) in _members(self.path)
        return self.path.with_suffix(ending).is_file()

    @contextmanager
    def opened(self) -> Iterator[IO[bytes] | None]:
        """The bytes of the file, unpacked; None where Python cannot get at them."""
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
    """Where ``text`` points to. Raises AlignsarError, beginning with ``key``, where there is nothing."""
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
        raise AlignsarError(f"{key}: {archive}: has no member {member!r}; there are {listed(names)}")
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
        return [name for name in opened.namelist() if not name.endswith("/")]


def members_of(path: VectorPath) -> list[str]:
    """Names of the files in the archive that ``path`` is; none where it is not one."""
    return (
        _members(path.path)
        if path.path is not None and "/vsizip/" in path.dataset and not path.member
        else []
    )


def listed(names: list[str]) -> str:
    """Names for a message, not more than fit."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more if names else "none"
