"""Result: what a run has written, opened when it is used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr


class Result:
    """What a run has written, opened when it is used.

    Attributes
    ----------
    path : the folder.
    cube : the dataset, as `alignsar_gpu.open` opens it.
    quality : what was measured while running, the content of quality.json.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def cube(self) -> xr.Dataset:
        """The dataset, read lazily. Raises AlignsarError where the run made products alone."""
        return open_dataset(self.path / CUBE)

    @cached_property
    def quality(self) -> dict[str, Any]:
        """What was measured while running; empty where the run made products alone."""
        file = self.path / "quality.json"
        return cast("dict[str, Any]", load_json(file.read_bytes())) if file.is_file() else {}

    def __repr__(self) -> str:
        return f"Result({str(self.path)!r})"
