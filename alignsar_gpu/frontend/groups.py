"""The groups of the configuration, and the options that users choose from."""

from __future__ import annotations

from pathlib import Path

import alignsar_gpu.configs
from alignsar_gpu.products.readers import readers

AUTO = "auto"  # as ``products``: the reader that fits the files
FOLDER = Path(alignsar_gpu.configs.__path__[0])


def groups() -> dict[str, list[str]]:
    """Return the options of each group by name, without what is internal."""
    found: dict[str, list[str]] = {"products": [AUTO, *sorted(readers()), "none"]}
    for path in sorted(FOLDER.glob("*/*.yaml")):
        found.setdefault(path.parent.name, []).append(path.stem)
    return dict(sorted(found.items()))


def simulates(experiment: str) -> bool:
    """Return whether an experiment of ours makes products."""
    path = FOLDER / "experiment" / f"{experiment}.yaml"
    return path.is_file() and "/simulate:" in path.read_text(encoding="utf-8")


def options_of(group: str) -> list[str]:
    """Return the options of a group; none for what is no group."""
    return groups().get(group, [])
