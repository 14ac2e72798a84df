"""The surface that the pixels of an image lie on by what the cube says of them, where no DEM was used.

The height of a place is that of the pixel that shows it, and which pixel that is depends on the height: the height is
searched for at which both agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from alignsar_gpu import kernels
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.stored.files import DAMAGED, damaged, packed, read_facts, write_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

TOGETHER = 256  # places each way, whose pixels are read together
LEAST_RELIEF = 1.0  # m up and down
ENOUGH = 1e-3  # m
ITERATIONS = 60
NODES = "heights"
FACTS = ("lowest", "highest", "step")


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelHeights:
    """Heights of the pixels of an image, to be kept.

    Attributes
    ----------
    lowest, highest : m above the ellipsoid.
    nodes : float32 [line, sample], heights of some pixels; None for the layer ``height`` of the cube.
    step : lines and samples from a node to the next, beginning with the first.
    """

    lowest: float
    highest: float
    nodes: NDArray[np.float32] | None = None
    step: int = 1

    def write(self, group: zarr.Group, published: Callable[[str], str]) -> None:  # noqa: ARG002  (no texts of others)
        """Write them into an empty group."""
        if self.nodes is not None:
            group.create_array(NODES, data=self.nodes, compressors=packed("float32"))
        layer = "height" if self.nodes is None else NODES
        write_facts(group, {"layer": layer, **{name: getattr(self, name) for name in FACTS}})


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelSurface:
    """The surface that the pixels of an image lie on; beyond the image, that of the outermost pixels.

    Attributes
    ----------
    layer : a Zarr array [line, sample] of heights of pixels, which has one of every ``step`` lines and samples.
    lowest, highest : of the heights, m above the ellipsoid.
    grid, orbit, doppler, offset : of the image, see `geometry.CubeGeometry`.
    """

    layer: Path
    step: int
    lowest: float
    highest: float
    grid: RadarGrid
    orbit: Orbit
    doppler: Doppler | None
    offset: tuple[float, float] | Callable[[Any, Any], tuple[Any, Any]]
    source: str = "the heights of the cube's own pixels"

    def require(self, longitude: ArrayLike, latitude: ArrayLike, what: str) -> None:
        """See `Dem.require`: there are heights all over the image."""

    def height_at(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
        """Find the heights (m above the ellipsoid) of places [..., row, column] (degrees), broadcast.

        NaN where the pixel that shows a place has no height. Where several do, in layover, one of them. A place has
        the same bits whatever other rows are asked for.
        """
        lon, lat = np.broadcast_arrays(
            np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
        )
        columns = lon.shape[-1] if lon.ndim else 1
        places = [np.ascontiguousarray(part).reshape(-1, columns) for part in (lon, lat)]
        height = np.empty(places[0].shape)
        for top in range(0, height.shape[0], TOGETHER):
            for left in range(0, columns, TOGETHER):
                part = slice(top, top + TOGETHER), slice(left, left + TOGETHER)
                height[part] = self._heights(*(place[part] for place in places))
        return height.reshape(lon.shape)

    def _heights(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
        middle = 0.5 * (self.lowest + self.highest)
        half = max(0.5 * (self.highest - self.lowest), LEAST_RELIEF)
        seen = [self._seen(longitude, latitude, middle + u * half) for u in (-1.0, 0.0, 1.0)]
        curves = [Parabolas(*(place[axis].ravel() for place in seen)) for axis in (0, 1)]
        heights, origin = self._window(seen)

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
        later, farther = self.offset(line, sample) if callable(self.offset) else self.offset
        return line + later, sample + farther

    def _window(self, seen: list[Pair]) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Heights of the pixels around places, and row and column of the first."""
        try:
            layer = zarr.open_array(self.layer, mode="r", zarr_format=3)
            window = []
            for axis, count in enumerate(layer.shape):
                position = np.stack([place[axis] for place in seen]) / self.step
                known = position[np.isfinite(position)]
                ends = np.clip([known.min(), known.max()] if known.size else [0.0, 0.0], 0.0, count - 1.0)
                window.append(slice(int(ends[0]), min(int(ends[1]) + 2, count)))
            heights = np.ascontiguousarray(layer[tuple(window)], dtype=np.float32)
        except DAMAGED as error:
            raise damaged(self.layer, error) from None
        return heights, (window[0].start, window[1].start)


class Parabolas:
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


def read_surface(folder: Path, cube: Path, **geometry: Any) -> PixelSurface:
    """Open the surface that the group in ``folder`` describes, of a cube's image; ``geometry``: its other facts."""
    facts = read_facts(zarr.open_group(folder, mode="r", zarr_format=3))
    return PixelSurface(
        layer=cube / "height" if facts["layer"] == "height" else folder / NODES,
        **{name: facts[name] for name in FACTS},
        **geometry,
    )
