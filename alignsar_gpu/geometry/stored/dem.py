"""Write and read the part of a DEM that a cube keeps: heights as in the files, and the geoid around them.

The posts keep their rows and columns in the DEM that they are from, and its georeferencing: positions and heights have
the same bits as those of the whole DEM.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from alignsar_gpu.geometry.dem.dem import Dem
from alignsar_gpu.geometry.dem.frame import Frame
from alignsar_gpu.geometry.dem.geoid import Geoid
from alignsar_gpu.geometry.dem.mosaic import DemMosaic, DemTile
from alignsar_gpu.geometry.dem.raster import HeightRaster
from alignsar_gpu.geometry.stored.files import DAMAGED, damaged, packed, read_facts, write_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Window = tuple[slice, slice]

CHUNK = 256  # posts each way
SHARD_ROWS = 512  # read, and written as a file, at a time
STRIDE = 64  # posts between those that say which nodes of the geoid are needed
HEIGHTS, NODES = "heights", "geoid"
GEOID_FACTS = ("name", "first_longitude", "first_latitude", "longitude_step", "latitude_step", "shape")


@dataclass(frozen=True, kw_only=True, eq=False)
class DemPart:
    """A window (rows, columns) of a DEM."""

    dem: Dem
    window: Window

    def write(self, group: zarr.Group, published: Callable[[str], str]) -> None:
        """Write it into an empty group; ``published`` takes paths of the machine out of texts."""
        dem, window = self.dem, self.window
        if not _write_heights(group, dem, window, "float32"):
            _write_heights(group, dem, window, "float64")
        facts: dict[str, Any] = {
            "source": published(dem.source),
            "vertical_datum": dem.vertical_datum,
            "crs": dem.mosaic.crs,
            "shape": dem.shape,
            "first_row": window[0].start,
            "first_column": window[1].start,
            **{name: getattr(dem.frame, name) for name in ("affine", "period", "pipeline", "operation")},
        }
        if dem.geoid is not None:
            facts["geoid"] = _write_geoid(group, dem, dem.geoid, window, published)
        write_facts(group, facts)


def _write_heights(group: zarr.Group, dem: Dem, window: Window, dtype: str) -> bool:
    """Write heights above the files' datum; False where they do not fit into a type without loss."""
    rows, columns = window
    shape = rows.stop - rows.start, columns.stop - columns.start
    across = -(-shape[1] // CHUNK) * CHUNK
    array = group.create_array(
        HEIGHTS,
        shape=shape,
        chunks=(CHUNK, CHUNK),
        shards=(SHARD_ROWS, across),
        compressors=packed(dtype),
        dtype=dtype,
        fill_value=np.nan,
        dimension_names=("row", "column"),
        attributes={"units": "m", "long_name": f"height above the {dem.vertical_datum}"},
        overwrite=True,
    )
    for first in range(rows.start, rows.stop, SHARD_ROWS):
        part = slice(first, min(first + SHARD_ROWS, rows.stop))
        exact = dem.mosaic.read(part, columns)
        heights = exact.astype(dtype)
        if not np.array_equal(heights, exact, equal_nan=True):
            return False
        array[first - rows.start : part.stop - rows.start] = heights
    return True


@dataclass(frozen=True, eq=False)
class _Recorder:
    """Read nodes of a geoid, and keep them."""

    geoid: Geoid
    pieces: list[tuple[int, int, NDArray[Any]]] = field(default_factory=list)

    def __call__(self, rows: slice, columns: slice) -> NDArray[Any]:
        values = self.geoid.read(rows, columns)
        self.pieces.append((rows.start, columns.start, values))
        return values


def _write_geoid(
    group: zarr.Group, dem: Dem, geoid: Geoid, window: Window, published: Callable[[str], str]
) -> dict[str, Any]:
    """Write the nodes of a geoid that the posts of a window need; return what else is to be known of it."""
    recorder = _Recorder(geoid)
    axes = [np.unique([*range(part.start, part.stop, STRIDE), part.stop - 1]) for part in window]
    row, column = np.meshgrid(*(axis.astype(np.float64) for axis in axes), indexing="ij")
    replace(geoid, read=recorder).undulation(*dem.frame.geodetic(row, column))
    for number, (_, _, values) in enumerate(recorder.pieces):
        group.create_array(f"{NODES}_{number}", data=values, compressors=packed(str(values.dtype)))
    places = [[first, left] for first, left, _ in recorder.pieces]
    about = {name: getattr(geoid, name) for name in GEOID_FACTS}
    return about | {"source": published(geoid.source), "pieces": places}


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredHeights(HeightRaster):
    """The heights of a stored part of a DEM, as a raster; ``folder`` holds its group."""

    folder: Path

    def read(self, rows: slice, columns: slice) -> NDArray[np.float64]:
        """See `HeightRaster.read`."""
        try:
            array = zarr.open_array(self.folder / HEIGHTS, mode="r", zarr_format=3)
            return np.asarray(array[rows, columns], dtype=np.float64)
        except DAMAGED as error:
            raise damaged(self.folder, error) from None


@dataclass(frozen=True, eq=False)
class StoredNodes:
    """The nodes of a stored part of a geoid; NaN beyond it."""

    pieces: tuple[tuple[int, int, NDArray[Any]], ...]

    def __call__(self, rows: slice, columns: slice) -> NDArray[Any]:
        """See `geoid.NodeReader`."""
        shape = rows.stop - rows.start, columns.stop - columns.start
        out = np.full(shape, np.nan, dtype=self.pieces[0][2].dtype)
        for first, left, values in self.pieces:
            top, bottom = max(rows.start, first), min(rows.stop, first + values.shape[0])
            begin, end = max(columns.start, left), min(columns.stop, left + values.shape[1])
            if top < bottom and begin < end:
                own = values[top - first : bottom - first, begin - left : end - left]
                out[top - rows.start : bottom - rows.start, begin - columns.start : end - columns.start] = own
        return out


def read_dem(folder: Path) -> Dem:
    """Open the part of a DEM in the group that lies in ``folder``; heights are read where they are needed."""
    group = zarr.open_group(folder, mode="r", zarr_format=3)
    facts = read_facts(group)
    rows, columns = _shape(facts["shape"])
    affine = tuple(map(float, facts["affine"]))
    heights = StoredHeights(
        name=facts["source"],
        crs=facts["crs"],
        stated=facts["vertical_datum"],
        affine=affine,  # type: ignore[arg-type]  # six numbers
        shape=_shape(group[HEIGHTS].shape),  # type: ignore[union-attr]  # an array
        scale=1.0,
        offset=0.0,
        folder=folder,
    )
    frame = Frame(
        affine=heights.affine,
        shape=(rows, columns),
        period=facts["period"],
        pipeline=facts["pipeline"],
        operation=facts["operation"],
    )
    return Dem(
        source=facts["source"],
        vertical_datum=facts["vertical_datum"],
        geoid=_geoid(group, facts["geoid"]) if "geoid" in facts else None,
        mosaic=DemMosaic(
            crs=heights.crs,
            affine=heights.affine,
            shape=(rows, columns),
            tiles=_tiles(heights, frame, facts["first_row"], facts["first_column"]),
        ),
        frame=frame,
    )


def _shape(values: Any) -> tuple[int, int]:
    rows, columns = map(int, values)
    return rows, columns


def _tiles(heights: HeightRaster, frame: Frame, top: int, left: int) -> tuple[DemTile, ...]:
    """Place the part in the rows and columns of its DEM, once in every turn of one that goes round the Earth twice."""
    rows, columns = heights.shape
    turn = round(frame.period / abs(frame.affine[0]))
    lefts = [left, left - turn, left + turn] if turn else [left]
    return tuple(
        DemTile(raster=heights, top=top, left=begin, bottom=top + rows, right=begin + columns, sampling=None)
        for begin in lefts
        if begin + columns > 0 and begin < frame.shape[1]
    )


def _geoid(group: zarr.Group, facts: Mapping[str, Any]) -> Geoid:
    pieces = tuple(
        (int(first), int(left), np.asarray(group[f"{NODES}_{number}"][...]))  # type: ignore[index]  # an array
        for number, (first, left) in enumerate(facts["pieces"])
    )
    about = {name: facts[name] for name in GEOID_FACTS}
    return Geoid(
        **about | {"shape": _shape(facts["shape"])}, source=facts["source"], read=StoredNodes(pieces)
    )
