"""Check files of a SAFE product against the MD5 sums in its manifest; large files are remembered by size and time."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from alignsar_gpu.products.sentinel1.safe import Safe

MOST_REMEMBERED = 20_000  # files; the oldest are forgotten


def verify_files(safe: Safe, names: Sequence[str]) -> int:
    """Check files of a product against its manifest; return how many bytes were read for it.

    A file that was found right before, and has the same size and time, is not read again. Files of which the manifest
    says nothing are not checked. Raises AlignsarError, with both sums, for a file that differs.
    """
    known, found, read = _remembered(), {}, 0
    for name in names:
        if name not in safe.sums:
            continue
        with _opened(safe, name) as (stream, size, identity):
            if known.get(identity) == safe.sums[name]:
                continue
            digest = hashlib.file_digest(stream, _md5).hexdigest()
        safe.require_sum(name, digest)
        found[identity] = digest
        read += size
    _remember(found)
    return read


def remember_files(sums: Mapping[Path, str]) -> None:
    """Remember the MD5 sums of files that have just been written, so that nobody reads them again to check."""
    _remember({_identity(path.stat()): digest for path, digest in sums.items()})


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _identity(status: os.stat_result, member: str = "") -> str:
    """What a file is remembered by: it stays when the file is renamed, and changes when it is written."""
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{member}"


@contextmanager
def _opened(safe: Safe, name: str) -> Iterator[tuple[Any, int, str]]:
    """A file of a product as a stream, with its size and identity."""
    try:
        if safe.kind != "zip":
            with (safe.path / name).open("rb") as stream:
                status = os.fstat(stream.fileno())
                yield stream, status.st_size, _identity(status)
            return
        with zipfile.ZipFile(safe.path) as archive, archive.open(safe.root + name) as member:
            size = archive.getinfo(safe.root + name).file_size
            yield member, size, _identity(safe.path.stat(), name)
    except OSError as error:
        raise AlignsarError(f"{safe.where(name)}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, RuntimeError) as error:
        raise AlignsarError(
            f"{safe.where(name)}: the archive is damaged there ({error}); get the product again"
        ) from None


def _place() -> Path:
    """Where sums are remembered: in the user's folder for what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "alignsar_gpu" / "verified.json"


def _remembered() -> dict[str, str]:
    try:
        content = load_json(_place().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # none yet, damaged, or no home
        return {}
    return content if isinstance(content, dict) else {}


def _remember(found: Mapping[str, str]) -> None:
    """Add to what is remembered; where that cannot be written, files are read again another time."""
    if not found:
        return
    with suppress(OSError, RuntimeError):
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True)
        kept = list((_remembered() | dict(found)).items())[-MOST_REMEMBERED:]
        beside = place.with_name(f"{place.name}.{os.getpid()}.part")
        beside.write_text(json.dumps(dict(kept)), encoding="utf-8")
        beside.replace(place)
