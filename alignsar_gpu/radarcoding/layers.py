"""What label sources give (layers and their values) and get: the scene, and strips of its lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import shapely

from alignsar_gpu.radarcoding.tiles import ImageTile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.device import Device
    from alignsar_gpu.radarcoding.level_ground import GroundCells, LevelGround

OUTLINE = (5, 33)  # points along the sides of an area: straight between them to a metre
MARGIN = 1e-4  # degrees around an area
NONE, UNKNOWN = 0, 255  # numbers in layers of classes: surely none of them, and not known
UNKNOWN_NAME = "unknown"
NONE_COLOUR, UNKNOWN_COLOUR = "#d5d9dd", "#ffffff"


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """Name, type and attributes of a layer that a source makes; ``dated`` where each date has values of its own."""

    name: str
    dtype: str
    attributes: Mapping[str, Any]
    dated: bool = False


def class_flags(classes: Sequence[str], colours: Sequence[str] = ()) -> dict[str, Any]:
    """Return the CF attributes of a layer of class numbers: 0 is none of them, 255 is unknown.

    ``colours`` of the classes ("#rrggbb") become `flag_colors`, as in the maps of ESA's Climate Change Initiative; they
    are left out where a class has none (an empty text).
    """
    flags = {
        "units": "1",
        "flag_values": [NONE, *range(1, len(classes) + 1), UNKNOWN],
        "flag_meanings": " ".join(("none", *classes, UNKNOWN_NAME)),
    }
    if colours and all(colours):
        flags["flag_colors"] = " ".join((NONE_COLOUR, *colours, UNKNOWN_COLOUR))
    return flags


def mask_layer(name: str, description: str) -> LayerSpec:
    """Return the layer that tells where the source of the layers ``name`` is known."""
    return LayerSpec(
        name=mask_name(name),
        dtype="bool",
        attributes={"long_name": f"where {name.replace('_', ' ')} is known", "description": description},
    )


def mask_name(name: str) -> str:
    """Return the name of the layer that tells where the source of the layers ``name`` is known."""
    return f"labelled_{name}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Strip:
    """Some lines of the image, with all their samples.

    Attributes
    ----------
    lines : of the image.
    longitude, latitude, incidence : of its pixels (degrees), [line, sample]; NaN without ground.
    """

    lines: slice
    samples: int
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    incidence: NDArray[np.float32]

    @property
    def tile(self) -> ImageTile:
        """The whole strip as a tile."""
        return ImageTile(lines=self.lines, samples=slice(0, self.samples))


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelScene:
    """The image that labels are put onto: its ground, its dates, and where the work is done.

    Attributes
    ----------
    level_ground : the ground.
    device : where the work is done.
    times : UTC of each date, datetime64[ns].
    reference : index of the reference date.
    temporary : folder for what does not fit into memory; what is written there vanishes.
    """

    level_ground: LevelGround
    device: Device
    times: NDArray[Any]
    reference: int
    temporary: Path | None = None

    def ground_points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return longitude and latitude (degrees) of points all over the image, where they are on the ground."""
        grid = self.level_ground.terrain.grid
        line, sample = np.meshgrid(
            np.linspace(0.0, grid.lines - 1.0, OUTLINE[1]),
            np.linspace(0.0, grid.samples - 1.0, OUTLINE[1]),
            indexing="ij",
        )
        longitude, latitude = self.level_ground.to_ground(line, sample)
        known = np.isfinite(longitude)
        return longitude[known], latitude[known]

    def area(self, lines: slice | None = None) -> BaseGeometry:
        """Return the ground that some lines (or all) may show: a polygon in degrees, perhaps beyond 180 E."""
        grid = self.level_ground.terrain.grid
        whole = slice(0, grid.lines) if lines is None else lines
        down, across = self.level_ground.window(ImageTile(lines=whole, samples=slice(0, grid.samples)))
        line, sample = np.meshgrid(
            np.linspace(down.start - 0.5, down.stop - 0.5, OUTLINE[0]),
            np.linspace(across.start - 0.5, across.stop - 0.5, OUTLINE[1]),
            indexing="ij",
        )
        longitude, latitude = self.level_ground.to_ground(line, sample)
        known = np.isfinite(longitude)
        longitude, latitude = longitude[known], latitude[known]
        if np.ptp(longitude) > 180.0:
            longitude = longitude % 360.0
        points = shapely.MultiPoint(np.stack([longitude, latitude], axis=1))
        return points.convex_hull.buffer(MARGIN)


class Source(Protocol):
    """Files, open, that layers are made of."""

    @property
    def name(self) -> str:
        """Name of the layer in the configuration; those of the cube begin with it."""

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Further attributes of its layers, as the configuration has them."""

    @property
    def files(self) -> Sequence[Path | str]:
        """Files that are read."""

    @property
    def layers(self) -> Sequence[LayerSpec]:
        """Layers that are made of them."""

    def require_inside(self, scene: LabelScene) -> None:
        """Check that the files have data for the scene; raise AlignsarError, naming the key, otherwise."""

    def facts(self) -> Mapping[str, Any]:
        """Return what was found while reading, as plain values for quality.json."""

    def warnings(self) -> Sequence[str]:
        """Return what users must know, each a sentence."""


class CellSource(Source, Protocol):
    """A source that covers ground cells, which are then summed over the pixels that show them."""

    bytes_per_cell: float

    @property
    def fractions(self) -> Sequence[str]:
        """Names of the layers that hold area fractions."""

    def tile(self, scene: LabelScene, ground: GroundCells) -> Iterator[tuple[str, int | None, Any]]:
        """Make the layers of a tile: name, index of the date (None without), values [line, sample] on the device."""


class StripSource(Source, Protocol):
    """A source that fills some lines at a time, all samples."""

    def strip(self, scene: LabelScene, strip: Strip) -> Iterator[tuple[str, int | None, NDArray[Any]]]:
        """Make the layers of a strip: name, index of the date (None for layers without), values [line, sample]."""
