"""Pages of ours: a catalogue with its dates, and the files of a folder. They run no script and load nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alignsar_gpu.report.templates import environment, own_file
from alignsar_gpu.serving.files import address, find
from alignsar_gpu.serving.footprints import footprint_map

if TYPE_CHECKING:
    from pathlib import Path

    from alignsar_gpu.serving.catalogue import Document
    from alignsar_gpu.serving.footprints import FootprintMap

HOST = re.compile(r"[\w.:\[\]-]+", re.ASCII)
UNITS = ("bytes", "kB", "MB", "GB")
COG, ZARR, HTML = "image/tiff", "application/vnd.zarr", "text/html"
XARRAY = """import xarray  # with aiohttp beside it

cube = xarray.open_zarr("{url}")
print(cube)"""
ODC_STAC = """import odc.stac
import pystac

collection = pystac.Collection.from_file("{url}")
layers = odc.stac.load(collection.get_items(), bands=["{layer}"], crs="utm", resolution=20)
print(layers)"""
SUMMARIES = (
    ("platform", "Satellite"),
    ("sar:polarizations", "Polarizations"),
    ("sat:orbit_state", "Pass"),
    ("sat:relative_orbit", "Relative orbit"),
)


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A collection as the page shows it."""

    document: Document
    facts: tuple[tuple[str, str], ...]
    items: list[Document]
    map: FootprintMap | None
    snippets: tuple[tuple[str, str], ...]


def catalogue_page(root: Document, host: str, *, browser: str) -> str:
    """Return the page of a catalogue; ``host`` is the server's as its reader wrote it.

    ``browser`` is the path of STAC Browser, or empty.
    """
    server = f"http://{host}" if HOST.fullmatch(host) else "http://127.0.0.1"
    shelves = [_shelf(document, server) for document in root.collections()]
    reports = [a.url for s in shelves for a in s.document.assets if a.type.startswith(HTML) and a.url]
    return _fill("catalogue.html", root=root, shelves=shelves, browser=browser, reports=reports)


def folder_page(folder: Path, root: Path) -> str:
    """Return the list of files and folders in ``folder`` that are served."""
    shown = [path for path in sorted(folder.iterdir()) if find(root, address(path, root)) is not None]
    entries = [
        (path.name + "/" * path.is_dir(), address(path, root), None if path.is_dir() else path.stat().st_size)
        for path in sorted(shown, key=lambda path: (path.is_file(), path.name))
    ]
    return _fill("folder.html", title=folder.relative_to(root).as_posix(), entries=entries)


def _fill(name: str, **words: Any) -> str:
    template = environment(__package__).get_template(name)
    return template.render(style=own_file("report.css"), size=_size, **words)


def _shelf(document: Document, server: str) -> Shelf:
    items = document.items()
    return Shelf(
        document=document,
        facts=tuple(_facts(document, items)),
        items=items,
        map=footprint_map([ring for item in items for ring in item.rings]),
        snippets=tuple(_snippets(document, items, server)),
    )


def _facts(document: Document, items: list[Document]) -> list[tuple[str, str]]:
    first, last = items[0].date[:10], items[-1].date[:10]
    facts = [("Dates", f"{len(items)}: {first} to {last}" if first != last else first)]
    summaries = document.content.get("summaries")
    for key, name in SUMMARIES:
        values = summaries.get(key) if isinstance(summaries, dict) else None
        if isinstance(values, list):
            facts.append((name, ", ".join(map(str, values))))
    for key, name in (("license", "Licence"), ("version", "Version")):
        if document.content.get(key):
            facts.append((name, str(document.content[key])))
    return facts


def _snippets(document: Document, items: list[Document], server: str) -> list[tuple[str, str]]:
    """What to paste into Python and QGIS to open what is listed, by the names of its assets."""
    cogs = [asset for item in items for asset in item.assets if asset.type.startswith(COG) and asset.path]
    cube = next((asset for asset in document.assets if asset.type.startswith(ZARR) and asset.path), None)
    snippets = []
    if cube is not None:
        url = f"{server}{cube.url.rstrip('/')}"
        snippets.append(("xarray", XARRAY.format(url=url)))
    if cogs:
        layer = next(
            (asset for asset in cogs if "data" in asset.roles), cogs[0]
        )  # values rather than the picture
        snippets.append(("odc.stac", ODC_STAC.format(url=f"{server}{document.url}", layer=layer.key)))
        snippets.append(("QGIS: Layer, Add Raster Layer", f"/vsicurl/{server}{layer.url}"))
    return snippets


def _size(count: int | None) -> str:
    """A number of bytes for people."""
    if count is None:
        return ""
    number, power = float(count), 0
    while number >= 1000 and power < len(UNITS) - 1:
        number, power = number / 1000, power + 1
    return f"{number:.{0 if power == 0 or number >= 100 else 1}f} {UNITS[power]}"
