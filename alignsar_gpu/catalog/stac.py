"""STAC catalogue of a finished dataset: self-contained, one collection with an item a date."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pystac
from pystac.extensions.file import FileExtension

from alignsar_gpu.catalog.cog import describe_cog
from alignsar_gpu.catalog.collection import add_citation, cube_bands, item_assets, make_collection
from alignsar_gpu.catalog.extensions import declare_extensions
from alignsar_gpu.catalog.facts import require_attributes
from alignsar_gpu.catalog.files import GENERATOR, address_of, as_text, published, refuse_foreign_catalogue
from alignsar_gpu.catalog.footprint import footprint
from alignsar_gpu.catalog.item import make_item
from alignsar_gpu.catalog.models import ARTIFACT, SAFETENSORS, CataloguedModel, model_item
from alignsar_gpu.catalog.pictures import write_pictures
from alignsar_gpu.dataset.dates import date_name, scalar
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import xarray as xr

ZARR = "application/vnd.zarr; version=3"
MEDIA_TYPES = {
    ".tif": pystac.MediaType.COG,
    ".nc": pystac.MediaType.NETCDF,
    ".parquet": "application/vnd.apache.parquet",
    ".html": pystac.MediaType.HTML,
    ".json": pystac.MediaType.JSON,
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".png": pystac.MediaType.PNG,
    ".webp": "image/webp",
    ".safetensors": SAFETENSORS,
}
MOST_READ = 1_000_000_000  # pixels of all dates that are pictured without a map
PICTURES = {"thumbnail": "Thumbnail", "overview": "Overview"}

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
    ("predictions", "Predictions of a model for every pixel, in radar geometry", "data"),
    ("detections", "Objects that a model has found, with their places (GeoParquet)", "data"),
    ("models", "Scores of the models that were trained on it, with pictures", "overview"),
    ("metrics", "Scores of the models (metrics.json)", "metadata"),
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
    alignsar : files of the dates as AlignSAR's code reads them, ``netcdf_<YYYYMMDD>_full_attributes.nc``.
    cube, interferograms, report, map, chips, objects, predictions, detections, models, metrics : become assets of the
        collection.
    tables : Parquet files of labels whose pixels have numbers of rows; assets of the collection too.
    cogs : GeoTIFFs of a map, LAYER_<YYYYMMDD>.tif of a date, which become assets of its item, and LAYER.tif of the
        collection.
    metadata : quality.json, run.yaml.
    card : README.md and croissant.json, as far as they are there.
    trained : models with weights: each gets an item of its own, beside the collection.
    """

    netcdf: Iterable[Path] = ()
    alignsar: Iterable[Path] = ()
    cube: Path | None = None
    interferograms: Path | None = None
    report: Path | None = None
    map: Path | None = None
    chips: Path | None = None
    objects: Path | None = None
    predictions: Path | None = None
    detections: Path | None = None
    models: Path | None = None
    metrics: Path | None = None
    tables: Iterable[Path] = ()
    cogs: Iterable[Path] = ()
    metadata: Iterable[Path] = ()
    card: Iterable[Path] = ()
    trained: Sequence[CataloguedModel] = ()


@dataclass(frozen=True, kw_only=True)
class Publication:
    """How a catalogue is published.

    Attributes
    ----------
    address : web address that the folder around the catalogue will have: links become absolute. Empty: they are
        relative, so that the folder can be moved.
    citation, doi : of the dataset; empty where there is none.
    """

    address: str = ""
    citation: str = ""
    doi: str = ""


UNPUBLISHED = Publication()


