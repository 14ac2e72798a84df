"""Fingerprints of what a product depends on, and files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint_of(facts: Mapping[str, Any], *inputs: Sequence[Path]) -> str:
    """Return a checksum (hexadecimal) of everything that a result depends on: facts, and the content of the inputs.

    Where the inputs lie does not count, only how those of one sequence lie to each other.
    """
    content: list[Any] = [facts]
    for files in inputs:
        top = os.path.commonpath([path.parent for path in files]) if files else ""
        content.append([[os.path.relpath(path, top), file_checksum(path)] for path in sorted(files)])
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
