"""RasterLayerConfig: which bands of which rasters a layer is made of, and as what they are taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.config.radarcoding import LayerConfig
from alignsar_gpu.errors import AlignsarError

CATEGORICAL = ("fraction", "majority")
DATES = ("none", "names", "bands", "stac")
METHODS = (*CATEGORICAL, "mean", "bilinear", "cubic")


@dataclass
class RasterLayerConfig(LayerConfig):
    """Keys of a layer of kind=raster.

    ``path`` is any file that rasterio reads, a folder of tiles, a pattern, or a list: tiles of one grid. Without
    ``classes``, classes are those of the tags ``class_CODE`` of the file, or each code that occurs. With ``dates``,
    each image of the stack has its own values: those of the raster nearest in time.
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
    dates: str = key(
        "none",
        "rasters of several dates, which are in the names of the files or bands, or in STAC items",
        choices=DATES,
    )
    date_pattern: str | None = key(
        None, "date in names of another form or with several, such as SENSED_%Y%m%d"
    )
    asset: str | None = key(None, "asset of STAC items with several")
    nearest_days: float = key(
        15.0, "how many days a raster may be from an image; beyond it is unknown", bounds=(0.0, None)
    )
    interpolate: bool = key(
        default=False, text="linearly between the values of the rasters before and after each image"
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
        if self.interpolate and self.categorical:
            raise AlignsarError(
                f"{where}.interpolate: classes are not interpolated; leave it out, or choose method=mean, bilinear or "
                "cubic"
            )
        for key_name, value, needed in (
            ("date_pattern", self.date_pattern, ("names", "bands")),
            ("asset", self.asset, ("stac",)),
            ("interpolate", self.interpolate, DATES[1:]),
        ):
            if value and self.dates not in needed:
                raise AlignsarError(f"{where}.{key_name}: needs {where}.dates={' or '.join(needed)}")
        if self.date is not None and self.dates != "none":
            raise AlignsarError(
                f"{where}.date: rasters of several dates have their own; leave out date or dates"
            )
