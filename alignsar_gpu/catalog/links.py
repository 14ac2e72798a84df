"""Write STAC objects as JSON, with relative links or with those of the address that they are published at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SELF, JSON, GEOJSON = "self", "application/json", "application/geo+json"


def as_text(fields: Mapping[str, Any]) -> str:
    """Write a STAC object as JSON."""
    return json.dumps(fields, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def published(fields: dict[str, Any], address: str) -> dict[str, Any]:
    """Make the links of a STAC object absolute, and add the one to itself; ``address`` is that of its file."""
    links = [link | {"href": _absolute(link["href"], address)} for link in fields["links"]]
    kind = GEOJSON if fields["type"] == "Feature" else JSON
    result = fields | {"links": [{"rel": SELF, "href": address, "type": kind}, *links]}
    if "assets" in fields:
        result["assets"] = {
            name: asset | {"href": _absolute(asset["href"], address)}
            for name, asset in fields["assets"].items()
        }
    return result


def address_of(path: Path, top: Path, address: str) -> str:
    """Return the web address of a file below ``top``, the folder that is published at ``address``."""
    return f"{address.rstrip('/')}/{quote(path.relative_to(top).as_posix())}"


def _absolute(href: str, address: str) -> str:
    return href if "://" in href else urljoin(address, quote(href))
