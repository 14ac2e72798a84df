"""STAC catalogue of a finished dataset: self-contained, one collection with an item a date."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pystac
from pystac.extensions.datacube import DatacubeExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.sar import SarExtension
from pystac.extensions.sat import SatExtension

from alignsar_gpu.catalog.datacube import dimensions, variables
from alignsar_gpu.catalog.facts import identifier, require_attributes
from alignsar_gpu.catalog.footprint import footprint
from alignsar_gpu.catalog.item import make_item
from alignsar_gpu.dataset.dates import date_name, scalar
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import xarray as xr

    from alignsar_gpu.catalog.footprint import Footprint

ZARR = "application/vnd.zarr; version=3"
MEDIA_TYPES = {
    ".tif": pystac.MediaType.COG,
    ".nc": pystac.MediaType.NETCDF,
    ".parquet": pystac.MediaType.PARQUET,
    ".html": pystac.MediaType.HTML,
    ".json": pystac.MediaType.JSON,
    ".yaml": "application/yaml",
}

# What the collection sums up of its items.
SUMMARIES = (
    "platform",
    "constellation",
    "instruments",
    "sar:instrument_mode",
    "sar:frequency_band",
    "sar:polarizations",
    "sar:product_type",
    "sat:orbit_state",
    "sat:relative_orbit",
)

COPERNICUS = pystac.Provider(
    name="Copernicus",
    description="The Sentinel-1 mission of the European Union, operated by ESA",
    roles=[pystac.ProviderRole.PRODUCER, pystac.ProviderRole.LICENSOR],
    url="https://dataspace.copernicus.eu",
)


# What a collection has beside its items: name, title and role of each asset.
PARTS = (
    ("cube", "All layers of all dates, in radar geometry", "data"),
    ("interferograms", "Multilooked interferograms of pairs of dates, in radar geometry", "data"),
    ("report", "Report with pictures", "overview"),
    ("map", "Layers of all dates on a map (GeoZarr)", "data"),
    ("chips", "Index of the chips for machine learning (GeoParquet)", "data"),
    (
        "objects",
        "Objects: connected regions of the classes of labels, with means of signatures (Parquet)",
        "data",
    ),
)
VISUAL = "visual"  # the layer of a map that is a picture


def sha256(path: Path) -> str:
    """Compute the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Products:
    """What a catalogue lists; all must be there.

    Attributes
    ----------
    netcdf : files of the dates, each named ``<YYYYMMDD>.nc`` and found by that name, or the one of all dates,
        ``<first>_<last>.nc``, or none.
    cube, interferograms, report, map, chips, objects : become assets of the collection.
    cogs : GeoTIFFs of a map, LAYER_<YYYYMMDD>.tif of a date, which become assets of its item, and LAYER.tif of the
        collection.
    metadata : quality.json, run.yaml.
    """

    netcdf: Iterable[Path] = ()
    cube: Path | None = None
    interferograms: Path | None = None
    report: Path | None = None
    map: Path | None = None
    chips: Path | None = None
    objects: Path | None = None
    cogs: Iterable[Path] = ()
    metadata: Iterable[Path] = ()


