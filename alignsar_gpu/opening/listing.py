"""Leave out of folder and zip listings what operating systems and browsers put there."""

from __future__ import annotations

import re
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

Name = TypeVar("Name", str, Path, PurePosixPath)

SYSTEM = frozenset({"__macosx", ".ds_store", "thumbs.db", "desktop.ini"})
COPY = re.compile(
    r" ?\(\d+\)(?=(?:\.[A-Za-z0-9]+)*$)"
)  # of "product (1).zip", as browsers and file managers write


def _is_system_file(name: str | PurePath) -> bool:
    """Return whether a file, or a folder that it lies in, belongs to macOS (``._*``, ``__MACOSX``) or Windows."""
    parts = PurePosixPath(name).parts if isinstance(name, str) else name.parts
    return any(part.lower() in SYSTEM or part.startswith("._") for part in parts)


def without_clutter(names: Iterable[Name]) -> list[Name]:
    """Return the files of a listing that belong to its products.

    Left out are those of macOS and Windows (``._*``, ``__MACOSX``, ...), and ``name (1).zip`` where ``name.zip`` is
    there too. ``names`` are paths, or members of an archive.
    """
    own = [name for name in names if not _is_system_file(name)]
    there = {str(name) for name in own}
    return [name for name in own if not _is_copy(name, there)]


def _is_copy(name: str | PurePath, there: set[str]) -> bool:
    text = str(name)
    return COPY.search(text) is not None and COPY.sub("", text) in there
