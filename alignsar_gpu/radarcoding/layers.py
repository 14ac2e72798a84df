"""What radarcoding gives: layers with their names and attributes, and the strips of an image that they are made in."""

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


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """A layer that radarcoding makes; ``dated`` where it differs by date."""

    name: str
    dtype: str
    attributes: Mapping[str, Any]
    dated: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Strip:
    """Some lines of an image, all samples.

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
        """All of it."""
        return ImageTile(lines=self.lines, samples=slice(0, self.samples))


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelScene:
    """What labels are put onto.

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
        """Longitude and latitude (degrees) of points all over the image, those that are on the ground."""
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
        """Where some lines may have ground, or all: a polygon in degrees; longitudes may go beyond 180."""
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
    """A file, or several, that layers are made of."""

    @property
    def files(self) -> Sequence[Path]:
        """What is read."""

    @property
    def layers(self) -> Sequence[LayerSpec]:
        """What is made."""

    def require_inside(self, scene: LabelScene) -> None:
        """Raise AlignsarError where the file has nothing for the scene, naming its key."""

    def facts(self) -> Mapping[str, Any]:
        """What was found while reading, as plain values."""

    def warnings(self) -> Sequence[str]:
        """What users must know, each a sentence."""


class CellSource(Source, Protocol):
    """A source whose layers are pushed from ground cells."""

    bytes_per_cell: float

    @property
    def fractions(self) -> Sequence[str]:
        """Layers that hold area fractions."""

    def tile(self, scene: LabelScene, ground: GroundCells) -> Iterator[tuple[str, Any]]:
        """Layers of a tile by name, [line, sample], on the device."""


class StripSource(Source, Protocol):
    """A source whose layers are made of a strip as a whole."""

    def strip(self, scene: LabelScene, strip: Strip) -> Iterator[tuple[str, int | None, NDArray[Any]]]:
        """Layers of a strip: name, date if it is one of a date, [line, sample]."""
