"""Virtual rasters of GDAL (VRT): which files they refer to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.files import is_inside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

LARGEST = 32 << 20  # bytes: a mosaic of 100,000 tiles
PLAIN = {"", "vrtdataset"}  # other kinds (warped, pansharpened, processed) name files in many ways
CODE = ("pixelfunctionlanguage", "pixelfunctioncode")
RAW = "vrtrawrasterband"


@dataclass(frozen=True)
class VrtSource:
    """A file that a VRT refers to: a raster, or bytes that are ``raw`` pixels."""

    path: Path
    raw: bool


def sources_of(vrt: Path, where: str) -> Iterator[VrtSource]:
    """List the files that a VRT refers to. Raises AlignsarError for what is not beside it or below."""
    root = _parsed(vrt, where)
    if _attribute(root, "subclass").lower() not in PLAIN:
        raise AlignsarError(
            f"{where}: is a VRT of the kind {_attribute(root, 'subclass')}, which is not read; make a GeoTIFF of it "
            "(gdal_translate IN.vrt OUT.tif)"
        )
    for band in root.iter():
        for item in band:
            name = item.tag.lower()
            if name in CODE:
                raise AlignsarError(
                    f"{where}: has program code ({item.tag}), which is not run; make a GeoTIFF of it"
                )
            if name in {"sourcefilename", "sourcedataset"}:
                raw = _attribute(band, "subclass").lower() == RAW
                yield VrtSource(_located(item, vrt, where), raw)


def _parsed(vrt: Path, where: str) -> Element:
    try:
        if vrt.stat().st_size > LARGEST:
            raise AlignsarError(f"{where}: {vrt.stat().st_size} bytes are too many for a VRT; not read")
        root: Element = fromstring(vrt.read_bytes())
    except (ParseError, DefusedXmlException, LookupError, ValueError, OSError) as error:
        raise AlignsarError(
            f"{where}: is no VRT that can be read ({error}); make it anew (gdalbuildvrt)"
        ) from None
    if root.tag.lower() != "vrtdataset":
        raise AlignsarError(
            f"{where}: is no VRT of rasters (its XML begins with {root.tag!r}); name another file"
        )
    return root


def _attribute(element: Element, name: str) -> str:
    """Return an attribute; GDAL does not distinguish capitals, and takes elements for attributes."""
    parts = dict(element.attrib) | {child.tag: child.text or "" for child in element}
    return next((value for key, value in parts.items() if key.lower() == name), "")


def _located(item: Element, vrt: Path, where: str) -> Path:
    text = (item.text or "").strip()
    relative = _attribute(item, "relativetovrt").strip() not in {"", "0"}
    path = (vrt.parent if relative else Path()) / text
    try:
        there = (
            ":" not in text and not text.startswith("/vsi") and path.is_file() and is_inside(path, vrt.parent)
        )
    except (OSError, ValueError):  # too long, a null character
        there = False
    if not there:
        raise AlignsarError(
            f"{where}: refers to {text[:100]!r}, which is no file beside the VRT or below it; put its sources there "
            "and make it anew (gdalbuildvrt), or name them instead of the VRT"
        )
    return path
