"""``alignsar_gpu check FOLDER``: prove that a dataset of chips is whole, and that nothing leaks between its splits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.device import cpu_threads
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence

UNSOUND = 2


def main(arguments: Sequence[str]) -> int:
    """Check the chips in a folder and print what was found; 0 where they are sound, else 2."""
    if len(arguments) != 1:
        raise AlignsarError("check: give one folder: alignsar_gpu check FOLDER, of a run or its chips/")
    report = check_dataset(folder_of(Path(arguments[0]).expanduser()), cpu_threads())
    for line in report.proofs:
        print(f"proved     {line}")  # noqa: T201
    for line in report.failures:
        print(f"failed     {line}")  # noqa: T201
    outcome = "sound" if report.is_sound else f"not sound ({len(report.failures)} failed)"
    print(f"{report.folder}: {outcome}")  # noqa: T201
    return 0 if report.is_sound else UNSOUND
