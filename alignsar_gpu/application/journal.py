"""The journal of an unfinished run: which units are finished, and what their files are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from alignsar_gpu.application.fingerprints import file_checksum, state_of, write_text
from alignsar_gpu.dataset.shards import Written
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


JOURNAL = "journal"


def read_json(path: Path) -> dict[str, Any]:
    """Read a file of the output folder; nothing for a file that is not there. Raises AlignsarError for a broken one."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise AlignsarError(
            f"{path}: cannot be read ({error}); delete the output folder and run again"
        ) from None
    return content if isinstance(content, dict) else {}


class Checksums:
    """SHA-256 of files, each computed once: as long as size, time and number of a file stay, so does its content."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, ...], str]] = {}

    def of(self, path: Path) -> str:
        """Return the checksum of a file."""
        state = state_of(path)
        if path not in self._known or self._known[path][0] != state:
            self._known[path] = state, file_checksum(path)
        return self._known[path][1]

    def know(self, path: Path, checksum: str) -> None:
        """Take the checksum of a file that was computed while it was written."""
        self._known[path] = state_of(path), checksum


class Continued(Protocol):
    """What writes files that grow, and can go on with those that are there."""

    def mark(self) -> dict[Path, Written]:
        """Return what is written by now of the files that have changed since the last mark."""

    def restore(self, marks: Sequence[Mapping[Path, Written]]) -> bool:
        """Continue what was written up to the last of ``marks``; False where that is not there."""


class Journal:
    """Finished units of the run in the folder ``work``, and the checksums of their files."""

    def __init__(self, work: Path) -> None:
        self.checksums = Checksums()
        self._work, self._folder = work, work / JOURNAL

    @property
    def units(self) -> set[str]:
        """Names of the units that are recorded, whatever has become of their files; "/" in them is "_"."""
        return {path.stem for path in self._folder.glob("*.json")}

    def _path(self, unit: str) -> Path:
        return self._folder / f"{unit.replace('/', '_')}.json"

    def record(self, unit: str, files: Iterable[Path], written: Mapping[Path, Written]) -> None:
        """Write down that ``unit`` is finished: whole files, and what is ``written`` of files that grow."""
        self._folder.mkdir(exist_ok=True)
        entries: dict[str, Any] = {}
        for file in files:
            entries[self._name(file)] = {"size": file.stat().st_size, "sha256": self.checksums.of(file)}
        for file, mark in written.items():
            self.checksums.know(file, mark.sha256)
            entries[self._name(file)] = {"size": mark.size, "sha256": mark.sha256, "chunks": mark.chunks}
        write_text(self._path(unit), json.dumps(entries))

    def _name(self, file: Path) -> str:
        return str(file.relative_to(self._work))

    def is_recorded(self, unit: str) -> bool:
        """Whether ``unit`` was finished before, and its files still are what they were."""
        if not self._path(unit).exists():
            return False
        return all(
            (self._work / name).is_file() and self.checksums.of(self._work / name) == entry["sha256"]
            for name, entry in read_json(self._path(unit)).items()
        )

    def written(self, unit: str) -> dict[Path, Written] | None:
        """Return what ``unit`` had written of files that grow; None where it was not finished."""
        if not self._path(unit).exists():
            return None
        return {
            self._work / name: Written(
                size=entry["size"], sha256=entry["sha256"], chunks=tuple(map(tuple, entry["chunks"]))
            )
            for name, entry in read_json(self._path(unit)).items()
            if "chunks" in entry
        }

    def resume(self, prefix: str, count: int, writers: Sequence[Continued]) -> int:
        """Let ``writers`` continue with what units PREFIX-0, PREFIX-1, ... have written.

        Returns how many of ``count`` units are there; none where what they wrote has changed.
        """
        found: list[dict[Path, Written]] = []
        while len(found) < count and (mark := self.written(f"{prefix}-{len(found)}")) is not None:
            found.append(mark)
        if not all(writer.restore(found) for writer in writers):
            for writer in writers:
                writer.restore(())
            self.forget(f"{prefix}-*")
            return 0
        last = {path: written for unit in found for path, written in unit.items()}
        for path, written in last.items():
            self.checksums.know(path, written.sha256)
        return len(found)

    def forget(self, pattern: str) -> None:
        """Forget the units whose names match a pattern of `pathlib.Path.glob`."""
        for path in self._folder.glob(f"{pattern}.json"):
            path.unlink()

    def lost(self) -> str | None:
        """Return the name of a file that is gone though its unit is finished, and forget that unit; None if all are."""
        for path in self._folder.glob("*.json"):
            for name in read_json(path):
                if not (self._work / name).is_file():
                    path.unlink()
                    return name
        return None
