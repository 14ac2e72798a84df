"""Parts of files that are asked for by HTTP (RFC 9110, section 14)."""

from __future__ import annotations

import re

ONE = re.compile(r"bytes[ \t]*=[ \t]*(?P<first>[0-9]*)-(?P<last>[0-9]*)[ \t]*", re.IGNORECASE | re.ASCII)
LONGEST = 18  # digits: more than any file has bytes


class UnsatisfiableError(ValueError):
    """The part begins behind the end of the file, or holds no byte."""


def byte_range(header: str | None, size: int) -> range | None:
    """Return the bytes that a Range header asks for of a file of ``size`` bytes; None for all of them.

    What is no range of bytes, or several of them, may be answered by the whole file, and is. Raises
    UnsatisfiableError for a range that holds no byte of the file.
    """
    match = ONE.fullmatch((header or "").strip())
    if match is None or max(map(len, match.groups())) > LONGEST:
        return None
    first, last = match["first"], match["last"]
    if not first:
        return _end(int(last), size) if last else None
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise UnsatisfiableError(header)
    return range(int(first), min(int(last) + 1, size) if last else size)


def _end(count: int, size: int) -> range | None:
    if not count:
        raise UnsatisfiableError
    return range(max(size - count, 0), size) if size else None
