"""Geoid undulation above the WGS84 ellipsoid, from a regular grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

READ_AHEAD = 64  # rows read around what is asked for: 2.7 degrees of a 2.5' grid, so that reads are few
CHUNK = 16384  # points interpolated at a time, so that intermediate arrays stay in the cache
HIGHEST = 200.0  # metres; undulations of the Earth lie between -107 and 86
HAIR = 1e-6  # of a node: what rounding may put a point outside the grid


class NodeReader(Protocol):
    """Reader of the nodes of a geoid grid file."""

    def __call__(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Undulations (row, column) in metres, NaN where the file has none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Geoid:
    """Geoid undulations on a regular grid of longitude and latitude, interpolated from 4 x 4 nodes.

    Cubic convolution (R. Keys, IEEE Trans. ASSP 29, 1981, a = -1/2) is exact for quadratic functions. The
    grids of EGM96 (degree 360 on 15') and EGM2008 (degree 2190 on 2.5') have four nodes in their shortest
    wave, of which it loses 12 % half way between nodes, and 0.8 % of one twice as long. For undulations as
    strong as Kaula's rule says (90 m n^-3/2 rms for degree n) that makes 1.0 cm rms (EGM96) and 0.2 cm
    (EGM2008) in the middle of a cell, where it is largest; bilinear interpolation has 5.3 cm and 0.9 cm.

    Both models are taken in the tide-free system, in which NGA publishes grids and check values and PROJ
    and GDAL apply them, and which is that of the coordinates (ITRF) the orbits are given in. Where a DEM's
    producer used mean-tide undulations, its heights are off by (9.9 - 29.6 sin^2(latitude)) 1.3 cm: 13 cm
    at the equator, -26 cm at the poles, smooth over thousands of kilometres, and a fifteenth of the
    stated accuracy of the best global DEM (Copernicus, 4 m at 90 %).

    Attributes
    ----------
    name : the model, or what the user called for.
    source : where the grid was read from.
    first_longitude, first_latitude : degrees, of node (0, 0).
    longitude_step, latitude_step : degrees from a node to the next, of either sign.
    shape : (rows, columns) of the file; a repeated meridian at the end does no harm.
    read : reads nodes.
    """

    name: str
    source: str
    first_longitude: float
    first_latitude: float
    longitude_step: float
    latitude_step: float
    shape: tuple[int, int]
    read: NodeReader
    _cache: list[_Band] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if min(self.shape) < 4:
            raise AlignsarError(
                f"geoid grid {self.source}: has {self.shape[0]} x {self.shape[1]} nodes, "
                "interpolation needs at least four each way"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": []}  # other processes read their own nodes

    def undulation(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
        """Interpolate the undulation (m) at points (degrees, broadcast); NaN where a point is not finite.

        A point's value does not depend on the other points. Longitudes wrap. Raises AlignsarError where a
        grid that does not span the Earth does not cover a point.
        """
        longitudes, latitudes = np.broadcast_arrays(
            np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
        )
        lon, lat = longitudes.ravel(), latitudes.ravel()
        out = np.full(lon.shape, np.nan)
        finite = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        if len(finite):
            row, v = self._rows(lat[finite])
            column, u = self._columns(lon[finite])
            band = self._band(row)
            top = row - 1 - band.top
            for start in range(0, len(finite), CHUNK):
                part = slice(start, start + CHUNK)
                out[finite[part]] = _points(band.values, top[part], column[part], v[part], u[part])
        return out.reshape(longitudes.shape)

    def undulation_on_axes(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Interpolate the undulation (m) [latitude, longitude] on a grid of meridians and parallels (degrees).

        The same bits as ``undulation`` gives at each point, and faster.
        """
        row, v = self._rows(latitude)
        column, u = self._columns(longitude)
        band = self._band(row)
        top = row - 1 - band.top
        first = int(top.min())
        block = band.values[first : int(top.max()) + 4]
        lines = _combine([block[:, column + k].astype(np.float64) for k in range(4)], _keys(u))
        weights = np.stack(_keys(v), axis=1)
        out = np.empty((len(latitude), len(longitude)))
        for i, j in enumerate((top - first).tolist()):
            out[i] = _combine(lines[j : j + 4], weights[i])
        return out

    @cached_property
    def _period(self) -> int:
        """Columns of a full circle, 0 where the grid does not go round the Earth."""
        columns = 360.0 / abs(self.longitude_step)
        whole = round(columns)
        return whole if abs(columns - whole) < 1e-3 and self.shape[1] >= whole else 0

    @cached_property
    def _poles(self) -> tuple[int, int] | None:
        """Twice the (fractional) rows of the first and the last pole, None where the grid stops before.

        Twice, because a pole lies on a row of nodes or half way between a row and its reflection.
        """
        ends = np.copysign(90.0, [-self.latitude_step, self.latitude_step])
        twice = 2.0 * (ends - self.first_latitude) / self.latitude_step
        whole = np.rint(twice)
        last = 2 * (self.shape[0] - 1)
        reached = -1 <= whole[0] <= 0 and last <= whole[1] <= last + 1
        if self._period % 2 or not self._period or not reached or np.abs(twice - whole).max() > 1e-3:
            return None
        return int(whole[0]), int(whole[1])

    def _rows(self, latitude: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Row of the cell that a latitude lies in, and the fraction inside the cell."""
        if self._poles is not None:
            latitude = np.clip(latitude, -90.0, 90.0)
        position = (latitude - self.first_latitude) / self.latitude_step
        row = np.floor(position)
        if self._poles is None:
            last = self.shape[0] - 1
            if position.min() < -HAIR or position.max() > last + HAIR:
                self._refuse("latitude", latitude, self.first_latitude, self.latitude_step * last)
            row = np.clip(row, 0, last - 1)
        return row.astype(np.intp), position - row

    def _columns(self, longitude: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Column of the cell that a longitude, of any turn, lies in, and the fraction inside the cell."""
        last = self.shape[1] - 1
        if not self._period:
            middle = self.first_longitude + 0.5 * self.longitude_step * last
            longitude = longitude - 360.0 * np.rint((longitude - middle) / 360.0)
        position = (longitude - self.first_longitude) / self.longitude_step
        column = np.floor(position)
        if not self._period:
            if position.min() < -HAIR or position.max() > last + HAIR:
                self._refuse("longitude", longitude, self.first_longitude, self.longitude_step * last)
            column = np.clip(column, 0, last - 1)
        fraction = position - column
        return np.mod(column, self._period or np.inf).astype(np.intp), fraction

    def _refuse(self, axis: str, value: NDArray[np.float64], first: float, extent: float) -> NoReturn:
        low, high = sorted((first, first + extent))
        raise AlignsarError(
            f"geoid grid {self.source} covers {axis} {low:.4f} to {high:.4f}, but {value.min():.4f} to "
            f"{value.max():.4f} is needed: name a grid that covers the whole area (dem.geoid)"
        )

    def _band(self, row: NDArray[np.intp]) -> _Band:
        """Return the nodes around all rows of cells: those read last where they suffice, else read anew."""
        top, bottom = int(row.min()) - 1, int(row.max()) + 3
        for band in self._cache:
            if band.top <= top and bottom <= band.top + len(band.values):
                return band
        outer = 1 if self._poles is None else 2
        top, bottom = max(top - READ_AHEAD, -outer), min(bottom + READ_AHEAD, self.shape[0] + outer)
        values = self._read(top, bottom)
        if np.any(np.abs(values) > HIGHEST):
            raise AlignsarError(
                f"geoid grid {self.source}: holds {np.nanmin(values):.0f} to {np.nanmax(values):.0f}, and no "
                "undulation of the Earth is beyond 110 m: name a grid of undulations in metres (dem.geoid)"
            )
        band = _Band(values, top)
        self._cache[:] = [band]
        return band

    def _read(self, top: int, bottom: int) -> NDArray[Any]:
        """Read rows with all their columns, and a node or two more on every side, which may lie outside the file.

        Round the Earth the columns go on; past a pole a meridian goes on half a turn away. At the edges of a grid that
        stops short, one row or column is added in a straight line.
        """
        rows, columns = self.shape[0], slice(0, self._period or self.shape[1])
        there = self.read(slice(max(top, 0), min(bottom, rows)), columns)
        if self._poles is None:
            there = _extended(there, before=top < 0, after=bottom > rows)
        else:
            first, last = self._poles
            beyond = [
                slice(first + 1, first + 1 - min(top, 0)),
                slice(last + 1 - max(bottom, rows), last + 1 - rows),
            ]
            before, after = (
                np.roll(self.read(part, columns)[::-1], self._period // 2, axis=1) for part in beyond
            )
            there = np.concatenate([before, there, after])
        if self._period:
            return np.concatenate([there[:, -1:], there, there[:, :3]], axis=1)
        return _extended(there.T, before=True, after=True).T


@dataclass(frozen=True, eq=False)
class _Band:
    """Rows of nodes from row ``top`` on, with one column before the first and one or more after the last."""

    values: NDArray[Any]
    top: int


def _extended(values: NDArray[Any], *, before: bool, after: bool) -> NDArray[Any]:
    """``values`` with a first and a last row added where asked for, continued in a straight line."""
    parts = [2 * values[:1] - values[1:2]] * before + [values] + [2 * values[-1:] - values[-2:-1]] * after
    return np.concatenate(parts)


def _keys(t: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Weights of the nodes at -1, 0, 1, 2 for a point at ``t`` between 0 and 1."""
    return (
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )


def _combine(values: Sequence[NDArray[np.float64]] | NDArray[np.float64], weights: Any) -> Any:
    """Sum of four products, always in the same order: the bits are those of each point alone."""
    total = values[0] * weights[0]
    for k in (1, 2, 3):
        total += values[k] * weights[k]
    return total


def _points(
    values: NDArray[Any],
    top: NDArray[np.intp],
    left: NDArray[np.intp],
    v: NDArray[np.float64],
    u: NDArray[np.float64],
) -> NDArray[np.float64]:
    across = _keys(u)
    flat = values.ravel()
    first = top * values.shape[1] + left
    lines = []
    for down in range(4):
        row = first + down * values.shape[1]
        lines.append(_combine([flat[row + k].astype(np.float64) for k in range(4)], across))
    return np.asarray(_combine(lines, _keys(v)))
