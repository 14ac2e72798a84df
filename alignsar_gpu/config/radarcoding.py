"""The keys of `radarcoding`: maps, rasters, points and fields that become layers on the radar grid.

The keys of a layer depend on its kind: each kind of label has a schema of its own (`alignsar_gpu.radarcoding.kinds`),
built on `LayerConfig`, which has the keys that all kinds share.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from alignsar_gpu.config.dates import days_of
from alignsar_gpu.config.keys import about, key
from alignsar_gpu.errors import AlignsarError

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass
class LayerConfig:
    """Keys that every label layer has: one file that becomes one layer of the cube, or several."""

    kind: str = key(MISSING, "which kind of label it is; each kind has keys of its own")
    path: Any = field(
        default=MISSING,
        metadata=about("the file; of rasters, points and fields also a pattern, of rasters also a list"),
    )
    crs: str | None = key(None, "coordinate reference system of a file that states none, such as EPSG:28992")
    date: Any = field(
        default=None,
        metadata=about(
            "of what time it is: a year, a day, or [FIRST,LAST]; of rasters with dates, see dates"
        ),
    )
    description: str = key("", "what it shows, for the attributes")
    source: str = key("", "whom the data are from, for the attributes")
    license: str = key("", "licence of the data, as an SPDX identifier or a URL, for the attributes")
    attribution: str = key("", "how the source must be credited, for the attributes")
    references: str = key("", "what to cite, for the attributes")
    colors: dict[str, str] | None = field(
        default=None, metadata=about('colours of the classes, or of the layer by its name: {tree: "#006400"}')
    )

    def check(self, where: str) -> None:
        """Check that the keys fit together; raise AlignsarError, beginning with ``where``, otherwise."""
        if not isinstance(self.path, str):
            raise AlignsarError(f"{where}.path: must be one path; only rasters have lists of files")


@dataclass
class RadarcodingConfig:
    """Which other observations the radar pixels inherit from."""

    layers: dict[str, Any] = field(
        default_factory=dict,
        metadata=about("files by the name of their layer: radarcoding.layers.NAME.path=FILE"),
    )
    overlaps: str = key(
        "keep",
        "where vector layers overlap: keep all, or the first or the last named lies on top",
        choices=("keep", "first", "last"),
    )
    label: str = key("label", "name of the layer with each pixel's class of vectors; empty: none")
    least_fraction: float = key(
        0.5, "share of a pixel that its class in the layer label must have", bounds=(0.0, 1.0)
    )
    offset: bool = key(
        default=True, text="measure how far labels are off against the image; it is stored, never applied"
    )
    offset_lines: int = key(10, "lines in which that is looked for, up and down", bounds=(2, 200))
    offset_samples: int = key(40, "samples in which that is looked for, up and down", bounds=(2, 400))


def check_layer_name(name: str) -> None:
    """Raise AlignsarError for a name of a layer that cannot be the name of a variable."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise AlignsarError(
            f"radarcoding.layers.{name}: the name of a layer has letters, digits and _, and begins with a letter"
        )


def check_colors(layer: LayerConfig, where: str) -> None:
    """Raise AlignsarError for colours that are not written as #rrggbb."""
    for name, colour in (layer.colors or {}).items():
        if not COLOUR.fullmatch(colour):
            raise AlignsarError(f'{where}.colors: {name}: {colour!r} is not a colour; write it as "#rrggbb"')


def check_radarcoding(config: RadarcodingConfig) -> None:
    """Check that names and keys of the layers fit together; raise AlignsarError, naming the key, otherwise."""
    for name, layer in config.layers.items():
        check_layer_name(name)
        layer.check(f"radarcoding.layers.{name}")
        check_colors(layer, f"radarcoding.layers.{name}")
        if layer.date is not None:
            days_of(layer.date, f"radarcoding.layers.{name}.date")
    if config.label and config.label in config.layers:
        raise AlignsarError(f"radarcoding.label={config.label}: is the name of a layer too; choose another")
