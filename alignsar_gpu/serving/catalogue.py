"""Read a static STAC catalogue (1.0 or 1.1) from the folder that is served, without the network.

What a catalogue says is shown as it stands; what is not of the kind that STAC has there is left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.files import refuse_large
from alignsar_gpu.opening.texts import load_json
from alignsar_gpu.serving.files import address, find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CATALOGUE = "catalog.json"
PLACES = ("stac/catalog.json", CATALOGUE)
MANIFEST = "manifest.json"
LARGEST = 64 << 20  # bytes of one document
MOST = 5000  # documents that a page is made of
HERE = "http://served"  # stands for this server while links are resolved
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/svg+xml")
SHOWN = ("thumbnail", "overview", "visual")  # roles, the smallest picture first
TIFF = "image/tiff"

Ring = list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file that the catalogue lists; ``url`` is empty for what a browser cannot open, ``path`` None elsewhere."""

    key: str
    title: str
    url: str
    type: str
    roles: tuple[str, ...]
    size: int | None
    path: Path | None

    @property
    def picture(self) -> str:
        """URL of a picture of it: the file itself, or one that is made of a GeoTIFF; empty where there is none."""
        if self.type.startswith(TIFF) and self.path is not None:
            return f"{self.url}?picture"
        return self.url if self.type.partition(";")[0] in PICTURES else ""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A catalogue, a collection or an item, with what it lists."""

    url: str
    content: dict[str, Any]
    assets: tuple[Asset, ...]
    children: list[Document] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Identifier."""
        return str(self.content.get("id", ""))

    @property
    def title(self) -> str:
        """Title, or the identifier of what has none."""
        return str(self.content.get("title") or self.properties.get("title") or self.id)

    @property
    def properties(self) -> dict[str, Any]:
        """What an item says of itself."""
        return _dict(self.content.get("properties"))

    @property
    def is_item(self) -> bool:
        """Whether it is an item, not a catalogue or collection."""
        return self.content.get("type") == "Feature"

    @property
    def date(self) -> str:
        """Time of an item, or its first."""
        of = self.properties
        return str(of.get("datetime") or of.get("start_datetime") or "")[:19].replace("T", " ")

    @property
    def picture(self) -> str:
        """URL of the picture that shows it best; empty where there is none."""
        for role in SHOWN:
            for asset in self.assets:
                if role in asset.roles and asset.picture:
                    return asset.picture
        return ""

    @property
    def rings(self) -> list[Ring]:
        """Outlines of an item on the ground, longitude and latitude; holes too."""
        geometry = _dict(self.content.get("geometry"))
        places: Any = geometry.get("coordinates")
        polygons: Any = {"Polygon": [places], "MultiPolygon": places}.get(str(geometry.get("type")), [])
        try:
            return [[(float(p[0]), float(p[1])) for p in ring] for polygon in polygons for ring in polygon]
        except (TypeError, ValueError, IndexError, KeyError):
            return []

    def items(self) -> list[Document]:
        """Items listed here, by time."""
        return sorted(
            (child for child in self.children if child.is_item), key=lambda item: (item.date, item.id)
        )

    def collections(self) -> Iterator[Document]:
        """Catalogues and collections that list items: this one, and those below."""
        waiting = [self]
        while waiting:
            document = waiting.pop()
            if any(child.is_item for child in document.children):
                yield document
            waiting += [child for child in reversed(document.children) if not child.is_item]


def find_catalogue(folder: Path) -> tuple[Path, Path]:
    """Return the folder of a run and its catalogue, for its folder stac/ too, or a folder with a catalog.json.

    Raises AlignsarError if there is none.
    """
    if not folder.is_dir():
        is_there = (
            "is a file; give the folder that it lies in" if folder.exists() else "there is no such folder"
        )
        raise AlignsarError(f"serve {folder}: {is_there}")
    whole = folder.resolve()
    if whole.name == "stac" and (whole.parent / MANIFEST).is_file():
        whole = whole.parent
    for place in PLACES:
        if (whole / place).is_file():
            return whole, whole / place
    raise AlignsarError(
        f"serve {folder}: holds no finished run (stac/catalog.json) and no catalog.json; give the folder that a run "
        "wrote (output=...)"
    )


def read_catalogue(folder: Path, path: Path) -> Document:
    """Read the catalogue at ``path`` with all that it lists in ``folder``, each document once.

    Raises AlignsarError if it is no catalogue; documents that it lists and that are not there are left out.
    """
    content = _load(path)
    if content is None or content.get("type") not in {"Catalog", "Collection"}:
        raise AlignsarError(
            f"{path}: is no STAC catalogue; run alignsar_gpu again with the same keys to write it"
        )
    reader = _Reader(folder, _published(content, address(path, folder)))
    root = reader.document(address(path, folder), content)
    reader.read_below(root)
    return root


class _Reader:
    def __init__(self, folder: Path, published: str) -> None:
        self.folder, self.published, self.known = folder, published, set[str]()

    def document(self, url: str, content: dict[str, Any]) -> Document:
        self.known.add(url)
        assets = _dict(content.get("assets")).items()
        return Document(
            url=url,
            content=content,
            assets=tuple(self._asset(key, _dict(asset), url) for key, asset in assets),
        )

    def read_below(self, parent: Document) -> None:
        waiting = [parent]
        while waiting:
            parent = waiting.pop()
            for link in _dicts(parent.content.get("links")):
                url, path = self._place(str(link.get("href", "")), parent.url)
                is_new = link.get("rel") in {"child", "item"} and url not in self.known
                content = _load(path) if is_new and path is not None and len(self.known) < MOST else None
                if content is not None:
                    parent.children.append(self.document(url, content))
            waiting += [child for child in parent.children if not child.is_item]

    def _place(self, href: str, base: str) -> tuple[str, Path | None]:
        """URL of what a document at ``base`` refers to, and its path if it is served here."""
        try:
            url = urljoin(HERE + base, href)
            if self.published and url.startswith(self.published):
                url = f"{HERE}/{url.removeprefix(self.published)}"
            if url.startswith(f"{HERE}/"):
                path = find(self.folder, urlsplit(url).path)
                return (address(path, self.folder), path) if path is not None else ("", None)
            return (url if urlsplit(url).scheme in {"http", "https"} else ""), None
        except ValueError:
            return "", None

    def _asset(self, key: str, of: dict[str, Any], base: str) -> Asset:
        url, path = self._place(str(of.get("href", "")), base)
        size, roles = of.get("file:size"), of.get("roles")
        return Asset(
            key=key,
            title=str(of.get("title") or key),
            url=url,
            type=str(of.get("type", "")),
            roles=tuple(map(str, roles)) if isinstance(roles, list) else (),
            size=size if isinstance(size, int) else None,
            path=path,
        )


def _published(content: dict[str, Any], url: str) -> str:
    """Where the folder is published, if the catalogue says where it is itself; an empty text otherwise."""
    for link in _dicts(content.get("links")):
        href = str(link.get("href", ""))
        if link.get("rel") == "self" and "://" in href and href.endswith(url):
            return f"{href.removesuffix(url)}/"
    return ""


def _load(path: Path) -> dict[str, Any] | None:
    try:
        refuse_large(path, LARGEST)
        content = load_json(path.read_bytes())
    except (OSError, AlignsarError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return content if isinstance(content, dict) else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
