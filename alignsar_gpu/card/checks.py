"""Check a card: that croissant.json says what it may say, and that files, columns and taster are as it says.

``mlcroissant validate`` accepts wrong checksums, files that are missing, and geographic keys that do not exist.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from pyproj import CRS
from pyproj.exceptions import CRSError

from alignsar_gpu.card.subject import TASTER
from alignsar_gpu.card.vocabulary import CONTEXT, CROISSANT, GEO, KEYS
from alignsar_gpu.dataset.chips.checker import Report, check_dataset
from alignsar_gpu.dataset.chips.checks.findings import Findings
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

FILE = "croissant.json"
NAMED = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


def check_card(folder: Path, workers: int = 1) -> Report:
    """Check croissant.json and the taster in a run's folder; all failures are collected.

    Parameters
    ----------
    folder : of the run, which holds croissant.json.
    workers : threads that read.
    """
    findings = Findings()
    described = _read(folder / FILE, findings)
    if described is not None:
        if findings.require([*_wrong_keys(described, "sc:Dataset", "")], FILE, "keys that it must not have"):
            findings.prove(f"{FILE} has no keys but those of Croissant 1.1 and GeoCroissant 1.0")
        if findings.require([*_wrong_values(described)], FILE, "values that cannot be"):
            findings.prove(f"{FILE} is consistent: place, dates, coordinate system, resolution, bands")
        _check_files(folder, described, findings)
    failures, proofs = list(findings.failures), list(findings.proofs)
    if (folder / TASTER).is_dir():
        taster = check_dataset(folder / TASTER, workers)
        failures += [f"{TASTER}/{text}" for text in taster.failures]
        if taster.is_sound:
            proofs.append(f"{TASTER}/ is a sound dataset of its own")
    return Report(folder=folder, failures=failures, proofs=proofs)


def _read(path: Path, findings: Findings) -> dict[str, Any] | None:
    try:
        described = load_json(path.read_bytes())
    except (OSError, ValueError) as error:
        findings.fail(FILE, f"cannot be read ({error})")
        return None
    if not isinstance(described, dict):
        findings.fail(FILE, "is no JSON object")
        return None
    return described


def _wrong_keys(part: Any, kind: str, where: str) -> Iterator[str]:
    """Yield the keys that an object, or those in it, must not have, and types that do not exist."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from _wrong_keys(item, "", f"{where}[{number}]")
        return
    if not isinstance(part, dict):
        return
    name = str(part.get("@type", kind))
    if name not in KEYS:
        if not (set(part) <= {"@id", "fileObject", "fileSet", "extract", "column"}):
            yield f"{where or '@type'} ({name or 'without @type'})"
            return
    else:
        yield from (f"{where}.{key}".lstrip(".") for key in sorted(set(part) - KEYS[name]))
    for key, value in part.items():
        if key not in {"@context", "data"}:
            yield from _wrong_keys(value, "", f"{where}.{key}".lstrip("."))


def _wrong_values(described: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys whose values are missing or cannot be, with why."""
    if described.get("@context") != CONTEXT:
        yield "@context: not that of Croissant 1.1 with GeoCroissant"
    if described.get("conformsTo") != [CROISSANT, GEO]:
        yield f"conformsTo: not {CROISSANT} and {GEO}"
    for key, check in _CHECKS.items():
        try:
            right = check(described[key])
        except (KeyError, TypeError, ValueError, AttributeError, CRSError):
            right = False
        if not right:
            yield f"{key}: {described.get(key, 'is missing')}"


def _is_box(place: Mapping[str, Any]) -> bool:
    south, west, north, east = (float(value) for value in place["geo"]["box"].split())
    return -90.0 <= south < north <= 90.0 and all(-180.0 <= value <= 180.0 for value in (west, east))


def _is_interval(text: str) -> bool:
    first, last = (dt.datetime.fromisoformat(part) for part in text.split("/"))
    return first <= last


def _is_system(text: str) -> bool:
    return bool(CRS.from_user_input(text))


def _is_length(quantity: Mapping[str, Any]) -> bool:
    return float(quantity["value"]) > 0.0 and bool(quantity["unitText"] == "m")


def _are_bands(bands: Mapping[str, Any]) -> bool:
    names = bands["geocr:bandNameList"]
    return bool(bands["geocr:totalBands"] == len(names) == len(set(names)))


def _are_wavelengths(bands: list[Mapping[str, Any]]) -> bool:
    return all(band["geocr:centerWavelength"]["value"] > 0.0 for band in bands)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "spatialCoverage": _is_box,
    "temporalCoverage": _is_interval,
    "geocr:coordinateReferenceSystem": _is_system,
    "geocr:spatialResolution": _is_length,
    "geocr:bandConfiguration": _are_bands,
    "geocr:spectralBandMetadata": _are_wavelengths,
}


def _check_files(folder: Path, described: Mapping[str, Any], findings: Findings) -> None:
    """Check that the files are there with their checksums, and that they have the columns of the records."""
    missing, changed = [], []
    files = [entry for entry in described.get("distribution", []) if isinstance(entry, dict)]
    for entry in files:
        if entry.get("@type") == "cr:FileSet":
            if not any(path.is_file() for path in folder.glob(str(entry.get("includes", "")) + "/*")):
                missing.append(str(entry.get("includes")))
            continue
        name = str(entry.get("contentUrl", ""))
        if not NAMED.fullmatch(name) or not (folder / name).is_file():
            missing.append(name)
        elif hashlib.sha256((folder / name).read_bytes()).hexdigest() != entry.get("sha256"):
            changed.append(name)
    whole = findings.require(missing, FILE, "files that are missing")
    whole &= findings.require(changed, FILE, "files that have changed (SHA-256)")
    if whole and findings.require([*_wrong_records(folder, described)], FILE, "records that cannot be read"):
        findings.prove(f"{FILE}: {len(files)} files and folders are there, with the columns of its records")


def _wrong_records(folder: Path, described: Mapping[str, Any]) -> Iterator[str]:
    """Yield fields whose column does not exist, and rows that have other fields than their set."""
    columns: dict[str, set[str]] = {}
    for records in described.get("recordSet", []):
        fields = {field["@id"]: field for field in records.get("field", [])}
        for name, field in fields.items():
            source = field.get("source")
            if source is None:
                continue
            file, column = source["fileObject"]["@id"], source["extract"]["column"]
            if file not in columns:
                columns[file] = set(pq.read_schema(folder / file).names)
            if column not in columns[file]:
                yield f"{name}: {file} has no column {column}"
        for number, row in enumerate(records.get("data", [])):
            if set(row) != set(fields):
                yield f"{records['@id']}, row {number}: {', '.join(sorted(set(row) ^ set(fields)))}"
