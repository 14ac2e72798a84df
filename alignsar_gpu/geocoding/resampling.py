"""Geocoding: layers of the radar grid on the pixels of a map.

Every pixel of the map has a height on the DEM; the range-Doppler equations say in which line and sample of the image
it is seen (Schreier 1993, SAR Geocoding: Data and Systems), and there the layer is sampled. Ground in layover gets
what it shares with other ground, ground in shadow what lies over it in the image: the radar grid's flags of both,
geocoded themselves (nearest), say where.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding.coverage import is_on_look_side, require_coverage
from alignsar_gpu.geometry.dem.dem import Dem
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.lattice import smooth_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
    Sampler = Callable[[slice, slice, Any, Any], Any]

    from alignsar_gpu.device import Device
    from alignsar_gpu.geocoding.map_grid import MapGrid
    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.geometry.stored.surface import PixelSurface

Method = Literal["nearest", "bilinear", "cubic", "sinc"]
METHODS: dict[str, tuple[Method, ...]] = {
    "bool": ("nearest",),
    "uint8": ("nearest",),
    "float32": ("nearest", "bilinear", "cubic"),
    "complex64": ("nearest", "bilinear", "cubic", "sinc"),
}

PART_COLUMNS = (
    2048  # of a map, worked on together: a multiple of the kernels' segments and the lattice's cells
)
BYTES_PER_PIXEL = 100  # of a block: positions, what they are computed from, and a layer
WINDOW_SHARE = 0.25  # of the memory, for the part of a layer or of the DEM that is read at a time
BYTES_PER_POST = 64  # of the arrays that the DEM makes of a window
WIDE, WIDE_TAPS, TAPS = 0.8, 16, 12  # bands wider than the first need the more taps
REACH = WIDE_TAPS // 2 + 1  # pixels around the outermost positions that a window has
WIDEST_BAND = 0.9


class RadarLayer(Protocol):
    """An array [line, sample] that can be geocoded, of which windows are read, such as numpy's or Zarr's."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lines and samples."""
        ...

    @property
    def dtype(self) -> Any:
        """Type of the pixels."""
        ...

    def __getitem__(self, window: Any, /) -> Any: ...


@lru_cache
def _weights(band: float) -> NDArray[np.float32]:
    """Return the resampling weights for signals that occupy a share of the sampling rate."""
    return kernels.weights(WIDE_TAPS if band > WIDE else TAPS, band)


