"""Tell a web page that was saved in place of a file: servers answer with their login page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 1024  # bytes
BEFORE = rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
PAGE = re.compile(BEFORE + rb"<(?:!doctype\s+html|html|head)\b", re.IGNORECASE | re.DOTALL)


def refuse_web_page(content: bytes | Path, where: str) -> None:
    """Raise AlignsarError if a file, or how it begins, is a web page (HTML)."""
    if not isinstance(content, bytes):
        try:
            with content.open("rb") as stream:
                content = stream.read(HEAD)
        except OSError:  # the reader says what is wrong
            return
    if PAGE.match(content[:HEAD].removeprefix(b"\xef\xbb\xbf")):
        raise AlignsarError(
            f"{where}: is a web page (HTML), most likely the login page of the server that it should come from; log in "
            "there and fetch it again"
        )