def write_stac(
    cube: xr.Dataset, folder: Path, products: Products, checksum: Callable[[Path], str] = sha256
) -> None:
    """Write the STAC catalogue of ``cube`` into ``folder``: beside it first, then renamed.

    Sizes and checksums are taken from the files (``checksum`` gives a file's SHA-256, for those who know it already).
    Links are relative, so a folder that holds all of them can be moved. No time of writing: the same input gives the
    same catalogue.

    Raises AlignsarError where a file or what the cube says of itself is missing, or where ``folder`` holds
    something else than a catalogue.
    """
    if folder.exists() and not (folder / "catalog.json").is_file():
        raise AlignsarError(
            f"{folder}: exists and is no STAC catalogue; move it away, or choose another folder"
        )
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        catalog = _catalog(cube, partial, products, checksum)
        catalog.save(catalog_type=pystac.CatalogType.SELF_CONTAINED)
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    except OSError as error:
        raise AlignsarError(
            f"{folder}: the STAC catalogue could not be written ({error}): check the free space and permissions"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _catalog(
    cube: xr.Dataset, folder: Path, products: Products, checksum: Callable[[Path], str]
) -> pystac.Catalog:
    """The catalogue of ``folder``, in memory."""
    require_attributes(cube)
    outline = footprint(cube["longitude"], cube["latitude"])
    dates = [cube.isel(time=index) for index in np.argsort(cube["time"].values, kind="stable")]
    items = {date_name(scalar(date["time"])): make_item(cube, date, outline) for date in dates}
    files = {path.stem: path for path in products.netcdf}
    together = files.pop(f"{min(items)}_{max(items)}", None)
    collection = _collection(cube, outline, list(items.values()), with_netcdf=bool(files))
    catalog = pystac.Catalog(
        id=f"{collection.id}-catalog", title=collection.title, description=collection.description
    )
    catalog.add_child(collection)
    collection.add_items(items.values())
    # The slash at the end: pystac takes a folder with a dot in its name for a file.
    catalog.normalize_hrefs(f"{folder.absolute().as_posix()}/")

    for date, item in items.items() if files else ():
        if date not in files:
            raise AlignsarError(f"STAC: no NetCDF file {date}.nc among those of the dataset: write it again")
        title = "All layers of this date, in radar geometry"
        _add_checksum(_add_asset(item, "netcdf", files[date], title, "data"), files[date], checksum)
    if together is not None:
        title = "All layers of all dates, in radar geometry, as NetCDF"
        _add_checksum(_add_asset(collection, "netcdf", together, title, "data"), together, checksum)
    for path in products.cogs:
        layer, _, date = path.stem.rpartition("_")
        owner, name = (items[date], layer) if date in items else (collection, path.stem)
        title, role = ("Picture on a map", VISUAL) if name == VISUAL else (f"{name} on a map", "data")
        _add_checksum(_add_asset(owner, f"map_{name}", path, title, role), path, checksum)
    for name, title, role in PARTS:
        path = getattr(products, name)
        if path is not None:
            _add_asset(collection, name, path, title, role)
    for path in products.metadata:
        _add_asset(collection, path.stem, path, f"Record of the run ({path.name})", "metadata")
    return catalog


def _add_checksum(asset: pystac.Asset, path: Path, checksum: Callable[[Path], str]) -> None:
    """Say how large a file is, and its checksum.

    Of reports and records, which hold the times that the run took, the catalogue says nothing, so that the same input
    gives the same catalogue.
    """
    multihash = f"1220{checksum(path)}"  # 12 stands for SHA-256, 20 for the 32 bytes that follow
    FileExtension.ext(asset, add_if_missing=True).apply(checksum=multihash, size=path.stat().st_size)


def _collection(
    cube: xr.Dataset, outline: Footprint, items: list[pystac.Item], *, with_netcdf: bool
) -> pystac.Collection:
    """The collection of all dates, without its assets."""
    of = cube.attrs
    title = of.get("title", "SAR dataset")
    starts, ends = ([item.properties[key] for item in items] for key in ("start_datetime", "end_datetime"))
    collection = pystac.Collection(
        id=identifier(cube),
        title=title,
        description=of.get("summary", title),
        license=of.get("license", "other"),
        keywords=[word.strip() for word in of.get("keywords", "SAR").split(",")],
        providers=_providers(cube),
        extent=pystac.Extent(
            pystac.SpatialExtent([outline.bbox]),
            pystac.TemporalExtent([[dt.datetime.fromisoformat(t) for t in (min(starts), max(ends))]]),
        ),
    )
    for name in SUMMARIES:
        found = [item.properties[name] for item in items if name in item.properties]
        values = {v for value in found for v in (value if isinstance(value, list) else [value])}
        if values:
            collection.summaries.add(name, sorted(values))
    SarExtension.add_to(collection)
    SatExtension.add_to(collection)
    if with_netcdf:
        collection.item_assets = {
            "netcdf": pystac.ItemAssetDefinition.create(
                title="All layers of a date, in radar geometry",
                description="CF-1.11 NetCDF on (azimuth, range)",
                media_type=pystac.MediaType.NETCDF,
                roles=["data"],
            )
        }
    DatacubeExtension.ext(collection, add_if_missing=True).apply(dimensions(cube), variables(cube))
    return collection


def _providers(cube: xr.Dataset) -> list[pystac.Provider]:
    """Copernicus, if all dates are Sentinel-1's, and who made the dataset, if that is configured."""
    providers = []
    platforms = [str(platform) for platform in cube["platform"].values]
    if all(platform.startswith("Sentinel-1") for platform in platforms):
        providers.append(COPERNICUS)
    if "creator_name" in cube.attrs:
        providers.append(
            pystac.Provider(
                name=cube.attrs["creator_name"],
                description=cube.attrs.get("institution"),
                roles=[pystac.ProviderRole.PROCESSOR],
                url=cube.attrs.get("creator_url"),
            )
        )
    return providers


def _add_asset(
    owner: pystac.Item | pystac.Collection, key: str, path: Path, title: str, role: str
) -> pystac.Asset:
    """Add a file or a Zarr folder as an asset, at its place beside the catalogue."""
    if not path.exists():
        raise AlignsarError(f"STAC: {path} does not exist, so it cannot be catalogued: write it first")
    media_type = ZARR if path.is_dir() else MEDIA_TYPES[path.suffix]
    href = os.path.relpath(path.absolute(), Path(owner.self_href).parent)
    asset = pystac.Asset(href=href.replace(os.sep, "/"), title=title, media_type=media_type, roles=[role])
    owner.add_asset(key, asset)
    return asset
