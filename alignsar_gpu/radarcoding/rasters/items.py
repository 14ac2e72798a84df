"""Rasters of STAC items: which file is of what time, from JSON on the disk; no link is followed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pystac
from pystac.errors import STACError, STACTypeError

from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.opening.files import refuse_outside
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.network import is_remote
from alignsar_gpu.opening.texts import load_json
from alignsar_gpu.radarcoding.dates import Validity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig

LARGEST = 64 << 20  # bytes of a file of items
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, STACError, STACTypeError)


def rasters_of_items(config: RasterLayerConfig, key: str) -> Iterator[tuple[Validity, str, Path]]:
    """List the rasters of STAC items, each with its time and the file of its item.

    Messages begin with ``key``. ``config.path`` is a folder, a file of one item or of several (a FeatureCollection), or
    a collection, whose items lie beside it or below. Raises AlignsarError for what is none of these, and for assets
    that are not there.
    """
    place = Path(str(config.path)).expanduser()
    if isinstance(config.path, list) or not place.exists():
        raise AlignsarError(
            f"{key}.path={config.path}: dates=stac needs a folder of STAC items, or a JSON file of them"
        )
    root = place if place.is_dir() else place.parent
    found = [] if place.is_dir() else _items(place, root, key)
    found = found or [
        pair for file in without_clutter(sorted(root.rglob("*.json"))) for pair in _items(file, root, key)
    ]
    if not found:
        raise AlignsarError(
            f"{key}: {place}: has no STAC item; name the folder or the JSON file that they are in"
        )
    for file, item in found:
        where = f"{key}: {file}, item {item.id}"
        try:
            time, raster = _time(item, where), _raster(item, config.asset, file, root, where)
        except DAMAGED as error:
            raise AlignsarError(f"{where}: cannot be read as STAC ({error})") from None
        yield time, raster, file


def _items(file: Path, root: Path, key: str) -> list[tuple[Path, pystac.Item]]:
    """Return the items in a file, none for other JSON."""
    refuse_outside(file, root, key)
    try:
        if file.stat().st_size > LARGEST:
            raise AlignsarError(
                f"{key}: {file}: has {file.stat().st_size} bytes, too many for STAC; not read"
            )
        content = load_json(file.read_bytes())
        kind = content.get("type") if isinstance(content, dict) else None
        features = (
            [content] if kind == "Feature" else content["features"] if kind == "FeatureCollection" else []
        )
        return [(file, pystac.Item.from_dict(feature)) for feature in features if "stac_version" in feature]
    except DAMAGED as error:
        raise AlignsarError(f"{key}: {file}: cannot be read as STAC ({error})") from None


def _time(item: pystac.Item, where: str) -> Validity:
    """Return the time of an item: a moment, or from its start to its end."""
    moments = item.datetime, item.common_metadata.start_datetime, item.common_metadata.end_datetime
    first, last = (moments[1] or moments[0], moments[2] or moments[0])
    if first is None or last is None:
        raise AlignsarError(f"{where}: has no datetime; write one into it")
    validity = Validity.between(first, last)
    if validity.end < validity.start:
        raise AlignsarError(f"{where}: ends before it starts ({first} to {last}); correct it")
    return validity


def _raster(item: pystac.Item, wanted: str | None, file: Path, root: Path, where: str) -> str:
    """Return the file of the asset that is wanted, or of the only one with data."""
    data = [name for name, asset in item.assets.items() if "data" in (asset.roles or ())] or list(item.assets)
    if wanted is not None and wanted not in item.assets:
        raise AlignsarError(f"{where}: asset={wanted}: {choose_from(wanted, item.assets)}")
    if wanted is None and len(data) != 1:
        raise AlignsarError(f"{where}: has {len(data)} assets with data: {', '.join(data)}; name one (asset)")
    href = item.assets[wanted or data[0]].href
    if is_remote(href):
        raise AlignsarError(
            f"{where}: its asset is at {href}, which is not fetched; download it and correct the item"
        )
    path = file.parent / href
    if not path.is_file():
        raise AlignsarError(f"{where}: its asset {href} is not there; download it, or correct the item")
    refuse_outside(path, root, where)
    return str(path)
