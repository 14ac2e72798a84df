"""Dates of the configuration: when a dataset was made, and of what time maps are."""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_OR_YEAR = re.compile(r"(\d{4})(?:(-?)(\d\d)\2(\d\d))?")
EPOCH = "SOURCE_DATE_EPOCH"  # https://reproducible-builds.org/specs/source-date-epoch


def check_date(given: str) -> None:
    """Raise AlignsarError for a dataset.date_created that is no date, and for such a SOURCE_DATE_EPOCH."""
    date_of_build(os.environ)
    try:
        if given:
            datetime.fromisoformat(given)
    except ValueError:
        raise AlignsarError(
            f"dataset.date_created={given}: is no date; give one as 2026-11-30 or 2026-11-30T12:00:00Z"
        ) from None


def date_of_build(environment: Mapping[str, str]) -> str:
    """Return the time that SOURCE_DATE_EPOCH says, as ISO 8601; an empty text where it is not set."""
    given = environment.get(EPOCH, "")
    if not given:
        return ""
    try:
        return f"{datetime.fromtimestamp(int(given), UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        raise AlignsarError(
            f"{EPOCH}={given}: is no time; give whole seconds since 1970, or unset it"
        ) from None


def days_of(given: Any, where: str) -> tuple[date, date]:
    """Return the first and the last day of what a map is of: a year, a day, or a list of the first and the last.

    Raises AlignsarError, beginning with ``where``, for what is no day, and for an end before its start.
    """
    ends = list(given) if isinstance(given, list | tuple) else [given, given]
    try:
        first, last = (_day(str(end), is_last=number == 1) for number, end in enumerate(ends))
    except ValueError:
        raise AlignsarError(
            f"{where}={given}: is no date; give a year, a day (UTC) as 2022-04-01 or 20220401, or the first and the "
            "last as [2022-01-01,2022-12-31]"
        ) from None
    if last < first:
        raise AlignsarError(f"{where}=[{ends[0]},{ends[1]}]: ends before it starts; give the first day first")
    return first, last


def _day(text: str, *, is_last: bool) -> date:
    """Return a day, of a year the first or the last. Raises ValueError for what is neither."""
    match = DAY_OR_YEAR.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, _, month, day = match.groups()
    return date(int(year), int(month or (12 if is_last else 1)), int(day or (31 if is_last else 1)))
