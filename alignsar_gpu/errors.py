"""The one error that users meet, and names for what the system refuses to write."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What the system refuses and a user, or its administrator, can put right.
CANNOT_WRITE = {
    *(errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOSPC),
    *(errno.EPERM, errno.EROFS, errno.ESTALE),
}
LINES = re.compile(r"\s*\n\s*")  # within what libraries say


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
