"""Join the catalogues of several runs in one: scenes, dates and versions are added, and nothing else is rewritten."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.catalog.collection import summaries_of
from alignsar_gpu.catalog.files import (
    GENERATOR,
    GEOJSON,
    JSON,
    SELF,
    address_of,
    as_text,
    published,
    read_object,
    refuse_foreign_catalogue,
)
from alignsar_gpu.dataset.bounds import bounds_of, longitude_bounds
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

JOINING = f"{GENERATOR} catalog"  # generator of a joined catalogue
DATASET = "alignsar_gpu:dataset"  # id of a dataset in its own catalogue: the same in all versions
RUN = "alignsar_gpu:run"  # of an item: tells the run that has brought it, without naming its folder
VIA, PREDECESSOR, SUCCESSOR, LATEST = "via", "predecessor-version", "successor-version", "latest-version"
STRUCTURE = {"root", "parent", SELF, "child", "item", "collection", VIA}  # links that the place decides
VERSIONS = {PREDECESSOR, SUCCESSOR, LATEST}
ROOT, COLLECTION = "catalog.json", "collection.json"


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What became of a run in a joined catalogue: its collection there, its items, and how many were written."""

    run: Path
    collection: str
    version: str
    items: int
    written: int


@dataclass(frozen=True, kw_only=True)
class RunCatalogue:
    """The catalogue of a run: where its collection lies, and the content of that and of its items, by id."""

    run: Path
    folder: Path
    collection: dict[str, Any]
    items: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, run: Path) -> RunCatalogue:
        """Read the catalogue of the run in a folder. Raises AlignsarError where there is none."""
        top = run if (run / ROOT).is_file() else run / "stac"
        if not (top / ROOT).is_file():
            raise AlignsarError(
                f"{run}: is no run with a catalogue (stac/catalog.json); name the folder of a run"
            )
        if read_object(top / ROOT).get("generator") != GENERATOR:
            raise AlignsarError(
                f"{top / ROOT}: is no catalogue of a run, or one of an earlier version of alignsar_gpu; make it again, "
                "or name another run"
            )
        found = sorted(top.glob(f"*/{COLLECTION}"))
        if len(found) != 1:
            raise AlignsarError(
                f"{top}: has {len(found)} collections instead of one; make the catalogue again"
            )
        folder = found[0].parent
        items = {path.stem: read_object(path) for path in sorted(folder.glob("*/*.json"))}
        return cls(run=run, folder=folder, collection=read_object(found[0]), items=items)

    @property
    def version(self) -> str:
        """Version of the dataset; an empty text where it says none."""
        return str(self.collection.get("version", ""))


