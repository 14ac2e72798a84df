"""The results of a device: one JSON file, written after every measurement.

python -m device.record FILE STEP STATE SECONDS LIMIT adds what became of a step.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Record:
    """A JSON file whose parts are replaced one at a time, each time as a whole file."""

    path: Path

    def read(self) -> dict[str, Any]:
        return json.loads(self.path.read_text()) if self.path.is_file() else {}

    def update(self, **parts: Any) -> None:
        """Replace parts of the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".tmp")
        beside.write_text(json.dumps(self.read() | parts, indent=2) + "\n")
        beside.replace(self.path)

    def add_row(self, part: str, key: str, row: dict[str, Any]) -> None:
        """Add to the row of a part whose ``key`` is the same, or a new row."""
        rows = self.read().get(part, [])
        same = next((old for old in rows if old[key] == row[key]), None)
        if same is None:
            rows.append(row)
        else:
            same.update(row)
        self.update(**{part: rows})


def main() -> None:
    path, step, state, seconds, limit = sys.argv[1:]
    row = {"step": step, "state": state, "seconds": float(seconds), "limit_seconds": float(limit)}
    Record(Path(path)).add_row("steps", "step", row)


if __name__ == "__main__":
    main()
