"""FieldLayerConfig: which variable of which gridded field a layer is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.config.radarcoding import LayerConfig
from alignsar_gpu.errors import AlignsarError


@dataclass
class FieldLayerConfig(LayerConfig):
    """Keys of a layer of kind=field.

    ``path`` is NetCDF, a folder with Zarr, or a pattern of rasters with their date (YYYYMMDD, YYYYMMDDTHHMM, UTC) in
    the name.
    """

    kind: str = key("field", "a gridded field with time", choices=("field",))
    variable: str | None = key(None, "variable of a file with several")
    select: dict[str, float] | None = field(
        default=None, metadata=about("value of further dimensions, such as {level: 1000}")
    )
    tolerance_hours: float = key(
        0.0, "how far before its first or after its last time a date may be", bounds=(0.0, None)
    )
    delay: str = key(
        "none",
        "zenith: it is a zenith delay in m, and slant delay and phase are made of it too",
        choices=("none", "zenith"),
    )

    def check(self, where: str) -> None:
        """Check that the keys fit together; raise AlignsarError, beginning with ``where``, otherwise."""
        super().check(where)
        if self.date is not None:
            raise AlignsarError(f"{where}.date: a field has times of its own; leave the key out")
