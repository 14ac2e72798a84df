"""Gridded fields with time: their values at places and times, whatever the format of the file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import interpn

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.frame import transform, turn
from alignsar_gpu.opening.files import DAMAGED
from alignsar_gpu.radarcoding.files import damaged

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.geometry.dem.frame import Pair

HOUR = np.timedelta64(3_600_000_000_000, "ns")


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldFile:
    """A gridded field that is open: at certain times, or constant.

    Attributes
    ----------
    key, name : of the configuration and of the file and its variable, for messages.
    array : its values (time, y, x) or (y, x), read where they are needed.
    times : datetime64[ns] (n,), increasing; None where the field has none.
    y, x : of rows and columns, increasing: degrees, or metres of its system. Where the last column of a field that
        goes round the Earth is beside its first, ``x`` has the first once more at its end.
    pipeline : from (x, y) to longitude and latitude; empty where they are these. operation : in words.
    period : a full circle in units of x; 0 where x is no longitude.
    tolerance : hours that a date may lie before the first time or after the last.
    """

    key: str
    name: str
    files: tuple[Path, ...]
    array: xr.DataArray
    times: NDArray[np.datetime64] | None
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    pipeline: str
    operation: str
    period: float
    tolerance: float

    @property
    def variable(self) -> str:
        """Name of the variable in the file."""
        return str(self.array.name or "")

    def stated(self, attribute: str) -> str:
        """Return an attribute of the variable, such as its units; empty where it has none."""
        return str(self.array.attrs.get(attribute, ""))

    def positions(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Pair:
        """Return y and x of places (degrees): held half a cell beyond the ends of the field, NaN farther out."""
        x, y = longitude, latitude
        if self.pipeline:
            x, y = transform(self.pipeline, longitude, latitude, back=True)
        if self.period:
            x = turn(x, 0.5 * float(self.x[0] + self.x[-1]), self.period)
        return _held(self.y, y), _held(self.x, x)

    def at(self, y: NDArray[np.float64], x: NDArray[np.float64], time: np.datetime64) -> NDArray[np.float64]:
        """Interpolate the field at `positions` and a time: bilinear in space, linear between two times.

        NaN where one of the values that it needs is missing. Raises AlignsarError for a time too far before the
        first or after the last, and for a file that cannot be read.
        """
        out = np.full(np.shape(y), np.nan)
        known = np.isfinite(y) & np.isfinite(x)
        if not known.any():
            return out
        rows, columns = _around(self.y, y[known]), _around(self.x, x[known])
        grid = sum(share * self._read(place, rows, columns) for place, share in self._shares(time).items())
        out[known] = interpn((self.y[rows], self.x[columns]), grid, (y[known], x[known]))
        return out

    def _read(self, time: int, rows: slice, columns: slice) -> NDArray[np.float64]:
        part = self.array if self.times is None else self.array[time]
        count = part.shape[1]
        read = slice(0, count) if columns.stop > count else columns
        try:
            values = np.asarray(part[rows, read].values, dtype=np.float64)
        except DAMAGED as error:
            raise AlignsarError(damaged(self.key, self.name, error)) from None
        if np.isinf(values).any():
            raise AlignsarError(
                f"{self.key}: {self.name}: holds infinite values where the image lies: the file is damaged; get it "
                "again, or say in it which value stands for no data"
            )
        return values if read is columns else values[:, np.arange(columns.start, columns.stop) % count]

    def _shares(self, time: np.datetime64) -> dict[int, float]:
        """Return which grids make up the field at a time, and their shares."""
        if self.times is None:
            return {0: 1.0}
        self._require_times(np.array([time]))
        time = np.clip(time, self.times[0], self.times[-1])
        after = int(np.searchsorted(self.times, time))
        if self.times[after] == time:
            return {after: 1.0}
        between = float((time - self.times[after - 1]) / (self.times[after] - self.times[after - 1]))
        return {after - 1: 1.0 - between, after: between}

    def _require_times(self, times: NDArray[np.datetime64]) -> None:
        assert self.times is not None
        margin = np.timedelta64(round(self.tolerance * 3.6e12), "ns")
        first, last = self.times[0], self.times[-1]
        outside = times[(times < first - margin) | (times > last + margin)]
        if len(outside):
            hours = math.ceil(float(max(first - outside.min(), outside.max() - last) / HOUR))
            raise AlignsarError(
                f"{self.key}: {self.name}: has times from {_minute(first)} to {_minute(last)} UTC, and dates of the "
                f"stack are {', '.join(_minute(time) for time in outside)}; give a file that has them, or allow for it "
                f"({self.key}.tolerance_hours={hours})"
            )

    def require(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64], times: NDArray[np.datetime64]
    ) -> None:
        """Check that the field covers some of the places (degrees) and all times; raise AlignsarError otherwise."""
        if self.times is not None:
            self._require_times(times)
        y, x = self.positions(longitude, latitude)
        if not (np.isfinite(y) & np.isfinite(x)).any():
            unit = "m" if self.pipeline and not self.period else "degrees"
            raise AlignsarError(
                f"{self.key}: {self.name}: has x from {self.x[0]:g} to {self.x[-1]:g} and y from {self.y[0]:g} to "
                f"{self.y[-1]:g} {unit}, but the image lies at longitude {np.nanmin(longitude):.3f} to "
                f"{np.nanmax(longitude):.3f}, latitude {np.nanmin(latitude):.3f} to {np.nanmax(latitude):.3f}; choose "
                "a file that covers it"
            )


def _minute(time: Any) -> str:
    return str(time.astype("datetime64[m]")).replace("T", " ")


def _held(axis: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values held half a cell beyond the ends of an axis; NaN farther out."""
    low, high = axis[0] - 0.5 * (axis[1] - axis[0]), axis[-1] + 0.5 * (axis[-1] - axis[-2])
    return np.where((value >= low) & (value <= high), np.clip(value, axis[0], axis[-1]), np.nan)


def _around(axis: NDArray[np.float64], value: NDArray[np.float64]) -> slice:
    """Return the nodes that enclose values on an axis, two or more."""
    first = min(int(np.searchsorted(axis, value.min(), side="right")), len(axis) - 1) - 1
    return slice(first, max(int(np.searchsorted(axis, value.max())), first + 1) + 1)
