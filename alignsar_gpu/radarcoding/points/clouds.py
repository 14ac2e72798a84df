"""Read LiDAR point clouds: LAS and LAZ files, one or a set of tiles."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import laspy
import numpy as np
from laspy.errors import LaspyException
from pyproj import CRS
from pyproj.crs import CompoundCRS, VerticalCRS
from pyproj.exceptions import ProjError

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.radarcoding.crs import box_of, stated_system
from alignsar_gpu.radarcoding.points.sources import AT_A_TIME, Coordinates, PointSource

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.crs import Box

SUFFIXES = (".las", ".laz")
VERTICAL_KEY = 4096  # of GeoTIFF: the code of the vertical reference system
EPSG_CODES = range(1024, 32767)
NOISE = (7, 18)  # low and high noise, of the ASPRS standard classes
DAMAGED = (LaspyException, ProjError, ValueError, RuntimeError, OSError, EOFError, MemoryError, struct.error)


@dataclass(frozen=True, kw_only=True)
class CloudTile:
    """A LAS or LAZ file: number and extent of its points by its header, and the system that it states."""

    path: Path
    count: int
    box: Box
    crs: CRS | None

    def meets(self, windows: Sequence[Box]) -> bool:
        """Whether a window may hold some of its points; true where the header makes no sense."""
        west, south, east, north = self.box
        if not (west <= east and south <= north):
            return True
        return any(a <= east and west <= c and b <= north and south <= d for a, b, c, d in windows)


@dataclass(frozen=True, kw_only=True)
class PointCloud(PointSource):
    """Tiles of a point cloud in one coordinate reference system.

    Points that are flagged as withheld (deleted, in the words of the LAS specification) are left out, and so
    is noise unless ``classification`` asks for it.
    """

    tiles: tuple[CloudTile, ...]
    classification: tuple[int, ...] | None
    value: str | None

    def read(self, windows: Sequence[Box], counts: Counter[str]) -> Iterator[Coordinates]:
        """Read the points of the tiles that reach into a window."""
        for tile in self.tiles:
            if not tile.meets(windows):
                counts["tiles not read"] += 1
                continue
            done = 0
            try:
                with laspy.open(tile.path, decompression_selection=self._needed) as reader:
                    for chunk in reader.chunk_iterator(AT_A_TIME):
                        done += len(chunk)
                        yield self._coordinates(chunk, tile, counts)
            except DAMAGED as error:
                raise _damaged(self.where, tile.path, error) from None
            if done != tile.count:
                raise _damaged(self.where, tile.path, f"{done} of {tile.count} points are there")

    @property
    def _needed(self) -> laspy.DecompressionSelection:
        """Fields of points that are decompressed: the others cost a third of the time."""
        if self.value is not None:
            return laspy.DecompressionSelection.all()
        parts = laspy.DecompressionSelection
        return parts.base() | parts.Z | parts.CLASSIFICATION | parts.FLAGS

    def _coordinates(self, chunk: Any, tile: CloudTile, counts: Counter[str]) -> Coordinates:
        dimensions = set(chunk.point_format.dimension_names)
        keep: NDArray[np.bool_] = np.ones(len(chunk), dtype=bool)
        if "withheld" in dimensions:
            keep &= np.asarray(chunk["withheld"]) == 0
            counts["withheld"] += int(len(chunk) - np.count_nonzero(keep))
        kind = np.asarray(chunk["classification"])
        right = np.isin(kind, NOISE, invert=True)
        if self.classification is not None:
            right = np.isin(kind, self.classification)
        counts["of other classes" if self.classification is not None else "noise"] += int(
            np.count_nonzero(keep & ~right)
        )
        keep &= right
        value = None
        if self.value is not None:
            if self.value not in dimensions:
                raise AlignsarError(_no_dimension(self.where, tile.path, self.value, dimensions))
            value = np.asarray(chunk[self.value], dtype=np.float64)[keep]
        x, y, z = (np.asarray(chunk[axis], dtype=np.float64)[keep] for axis in "xyz")
        return Coordinates(x, y, z, value)


def open_tiles(
    files: Sequence[Path], classification: Sequence[int] | None, value: str | None, where: str
) -> PointCloud:
    """Open LAS and LAZ tiles. Raises AlignsarError, by name, for a damaged tile or one in another system."""
    tiles = []
    for path in files:
        try:
            _refuse_long_records(path)
            with laspy.open(path) as reader:
                header = reader.header
                dimensions = set(header.point_format.dimension_names)
                require("point_scale", header.scales, f"{where}: {path.name}")
                low, high = header.mins, header.maxs
                box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
                tile = CloudTile(
                    path=path,
                    count=int(header.point_count),
                    box=box,
                    crs=_crs(header, f"{where}: {path.name}"),
                )
        except DAMAGED as error:
            raise _damaged(where, path, error) from None
        if value is not None and value not in dimensions:
            raise AlignsarError(_no_dimension(where, path, value, dimensions))
        if tile.count:
            tiles.append(tile)
    if not tiles:
        raise AlignsarError(f"{where}: has no points; name files that have, or leave this layer out")
    for tile in tiles[1:]:
        if tile.crs != tiles[0].crs:
            names = [t.crs.name if t.crs else "none" for t in (tiles[0], tile)]
            raise AlignsarError(
                f"{where}: {tiles[0].path.name} is in {names[0]}, but {tile.path.name} in {names[1]}: name tiles "
                "of one coordinate reference system, and the others as a layer of their own"
            )
    boxes = np.array([tile.box for tile in tiles])
    return PointCloud(
        where=where,
        files=tuple(tile.path for tile in tiles),
        crs=tiles[0].crs,
        bounds=box_of([*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)])
        if np.isfinite(boxes).all()
        else None,
        has_height=True,
        tiles=tuple(tiles),
        classification=None if classification is None else tuple(classification),
        value=value,
    )


def _refuse_long_records(path: Path) -> None:
    """Raise ValueError where a header counts more records than the file can hold: laspy would hang."""
    with path.open("rb") as file:
        start = file.read(247)
    size = path.stat().st_size
    if len(start) < 104 or start[:4] != b"LASF":
        raise ValueError("it does not start as such a file does")
    header, points, records = struct.unpack_from("<HII", start, 94)
    beyond, more = struct.unpack_from("<QI", start, 235) if start[25] >= 4 and len(start) == 247 else (0, 0)
    if header + 54 * records > points or points > size or (more and beyond + 60 * more > size):
        raise ValueError("its header promises more than there is")


def _crs(header: laspy.LasHeader, where: str) -> CRS | None:
    """Return the system of a header, with the vertical one that GeoTIFF keys may name beside it."""
    crs = stated_system(header.parse_crs(), where)
    records = header.vlrs.get("GeoKeyDirectoryVlr")
    codes = [k.value_offset for r in records for k in r.geo_keys if k.id == VERTICAL_KEY]
    if crs is None or len(crs.axis_info) == 3 or not codes or codes[0] not in EPSG_CODES:
        return crs
    vertical = VerticalCRS.from_epsg(codes[0])
    both = CompoundCRS(name=f"{crs.name} + {vertical.name}", components=[crs, vertical])
    return CRS.from_wkt(both.to_wkt())  # the class has no to_2d of its own


def _damaged(where: str, path: Path, why: object) -> AlignsarError:
    return AlignsarError(
        f"{where}: {path.name} cannot be read as LAS or LAZ ({why}): it is cut off, damaged or of another kind; "
        "copy it again"
    )


def _no_dimension(where: str, path: Path, value: str, dimensions: set[str]) -> str:
    return f"{where}: {path.name} has no dimension {value!r} (value); it has {', '.join(sorted(dimensions))}"
