"""STAC Browser, as built from npm: its files, and the page that opens a catalogue in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "/browser/"
HOW = (
    "build it as docs/serve.md says (SB_pathPrefix=/browser/ npm run build:minimal), and give its folder dist"
)
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


def check_build(folder: Path) -> None:
    """Raise AlignsarError if a folder holds no build of STAC Browser that works below /browser/."""
    where = f"--browser {folder}"
    try:
        page = (folder / "index.html").read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise AlignsarError(f"{where}: holds no build of STAC Browser (no index.html); {HOW}") from None
    if 'id="stac-browser"' not in page or not HEAD.search(page):
        raise AlignsarError(f"{where}: is the build of something else than STAC Browser; {HOW}")
    if PREFIX not in page:
        raise AlignsarError(f"{where}: is built for another path than {PREFIX}; {HOW}")


def opening_page(folder: Path, catalogue: str, title: str) -> str:
    """Return the page of the build, told to open the catalogue at the path ``catalogue`` of this server."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    options = json.dumps(
        {"catalogTitle": title, "historyMode": "hash", "pathPrefix": PREFIX, "displayGeoTiffByDefault": True}
    ).replace("<", "\\u003c")
    script = (
        f"<script>window.STAC_BROWSER_CONFIG = {options};"
        f"STAC_BROWSER_CONFIG.catalogUrl = location.origin + {json.dumps(catalogue)};</script>"
    )
    return HEAD.sub(lambda head: head[0] + script, page, count=1)
