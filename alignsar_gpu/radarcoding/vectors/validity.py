"""Features that are valid for a time only: those of the reference date, or of each date, by their start and end."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.vectors.rings import Counts

YEAR = re.compile(r"\d{4}")


@dataclass(kw_only=True)
class FeatureValidity:
    """Attributes with the first and the last day of features, and the days of the images.

    Attributes
    ----------
    first, last : names of the attributes; None: valid from or for ever. So is a feature without a value.
    each_date : whether each image has the features of its day; else all have those of the reference date.
    days : of the images, datetime64[D]; ``reference`` is the index of the reference date among them.
    """

    key: str
    first: str | None
    last: str | None
    each_date: bool = False
    days: NDArray[np.datetime64] = field(default_factory=lambda: np.zeros(0, "datetime64[D]"))
    reference: int = 0

    def set_images(self, times: NDArray[np.datetime64], reference: int) -> None:
        """Tell it the times of the images."""
        self.days, self.reference = times.astype("datetime64[D]"), reference

    def select(
        self, columns: Mapping[str, Any], near: NDArray[np.bool_], counts: Counts
    ) -> NDArray[np.bool_]:
        """Return on which dates the features that are near count, bool [feature, date], and count the others.

        One date stands for all, unless each has its own. Raises AlignsarError for values that are no dates.
        """
        if self.first is None and self.last is None:
            return near[:, np.newaxis]
        ever = np.full(len(near), "NaT", "datetime64[D]")
        start = ever if self.first is None else self._days(columns[self.first], self.first, is_last=False)
        end = ever if self.last is None else self._days(columns[self.last], self.last, is_last=True)
        valid = np.stack([~(start > day) & ~(end < day) for day in self.days])  # NaT compares false
        counted = valid if self.each_date else valid[[self.reference]]
        counts.not_valid += int(np.count_nonzero(near & ~counted.any(axis=0)))
        counts.backwards += int(np.count_nonzero(near & (end < start)))
        counts.changing += int(np.count_nonzero(near & valid.any(axis=0) & ~valid.all(axis=0)))
        return np.asarray((near & counted).T)

    def _days(self, column: Any, name: str, *, is_last: bool) -> NDArray[np.datetime64]:
        """Return the days of an attribute, each different value read once; NaT where there is none."""
        encoded = column.dictionary_encode()
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        values = encoded.dictionary.to_pylist()
        days = np.full(len(values) + 1, "NaT", "datetime64[D]")
        for number, value in enumerate(values):
            try:
                day = _day(value, is_last=is_last)
            except (ValueError, OverflowError):
                raise AlignsarError(
                    f"{self.key}: the attribute {name!r} has the value {value!r}, which is no date; write years, or "
                    "days as 2022-04-01"
                ) from None
            days[number] = np.datetime64("NaT") if day is None else np.datetime64(day)
        indices = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        return np.asarray(days[indices.astype(np.intp)])


def _day(value: Any, *, is_last: bool) -> date | None:
    """Return the day (UTC) of a date, a time, a text of one, or a number YYYY or YYYYMMDD; None for an empty text."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        value = int(value) if value.is_integer() else str(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).date()
    if isinstance(value, date):
        return value
    text = str(value).strip()
    if not text:
        return None
    if YEAR.fullmatch(text):
        return date(int(text), 12, 31) if is_last else date(int(text), 1, 1)
    return _day(datetime.fromisoformat(text), is_last=is_last)
