"""The surface that the pixels of an image lie on by what the cube says of them, where no DEM was used.

The height of a place is that of the pixel that shows it, and which pixel that is depends on the height: the posts of a
DEM are computed by searching for the height at which both agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from pyproj import CRS, Transformer

from alignsar_gpu import kernels
from alignsar_gpu.geometry.dem.dem import Dem, frame_of
from alignsar_gpu.geometry.dem.mosaic import DemMosaic, DemTile
from alignsar_gpu.geometry.dem.raster import HeightRaster
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.stored.files import DAMAGED, damaged, packed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.dem.frame import Affine, Frame
    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

TILE = 512  # posts each way that are computed together, always the same
TILES = 64  # as many are kept: 134 MB
POLAR = 80.0  # degrees, from which on posts lie on a polar map
DEGREE = 111_320.0  # m
MARGIN, OUTLINE = 64.0, 33  # lines and samples around the image, and points each way that show where it lies
LEAST_RELIEF = 1.0  # m up and down
ENOUGH = 1e-3  # m
ITERATIONS = 60
NODES = "heights"
SOURCE = "the heights of the cube's own pixels"


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelHeights:
    """Heights of the pixels of an image, and posts of a DEM to be computed from them.

    Attributes
    ----------
    lowest, highest : of the heights, m above the ellipsoid.
    crs, affine, shape : of the posts, see `geometry.dem.frame.Frame`.
    nodes : float32 [line, sample], heights of some pixels; None for the layer ``height`` of the cube.
    step : lines and samples from a node to the next, beginning with the first.
    """

    lowest: float
    highest: float
    crs: str
    affine: Affine
    shape: tuple[int, int]
    nodes: NDArray[np.float32] | None = None
    step: int = 1

    def write(self, group: zarr.Group, published: Callable[[str], str]) -> None:  # noqa: ARG002  (no texts of others)
        """Write them into an empty group."""
        if self.nodes is not None:
            group.create_array(NODES, data=self.nodes, compressors=packed("float32"))
        names = ("lowest", "highest", "crs", "affine", "shape", "step")
        group.update_attributes({"layer": "height" if self.nodes is None else NODES})
        group.update_attributes({name: getattr(self, name) for name in names})


def posts_under(
    grid: RadarGrid, orbit: Orbit, lowest: float, highest: float, spacing: float
) -> dict[str, Any]:
    """Place posts ``spacing`` metres apart below an image of known heights (m); see `PixelHeights`."""
    line, sample = np.meshgrid(
        *(np.linspace(-MARGIN, count - 1.0 + MARGIN, OUTLINE) for count in grid.shape), indexing="ij"
    )
    time, slant_range = grid.azimuth_time(line), grid.slant_range(sample)
    places = [
        radar_to_ground(orbit, time, slant_range, height, grid.look_side, 0.0) for height in (lowest, highest)
    ]
    longitude, latitude = (np.stack([place[axis] for place in places]) for axis in (0, 1))
    known = np.isfinite(longitude)
    lon, lat = longitude[known], latitude[known]
    if np.abs(lat).max() > POLAR:
        crs = CRS.from_epsg(5041 if lat.mean() > 0 else 5042)
        x, y = Transformer.from_crs(CRS.from_epsg(4326), crs, always_xy=True).transform(lon, lat)
        across = down = spacing
    else:
        crs, y = CRS.from_epsg(4326), lat
        x = lon[0] + (lon - lon[0] + 180.0) % 360.0 - 180.0
        down = spacing / DEGREE
        across = down / float(np.cos(np.radians(np.abs(lat).max())))
    west, north = float(x.min()), float(y.max())
    shape = int((north - y.min()) / down) + 2, int((x.max() - west) / across) + 2
    return {"crs": crs.to_wkt(), "affine": (across, 0.0, west, 0.0, -down, north), "shape": shape}


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelSurface(HeightRaster):
    """Posts on the surface that the pixels of an image lie on, as a raster of heights.

    Attributes
    ----------
    layer : a Zarr array [line, sample] of heights of pixels, and every how many pixels it has one.
    bounds : of the heights, m.
    grid, orbit, doppler, shift : grid, orbit, doppler and offset of the image, see `geometry.CubeGeometry`.
    """

    layer: Path
    step: int
    bounds: tuple[float, float]
    grid: RadarGrid
    orbit: Orbit
    doppler: Doppler | None
    shift: tuple[float, float] | Callable[[Any, Any], tuple[Any, Any]]
    _tiles: dict[tuple[int, int], NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tiles": {}}

    def read(self, rows: slice, columns: slice) -> NDArray[np.float64]:
        """See `HeightRaster.read`. A post has the same bits whatever window it is read with."""
        out = np.empty((rows.stop - rows.start, columns.stop - columns.start))
        for top in range(rows.start // TILE * TILE, rows.stop, TILE):
            for left in range(columns.start // TILE * TILE, columns.stop, TILE):
                tile = self._tile(top, left)
                down, across = _shared(rows, top), _shared(columns, left)
                part = tile[down.start - top : down.stop - top, across.start - left : across.stop - left]
                out[
                    down.start - rows.start : down.stop - rows.start,
                    across.start - columns.start : across.stop - columns.start,
                ] = part
        return out

    def _tile(self, top: int, left: int) -> NDArray[np.float64]:
        """Heights of the posts of a tile, kept for the next call."""
        height = self._tiles.pop((top, left), None)
        if height is None:
            height = self._computed(top, left)
        self._tiles[top, left] = height  # the one used last is the last to go
        while len(self._tiles) > TILES:
            self._tiles.pop(next(iter(self._tiles)), None)
        return height

    def _computed(self, top: int, left: int) -> NDArray[np.float64]:
        rows, columns = (
            slice(first, min(first + TILE, count))
            for first, count in zip((top, left), self.shape, strict=True)
        )
        longitude, latitude = self.frame.posts(rows, columns)
        low, high = self.bounds
        middle, half = 0.5 * (low + high), max(0.5 * (high - low), LEAST_RELIEF)
        places = [self._seen(longitude, latitude, middle + u * half) for u in (-1.0, 0.0, 1.0)]
        curves = [Parabola(*(place[axis].ravel() for place in places)) for axis in (0, 1)]
        heights, origin = self._window(places)

        def above(u: NDArray[np.float64], index: Any) -> NDArray[np.float64]:
            """Height of the pixels that show some of the places at heights, above these; half the relief is 1."""
            y, x = (
                np.clip(curve(u, index) / self.step - first, 0.0, count - 1.0)[np.newaxis]
                for curve, first, count in zip(curves, origin, heights.shape, strict=True)
            )
            return np.asarray((kernels.gather(heights, y, x, "bilinear")[0] - middle) / half - u)

        root = root_between(above, longitude.size, ENOUGH / half)
        return middle + half * root.reshape(longitude.shape)

    def _seen(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64], height: float) -> Pair:
        """Line and sample of the image that show places at a height."""
        time, slant_range = ground_to_radar(
            self.orbit,
            longitude,
            latitude,
            height,
            self.grid.azimuth_time(0.5 * self.grid.lines),
            doppler=self.doppler,
            wavelength=self.grid.wavelength,
        )
        line, sample = self.grid.line(time), self.grid.sample(slant_range)
        later, farther = self.shift(line, sample) if callable(self.shift) else self.shift
        return line + later, sample + farther

    def _window(self, places: list[Pair]) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Heights of the pixels around places, and line and sample of the first."""
        try:
            layer = zarr.open_array(self.layer, mode="r", zarr_format=3)
            window = []
            for axis, count in enumerate(layer.shape):
                position = np.stack([place[axis] for place in places]) / self.step
                known = position[np.isfinite(position)]
                ends = np.clip([known.min(), known.max()] if known.size else [0.0, 0.0], 0.0, count - 1.0)
                window.append(slice(int(ends[0]), min(int(ends[1]) + 2, count)))
            heights = np.ascontiguousarray(layer[tuple(window)], dtype=np.float32)
        except DAMAGED as error:
            raise damaged(self.layer, error) from None
        return heights, (window[0].start, window[1].start)

    @cached_property
    def frame(self) -> Frame:
        """Where the posts lie."""
        return frame_of(self.mosaic(), self.name)

    def mosaic(self) -> DemMosaic:
        """Return the raster as the only tile of a mosaic."""
        rows, columns = self.shape
        tile = DemTile(raster=self, top=0, left=0, bottom=rows, right=columns, sampling=None)
        return DemMosaic(crs=self.crs, affine=self.affine, shape=self.shape, tiles=(tile,))