@dataclass(frozen=True, kw_only=True, eq=False)
class Geocoding:
    """Geocode layers: resample them from a radar grid to a map grid.

    Attributes
    ----------
    grid : the radar grid.
    orbit : what the antenna moves along; its times count from the grid's epoch.
    dem : the surface that the map's pixels lie on: a DEM, or that of the image's own pixels.
    map_grid : where layers are wanted.
    device : where the arithmetic runs.
    doppler : what the image is focused to; None for zero Doppler.
    offset : lines and samples that the image shows everything later and farther than ``grid`` says: two numbers,
        or a function that gives both for lines and samples [row, column] (arrays on the device).
    partial : whether the DEM need not reach all that map and image share: what it does not reach is no data.

    Raises AlignsarError when the orbit does not cover the lines, when the map shows nothing of the image, and when
    the DEM does not reach what both share: by how much.
    """

    grid: RadarGrid
    orbit: Orbit
    dem: Dem | PixelSurface
    map_grid: MapGrid
    device: Device
    doppler: Doppler | None = None
    offset: tuple[float, float] | Callable[[Any, Any], tuple[Any, Any]] = (0.0, 0.0)
    partial: bool = False

    def __post_init__(self) -> None:
        if self.grid.epoch != self.orbit.epoch:
            raise AlignsarError(
                f"orbit {self.orbit.source!r}: its times count from {self.orbit.epoch}, those of the radar grid "
                f"from {self.grid.epoch}"
            )
        first, last = self.grid.azimuth_time([0, self.grid.lines - 1])
        self.orbit.require(float(first), float(last), margin=1)
        require_coverage(
            self.grid, self.orbit, self.dem, self.map_grid, doppler=self.doppler, partial=self.partial
        )

    # Positions

    @cached_property
    def _middle_time(self) -> float:
        return float(self.grid.azimuth_time(0.5 * self.grid.lines))

    def positions(self, first: int, stop: int, columns: slice | None = None) -> tuple[Any, Any]:
        """Return the fractional line and sample of the image for the pixels of the map's rows ``first:stop``.

        float64 [row, column] on the device, of all columns or a part of them; NaN where the DEM has no surface, on the
        other side of the track, and where the orbit ends. A row has the same bits in any block of the same columns.
        """
        xp = self.device.xp
        wanted = columns or slice(0, self.map_grid.shape[1])
        if wanted.stop - wanted.start <= PART_COLUMNS:
            return self._positions(first, stop, wanted)
        line, sample = (
            xp.empty((stop - first, wanted.stop - wanted.start), dtype=np.float64) for _ in range(2)
        )
        for begin in range(wanted.start, wanted.stop, PART_COLUMNS):
            part = slice(begin, min(begin + PART_COLUMNS, wanted.stop))
            inside = slice(part.start - wanted.start, part.stop - wanted.start)
            line[:, inside], sample[:, inside] = self._positions(first, stop, part)
        return line, sample

    def _positions(self, first: int, stop: int, columns: slice) -> tuple[Any, Any]:
        xp, rows = self.device.xp, slice(first, stop)
        longitude, latitude = self.map_grid.to_geodetic(first, stop, columns, xp)
        if isinstance(self.dem, Dem):
            height = self._heights(*smooth_pair(self._posts, rows, columns, xp)).astype(np.float64)
        else:
            place = (self.device.download(values) for values in (longitude, latitude))
            height = self.device.upload(self.dem.height_at(*place))
        self._hide_other_side(rows, columns, height)
        table = kernels.ZERO_DOPPLER if self.doppler is None else self.doppler.table(self.grid.wavelength)
        seed = xp.full(stop - first, self._middle_time)
        line, sample = kernels.ground_to_radar(longitude, latitude, height, seed, self.orbit.table, table)
        line -= self.grid.first_azimuth_time
        line /= self.grid.azimuth_interval
        sample -= self.grid.first_slant_range
        sample /= self.grid.range_spacing
        later, farther = self.offset(line, sample) if callable(self.offset) else self.offset
        line += later
        sample += farther
        return line, sample

    def seen(
        self, row: NDArray[np.float64], column: NDArray[np.float64], height: NDArray[np.float64]
    ) -> Pair:
        """Return line and sample at which places of the map (fractional rows and columns) are seen at heights (m)."""
        time, slant_range = ground_to_radar(
            self.orbit,
            *self.map_grid.geodetic(row, column),
            height,
            self._middle_time,
            doppler=self.doppler,
            wavelength=self.grid.wavelength,
        )
        return self.grid.line(time), self.grid.sample(slant_range)

    def _posts(self, row: NDArray[np.float64], column: NDArray[np.float64]) -> Pair:
        """Return fractional row and column of the DEM for those of the map."""
        assert isinstance(self.dem, Dem)
        return self.dem.frame.position(*self.map_grid.geodetic(row, column))

    def _heights(self, row: Any, column: Any) -> Any:
        """Interpolate heights (m) at rows and columns of the DEM, float32; as `Dem.height_at`, to 0.2 mm."""
        dem = self.dem
        assert isinstance(dem, Dem)

        def sampled(rows: slice, columns: slice, y: Any, x: Any) -> Any:
            posts = dem.posts(rows, columns).height.astype(np.float32)
            return kernels.gather(self.device.upload(posts), y, x, "triangles")

        heights = self.device.xp.full(row.shape, np.float32(np.nan))
        self._fill(heights, row, column, dem.shape, sampled, BYTES_PER_POST)
        return heights

    def _hide_other_side(self, rows: slice, columns: slice, height: Any) -> None:
        """Set heights on the far side of the track to NaN: both sides have the same times and ranges.

        The track is straight enough to pass between the corners of a part that has pixels of both sides.
        """
        ends = [np.linspace(s.start, s.stop - 1, 3) for s in (rows, columns)]
        visible = self._is_seen(*np.meshgrid(*ends, indexing="ij"))
        if visible.all():
            return
        if visible.any():
            pixels = (np.arange(s.start, s.stop, dtype=np.float64) for s in (rows, columns))
            visible = self._is_seen(*np.meshgrid(*pixels, indexing="ij"))
            height[~self.device.upload(visible)] = np.nan
        else:
            height[...] = np.nan

    def _is_seen(self, row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.bool_]:
        return is_on_look_side(self.grid, self.orbit, *self.map_grid.geodetic(row, column))

    # Values

    def blocks(self, memory: int | None = None) -> Iterator[tuple[int, int]]:
        """Divide the map into blocks of rows that fit into so many bytes: first row, and row after the last.

        By default into the memory of the device. What is read at a time is a quarter of that, or a row.
        """
        rows, columns = self.map_grid.shape
        given = self.device.memory_budget if memory is None else memory
        count = max(int((1.0 - WINDOW_SHARE) * given) // (BYTES_PER_PIXEL * columns), 1)
        for first in range(0, rows, count):
            yield first, min(first + count, rows)

    def geocode(
        self,
        layer: RadarLayer,
        method: Method = "bilinear",
        *,
        carrier: kernels.CarrierTable | None = None,
        band: tuple[float, float] = (WIDEST_BAND, WIDEST_BAND),
        memory: int | None = None,
        advance: Callable[[int], Any] = lambda _: None,
    ) -> NDArray[Any]:
        """Resample a layer of the radar grid to the whole map, [row, column]; see `sampled`.

        ``memory`` is for `blocks`; ``advance`` is called with the number of rows that are done. For several layers,
        go through the `blocks`, take the `positions` of each once, and call `sampled` for every layer.
        """
        missing = self._check(layer, method)
        out = np.full(self.map_grid.shape, missing)
        for first, stop in self.blocks(memory):
            line, sample = self.positions(first, stop)
            values = self.sampled(layer, line, sample, method, carrier=carrier, band=band)
            out[first:stop] = self.device.download(values)
            advance(stop - first)
        return out

    def sampled(
        self,
        layer: RadarLayer,
        line: Any,
        sample: Any,
        method: Method = "bilinear",
        *,
        carrier: kernels.CarrierTable | None = None,
        band: tuple[float, float] = (WIDEST_BAND, WIDEST_BAND),
    ) -> Any:
        """Sample a layer of the radar grid at `positions` in it, reading windows as the memory allows.

        Parameters
        ----------
        layer : [line, sample], of the radar grid's shape: float32 or complex64 (NaN is no data), uint8 (255 is no
            data) or bool (which comes out as uint8).
        line, sample : float64 [row, column] on the device.
        method : "nearest" for classes and flags; "bilinear" or "cubic" for real layers, see `kernels.gather`. A
            map much coarser than the image picks single pixels out of it: average before. "sinc" for complex
            images at full resolution: no data within half of 12 or 16 pixels of the image's edges and of pixels
            without data. All but "nearest" need the phase to turn little from pixel to pixel: interferograms,
            phasors and images at baseband are such; the bursts of TOPS are not, without their ``carrier``.
        carrier : for "sinc", of an image that has one: it is taken off, and put back at the positions.
        band : for "sinc", the shares of the sampling rate that the image occupies in azimuth and in range.

        Returns
        -------
        Values [row, column] on the device, no data (NaN, 255) outside of the image. The bits depend neither on
        blocks nor on the memory.
        """
        missing, xp = self._check(layer, method), self.device.xp
        values = xp.full(line.shape, missing)

        def sampled(lines: slice, samples: slice, y: Any, x: Any) -> Any:
            window = np.ascontiguousarray(layer[lines, samples])
            image = self.device.upload(window.view(np.uint8) if window.dtype == np.bool_ else window)
            if method != "sinc":
                return kernels.gather(image, y, x, method)
            return self._by_sinc(image, (lines.start, samples), y, x, carrier, band)

        self._fill(values, line, sample, self.grid.shape, sampled, 3 * missing.dtype.itemsize)
        return values

    def _check(self, layer: RadarLayer, method: str) -> Any:
        """Return the no-data value of a layer's type; raise AlignsarError for a wrong type or shape."""
        kind = np.dtype(layer.dtype).name
        if tuple(layer.shape) != self.grid.shape:
            raise AlignsarError(
                f"geocoding: a layer of shape {tuple(layer.shape)} does not lie on the radar grid of "
                f"{self.grid.lines} lines and {self.grid.samples} samples: give layers [line, sample] of this grid"
            )
        if kind not in METHODS:
            raise AlignsarError(
                f"geocoding: layers of {kind} are not geocoded: convert numbers to float32, classes to uint8 "
                "(255 is no data), complex numbers to complex64"
            )
        if method not in METHODS[kind]:
            raise AlignsarError(
                f"geocoding: method {method!r} is not possible for a layer of {kind}: choose "
                f"{' or '.join(METHODS[kind])}"
            )
        return kernels.NO_DATA["uint8" if kind == "bool" else kind]

    def _by_sinc(
        self,
        image: Any,
        begin: tuple[int, slice],
        line: Any,
        sample: Any,
        carrier: kernels.CarrierTable | None,
        band: tuple[float, float],
    ) -> Any:
        """Resample a window of a complex image, which begins at a line and holds some samples."""
        first, samples = begin
        if carrier is None:
            none = np.zeros(image.shape[1])
            table = kernels.CarrierTable(none, none, 0.0, 1.0)
        else:
            columns = (carrier.slope[samples], carrier.centroid[samples])
            table = kernels.CarrierTable(
                *columns, carrier.first_time, carrier.interval, carrier.first_line + first
            )
            lines = np.arange(len(image), dtype=np.float64) + table.first_line
            time = table.first_time + lines * table.interval
            image = kernels.ramp(image, *columns, time, -1)
        down, across = (_weights(share) for share in band)
        values, valid = kernels.resample(image, line, sample, down=down, across=across, carrier=table)
        values[~valid] = kernels.NO_DATA["complex64"]
        return values

    def _fill(
        self, out: Any, row: Any, column: Any, shape: tuple[int, int], sampled: Sampler, bytes_per_pixel: int
    ) -> None:
        """Fill values at positions in an image of this shape, reading windows that are not too large.

        ``sampled`` is given the lines and samples of a window and positions in it.
        """
        most = max(int(WINDOW_SHARE * self.device.memory_budget) // bytes_per_pixel, 1)
        parts = [(slice(0, row.shape[0]), slice(0, row.shape[1]))]
        while parts:
            part = parts.pop()
            y, x = row[part], column[part]
            lines, samples = (window_around(p, n, self.device.xp) for p, n in zip((y, x), shape, strict=True))
            pixels = (lines.stop - lines.start) * (samples.stop - samples.start)
            if pixels > most and y.size > 1:
                parts += halves_of(*part)
            elif pixels:
                out[part] = sampled(lines, samples, y - lines.start, x - samples.start)


def window_around(position: Any, count: int, xp: Any) -> slice:
    """Return the part of an axis of ``count`` pixels that encloses positions on it."""
    if not bool(xp.isfinite(position).any()):
        return slice(0, 0)
    first, last = float(xp.nanmin(position)), float(xp.nanmax(position))
    if last < -1.0 or first > count:
        return slice(0, 0)
    return slice(max(math.floor(first) - REACH, 0), min(math.ceil(last) + REACH + 1, count))


def halves_of(rows: slice, columns: slice) -> list[tuple[slice, slice]]:
    """Divide a part of an array in halves, across its longer side."""
    if rows.stop - rows.start >= columns.stop - columns.start:
        middle = (rows.start + rows.stop) // 2
        return [(slice(rows.start, middle), columns), (slice(middle, rows.stop), columns)]
    middle = (columns.start + columns.stop) // 2
    return [(rows, slice(columns.start, middle)), (rows, slice(middle, columns.stop))]
