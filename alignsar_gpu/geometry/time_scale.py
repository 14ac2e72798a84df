"""Time: UTC as products write it, and a scale without leap seconds in which everything is computed.

UTC repeats no second and lacks none, but some of its minutes have 61: two times on either side of a leap second are a
second farther apart than their difference as clocks read says. Times are therefore kept as *continuous* time: TAI less
37 s, which is UTC as it has run since 2017, carried on into the past. It is what readers return, datetime64[us];
`utc` gives it back for labels and names. Epochs are UTC midnights.

Sentinel-1 annotates UTC and says nothing of leap seconds (product specification S1-RS-MDA-52-7441, whose times are
"UTC"); its orbit files carry TAI beside UTC. Where a processor has counted on through a leap second, its times do not
go with its orbit, and the product is refused for that (`geometry.orbit_check`, the geolocation grid).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

# Midnights before which a leap second was added: IERS, Bulletin C (Leap_Second.dat). None was ever taken away.
_DAYS = """
1972-07-01 1973-01-01 1974-01-01 1975-01-01 1976-01-01 1977-01-01 1978-01-01 1979-01-01 1980-01-01 1981-07-01
1982-07-01 1983-07-01 1985-07-01 1988-01-01 1990-01-01 1991-01-01 1992-07-01 1993-07-01 1994-07-01 1996-01-01
1997-07-01 1999-01-01 2006-01-01 2009-01-01 2012-07-01 2015-07-01 2017-01-01
"""
LEAPS = np.array(_DAYS.split(), dtype="datetime64[us]")
SECOND, MICROSECOND = np.timedelta64(1_000_000, "us"), np.timedelta64(1, "us")
TAI = 37 * SECOND  # ahead of continuous time
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:)(\d\d)(?:\.(\d{1,9})\d*)?Z?")


def continuous(utc_time: Any) -> Any:
    """Convert UTC (datetime64, one or many) to continuous time, datetime64[us]."""
    time = np.asarray(utc_time).astype("datetime64[us]")
    return (time - (len(LEAPS) - np.searchsorted(LEAPS, time, side="right")) * SECOND)[()]


_CONTINUOUS_LEAPS = continuous(LEAPS)


def utc(time: Any) -> Any:
    """Convert continuous time to UTC, datetime64[us]; within a leap second, to the last microsecond before it."""
    passed = np.searchsorted(_CONTINUOUS_LEAPS, time, side="right")
    end_of_day = np.append(LEAPS, np.datetime64("9999-12-31", "us"))[passed]
    return np.minimum(time + (len(LEAPS) - passed) * SECOND, end_of_day - MICROSECOND)[()]


def midnight(time: np.datetime64) -> np.datetime64:
    """Return the UTC midnight before a continuous time, datetime64[us]: the epoch that times count from."""
    result: np.datetime64 = utc(time).astype("datetime64[D]").astype("datetime64[us]")
    return result


def seconds_since(epoch: np.datetime64, time: Any) -> Any:
    """Convert continuous time to seconds since ``epoch`` (a UTC midnight), exact to the microsecond."""
    return ((time - continuous(epoch)) // MICROSECOND).astype(np.int64) / 1e6


def moment(epoch: np.datetime64, seconds: float) -> np.datetime64:
    """Return the continuous time that is so many seconds after ``epoch`` (a UTC midnight)."""
    result: np.datetime64 = continuous(epoch) + np.timedelta64(round(1e6 * seconds), "us")
    return result


def parse_utc(text: str) -> np.datetime64 | None:
    """Convert a UTC time as text to continuous time; None if it is not a time. Further digits are rounded."""
    match = TIME.fullmatch(text.strip())
    if match is None:
        return None
    day, clock, second, fraction = match.groups("0")
    leap = second == "60"
    try:
        whole = np.datetime64(f"{day}T{clock}{'59' if leap else second}", "us")
    except ValueError:
        return None
    if leap and whole + SECOND not in LEAPS:
        return None
    result: np.datetime64 = continuous(whole) + (SECOND if leap else np.timedelta64(0, "us"))
    return result + np.timedelta64(round(int(fraction.ljust(9, "0")) / 1000), "us")


def utc_text(time: np.datetime64) -> str:
    """Format a continuous time as UTC with microseconds: a leap second is 23:59:60."""
    label = utc(time)
    over = time - continuous(label)  # within a leap second
    if over == np.timedelta64(0, "us"):
        return str(label)
    fraction = int(over / MICROSECOND) - 1
    return f"{str(label)[:17]}60.{fraction:06d}"