@dataclass(kw_only=True)
class JoinedCatalogue:
    """A joined catalogue: its folder, the address that it is published at, and its collections by id."""

    folder: Path
    address: str
    collections: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: int = 0

    def at(self, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Return an object as it is published at its place, where there is an address."""
        if not self.address:
            return fields
        links = [link for link in fields["links"] if link["rel"] != SELF]
        address = address_of(self.folder / name, self.folder, self.address)
        return published(fields | {"links": links}, address)

    def write(self, name: str, fields: dict[str, Any]) -> None:
        """Write an object, whole or not at all, and only if it is another than the one that is there."""
        path = self.folder / name
        text = as_text(fields).encode()
        if path.is_file() and path.read_bytes() == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.part")
        beside.write_bytes(text)
        beside.replace(path)
        self.written += 1

    def items_of(self, collection: str) -> dict[str, dict[str, Any]]:
        """Read the items of a collection."""
        folder = self.folder / collection
        return {path.stem: read_object(path) for path in sorted(folder.glob("*/*.json"))}


def join_catalogues(folder: Path, runs: Sequence[Path], address: str = "") -> list[Joined]:
    """Join the catalogues of ``runs`` in ``folder``, where others may be already.

    A dataset is known by its id. One that is new becomes a collection; dates that are new are added to it. Another
    version of it becomes a collection beside the earlier one, which is marked as deprecated; each links to the other.
    Files of the runs stay where they are, and are linked to: relatively, or absolutely where ``address``, that of
    ``folder`` on the web, is given or the run's own catalogue is published. What does not change is not written, and
    the catalogue itself last, so that the same call goes on where it was interrupted.

    Raises AlignsarError for a folder that holds something else, and for a run that does not fit what is there.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        refuse_foreign_catalogue(folder, JOINING)
    found = [RunCatalogue.read(run) for run in runs]
    joined = JoinedCatalogue(folder=folder, address=address)
    joined.collections = {
        path.parent.name: read_object(path) for path in sorted(folder.glob(f"*/{COLLECTION}"))
    }
    try:
        if not (folder / ROOT).exists():  # so that what an interrupted call leaves is known as ours
            joined.write(ROOT, joined.at(ROOT, _root(joined)))
        results = [_join(joined, run) for run in found]
        joined.write(ROOT, joined.at(ROOT, _root(joined)))
    except OSError as error:
        raise AlignsarError(
            f"{folder}: the catalogue could not be written ({error}): check the free space and permissions"
        ) from error
    return results


def _join(joined: JoinedCatalogue, run: RunCatalogue) -> Joined:
    """Add one run, or what is new of it, and mark an earlier version as deprecated."""
    dataset, version = run.collection["id"], run.version
    versions = {name: fields for name, fields in joined.collections.items() if fields.get(DATASET) == dataset}
    there = [name for name, fields in versions.items() if str(fields.get("version", "")) == version]
    name = there[0] if there else _new_name(joined, run, is_first=not versions)
    before = joined.collections.get(name, {"links": []})
    kept = [link for link in before["links"] if link["rel"] in VERSIONS]
    latest = [n for n, fields in versions.items() if n != name and not _targets(fields, SUCCESSOR)]
    if not there and latest:
        kept = [_version_link(PREDECESSOR, latest[0])]

    written = joined.written
    items = joined.items_of(name)
    places = {key: f"{name}/{key}/{key}.json" for key in run.items}
    new = {key: joined.at(place, _placed_item(joined, run, name, key)) for key, place in places.items()}
    _check_items(joined, run, items, new)
    gone = [key for key in items if key not in new and items[key].get(RUN) == _told(joined, run)]
    items = dict(sorted((items | new).items()))
    for key, place in places.items():
        joined.write(place, new[key])
    new_items = joined.written - written
    for key in gone:  # dates that the run no longer has
        del items[key]
    fields = _placed_collection(joined, run, name, list(items.values()), kept)
    if before.get("deprecated"):
        fields["deprecated"] = True
    joined.collections[name] = joined.at(f"{name}/{COLLECTION}", fields)
    joined.write(f"{name}/{COLLECTION}", joined.collections[name])
    if not _targets(fields, SUCCESSOR):
        _deprecate_earlier(joined, name)
    for key in gone:
        shutil.rmtree(joined.folder / name / key)
    return Joined(run=run.run, collection=name, version=version, items=len(items), written=new_items)


def _told(joined: JoinedCatalogue, run: RunCatalogue) -> str:
    """Tell a run by its place beside the joined catalogue, which nobody can read from it."""
    return hashlib.sha256(_relative(run.folder, joined.folder).encode()).hexdigest()[:16]


def _new_name(joined: JoinedCatalogue, run: RunCatalogue, *, is_first: bool) -> str:
    """Id of a collection that is new: the dataset's, with its version where there is an earlier one."""
    dataset = str(run.collection["id"])
    name = dataset if is_first else f"{dataset}-v{re.sub(r'[^A-Za-z0-9_.]+', '-', run.version)}"
    if name in joined.collections:
        raise AlignsarError(
            f"{run.run}: {name} is in {joined.folder} already, as another dataset; give this one another dataset.id"
        )
    return name


def _placed_item(joined: JoinedCatalogue, run: RunCatalogue, name: str, key: str) -> dict[str, Any]:
    """An item of a run as it is at its place in the joined catalogue."""
    source = run.folder / key / f"{key}.json"
    place = joined.folder / name / key
    links = [
        _link("root", f"../../{ROOT}", JSON),
        _link("collection", f"../{COLLECTION}", JSON),
        _link("parent", f"../{COLLECTION}", JSON),
    ]
    fields = _placed(run.items[key], source, place, links, GEOJSON)
    return fields | {"collection": name, RUN: _told(joined, run)}


def _placed_collection(
    joined: JoinedCatalogue,
    run: RunCatalogue,
    name: str,
    items: list[dict[str, Any]],
    versions: list[dict[str, Any]],
) -> dict[str, Any]:
    """The collection of a run as it is in the joined catalogue, with the dates of other runs too."""
    links = [
        _link("root", f"../{ROOT}", JSON),
        _link("parent", f"../{ROOT}", JSON),
        *(_link("item", f"./{item['id']}/{item['id']}.json", GEOJSON) for item in items),
    ]
    fields = _placed(run.collection, run.folder / COLLECTION, joined.folder / name, links, JSON)
    properties = [item["properties"] for item in items]
    starts, ends = ([one[key] for one in properties] for key in ("start_datetime", "end_datetime"))
    return fields | {
        "id": name,
        "links": [*fields["links"], *versions],
        DATASET: run.collection["id"],
        "extent": {
            "spatial": {"bbox": [_box([item["bbox"] for item in items])]},
            "temporal": {"interval": [[min(starts), max(ends)]]},
        },
        "summaries": summaries_of(properties),
    }


def _placed(
    fields: dict[str, Any], source: Path, place: Path, links: list[dict[str, Any]], kind: str
) -> dict[str, Any]:
    """Let an object of a run lead to the same files from another folder; its own file becomes the link ``via``."""
    own = next((link["href"] for link in fields["links"] if link["rel"] == SELF), None)
    via = _link(VIA, own or _relative(source, place), kind)
    others = [
        link | {"href": _moved(link["href"], source.parent, place)}
        for link in fields["links"]
        if link["rel"] not in STRUCTURE
    ]
    assets = {
        name: asset | {"href": _moved(asset["href"], source.parent, place)}
        for name, asset in fields["assets"].items()
    }
    return fields | {"links": [*links, via, *others], "assets": assets}


def _check_items(
    joined: JoinedCatalogue,
    run: RunCatalogue,
    there: dict[str, dict[str, Any]],
    new: dict[str, dict[str, Any]],
) -> None:
    """Raise AlignsarError for a date that another run has brought, and for dates on another grid."""
    for key, fields in there.items():
        if key in new and fields.get(RUN) != new[key][RUN]:
            raise AlignsarError(
                f"{run.run}: {key} is in {joined.folder} already, from another run; give this dataset another "
                "dataset.product_version, or another dataset.id"
            )
    others = [fields for key, fields in there.items() if key not in new]
    grids = {_grid(fields) for fields in (*others, *new.values())}
    if others and len(grids) > 1:
        raise AlignsarError(
            f"{run.run}: its dates are on another grid than those of {run.collection['id']} in {joined.folder} "
            f"({'; '.join(sorted(grids))}); give this dataset another dataset.id"
        )


def _grid(item: dict[str, Any]) -> str:
    """The radar grid and the map grids of an item, in words."""
    lines, samples = item["properties"]["proj:shape"]
    codes = {str(asset["proj:code"]) for asset in item["assets"].values() if "proj:code" in asset}
    return ", ".join([f"{lines} x {samples} pixels", *sorted(codes)])


def _deprecate_earlier(joined: JoinedCatalogue, newest: str) -> None:
    """Mark the versions before the newest as deprecated, each linked to the one that replaced it and to the newest."""
    later = newest
    for earlier in _earlier(joined, newest):
        fields = joined.collections[earlier]
        others = [link for link in fields["links"] if link["rel"] not in {SUCCESSOR, LATEST}]
        links = [*others, _version_link(SUCCESSOR, later), _version_link(LATEST, newest)]
        place = f"{earlier}/{COLLECTION}"
        joined.collections[earlier] = joined.at(place, fields | {"deprecated": True, "links": links})
        joined.write(place, joined.collections[earlier])
        later = earlier


def _earlier(joined: JoinedCatalogue, name: str) -> list[str]:
    """Versions before one, the latest first."""
    found: list[str] = []
    while name in joined.collections and name not in found:
        found.append(name)
        name = next(iter(_targets(joined.collections[name], PREDECESSOR)), "")
    return found[1:]


def _root(joined: JoinedCatalogue) -> dict[str, Any]:
    count = len(joined.collections)
    children = [
        _link("child", f"./{name}/{COLLECTION}", JSON) | {"title": _title(fields)}
        for name, fields in sorted(joined.collections.items())
    ]
    return {
        "type": "Catalog",
        "id": "alignsar-gpu-datasets",
        "stac_version": "1.1.0",
        "generator": JOINING,
        "title": "SAR benchmark datasets",
        "description": f"{count} collection{'' if count == 1 else 's'} of SAR signatures per pixel",
        "links": [_link("root", f"./{ROOT}", JSON), *children],
    }


def _title(fields: dict[str, Any]) -> str:
    version = f", version {fields['version']}" if "version" in fields else ""
    return f"{fields['title']}{version}{' (deprecated)' if fields.get('deprecated') else ''}"


def _box(boxes: Iterable[Sequence[float]]) -> list[float]:
    """Bounding box of boxes (west, south, east, north), also across the antimeridian."""
    corners = np.array(list(boxes))
    west, east = longitude_bounds(list(corners[:, [0, 2]]))
    south, north = bounds_of([corners[:, [1, 3]]])
    return [west, south, east, north]


def _link(rel: str, href: str, kind: str) -> dict[str, Any]:
    return {"rel": rel, "href": href, "type": kind}


def _version_link(rel: str, name: str) -> dict[str, Any]:
    return _link(rel, f"../{name}/{COLLECTION}", JSON)


def _targets(fields: dict[str, Any], rel: str) -> list[str]:
    """Collections that version links lead to by name; of other links the address."""
    found = [link["href"] for link in fields["links"] if link["rel"] == rel]
    return [href.split("/")[-2] if rel in VERSIONS else href for href in found]


def _moved(href: str, source: Path, place: Path) -> str:
    return href if "://" in href else _relative(source / href, place)


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path.absolute(), folder.absolute()).replace(os.sep, "/")
