"""Copy part of a product: the files and the manifest of some subswaths and polarizations only."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Names of all files that are of one subswath and polarization, measurements included.
OF_A_CHANNEL = re.compile(r"(?:\w+-)?s1\w-(?P<swath>\w+)-slc-(?P<polarization>\w\w)-[\w-]+\.(?:xml|tiff)")
DATA_OBJECT = re.compile(r'\s*<dataObject\s[^>]*\bID="(?P<id>[^"]+)"[^>]*>.*?</dataObject>', re.DOTALL)
PLACE = re.compile(r'\bhref="\./(?P<path>[^"]+)"')
POINTER = (
    r'\s*<(?P<tag>xfdu:contentUnit|metadataObject)\s[^>]*>\s*<dataObjectPointer\s+dataObjectID="(?P<id>[^"]+)"\s*/>'
    r"\s*</(?P=tag)>"
)
SWATH = r"\s*<(?P<tag>[\w:]*swath)>(?P<value>\w+)</(?P=tag)>"
POLARIZATION = r"\s*<(?P<tag>[\w:]*transmitterReceiverPolarisation)>(?P<value>\w+)</(?P=tag)>"


def keeps(name: str, swaths: Iterable[str], polarizations: Iterable[str]) -> bool:
    """Whether a file belongs to these subswaths and polarizations, or to the product as a whole."""
    match = OF_A_CHANNEL.fullmatch(PurePosixPath(name).name)
    if match is None:
        return True
    return match["swath"].upper() in swaths and match["polarization"].lower() in polarizations


def part_of(
    files: dict[str, bytes], swaths: Sequence[str], polarizations: Sequence[str], source: str
) -> dict[str, bytes]:
    """Select metadata files of some subswaths ("IW1") and polarizations ("vv"), with a manifest that lists only these.

    Raises AlignsarError where the product has none of them.
    """
    chosen = {name: content for name, content in files.items() if keeps(name, swaths, polarizations)}
    if not any(OF_A_CHANNEL.fullmatch(PurePosixPath(name).name) for name in chosen):
        raise AlignsarError(
            f"{source}: has no annotation of {', '.join(swaths)} in {', '.join(polarizations).upper()}; choose "
            "subswaths and polarizations of the product"
        )
    text = files["manifest.safe"].decode("utf-8")
    gone = set()
    for match in DATA_OBJECT.finditer(text):
        place = PLACE.search(match[0])
        if place is not None and not keeps(place["path"], swaths, polarizations):
            gone.add(match["id"])
    text = DATA_OBJECT.sub(lambda match: "" if match["id"] in gone else match[0], text)
    text = re.sub(POINTER, lambda match: "" if match["id"] in gone else match[0], text)
    text = re.sub(SWATH, lambda match: match[0] if match["value"].upper() in swaths else "", text)
    text = re.sub(
        POLARIZATION, lambda match: match[0] if match["value"].lower() in polarizations else "", text
    )
    return chosen | {"manifest.safe": text.encode("utf-8")}
