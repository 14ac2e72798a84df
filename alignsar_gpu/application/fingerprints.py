"""Fingerprints of what a product depends on, and files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

URL = re.compile(r"https?://[^\s{}]+")
PATIENCE = 20.0  # seconds that a server has to answer


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class InputFiles:
    """The files that a run reads: their checksums, each computed once, and whether they have changed since.

    Attributes
    ----------
    unchecked : names of what neither a checksum nor a server's word can be had of.
    """

    def __init__(self) -> None:
        self.unchecked: set[str] = set()
        self._checksums: dict[Path, str] = {}
        self._states: dict[Path, tuple[int, ...]] = {}

    def fingerprint(self, facts: Mapping[str, Any], *inputs: Sequence[Path | str]) -> str:
        """Return a checksum (hexadecimal) of everything that a result depends on: facts, and the content of the inputs.

        Where files lie does not count, only how those of one sequence lie to each other. A text names what lies on a
        server.
        """
        content: list[Any] = [facts]
        for together in inputs:
            files = sorted(item for item in together if isinstance(item, Path))
            remote = sorted(item for item in together if isinstance(item, str))
            top = os.path.commonpath([path.parent for path in files]) if files else ""
            content.append([[os.path.relpath(path, top), self._checksum(path)] for path in files])
            if remote:
                content.append([[name, self._version(name)] for name in remote])
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def changed(self) -> list[Path]:
        """List the files whose content is no longer what the fingerprints were computed of."""
        return [
            path
            for path, state in self._states.items()
            if state_of(path) != state
            and (not path.is_file() or file_checksum(path) != self._checksums[path])
        ]

    def _checksum(self, path: Path) -> str:
        if path not in self._checksums:
            self._states[path] = state_of(path)
            self._checksums[path] = file_checksum(path)
        return self._checksums[path]

    def _version(self, name: str) -> str:
        """What a server says of the content behind a name: its size, and its ETag or date; "" if it does not."""
        url = URL.search(name)
        if url is not None:
            import urllib.request  # noqa: PLC0415  (rarely needed)

            try:
                request = urllib.request.Request(url[0], method="HEAD")  # noqa: S310  (http or https)
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
                    said = answer.headers
                    version = said.get("ETag") or said.get("Last-Modified")
                    if version:
                        return f"{said.get('Content-Length', '')} {version}"
            except (OSError, ValueError):
                pass
        self.unchecked.add(name)
        return ""


def state_of(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is written or replaced: size, time and number; nothing where there is none."""
    try:
        about = path.stat()
    except OSError:
        return ()
    return about.st_size, about.st_mtime_ns, about.st_ino


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    beside = path.with_name(path.name + ".part")
    with writing(path), beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
