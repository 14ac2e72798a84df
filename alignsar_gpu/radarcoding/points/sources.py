"""What readers of points have in common: coordinates in the file's own reference system, and its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.radarcoding.crs import Box


AT_A_TIME = 1 << 20  # points read together
PAIRS = (("longitude", "latitude"), ("lon", "lat"), ("long", "lat"), ("lng", "lat"))
PLANE_PAIRS = (("x", "y"), ("easting", "northing"))
HEIGHTS = ("height", "elevation", "z", "altitude", "elev")


class Coordinates(NamedTuple):
    """Points in coordinates of the file: float64 (n,), NaN where a number is missing; identifiers of stations."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64] | None
    value: NDArray[np.float64] | None
    identifier: list[str] | None


class PointSource(Protocol):
    """A file of points, or tiles, in one coordinate reference system."""

    @property
    def files(self) -> tuple[Path | str, ...]:
        """Files that are read."""

    @property
    def crs(self) -> CRS | None:
        """System that the file states; None where it states none."""

    @property
    def bounds(self) -> Box | None:
        """Extent of the points; None where only reading them would tell."""

    @property
    def has_height(self) -> bool:
        """Whether points have a third coordinate."""

    def read(self, windows: Sequence[Box], counts: Counter[str]) -> Iterator[Coordinates]:
        """Read the points some at a time, without those that are known to lie outside of all ``windows``.

        What is left out for what it is, is added to ``counts``.
        """


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the columns that are read; "" for none."""

    x: str
    y: str
    z: str
    value: str

    @property
    def names(self) -> list[str]:
        """All columns, once each."""
        return list(dict.fromkeys(n for n in (self.x, self.y, self.z, self.value) if n))


def column(names: Sequence[str], wanted: str | None, what: str, where: str) -> str:
    """Find the column that ``wanted`` names, ignoring case and outer spaces; "" where nothing is wanted.

    Raises AlignsarError that lists the columns where there is no such.
    """
    if wanted is None:
        return ""
    if wanted in names:
        return wanted
    plain = {name.strip().lower(): name for name in names}
    try:
        return plain[wanted.strip().lower()]
    except KeyError:
        raise AlignsarError(
            f"{where}: has no column {wanted!r} ({what}); its columns are {', '.join(names) or 'none'}"
        ) from None


def coordinate_columns(
    names: Sequence[str], x: str | None, y: str | None, z: str | None, where: str, *, degrees: bool | None
) -> tuple[str, str, str]:
    """Find the columns of coordinates in a table: those named, or else those whose names say so.

    ``degrees`` tells whether longitude and latitude are looked for, or x and y on a plane; None for either.
    """
    plain = {name.strip().lower(): name for name in names}
    if (x is None) != (y is None):
        raise AlignsarError(f"{where}: name both columns, x and y, or neither")
    if x is not None:
        east, north = column(names, x, "x", where), column(names, y, "y", where)
    else:
        pairs = {True: (*PAIRS, PLANE_PAIRS[0]), False: PLANE_PAIRS, None: (*PAIRS, *PLANE_PAIRS)}[degrees]
        matches = [(plain[a], plain[b]) for a, b in pairs if a in plain and b in plain]
        if not matches:
            looked = ", ".join(f"{a} and {b}" for a, b in pairs)
            raise AlignsarError(
                f"{where}: no columns of coordinates were recognised (looked for {looked}); name them with "
                f"keys x and y; its columns are {', '.join(names) or 'none'}"
            )
        east, north = matches[0]
    if z is not None:
        return east, north, column(names, z, "z", where)
    return east, north, next((plain[name] for name in HEIGHTS if name in plain), "")
