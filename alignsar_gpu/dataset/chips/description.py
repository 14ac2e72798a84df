"""dataset.json and statistics.json: what a dataset of chips says of itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1
DATASET, STATISTICS, BLOCKS = "dataset.json", "statistics.json", "splits.geojson"


def read_facts(folder: Path) -> dict[str, Any]:
    """Read dataset.json. Raises AlignsarError for a folder without chips, or with chips of another format."""
    facts = _read(folder / DATASET)
    if facts.get("format") != FORMAT:
        raise AlignsarError(
            f"{folder}: holds chips of format {facts.get('format')}, and this version of alignsar_gpu reads {FORMAT}; "
            "make them again"
        )
    return facts


def read_statistics(folder: Path) -> dict[str, Any]:
    """Read statistics.json. Raises AlignsarError where it is not there."""
    return _read(folder / STATISTICS)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = load_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise AlignsarError(
            f"{path}: is not there; name the folder chips/ of a run, which chips.size makes, or the run's own folder"
        ) from None
    except (OSError, ValueError) as error:
        raise AlignsarError(
            f"{path}: cannot be read ({error}); copy it again, or make the chips again"
        ) from None
    return content if isinstance(content, dict) else {}


def as_json(facts: Mapping[str, Any]) -> str:
    """Write facts as text, the same for the same facts."""
    return json.dumps(facts, indent=1, allow_nan=False) + "\n"
