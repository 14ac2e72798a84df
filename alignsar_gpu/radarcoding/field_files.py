"""Gridded fields with time, of any kind of file: their values at places and times."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem_frame import transform, turn

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HOUR = np.timedelta64(3_600_000_000_000, "ns")
WHOLE_TURN = 0.5  # cells that a field may lack of a whole turn and still go round


class Grids(Protocol):
    """What holds the values: grids at times."""

    def read(self, time: int, rows: slice, columns: slice) -> NDArray[np.float64]:
        """Part of the grid of a time [row, column]; NaN without data."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldFile:
    """A field on a grid, at times or for all of them.

    Attributes
    ----------
    key : of the configuration, for messages.
    name : file and variable. units, long_name : as the file says.
    times : datetime64[ns] (n,), increasing; None where the field has none.
    y, x : of rows and columns, monotonic: degrees, or metres of ``crs``.
    pipeline : from (x, y) to longitude and latitude; empty where they are these.
    period : a full circle in units of x; 0 where x is no longitude.
    tolerance : hours that a date may lie before the first time or after the last.
    """

    key: str
    name: str
    units: str
    long_name: str
    files: tuple[Path, ...]
    times: NDArray[np.datetime64] | None
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    pipeline: str
    period: float
    grids: Grids
    tolerance: float = field(default=0.0)

    def _places(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional rows and columns (n,); NaN outside. Columns of a field that goes round go on beyond the last."""
        x, y = longitude, latitude
        if self.pipeline:
            x, y = transform(self.pipeline, longitude, latitude, back=True)
        if self.period:
            x = turn(x, 0.5 * float(self.x[0] + self.x[-1]), self.period)
            if self.goes_round:
                x = np.where(x < min(self.x[0], self.x[-1]), x + self.period, x)
        row = _position(self.y, y)
        if not self.goes_round:
            return row, _position(self.x, x)
        step = float(self.x[1] - self.x[0])
        ahead = np.append(self.x, self.x[-1] + step) if step > 0 else np.insert(self.x, 0, self.x[0] - step)
        column = _position(ahead, x)
        return row, column if step > 0 else column - 1.0

    @property
    def goes_round(self) -> bool:
        """Whether the last column is beside the first."""
        if not self.period or len(self.x) < 2:
            return False
        step = abs(float(self.x[1] - self.x[0]))
        return abs(abs(float(self.x[-1] - self.x[0])) + step - self.period) < WHOLE_TURN * step

    def at(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64], times: NDArray[np.datetime64]
    ) -> NDArray[np.float64]:
        """Values [time, ...] at places (degrees) and times: bilinear, and linear between two times.

        NaN where one of the values that it needs is missing, and more than half a cell outside the field. Raises
        AlignsarError where times lie too far before the first or after the last.
        """
        shape = np.shape(longitude)
        row, column = self._places(np.ravel(longitude), np.ravel(latitude))
        out = np.full((len(times), row.size), np.nan)
        known = np.isfinite(row) & np.isfinite(column)
        if known.any():
            rows, columns = _span(row[known], len(self.y)), _columns(column[known])
            kept: dict[int, NDArray[np.float64]] = {}
            for number, shares in enumerate(self._shares(times)):
                kept = {time: kept[time] for time in shares if time in kept}
                total = np.zeros(int(known.sum()))
                for time, share in shares.items():
                    if time not in kept:
                        kept[time] = _bilinear(
                            self._read(time, rows, columns),
                            row[known] - rows.start,
                            column[known] - columns.start,
                        )
                    total += share * kept[time]
                out[number, known] = total
        return out.reshape(len(times), *shape)

    def _read(self, time: int, rows: slice, columns: slice) -> NDArray[np.float64]:
        count = len(self.x)
        if columns.start >= 0 and columns.stop <= count:
            return self.grids.read(time, rows, columns)
        if not self.goes_round:
            return self.grids.read(time, rows, slice(max(columns.start, 0), min(columns.stop, count)))
        wanted = np.arange(columns.start, columns.stop) % count
        return self.grids.read(time, rows, slice(0, count))[:, wanted]

    def _shares(self, times: NDArray[np.datetime64]) -> list[dict[int, float]]:
        """Which grids make up the field at each time, and their shares."""
        if self.times is None:
            return [{0: 1.0} for _ in times]
        self._require_times(times)
        found = []
        for time in times.astype("datetime64[ns]"):
            after = int(np.searchsorted(self.times, time))
            if after < len(self.times) and self.times[after] == time:
                found.append({after: 1.0})
            elif after in {0, len(self.times)}:
                found.append({min(after, len(self.times) - 1): 1.0})
            else:
                between = (time - self.times[after - 1]) / (self.times[after] - self.times[after - 1])
                found.append({after - 1: 1.0 - float(between), after: float(between)})
        return found

    def _require_times(self, times: NDArray[np.datetime64]) -> None:
        assert self.times is not None
        margin = np.timedelta64(round(self.tolerance * 3.6e12), "ns")
        outside = times[(times < self.times[0] - margin) | (times > self.times[-1] + margin)]
        if len(outside):
            raise AlignsarError(
                f"{self.key}: {self.name}: has times from {_minute(self.times[0])} to {_minute(self.times[-1])} UTC, "
                f"and dates of the stack are {', '.join(_minute(time) for time in outside)}; give a file that has "
                f"them, or allow for it ({self.key}.tolerance_hours={_hours(self.times, outside)})"
            )

    def require(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64], times: NDArray[np.datetime64]
    ) -> None:
        """Raise AlignsarError where the field has none of some places (degrees), or not the times."""
        if self.times is not None:
            self._require_times(times)
        row, column = self._places(np.ravel(longitude), np.ravel(latitude))
        if not (np.isfinite(row) & np.isfinite(column)).any():
            unit = "m" if self.pipeline and not self.period else "degrees"
            raise AlignsarError(
                f"{self.key}: {self.name}: has x from {self.x.min():g} to {self.x.max():g} and y from {self.y.min():g} "
                f"to {self.y.max():g} {unit}, and nothing of the image: longitude {np.nanmin(longitude):.3f} to "
                f"{np.nanmax(longitude):.3f}, latitude {np.nanmin(latitude):.3f} to {np.nanmax(latitude):.3f}; choose "
                "a file that covers it"
            )


def _minute(time: np.datetime64) -> str:
    return str(time.astype("datetime64[m]")).replace("T", " ")


def _hours(times: NDArray[np.datetime64], outside: NDArray[np.datetime64]) -> int:
    """Hours, rounded up, that the farthest of some times lies outside."""
    farthest = max(times[0] - outside.min(), outside.max() - times[-1])
    return math.ceil(float(farthest / HOUR))


def _position(axis: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractional place on a monotonic axis; the ends hold for half a cell beyond, NaN farther out."""
    count = len(axis)
    if count == 1:
        return np.zeros_like(value)
    rising = axis[0] < axis[-1]
    ordered = axis if rising else axis[::-1]
    first, last = ordered[1] - ordered[0], ordered[-1] - ordered[-2]
    place = np.interp(value, ordered, np.arange(count, dtype=np.float64))
    outside = ~((value >= ordered[0] - 0.5 * first) & (value <= ordered[-1] + 0.5 * last))
    place = place if rising else count - 1 - place
    return np.where(outside, np.nan, place)


def _span(place: NDArray[np.float64], count: int) -> slice:
    """Rows that places lie between."""
    first = min(int(np.floor(place.min())), max(count - 2, 0))
    return slice(first, min(int(np.floor(place.max())) + 2, count))


def _columns(place: NDArray[np.float64]) -> slice:
    """Columns that places lie between; of a field that goes round, perhaps beyond its ends."""
    return slice(int(np.floor(place.min())), int(np.floor(place.max())) + 2)


def _bilinear(
    grid: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values of a grid between its nodes; NaN where one that counts is missing."""
    i = np.clip(np.floor(row).astype(np.intp), 0, max(grid.shape[0] - 2, 0))
    j = np.clip(np.floor(column).astype(np.intp), 0, max(grid.shape[1] - 2, 0))
    v, u = row - i, column - j
    below, right = np.minimum(i + 1, grid.shape[0] - 1), np.minimum(j + 1, grid.shape[1] - 1)
    total = np.zeros(row.shape)
    for rows, columns, weight in (
        (i, j, (1.0 - v) * (1.0 - u)),
        (i, right, (1.0 - v) * u),
        (below, j, v * (1.0 - u)),
        (below, right, v * u),
    ):
        total += np.where(weight == 0.0, 0.0, weight * grid[rows, columns])
    return total
