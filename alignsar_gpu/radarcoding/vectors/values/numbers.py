"""Attributes as numbers: numbers, numbers written as text, and dates as days since 1970-01-01."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

NUMBERS, DATES = "numbers", "dates"
DAYS = "days since 1970-01-01"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS_OF_DAY = 86400.0
LARGEST = 3e38  # of float32, which layers have


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """An attribute whose values are numbers.

    Attributes
    ----------
    attribute : its name.
    kind : "numbers", or "dates", which become days since 1970-01-01.
    names, unmatched : none, as there are no classes.
    """

    attribute: str
    kind: str
    names: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()

    @property
    def units(self) -> str:
        """Units of dates; "1" for numbers, whose unit no file tells."""
        return DAYS if self.kind == DATES else "1"

    def values(self, column: Any) -> NDArray[np.float64]:
        """Convert an Arrow array to numbers (f,); NaN where there is none, or none that is finite."""
        plain = _plain(column)
        numbers = _days(plain) if self.kind == DATES else _numbers(plain)
        return np.where(np.abs(numbers) <= LARGEST, numbers, np.nan)

    def of(self, column: Any) -> NDArray[np.int32]:
        """Return the row (f,) of each value of an Arrow array, -1 where it has none."""
        values = self.values(column)
        return np.where(np.isfinite(values), np.arange(len(values)), -1).astype(np.int32)


class Column(Protocol):
    """What has a column whose values can be looked through, see `LayerSource`."""

    @property
    def name(self) -> str:
        """For messages."""

    def values(self, column: str) -> Iterator[Any]:
        """Read Arrow arrays of a column."""


def find_numbers(source: Column, attribute: str, where: str) -> Numbers:
    """Find out whether an attribute has numbers or dates; looks through all its values.

    Raises AlignsarError, naming the key ``where``, for an attribute that is empty or has other values.
    """
    kinds = {NUMBERS, DATES}
    known, wrong = 0, {}
    for part in source.values(attribute):
        plain = _plain(part)
        known += len(plain) - plain.null_count
        for kind, convert in ((NUMBERS, _numbers), (DATES, _days)):
            if kind in kinds and (text := _first_wrong(plain, convert)) is not None:
                kinds.discard(kind)
                wrong[kind] = text
    what = f"{source.name}: the attribute {attribute!r}"
    if not known:
        raise AlignsarError(f"{where}={attribute}: {what} is empty in all features; choose another")
    if not kinds:
        found = " and ".join(dict.fromkeys(f"{text!r}" for text in wrong.values()))
        raise AlignsarError(
            f"{where}={attribute}: {what} has {found} among its values, which are neither all numbers nor all dates "
            "(2021-07-15, 2021-07-15T10:30:00Z), so that they have no mean; choose another attribute, leave such "
            "features out (where), or take method=fraction or largest"
        )
    return Numbers(attribute=attribute, kind=NUMBERS if NUMBERS in kinds else DATES)


def _plain(column: Any) -> Any:
    """Return an Arrow array without a dictionary; texts without blanks around them, empty ones as null."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pc.utf8_trim_whitespace(column)
        return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
    return column


def _first_wrong(column: Any, convert: Callable[[Any], NDArray[np.float64]]) -> str | None:
    """Return the first value that cannot be converted; None where all can."""
    if pa.types.is_nested(column.type):
        return str(column.drop_null()[:1].to_pylist())
    try:
        convert(column)
    except (pa.ArrowException, ValueError, OverflowError):
        for value in column.drop_null().unique():
            try:
                convert(pa.array([value.as_py()], column.type))
            except (pa.ArrowException, ValueError, OverflowError):
                return str(value.as_py())
    return None


def _numbers(column: Any) -> NDArray[np.float64]:
    """Convert an Arrow array of numbers, or of numbers as text. Raises ValueError or ArrowException for others."""
    if pa.types.is_temporal(column.type):
        raise ValueError("dates")
    return np.array(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _days(column: Any) -> NDArray[np.float64]:
    """Convert an Arrow array of dates, or of dates as ISO 8601 text. Raises ValueError or ArrowException for others."""
    if pa.types.is_timestamp(column.type):
        micro = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.int64())
        return _floats(micro) / (1e6 * SECONDS_OF_DAY)
    if pa.types.is_date(column.type):
        return _floats(column.cast(pa.date32(), safe=False).cast(pa.int32()))
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise ValueError("no dates")
    coded = column.dictionary_encode()
    days = np.array([*(_day(text) for text in coded.dictionary.to_pylist()), np.nan])
    return days[np.asarray(coded.indices.fill_null(len(days) - 1), dtype=np.intp)]


def _floats(column: Any) -> NDArray[np.float64]:
    return np.array(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _day(text: str) -> float:
    """Return the days since 1970-01-01 of a date, or of a time in UTC unless it says otherwise."""
    time = datetime.fromisoformat(text)
    since = (time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH
    return since.total_seconds() / SECONDS_OF_DAY


@dataclass(kw_only=True, eq=False)
class NumberList:
    """Numbers of the features of a scene, in the order in which they are read."""

    legend: Numbers
    count: int = 0

    def __post_init__(self) -> None:
        self._parts: list[NDArray[np.float64]] = []

    def add(self, columns: Any) -> None:
        """Add features by their attributes, Arrow arrays by name."""
        self._parts.append(self.legend.values(columns[self.legend.attribute]))
        self.count += len(self._parts[-1])

    @property
    def values(self) -> NDArray[np.float64]:
        """The numbers (f,)."""
        return np.concatenate([np.zeros(0), *self._parts])
