"""RasterLayerConfig: which bands of which rasters a layer is made of, and as what they are taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.config.radarcoding import LayerConfig
from alignsar_gpu.errors import AlignsarError

CATEGORICAL = ("fraction", "majority")
METHODS = (*CATEGORICAL, "mean", "bilinear", "cubic")


@dataclass
class RasterLayerConfig(LayerConfig):
    """Keys of a layer of kind=raster.

    ``path`` is any file that rasterio reads, a folder of tiles, a pattern, or a list: tiles of one grid. Without
    ``classes``, classes are those of the tags ``class_CODE`` of the file, or each code that occurs.
    """

    kind: str = key("raster", "classes or values of a raster", choices=("raster",))
    method: str = key(
        "mean",
        "fraction or majority (of codes of classes), mean, bilinear or cubic (of values)",
        choices=METHODS,
    )
    bands: list[Any] | None = field(
        default=None, metadata=about("bands by number from 1 on, or by description; unset: all")
    )
    nodata: float | None = key(None, "value that means no data, where the file does not say it")
    derivatives: bool = key(
        default=False, text="of heights, m: slope and gradients to the east and north instead"
    )
    classes: dict[str, list[int]] | None = field(
        default=None, metadata=about("codes that make up each class; unset: by the file")
    )

    @property
    def categorical(self) -> bool:
        """Whether values are codes of classes."""
        return self.method in CATEGORICAL

    def check(self, where: str) -> None:
        """Check that the keys fit together; raise AlignsarError, beginning with ``where``, otherwise."""
        if self.classes and not self.categorical:
            raise AlignsarError(
                f"{where}.classes: classes are not averaged; choose method=fraction or method=majority"
            )
        if self.derivatives and self.categorical:
            raise AlignsarError(
                f"{where}.derivatives: are of heights, not of classes; choose method=mean, bilinear or cubic"
            )