class Parabola:
    """Parabolas through values at -1, 0 and 1."""

    def __init__(
        self, before: NDArray[np.float64], middle: NDArray[np.float64], after: NDArray[np.float64]
    ) -> None:
        self._middle, self._slope = middle, 0.5 * (after - before)
        self._bend = 0.5 * (after + before) - middle

    def __call__(self, u: NDArray[np.float64], index: Any) -> NDArray[np.float64]:
        """Evaluate some of them, by their index."""
        values: NDArray[np.float64] = self._middle[index] + u * (self._slope[index] + u * self._bend[index])
        return values


def root_between(
    function: Callable[[NDArray[np.float64], Any], NDArray[np.float64]], count: int, enough: float
) -> NDArray[np.float64]:
    """Find where functions are zero between -1, where they are not negative, and 1, where they are not positive.

    By the Illinois method (Dowell & Jarratt 1971, BIT 11), until they are below ``enough``; NaN where a function is.
    What is NaN at the ends counts as what it has to be. ``function`` is called with places and whose they are.
    """
    root, index = np.full(count, np.nan), np.arange(count)
    a, b = np.full(count, -1.0), np.ones(count)
    fa, fb = (
        np.where(np.isnan(f), other, f)
        for f, other in ((function(a, index), 2.0), (function(b, index), -2.0))
    )
    for _ in range(ITERATIONS):
        with np.errstate(invalid="ignore", divide="ignore"):
            c = np.where(fa != fb, b - fb * (b - a) / (fb - fa), 0.5 * (a + b))
        c = np.clip(c, -1.0, 1.0)
        fc = function(c, index)
        root[index] = np.where(np.isnan(fc), np.nan, c)
        left = np.abs(fc) > enough
        if not left.any():
            break
        index, fc, c = index[left], fc[left], c[left]
        a, b, fa, fb = a[left], b[left], fa[left], fb[left]
        over = fc * fb < 0.0  # the root lies between b and c
        a, fa = np.where(over, b, a), np.where(over, fb, 0.5 * fa)
        b, fb = c, fc
    return root


