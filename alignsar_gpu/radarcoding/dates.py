"""The time that a map or an image is of, and its distance from the dates of a stack."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DAY = np.timedelta64(86_400, "s")
YEAR = 365.25  # days
# From the dates of images, that a map is said to be old: CORINE is renewed every six years, so that a new map of it is
# never farther than half of that.
FAR = 3 * YEAR
YEARS = range(1900, 2100)  # of dates in names: other numbers are no dates
IN_NAME = re.compile(
    r"(?<!\d)(?:(?P<day>\d{4}(-?)\d\d\2\d\d)|(?P<of_year>\d{7}))"
    r"(?:[T_ ]?(?P<clock>\d\d(:?)\d\d(?:\5\d\d)?)Z?(?![+-]\d\d:?\d\d(?!\d)))?(?!\d)(?!T\d)"
)
CODES = {"Y": r"\d{4}", "m": r"\d\d", "d": r"\d\d", "j": r"\d{3}", "H": r"\d\d", "M": r"\d\d", "S": r"\d\d"}


@dataclass(frozen=True, order=True)
class Validity:
    """Time that a map or an image is of, UTC, datetime64[s]: from ``start`` until ``end``, which may be the same."""

    start: np.datetime64
    end: np.datetime64

    @classmethod
    def of_days(cls, first: date, last: date) -> Validity:
        """Return the time from the beginning of a day to the end of the same or a later one."""
        return cls(np.datetime64(first, "s"), np.datetime64(last, "s") + DAY)

    @classmethod
    def between(cls, first: datetime, last: datetime) -> Validity:
        """Return the time between two moments; those without a time zone are UTC."""
        start, end = (
            np.datetime64(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment, "s")
            for moment in (first, last)
        )
        return cls(start, end)

    @property
    def middle(self) -> np.datetime64:
        """Return the moment in the middle."""
        return self.start + (self.end - self.start) // 2

    def days_from(self, times: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Return how many days before or after it each of some times lies; 0 within."""
        times = times.astype("datetime64[s]")
        apart = np.maximum(np.maximum(self.start - times, times - self.end), np.timedelta64(0, "s"))
        return np.asarray(apart / DAY)

    def attributes(self) -> dict[str, str]:
        """Return the first and the last day, as attributes of layers."""
        last = max(self.start, self.end - np.timedelta64(1, "s"))
        return {
            f"valid_{name}": str(time.astype("datetime64[D]"))
            for name, time in (("start", self.start), ("end", last))
        }


def time_in_name(name: str, pattern: str | None, where: str) -> Validity:
    """Find the date in the name of a file, with hours and minutes or without.

    Without a ``pattern`` (in the codes of strftime, such as ``%Y%m%d``) it is YYYYMMDD, YYYY-MM-DD or YYYYDDD, perhaps
    followed by the time of day, HHMM or HHMMSS. Raises AlignsarError for names without a date or with several.
    """
    found = sorted(set(_by_pattern(name, pattern) if pattern else _by_form(name)))
    days = {str(one.start.astype("datetime64[D]")) for one in found}
    if not found:
        form = f"the form {pattern!r}" if pattern else "YYYYMMDD, YYYY-MM-DD or YYYYDDD, then perhaps THHMM"
        raise AlignsarError(
            f"{where}: its name has no date ({form}), so its time is not known; rename it, or give date_pattern"
        )
    if len(days) > 1:
        raise AlignsarError(
            f"{where}: its name has several dates ({', '.join(sorted(days))}); say which by date_pattern, such as "
            "SENSED_%Y%m%d"
        )
    return found[0]


def _by_form(name: str) -> list[Validity]:
    found = []
    for match in IN_NAME.finditer(name):
        digits = (match["day"] or match["of_year"]).replace("-", "")
        form = "%Y%m%d" if match["day"] else "%Y%j"
        found += _parsed(digits, form, (match["clock"] or "").replace(":", ""))
    return found


def _by_pattern(name: str, pattern: str) -> list[Validity]:
    parts = re.split(r"%([YmdjHMS])", pattern)
    codes = parts[1::2]
    expression = "".join(
        f"({CODES[part]})" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )
    days = [number for number, code in enumerate(codes) if code in "Ymdj"]
    found = []
    for match in re.finditer(f"(?={expression})", name):
        digits = "".join(match.groups()[number] for number in days)
        form = "".join(f"%{codes[number]}" for number in days)
        clock = dict(zip(codes, match.groups(), strict=True))
        found += _parsed(digits, form, "".join(clock.get(code, "") for code in "HMS"))
    return found


def _parsed(digits: str, form: str, clock: str) -> list[Validity]:
    """Return the time of some digits, none where they are no date."""
    try:
        moment = datetime.strptime(digits + clock, form + "%H%M%S"[: len(clock)])
    except ValueError:
        return []
    if moment.year not in YEARS:
        return []
    return [Validity.between(moment, moment if clock else moment + timedelta(days=1))]


def validity_of(attributes: Mapping[str, Any]) -> Validity | None:
    """Return the time that `Validity.attributes` tell of; None without them."""
    ends = [attributes.get(f"valid_{name}") for name in ("start", "end")]
    return None if None in ends else Validity.of_days(*(date.fromisoformat(str(end)) for end in ends))


def days_from_images(validity: Validity, times: NDArray[np.datetime64]) -> list[float]:
    """Return the days that a map is from each date of a stack, as attributes and quality.json have them."""
    return [round(float(days), 2) for days in validity.days_from(times)]


def too_far(name: str, validity: Validity, times: NDArray[np.datetime64]) -> str:
    """Return a sentence for a map that is farther than `FAR` from images; an empty text otherwise."""
    days = validity.days_from(times)
    count, farthest = int(np.count_nonzero(days > FAR)), int(np.argmax(days))
    if not count:
        return ""
    first, last = validity.attributes().values()
    return (
        f"{name}: the map is of {first} to {last}, {days[farthest] / YEAR:.1f} years from the image of "
        f"{times[farthest].astype('datetime64[D]')}, and {count} of {len(times)} images are more than {FAR / YEAR:.0f} "
        "years from it; what has changed in between is labelled wrong: take a map of these years if there is one"
    )
