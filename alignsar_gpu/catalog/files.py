"""Files of STAC objects: read, told from those of other tools, and written with relative or absolute links."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GENERATOR = "alignsar_gpu"  # tells our catalogues from those of other tools
SELF, JSON, GEOJSON = "self", "application/json", "application/geo+json"


def read_object(path: Path) -> dict[str, Any]:
    """Read a STAC object. Raises AlignsarError for a file that is not there or holds something else."""
    try:
        fields = load_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AlignsarError(f"{path}: cannot be read as STAC ({error}); make the catalogue again") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("links"), list):
        raise AlignsarError(f"{path}: is no STAC object; make the catalogue again")
    return fields


def refuse_foreign_catalogue(folder: Path, generator: str = GENERATOR) -> None:
    """Raise AlignsarError where ``folder`` holds something else than a catalogue that alignsar_gpu has written."""
    if not folder.exists():
        return
    file = folder / "catalog.json"
    if not file.is_file():
        raise AlignsarError(
            f"{folder}: exists and is no STAC catalogue; move it away, or choose another folder"
        )
    try:
        found = read_object(file).get("generator")
    except AlignsarError:
        found = None
    if found != generator:
        kind = "of one run" if found == GENERATOR else "of another tool"
        raise AlignsarError(f"{file}: is a catalogue {kind}; move it away, or choose another folder")


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
