"""Gridded fields with time: their values at places and times, whatever the format of the file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.frame import transform, turn
from alignsar_gpu.opening.files import DAMAGED
from alignsar_gpu.radarcoding.files import damaged

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.dem.frame import Pair

HOUR = np.timedelta64(3_600_000_000_000, "ns")
WHOLE_TURN = 0.5  # cells that a field may lack of a whole turn and still go round


class Grids(Protocol):
    """The grids of a field, read by time."""

    def read(self, time: int, rows: slice, columns: slice) -> NDArray[np.float64]:
        """Read part of the grid of a time [row, column]; NaN without data."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldFile:
    """A gridded field that is open: at certain times, or constant.

    Attributes
    ----------
    key, name : of the configuration and of the file and its variable, for messages.
    variable, units, long_name : as the file says.
    times : datetime64[ns] (n,), increasing; None where the field has none.
    y, x : of rows and columns, monotonic: degrees, or metres of ``crs``.
    pipeline : from (x, y) to longitude and latitude; empty where they are these. operation : in words.
    period : a full circle in units of x; 0 where x is no longitude.
    tolerance : hours that a date may lie before the first time or after the last.
    """

    key: str
    name: str
    variable: str
    units: str
    long_name: str
    files: tuple[Path, ...]
    times: NDArray[np.datetime64] | None
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    pipeline: str
    operation: str
    period: float
    grids: Grids
    tolerance: float = field(default=0.0)

    def positions(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Pair:
        """Return fractional rows and columns of places (degrees); NaN more than half a cell outside.

        Columns of a field that goes round go on beyond the last.
        """
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
        """Whether the field goes round the Earth: its last column is beside its first."""
        if not self.period or len(self.x) < 2:
            return False
        step = abs(float(self.x[1] - self.x[0]))
        return abs(abs(float(self.x[-1] - self.x[0])) + step - self.period) < WHOLE_TURN * step

    def at(
        self, row: NDArray[np.float64], column: NDArray[np.float64], time: np.datetime64
    ) -> NDArray[np.float64]:
        """Interpolate the field at `positions` and a time: bilinear in space, linear between two times.

        NaN where one of the values that it needs is missing. Raises AlignsarError for a time too far before the
        first or after the last, and for a file that cannot be read.
        """
        out = np.full(np.shape(row), np.nan)
        known = np.isfinite(row) & np.isfinite(column)
        if not known.any():
            return out
        i, j = row[known], column[known]
        rows, columns = _span(i, len(self.y)), _columns(j)
        total = np.zeros(i.shape)
        for number, share in self._shares(time).items():
            values = self._read(number, rows, columns)
            if np.isinf(values).any():
                raise AlignsarError(
                    f"{self.key}: {self.name}: holds infinite values where the image lies: the file is damaged; get it "
                    "again, or say in it which value stands for no data"
                )
            total += share * _bilinear(values, i - rows.start, j - columns.start)
        out[known] = total
        return out

    def _read(self, time: int, rows: slice, columns: slice) -> NDArray[np.float64]:
        count = len(self.x)
        try:
            if self.goes_round and (columns.start < 0 or columns.stop > count):
                wanted = np.arange(columns.start, columns.stop) % count
                return self.grids.read(time, rows, slice(0, count))[:, wanted]
            return self.grids.read(time, rows, slice(max(columns.start, 0), min(columns.stop, count)))
        except DAMAGED as error:
            raise AlignsarError(damaged(self.key, self.name, error)) from None

    def _shares(self, time: np.datetime64) -> dict[int, float]:
        """Return which grids make up the field at a time, and their shares."""
        if self.times is None:
            return {0: 1.0}
        self._require_times(np.array([time]))
        after = int(np.searchsorted(self.times, time))
        if after < len(self.times) and self.times[after] == time:
            return {after: 1.0}
        if after in {0, len(self.times)}:
            return {min(after, len(self.times) - 1): 1.0}
        between = float((time - self.times[after - 1]) / (self.times[after] - self.times[after - 1]))
        return {after - 1: 1.0 - between, after: between}

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
        """Check that the field covers some of the places (degrees) and all times; raise AlignsarError otherwise."""
        if self.times is not None:
            self._require_times(times)
        row, column = self.positions(longitude, latitude)
        if not (np.isfinite(row) & np.isfinite(column)).any():
            unit = "m" if self.pipeline and not self.period else "degrees"
            raise AlignsarError(
                f"{self.key}: {self.name}: has x from {self.x.min():g} to {self.x.max():g} and y from {self.y.min():g} "
                f"to {self.y.max():g} {unit}, but the image lies at longitude {np.nanmin(longitude):.3f} to "
                f"{np.nanmax(longitude):.3f}, latitude {np.nanmin(latitude):.3f} to {np.nanmax(latitude):.3f}; choose "
                "a file that covers it"
            )


def _minute(time: np.datetime64) -> str:
    return str(time.astype("datetime64[m]")).replace("T", " ")


def _hours(times: NDArray[np.datetime64], outside: NDArray[np.datetime64]) -> int:
    """Return the hours, rounded up, that the farthest of some times lies outside."""
    farthest = max(times[0] - outside.min(), outside.max() - times[-1])
    return math.ceil(float(farthest / HOUR))


def _position(axis: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fractional index of values on a monotonic axis: held half a cell beyond the ends, NaN farther out."""
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
    """Return the rows that enclose positions."""
    first = min(int(np.floor(place.min())), max(count - 2, 0))
    return slice(first, min(int(np.floor(place.max())) + 2, count))


def _columns(place: NDArray[np.float64]) -> slice:
    """Return the columns that enclose positions; beyond the ends of a field that goes round."""
    return slice(int(np.floor(place.min())), int(np.floor(place.max())) + 2)


def _bilinear(
    grid: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate a grid bilinearly; NaN where a node with a weight is missing."""
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
