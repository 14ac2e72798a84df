"""What a name that GDAL opens is read from: files on the disk, archives as a whole, or what lies on a server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.opening.network import is_remote
from alignsar_gpu.opening.vrt import sources_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PREFIX = re.compile(r"(?:/vsi[a-z0-9]+/|[A-Za-z][A-Za-z0-9_+]+:(?://)?|[{\"'])+")
ENDS = re.compile(r"[!:/}\"']")  # between a file and what is inside of it


def source_files(name: str, listed: Iterable[str], where: str) -> tuple[Path | str, ...]:
    """List what a raster or vector file is read from, sorted: paths, and names of what lies on a server.

    ``listed`` are the files that GDAL says; it leaves out what is inside of an archive, and the sources of a VRT that
    is the source of another. A name that is neither a file nor a URL stands for itself.
    """
    files = {Path(part) for part in (name, *listed) if Path(part).is_file()}
    files |= {file for vrt in files if vrt.suffix.lower() == ".vrt" for file in _below(vrt, where)}
    texts = [part for part in (name, *listed) if not Path(part).exists()]
    files |= {file for part in texts if not is_remote(part) and (file := local_file(part)) is not None}
    remote = {part for part in texts if is_remote(part)} or ({name} if not files else set())
    return (*sorted(files), *sorted(remote))


def local_file(name: str) -> Path | None:
    """Find the file on the disk that one of GDAL's names begins with: zip://FILE!MEMBER, /vsizip/FILE/MEMBER, ..."""
    text = PREFIX.sub("", name, count=1) if PREFIX.match(name) else name
    for match in reversed([*ENDS.finditer(text), None]):
        path = Path(text if match is None else text[: match.start()])
        if path.is_file():
            return path
    return None


def _below(vrt: Path, where: str) -> Iterator[Path]:
    """List the sources of a VRT, and theirs."""
    for source in sources_of(vrt, where):
        yield source.path
        if source.path.suffix.lower() == ".vrt":
            yield from _below(source.path, where)
