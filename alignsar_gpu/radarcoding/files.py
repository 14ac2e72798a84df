"""What readers of several kinds share: files that match a pattern, and the message for damaged ones."""

from __future__ import annotations

from pathlib import Path

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.listing import without_clutter

BESIDE = (".aux.xml", ".ovr", ".msk", ".tfw", ".prj")  # what lies beside rasters and a pattern may match too


def matching(pattern: Path, key: str) -> list[str]:
    """List the files that a pattern matches, sorted. Raises AlignsarError where there are none."""
    fixed = next(number for number, part in enumerate(pattern.parts) if any(sign in part for sign in "*?"))
    base = Path(*pattern.parts[:fixed])
    files = sorted(
        str(file)
        for file in without_clutter(base.glob(str(pattern.relative_to(base))))
        if file.is_file() and not file.name.lower().endswith(BESIDE)
    )
    if not files:
        raise AlignsarError(f"{key}: {pattern}: no file matches the pattern; correct it (path)")
    return files


def damaged(key: str, name: str, error: Exception) -> str:
    """Return the message for a file that opens but cannot be read."""
    return f"{key}: {name}: cannot be read ({error}); it may be damaged: fetch it again"
