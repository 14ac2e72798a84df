"""Files of products: links that lead out of them, and members of archives that unpack to too much."""

from __future__ import annotations

import lzma
import os
import zipfile
import zlib
from pathlib import Path

from alignsar_gpu.errors import AlignsarError

# What decoders, HDF5 and archives raise for damaged bytes.
DAMAGED = (
    *(
        OSError,
        ValueError,
        RuntimeError,
        TypeError,
        KeyError,
        IndexError,
        EOFError,
        MemoryError,
        OverflowError,
    ),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
BOMB, RATIO = 100 << 20, 250  # bytes, and bytes for one: more is made to fill the memory


def is_inside(path: Path, folder: Path) -> bool:
    """Return whether a file lies in a folder or below, with all links followed."""
    return path.resolve().is_relative_to(folder.resolve())


def refuse_links_out(folder: Path, where: str) -> None:
    """Raise AlignsarError if a link in a folder, or below, leads out of it."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink():
                refuse_outside(path, folder, where)


def refuse_outside(path: Path, folder: Path, where: str) -> None:
    """Raise AlignsarError unless a file lies in a folder or below, with all links followed."""
    if not is_inside(path, folder):
        raise AlignsarError(
            f"{where}: {path.name} is a link to {path.resolve()}, outside of {folder}; put the file itself there"
        )


def check_archive(archive: zipfile.ZipFile, where: str) -> None:
    """Raise AlignsarError if a member of an archive unpacks to so much more than it takes that it is made to."""
    for member in archive.infolist():
        if member.file_size > BOMB and member.file_size > RATIO * member.compress_size:
            raise AlignsarError(
                f"{where}: its member {member.filename!r} unpacks from {member.compress_size} to {member.file_size} "
                "bytes, which no real file does; not read, fetch the archive again"
            )


def refuse_large(path: Path, most: int) -> None:
    """Raise AlignsarError if a file of metadata has more than ``most`` bytes."""
    if path.stat().st_size > most:
        raise AlignsarError(f"{path}: {path.stat().st_size} bytes are too many for metadata; not read")


def read_member(archive: zipfile.ZipFile, name: str, most: int, where: str) -> bytes:
    """Read a member of an archive. Raises AlignsarError if it has more than ``most`` bytes, and what zipfile raises."""
    size = archive.getinfo(name).file_size
    if size > most:
        raise AlignsarError(f"{where}: its member {name!r} has {size} bytes, too many for metadata; not read")
    return archive.read(name)