def write_stac(
    cube: xr.Dataset,
    folder: Path,
    products: Products,
    checksum: Callable[[Path], str] = sha256,
    publication: Publication = UNPUBLISHED,
) -> None:
    """Write the STAC catalogue of ``cube`` into ``folder``: beside it first, then renamed.

    Sizes and checksums are taken from the files (``checksum`` gives a file's SHA-256, for those who know it already).
    No time of writing: the same input gives the same catalogue.

    Raises AlignsarError where a file or what the cube says of itself is missing, or where ``folder`` holds
    something else than a catalogue of alignsar_gpu.
    """
    refuse_foreign_catalogue(folder)
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        catalog = _catalog(cube, partial, products, checksum, publication)
        catalog.catalog_type = pystac.CatalogType.SELF_CONTAINED
        for stac_object in (catalog, *catalog.get_children(), *catalog.get_items(recursive=True)):
            path = Path(stac_object.self_href)
            fields = stac_object.to_dict(include_self_link=False)
            if publication.address:
                place = folder / path.relative_to(partial.absolute())
                fields = published(fields, address_of(place, folder.parent, publication.address))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(as_text(fields), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    except OSError as error:
        raise AlignsarError(
            f"{folder}: the STAC catalogue could not be written ({error}): check the free space and permissions"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _catalog(
    cube: xr.Dataset,
    folder: Path,
    products: Products,
    checksum: Callable[[Path], str],
    publication: Publication,
) -> pystac.Catalog:
    """The catalogue of ``folder``, in memory, and its pictures there."""
    require_attributes(cube)
    outline = footprint(cube["longitude"], cube["latitude"])
    dates = [cube.isel(time=index) for index in np.argsort(cube["time"].values, kind="stable")]
    items = {date_name(scalar(date["time"])): make_item(cube, date, outline) for date in dates}
    collection = make_collection(cube, outline, list(items.values()))
    add_citation(collection, cube, publication.citation, publication.doi)
    catalog = pystac.Catalog(
        id=f"{collection.id}-catalog",
        title=collection.title,
        description=collection.description,
        extra_fields={"generator": GENERATOR},
    )
    catalog.add_child(collection)
    collection.add_items(items.values())
    models = {model.name: model_item(model, collection, outline) for model in products.trained}
    catalog.add_items(models.values())
    # The slash at the end: pystac takes a folder with a dot in its name for a file.
    catalog.normalize_hrefs(f"{folder.absolute().as_posix()}/")

    _add_netcdf(collection, items, products.netcdf, checksum)
    for path in products.alignsar:
        title = "Signatures and labels of this date, as AlignSAR's code reads them"
        asset = _add_asset(items[path.stem.split("_")[1]], "alignsar", path, title, "data")
        _add_checksum(asset, path, checksum)
    cogs = tuple(products.cogs)
    _add_cogs(collection, items, cogs, checksum)
    _add_parts(collection, cube, products, checksum)
    _add_pictures(collection, items, dates, cogs)
    for model in products.trained:
        _add_model(collection, models[model.name], model, checksum)
    collection.item_assets = item_assets(items.values())
    declare_extensions(collection)
    for item in (*items.values(), *models.values()):
        declare_extensions(item)
    return catalog


def _add_netcdf(
    collection: pystac.Collection,
    items: Mapping[str, pystac.Item],
    paths: Iterable[Path],
    checksum: Callable[[Path], str],
) -> None:
    files = {path.stem: path for path in paths}
    together = files.pop(f"{min(items)}_{max(items)}", None)
    for date, item in items.items() if files else ():
        if date not in files:
            raise AlignsarError(f"STAC: no NetCDF file {date}.nc among those of the dataset: write it again")
        title = "All layers of this date, in radar geometry"
        _add_checksum(_add_asset(item, "netcdf", files[date], title, "data"), files[date], checksum)
    if together is not None:
        title = "All layers of all dates, in radar geometry, as NetCDF"
        _add_checksum(_add_asset(collection, "netcdf", together, title, "data"), together, checksum)


def _add_cogs(
    collection: pystac.Collection,
    items: Mapping[str, pystac.Item],
    paths: Iterable[Path],
    checksum: Callable[[Path], str],
) -> None:
    for path in paths:
        layer, _, date = path.stem.rpartition("_")
        owner, name = (items[date], layer) if date in items else (collection, path.stem)
        title, role = ("Picture on a map", VISUAL) if name == VISUAL else (f"{name} on a map", "data")
        asset = _add_asset(owner, f"map_{name}", path, title, role)
        _add_checksum(asset, path, checksum)
        asset.extra_fields |= describe_cog(path)


def _add_parts(
    collection: pystac.Collection, cube: xr.Dataset, products: Products, checksum: Callable[[Path], str]
) -> None:
    for name, title, role in PARTS:
        path = getattr(products, name)
        if path is not None:
            asset = _add_asset(collection, name, path, title, role)
            if name == "cube":
                asset.extra_fields["bands"] = cube_bands(cube)
    for path in products.tables:
        title = f"Attributes of {path.stem}: a row for each number of that layer (Parquet)"
        _add_checksum(_add_asset(collection, f"table_{path.stem}", path, title, "data"), path, checksum)
    for path in products.metadata:
        _add_asset(collection, path.stem, path, f"Record of the run ({path.name})", "metadata")
    for path in products.card:
        _add_asset(collection, path.stem.lower(), path, f"Card of the dataset ({path.name})", "metadata")


def _add_model(
    collection: pystac.Collection,
    item: pystac.Item,
    model: CataloguedModel,
    checksum: Callable[[Path], str],
) -> None:
    """Add the weights and the card of a model to its item, and a link to it to the collection."""
    for path in model.weights:
        asset = _add_asset(item, path.stem, path, f"Weights, {path.stem.replace('-', ' ')}", "mlm:model")
        _add_checksum(asset, path, checksum)
        # STAC has bands of an item only where an asset has some; MLM wants those of the item.
        bands = [{"name": band["name"]} for band in item.properties["bands"]]
        asset.extra_fields |= {"mlm:artifact_type": ARTIFACT, "bands": bands}
    if model.card is not None:
        _add_asset(item, "card", model.card, "Model card", "metadata")
    collection.add_link(
        pystac.Link("related", item, pystac.MediaType.GEOJSON, f"Model trained on it: {model.title}")
    )


def _add_pictures(
    collection: pystac.Collection,
    items: Mapping[str, pystac.Item],
    dates: Sequence[xr.Dataset],
    cogs: Iterable[Path],
) -> None:
    """Write a thumbnail and an overview of each date into the catalogue; the collection shows the reference date.

    Without pictures on a map, the brightness of only some dates is read where they are large and many.
    """
    shown = {path.stem: path for path in cogs}
    pixels = dates[0].sizes["azimuth"] * dates[0].sizes["range"]
    most = min(len(dates), max(1, MOST_READ // pixels))
    chosen = set(np.linspace(0, len(dates) - 1, most).round().astype(int).tolist())
    for index, (name, date) in enumerate(zip(items, dates, strict=True)):
        item, visual = items[name], shown.get(f"{VISUAL}_{name}")
        is_reference = str(scalar(date["product_id"])) == date.attrs["reference_product_id"]
        if visual is None and index not in chosen and not is_reference:
            continue
        for path in write_pictures(Path(item.self_href).parent, visual, date):
            for owner in (item, collection) if is_reference else (item,):
                _add_asset(owner, path.stem, path, PICTURES[path.stem], path.stem)


def _add_checksum(asset: pystac.Asset, path: Path, checksum: Callable[[Path], str]) -> None:
    """Say how large a file is, and its checksum.

    Of reports and records, which hold the times that the run took, the catalogue says nothing, so that the same input
    gives the same catalogue.
    """
    multihash = f"1220{checksum(path)}"  # 12 stands for SHA-256, 20 for the 32 bytes that follow
    FileExtension.ext(asset, add_if_missing=True).apply(checksum=multihash, size=path.stat().st_size)


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
