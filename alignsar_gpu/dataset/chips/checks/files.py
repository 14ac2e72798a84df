"""Check that all files of a dataset are there, and are what they were when it was made."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from alignsar_gpu.dataset.chips.description import DATASET
from alignsar_gpu.dataset.chips.summing import in_order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from alignsar_gpu.dataset.chips.checks.findings import Findings

CACHES = "yolo/labels/*.cache"  # which training leaves there


def check_files(folder: Path, files: Mapping[str, Any], findings: Findings, workers: int) -> None:
    """Check names, sizes and SHA-256 of all files in a folder against what dataset.json says of them."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {DATASET}
    there -= {path.relative_to(folder).as_posix() for path in folder.glob(CACHES)}
    named = sorted(there & set(files))
    digests = dict(zip(named, in_order(lambda name: _digest(folder / name), named, workers), strict=True))
    changed = [name for name in named if digests[name] != files[name].get("sha256")]
    size = {name: (folder / name).stat().st_size for name in named}
    cut = [
        f"{n} ({size[n]} bytes, not {files[n].get('size')})" for n in named if size[n] != files[n].get("size")
    ]
    whole = findings.require(sorted(set(files) - there), DATASET, "files that are missing")
    whole &= findings.require(sorted(there - set(files)), DATASET, "files that it does not name")
    whole &= findings.require(cut, DATASET, "files of another size than it says")
    whole &= findings.require(changed, DATASET, "files that have changed (SHA-256)")
    if whole:
        findings.prove(f"{len(named)} files, {sum(size.values()) / 1e6:.1f} MB, are whole (SHA-256)")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
