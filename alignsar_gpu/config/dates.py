"""The date that a dataset says it was made on: from the configuration, or from SOURCE_DATE_EPOCH."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
