"""The one error that users meet, and names for what the system refuses to write."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LINES = re.compile(r"\s*\n\s*")  # within what libraries say
LEAST_ALIKE = 0.68  # share of letters that a misspelt name has in common with one that is suggested
SUGGESTED = 3
LISTED = 12  # choices that a message lists
# Errors of the system that a user, or an administrator, can put right.
CANNOT_WRITE = {
    *(errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOSPC),
    *(errno.EPERM, errno.EROFS, errno.ESTALE),
}


class AlignsarError(Exception):
    """Something in the input, the configuration or the machine that the user can put right.

    The message says what is wrong, where, and what to do. The command line prints it as one line and
    ends with status 2; anything else that is raised is a bug and shows its traceback.
    """

    def __init__(self, message: str) -> None:
        super().__init__(LINES.sub(" ", str(message).strip()))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Add the name of a file or folder to the errors of the system that have none: a full disk says no name."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Suggest the names that are nearest to a misspelt one, at most three; an empty text where none is near.

    Names with groups, as ``group.key``, are near by their last part too.
    """
    likeness = {name: _likeness(word, name) for name in names}
    least = max([LEAST_ALIKE, *(value - 0.2 for value in likeness.values())])
    best = sorted(likeness, key=lambda name: (-likeness[name], name))[:SUGGESTED]
    near = [name for name in best if likeness[name] >= least]
    return f"did you mean {' or '.join(filter(None, [', '.join(near[:-1]), near[-1]]))}?" if near else ""


def choose_from(word: str, choices: Iterable[str]) -> str:
    """Say what to choose from instead of a wrong word: all where they are few, and the nearest ones."""
    names = list(choices)
    near = did_you_mean(word, names)
    if near and len(names) > LISTED:
        return near
    more = [f"... ({len(names)} in all)"] if len(names) > LISTED else []
    return f"choose from {', '.join([*names[:LISTED], *more])}{f' ({near})' if near else ''}"


def _likeness(word: str, name: str) -> float:
    """Return how alike two names are, from 0 to 1, in whole or in their last parts."""
    word, name = word.casefold(), name.casefold()
    if word in name and len(word) > SUGGESTED:
        return 0.9
    parts = word.rpartition(".")[2], name.rpartition(".")[2]
    whole, last = SequenceMatcher(None, word, name).ratio(), SequenceMatcher(None, *parts).ratio()
    return max(whole, 0.9 * last if word == parts[0] else 0.5 * (whole + last))
