"""Words and numbers of a card as text."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def listed(words: Sequence[str], last: str = "and") -> str:
    """Join words: "a", "a and b", "a, b and c"."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def percent(share: float) -> str:
    """Return a share in percent, with two digits below 10 %."""
    value = 100.0 * share
    return f"{value:.0f} %" if value >= 10.0 or value == 0.0 else f"{value:.2g} %"


def plain(name: str) -> str:
    """Return the name of a layer or class without underscores."""
    return name.replace("_", " ")


def day(date: str) -> int:
    """Return a date (YYYY-MM-DD) as a number of days."""
    return dt.date.fromisoformat(date).toordinal()


def number(value: float | None) -> str:
    """Return a number with three digits; nothing for none."""
    return "" if value is None or not math.isfinite(value) else f"{value:.3g}"


def size(count: int) -> str:
    """Return a number of bytes with its unit."""
    power = min(len(UNITS) - 1, max(0, math.floor(math.log(max(count, 1), 1000))))
    return f"{count} bytes" if power == 0 else f"{count / 1000**power:.3g} {UNITS[power]}"
