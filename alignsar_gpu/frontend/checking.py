"""``alignsar_gpu check FOLDER``: prove that chips are whole, that nothing leaks, and that their card is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.card.checks import FILE as CROISSANT
from alignsar_gpu.card.checks import check_card
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
    folder = Path(arguments[0]).expanduser()
    reports = [check_dataset(folder_of(folder), cpu_threads())]
    if (folder / CROISSANT).is_file():
        reports.append(check_card(folder, cpu_threads()))
    for line in (line for report in reports for line in report.proofs):
        print(f"proved     {line}")  # noqa: T201
    failures = [line for report in reports for line in report.failures]
    for line in failures:
        print(f"failed     {line}")  # noqa: T201
    outcome = f"not sound ({len(failures)} failed)" if failures else "sound"
    print(f"{reports[0].folder}: {outcome}")  # noqa: T201
    return UNSOUND if failures else 0
