"""Tiles of a map: where its pixels are in the image is computed once, and serves all layers and dates.

A map that is coarser than the image gets means over the ground: each pixel is divided into parts that are as small as
pixels of the image, the layer is sampled in these, and the values are averaged. Of classes the most frequent counts, of
phases the phase of the averaged phasors. A pixel has 65536 parts at most: in one of more than a kilometre they are
farther from each other than pixels of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.geocoding.positions import WINDOW_SHARE, Geocoding, halves_of, window_around

if TYPE_CHECKING:
    from collections.abc import Iterator


Interpolation = Literal["nearest", "bilinear", "cubic"]

IDS, NO_ID = (
    np.dtype(np.int32),
    np.int32(-1),
)  # layers of numbers of objects, and what stands for no data in them
SIDE = 512  # rows and columns of a tile
LEAST_SIDE = 8
MOST_PARTS = 1 << 22  # of pixels, in a tile: smaller tiles, where a pixel has many
MOST_OF_PIXEL = MOST_PARTS // LEAST_SIDE**2  # of a pixel: with more, means are of some of the image's pixels
TOGETHER = 1 << 20  # of these, positions are computed at a time
LEAST_SHARE = 0.5  # of the parts of a pixel must have data
PROBES = 5  # places each way, at which the size of pixels is looked at
NEAR = 0.01  # of a pixel
BYTES_PER_PIXEL = 24  # of a window of a layer: as it is read, and what is made of it


class RadarLayer(Protocol):
    """A layer [line, sample] that can be geocoded, of which windows are read, such as an array of numpy or Zarr."""

    @property
    def dtype(self) -> Any:
        """Type of the pixels."""
        ...

    def __getitem__(self, window: Any, /) -> Any: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class MapTiles:
    """A map in tiles.

    Attributes
    ----------
    geocoding : of the map.
    parts : rows and columns that each pixel of it is divided into.
    """

    geocoding: Geocoding
    parts: tuple[int, int]

    @classmethod
    def over(cls, geocoding: Geocoding, *, average: bool = True) -> MapTiles:
        """Divide a map into tiles, its pixels into parts as small as those of the image; ``average``: if need be."""
        return cls(geocoding=geocoding, parts=_parts(geocoding) if average else (1, 1))

    @property
    def side(self) -> int:
        """Rows and columns of a tile."""
        side = SIDE
        while side > LEAST_SIDE and side * side * self.parts[0] * self.parts[1] > MOST_PARTS:
            side //= 2
        return side

    @cached_property
    def _fine(self) -> Geocoding:
        """The geocoding of the parts of pixels."""
        coarse, (down, across) = self.geocoding.map_grid, self.parts
        if (down, across) == (1, 1):
            return self.geocoding
        a, b, c, d, e, f = coarse.affine
        shape = coarse.shape[0] * down, coarse.shape[1] * across
        fine = replace(coarse, affine=(a / across, b, c, d, e / down, f), shape=shape)
        return replace(self.geocoding, map_grid=fine)

    def row(self, number: int) -> Iterator[Tile]:
        """Yield the tiles of a row of tiles, from left to right."""
        rows, columns = self.geocoding.map_grid.shape
        top = number * self.side
        for left in range(0, columns, self.side):
            yield self._tile(
                slice(top, min(top + self.side, rows)), slice(left, min(left + self.side, columns))
            )

    @property
    def count(self) -> int:
        """Number of rows of tiles."""
        return -(-self.geocoding.map_grid.shape[0] // self.side)

    def _tile(self, rows: slice, columns: slice) -> Tile:
        down, across = self.parts
        fine = slice(columns.start * across, columns.stop * across)
        step = max(TOGETHER // (fine.stop - fine.start), 1)
        edges = range(rows.start * down, rows.stop * down, step)
        xp = self.geocoding.device.xp
        shape = (rows.stop - rows.start) * down, fine.stop - fine.start
        line, sample = (xp.empty(shape, dtype=np.float64) for _ in range(2))
        for first in edges:
            stop = min(first + step, edges.stop)
            part = slice(first - edges.start, stop - edges.start)
            line[part], sample[part] = self._fine.positions(first, stop, fine)
        windows = window_around(line, sample, self.geocoding.grid.shape)
        line -= windows[0].start
        sample -= windows[1].start
        return Tile(
            geocoding=self.geocoding,
            rows=rows,
            columns=columns,
            parts=self.parts,
            lines=windows[0],
            samples=windows[1],
            line=line,
            sample=sample,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """A part of a map.

    Attributes
    ----------
    geocoding : of the map.
    rows, columns : of the map.
    parts : rows and columns that each of its pixels is divided into.
    lines, samples : the window of the image that shows it; empty where none does.
    line, sample : positions of the parts of pixels in the window, on the device.
    """

    geocoding: Geocoding
    rows: slice
    columns: slice
    parts: tuple[int, int]
    lines: slice
    samples: slice
    line: Any
    sample: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @cached_property
    def centre(self) -> Tile:
        """The same tile, whose pixels are not divided: each is where the parts in its middle are."""
        (down, across), (top, left) = self.parts, ((count - 1) // 2 for count in self.parts)
        line, sample = (
            0.5 * (place[top::down, left::across] + place[down // 2 :: down, across // 2 :: across])
            for place in (self.line, self.sample)
        )
        return replace(self, parts=(1, 1), line=line, sample=sample)

    def sampled(self, layer: RadarLayer, method: Interpolation, *, phase: bool = False) -> Any:
        """Bring a layer [line, sample] of the image to the map.

        Parameters
        ----------
        layer : of the radar grid's shape: float32 or complex64 (NaN is no data; float64 is made float32), uint8 (255
            is no data), int32 (ids; -1 is no data) or bool.
        method : "nearest", "bilinear" or "cubic", see `kernels.gather`; classes, flags and ids are taken from the
            nearest pixel in any case, and ids from that at the middle of the map's pixel.
        phase : whether values are angles in radians that go round.

        Returns
        -------
        Values [row, column] on the device, of the layer's type (uint8 for bool); no data (NaN, 255, -1) where less
        than half of a pixel has some.
        """
        kind = np.dtype(layer.dtype)
        if kind == IDS and self.parts != (1, 1):
            return self.centre.sampled(layer, "nearest")
        stored = np.dtype({"b": "u1", "f": "f4"}.get(kind.kind, kind))
        values = self.geocoding.device.xp.full(
            self.shape, NO_ID if stored == IDS else kernels.NO_DATA[stored.name]
        )
        most = int(WINDOW_SHARE * self.geocoding.device.memory_budget) // BYTES_PER_PIXEL
        pieces = [self] if self._pixels else []
        while pieces:
            piece = pieces.pop()
            if piece._pixels > most and max(piece.shape) > 1:  # noqa: SLF001
                pieces += piece._halves()  # noqa: SLF001
            else:
                within = tuple(
                    slice(part.start - whole.start, part.stop - whole.start)
                    for part, whole in ((piece.rows, self.rows), (piece.columns, self.columns))
                )
                values[within] = piece._in_window(layer, stored, method, phase=phase)  # noqa: SLF001
        return values

    @property
    def _pixels(self) -> int:
        """Pixels of the window."""
        return math.prod(part.stop - part.start for part in (self.lines, self.samples))

    def _halves(self) -> list[Tile]:
        """Divide the tile across its longer side into two; without such as show nothing of the image."""
        halves = []
        for part in halves_of(slice(0, self.shape[0]), slice(0, self.shape[1])):
            place = tuple(slice(s.start * n, s.stop * n) for s, n in zip(part, self.parts, strict=True))
            xp = self.geocoding.device.xp
            line, sample = (xp.ascontiguousarray(position[place]) for position in (self.line, self.sample))
            held = self.lines.stop - self.lines.start, self.samples.stop - self.samples.start
            lines, samples = window_around(line, sample, held)
            half = replace(
                self,
                rows=_moved(part[0], self.rows.start),
                columns=_moved(part[1], self.columns.start),
                lines=_moved(lines, self.lines.start),
                samples=_moved(samples, self.samples.start),
                line=line - lines.start,
                sample=sample - samples.start,
            )
            halves += [half] if half._pixels else []  # noqa: SLF001
        return halves

    def _ids(self, image: Any) -> Any:
        """Bring whole numbers to the tile byte by byte: of no data, all bytes are 255, and the number is -1."""
        xp = self.geocoding.device.xp
        parts = image.view(np.uint8).reshape(*image.shape, IDS.itemsize)
        found = [
            kernels.gather(xp.ascontiguousarray(parts[..., k]), self.line, self.sample, "nearest")
            for k in range(IDS.itemsize)
        ]
        return xp.ascontiguousarray(xp.stack(found, axis=-1)).view(IDS)[..., 0]

    def _in_window(
        self, layer: RadarLayer, stored: np.dtype[Any], method: Interpolation, *, phase: bool
    ) -> Any:
        """Bring the window of a layer to the tile."""
        device = self.geocoding.device
        window = np.ascontiguousarray(layer[self.lines, self.samples])
        image = device.upload(window.astype(stored, copy=False))
        if stored == IDS:
            return self._ids(image)
        averaged = self.parts != (1, 1)
        if turned := phase and (averaged or method != "nearest"):
            image = kernels.phases_to_phasors(image)
        chosen = "nearest" if stored.kind == "u" else method
        values = kernels.gather(image, self.line, self.sample, chosen)
        if averaged:
            least = math.ceil(LEAST_SHARE * self.parts[0] * self.parts[1])
            values = kernels.average_parts(values, self.parts, least)
        return kernels.phasors_to_phases(values) if turned else values


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _parts(geocoding: Geocoding) -> tuple[int, int]:
    """Return the rows and columns that pixels are divided into: by how many pixels of the image each is long."""
    rows, columns = geocoding.map_grid.shape
    places = np.linspace(0.1, 0.9, PROBES)
    row, column = (
        place.ravel() for place in np.meshgrid(places * rows - 0.5, places * columns - 0.5, indexing="ij")
    )
    height = np.nan_to_num(geocoding.dem.height_at(*geocoding.map_grid.geodetic(row, column)))
    line, sample = (
        np.stack(
            [
                geocoding.seen(row + down, column + across, height)[axis]
                for down, across in ((0, 0), (NEAR, 0), (0, NEAR))
            ]
        )
        for axis in (0, 1)
    )
    steps = np.maximum(np.abs(line[1:] - line[0]), np.abs(sample[1:] - sample[0])) / NEAR
    longest = [float(np.max(step[np.isfinite(step)], initial=1.0)) for step in steps]
    down, across = (max(round(pixels), 1) for pixels in longest)
    fewer = min((MOST_OF_PIXEL / (down * across)) ** 0.5, 1.0)
    return max(int(down * fewer), 1), max(int(across * fewer), 1)
