"""Places of a dataset with their footprints and class counts, and the split of each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geopandas import GeoDataFrame, GeoSeries
    from numpy.typing import NDArray

TRAIN = "train"
NONE = ""  # the split of places and blocks that are left out
HAIR = 1e-6  # metres: what rounding of coordinates may take from a distance


@dataclass(frozen=True, kw_only=True)
class Places:
    """Places (windows of an image) on the ground, and the classes of their pixels.

    Attributes
    ----------
    footprints : polygons in a map projection in metres, the convex hulls of the places with their halo.
    classes : pixels [place, class] of each class.
    names : names of the classes.
    """

    footprints: GeoSeries
    classes: NDArray[np.int64]
    names: Sequence[str]

    def __post_init__(self) -> None:
        crs = self.footprints.crs
        if crs is None or not crs.is_projected or crs.axis_info[0].unit_conversion_factor != 1.0:
            raise AlignsarError(
                f"chips: footprints are in {crs.name if crs else 'no coordinate reference system'!r}, and distances "
                "need a map projection in metres; choose one, such as the UTM zone"
            )
        if self.classes.shape != (len(self.footprints), len(self.names)):
            raise ValueError(
                f"classes {self.classes.shape} of {len(self.footprints)} places and {len(self.names)} names"
            )

    def __len__(self) -> int:
        return len(self.footprints)

    @property
    def shapes(self) -> NDArray[np.object_]:
        """Footprints as an array of shapely polygons."""
        return np.asarray(self.footprints.array)


@dataclass(frozen=True, kw_only=True)
class Splits:
    """The split of every place, and the blocks of ground that it comes from.

    Attributes
    ----------
    of_place : name of the split of each place; "" if it is left out, since it is too near another split.
    block_of_place : name of the block that holds the middle of the place; "" if it is in none.
    blocks : table with the columns ``block``, ``split`` ("" = none) and ``geometry``, in the CRS of the footprints.
    """

    of_place: NDArray[np.str_]
    block_of_place: NDArray[np.str_]
    blocks: GeoDataFrame


def least_buffer(footprints: GeoSeries, window_m: float) -> float:
    """Compute the smallest distance (metres) that chips of different splits may have: a chip plus the widest window.

    The length of a chip is the longer side of the smallest rectangle (turned as needed) around its footprint; of all
    chips the longest counts. ``window_m`` is the width of the widest window on the ground that any layer is computed
    from: pixels that are farther apart than that share no speckle.
    """
    return chip_length(footprints) + window_m


def chip_length(footprints: GeoSeries) -> float:
    """Compute the length (metres) of the longest place: the longer side of the smallest rectangle around it."""
    rectangles = shapely.oriented_envelope(np.asarray(footprints.array))
    corners, index = shapely.get_coordinates(rectangles, return_index=True)
    sides = np.hypot(*np.diff(corners, axis=0).T)[index[1:] == index[:-1]]
    return float(sides.max(initial=0.0))


def choose_buffer(footprints: GeoSeries, window_m: float, buffer: float | None = None) -> float:
    """Return the buffer (metres) that is asked for, or the smallest allowed one if none is.

    Raises AlignsarError if it is smaller than ``least_buffer``.
    """
    chip = chip_length(footprints)
    if buffer is None:
        return chip + window_m
    if buffer < chip + window_m:
        raise AlignsarError(
            f"chips.split.buffer={buffer:g}: is less than a chip ({chip:.1f} m) plus the widest window "
            f"({window_m:.1f} m); give at least {chip + window_m:.1f}, or leave the key out to get that"
        )
    return buffer
