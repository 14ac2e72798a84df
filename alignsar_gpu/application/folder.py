"""The folder that a run writes: nothing in it looks finished before it is.

While a run works, everything goes into ``<output>/.unfinished``: the products, and a journal of finished
units with the checksums of their files. A run that stops anywhere is continued by the same command, which
keeps the units whose files still have those checksums. When all is there, ``.unfinished/manifest.json`` is
written, the products are renamed into their place, and the manifest last.

``<output>/simulated`` may hold the folder of a simulation whose products the run reads: it is left alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MANIFEST = "manifest.json"
WORK = ".unfinished"
SIMULATED = "simulated"
LAYOUT = "layout"  # the unit that is there before any work is done
OWN = ("journal", "lock", MANIFEST, "state.json")


def file_checksum(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint_of(facts: Mapping[str, Any], *inputs: Sequence[Path]) -> str:
    """A number (hexadecimal) for everything that a result depends on: facts, and the content of the inputs.

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


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _tree(text: str) -> dict[str, Any]:
    tree = OmegaConf.to_container(OmegaConf.create(text))
    return {str(name): value for name, value in tree.items()} if isinstance(tree, dict) else {}


def _differences(old: str, new: str) -> str:
    before, after = (_flat(_tree(text)) for text in (old, new))
    changed = [
        f"{name}: {before.get(name, 'unset')} there, {after.get(name, 'unset')} now"
        for name in sorted({*before, *after} - {"output"})
        if before.get(name) != after.get(name)
    ]
    return ", ".join(changed) or "the input files or the software have changed"


def refuse_foreign(path: Path) -> None:
    """Raise AlignsarError for a place that no run may write: a file, or a folder with things of somebody else."""
    if path.exists() and not path.is_dir():
        raise AlignsarError(f"output={path}: is a file; give a folder that the run may write")
    known = (path / MANIFEST, path / WORK / "state.json")  # of a run that is finished, or on the way
    if not path.is_dir() or any(file.exists() for file in known):
        return
    if any(inside.name not in {WORK, SIMULATED} for inside in path.iterdir()):
        raise AlignsarError(
            f"output={path}: is not empty and is no run of alignsar_gpu; choose another output"
        )


class RunFolder:
    """An output folder, opened for one run. Use as a context manager."""

    def __init__(self, path: Path, fingerprint: str, configuration: str) -> None:
        self.path, self.work = path, path / WORK
        self._fingerprint, self._configuration = fingerprint, configuration

    def __enter__(self) -> RunFolder:
        """Take the folder: AlignsarError when it is another run's, or somebody else is writing it."""
        refuse_foreign(self.path)
        self._refuse_others()
        self._new = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            self._lock = (self.work / "lock").open("w")
        except OSError as error:
            raise AlignsarError(
                f"output={self.path}: cannot be written ({error.strerror}); choose another"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise AlignsarError(
                f"output={self.path}: another run is writing it; wait, or choose another"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        """Let the folder go; of a run that stopped before any unit was finished, nothing is left."""
        self._lock.close()
        if self.finished or not self._has_units:
            shutil.rmtree(self.work, ignore_errors=True)
            for folder in self._new:
                if any(folder.iterdir()):
                    break
                folder.rmdir()

    @property
    def _has_units(self) -> bool:
        units = {journal.stem for journal in (self.work / "journal").glob("*.json")}
        return bool(units - {LAYOUT}) or self.complete

    def _refuse_others(self) -> None:
        """Raise AlignsarError for a folder that holds another run."""
        state = self.work / "state.json"
        held = state if state.exists() else self.path / MANIFEST
        if held.exists():
            known = self._read_json(held)
            if known.get("fingerprint") != self._fingerprint:
                kind = "an unfinished" if held == state else "another"
                raise AlignsarError(
                    f"output={self.path}: holds {kind} run with other settings "
                    f"({_differences(known.get('configuration', ''), self._configuration)}); "
                    "choose another output, or delete that folder"
                )

    @staticmethod
    def _read_json(path: Path) -> dict[str, Any]:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise AlignsarError(
                f"{path}: cannot be read ({error}); delete the output folder and run again"
            ) from None
        return content if isinstance(content, dict) else {}

    @property
    def finished(self) -> bool:
        """Whether a complete run of this fingerprint is in place."""
        path = self.path / MANIFEST
        return path.exists() and self._read_json(path).get("fingerprint") == self._fingerprint

    def damage(self) -> str:
        """What is missing or changed in a finished run; empty when every file is as it was written."""
        for name, known in self._read_json(self.path / MANIFEST)["files"].items():
            file = self.path / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != known["size"] or file_checksum(file) != known["sha256"]:
                return f"{name} has changed"
        return ""

    def discard(self) -> None:
        """Forget a finished run that is damaged: its manifest goes, so that it no longer looks finished."""
        (self.path / MANIFEST).unlink()

    def begin(self) -> bool:
        """Start or continue; True when an unfinished run is continued."""
        state = self.work / "state.json"
        continued = state.exists()
        if not continued:
            write_text(
                state, json.dumps({"fingerprint": self._fingerprint, "configuration": self._configuration})
            )
        return continued

    def _journal(self, unit: str) -> Path:
        return self.work / "journal" / f"{unit.replace('/', '_')}.json"

    def record(self, unit: str, files: Iterable[Path]) -> None:
        """Write into the journal that ``unit`` is finished and consists of ``files``."""
        self._journal(unit).parent.mkdir(exist_ok=True)
        checksums = {str(file.relative_to(self.work)): file_checksum(file) for file in files}
        write_text(self._journal(unit), json.dumps(checksums))

    def is_recorded(self, unit: str) -> bool:
        """Whether ``unit`` was finished before, and its files still are what they were."""
        journal = self._journal(unit)
        if not journal.exists():
            return False
        return all(
            (self.work / name).is_file() and file_checksum(self.work / name) == checksum
            for name, checksum in self._read_json(journal).items()
        )

    @property
    def complete(self) -> bool:
        """Whether all products are made and only wait to be put in place."""
        return (self.work / MANIFEST).exists()

    def seal(self) -> None:
        """Write the manifest of all products below ``work``: from here on they are whole."""
        products = sorted(path.name for path in self.work.iterdir() if path.name not in OWN)
        files = {}
        for product in products:
            top = self.work / product
            for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
                if file.is_file():
                    files[str(file.relative_to(self.work))] = {
                        "size": file.stat().st_size,
                        "sha256": file_checksum(file),
                    }
        manifest = {
            "fingerprint": self._fingerprint,
            "configuration": self._configuration,
            "products": products,
            "files": files,
        }
        write_text(self.work / MANIFEST, json.dumps(manifest, indent=1))

    def publish(self) -> None:
        """Rename the sealed products into place, the manifest last. May be repeated after an interruption."""
        for name in self._read_json(self.work / MANIFEST)["products"]:
            made, place = self.work / name, self.path / name
            if made.exists():
                if place.is_dir():
                    shutil.rmtree(place)
                made.replace(place)
        (self.work / MANIFEST).replace(self.path / MANIFEST)