def _shared(part: slice, first: int) -> slice:
    """What a part of an axis and the tile from ``first`` on share."""
    return slice(max(part.start, first), min(part.stop, first + TILE))


def read_surface(
    folder: Path, cube: Path, *, grid: RadarGrid, orbit: Orbit, doppler: Doppler | None, offset: Any
) -> Dem:
    """Open the surface that the group in ``folder`` describes, of the image of a cube with this geometry.

    Heights are computed where they are needed.
    """
    facts: Mapping[str, Any] = zarr.open_group(folder, mode="r", zarr_format=3).attrs.asdict()
    rows, columns = map(int, facts["shape"])
    surface = PixelSurface(
        name=SOURCE,
        crs=facts["crs"],
        stated="ellipsoid",
        affine=tuple(map(float, facts["affine"])),  # type: ignore[arg-type]  # six numbers
        shape=(rows, columns),
        scale=1.0,
        offset=0.0,
        layer=cube / "height" if facts["layer"] == "height" else folder / NODES,
        step=int(facts["step"]),
        bounds=(float(facts["lowest"]), float(facts["highest"])),
        grid=grid,
        orbit=orbit,
        doppler=doppler,
        shift=offset,
    )
    return Dem(
        source=SOURCE, vertical_datum="ellipsoid", geoid=None, mosaic=surface.mosaic(), frame=surface.frame
    )
