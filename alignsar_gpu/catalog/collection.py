"""STAC collection: all dates of the dataset, who made it, and under which licences."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pystac
from pystac.extensions.datacube import DatacubeExtension

from alignsar_gpu.catalog.cog import class_of
from alignsar_gpu.catalog.datacube import dimensions, variables
from alignsar_gpu.catalog.facts import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import xarray as xr

    from alignsar_gpu.catalog.footprint import Footprint

# What the collection sums up of its items.
SUMMARIES = (
    "platform",
    "constellation",
    "instruments",
    "processing:level",
    "sar:instrument_mode",
    "sar:frequency_band",
    "sar:polarizations",
    "sar:product_type",
    "sar:beam_ids",
    "sar:observation_direction",
    "sat:orbit_state",
    "sat:relative_orbit",
)
COPERNICUS = "The Sentinel-1 mission of the European Union, operated by ESA"
SENTINEL_TERMS = "https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice"
SPDX = "https://spdx.org/licenses/{}.html"
NO_SPDX = ("other", "proprietary", "various")
COMPLEX = {"complex64": "cfloat32", "complex128": "cfloat64", "bool": "uint8"}
OF_ASSETS = (
    "description",
    "type",
    "roles",
    "bands",
    "classification:classes",
)  # what assets of all dates have in common


def make_collection(cube: xr.Dataset, outline: Footprint, items: Sequence[pystac.Item]) -> pystac.Collection:
    """Make the collection of all dates, without assets."""
    of = cube.attrs
    title = of.get("title", "SAR dataset")
    version = {"version": str(of["product_version"])} if "product_version" in of else {}
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
        extra_fields=version,
    )
    for name, values in summaries_of([item.properties for item in items]).items():
        collection.summaries.add(name, values)
    collection.add_links(_licences(cube))
    DatacubeExtension.ext(collection, add_if_missing=True).apply(dimensions(cube), variables(cube))
    return collection


def summaries_of(properties: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Sum up the properties of all items: each value once."""
    summaries: dict[str, list[Any]] = {}
    for name in SUMMARIES:
        found = [fields[name] for fields in properties if name in fields]
        values = {v for value in found for v in (value if isinstance(value, list) else [value])}
        if values:
            summaries[name] = sorted(values)
    software = [fields["processing:software"] for fields in properties]
    summaries["processing:software"] = [one for n, one in enumerate(software) if one not in software[:n]]
    return summaries


def add_citation(collection: pystac.Collection, cube: xr.Dataset, citation: str, doi: str) -> None:
    """Say how the dataset is cited: as configured, else by its creator and title where there is a creator."""
    if text := citation_of(cube.attrs, str(collection.title), citation, doi):
        collection.extra_fields["sci:citation"] = text
    if doi:
        collection.extra_fields["sci:doi"] = doi
        collection.add_link(pystac.Link("cite-as", f"https://doi.org/{doi}"))


def citation_of(of: Mapping[str, Any], title: str, citation: str, doi: str) -> str:
    """Return how a dataset is cited: ``citation``, else by its creator and title; empty where nobody says who that is.

    ``of`` are the attributes of its cube.
    """
    if citation or "creator_name" not in of:
        return citation
    version = f", version {of['product_version']}" if "product_version" in of else ""
    parts = [of["creator_name"], f"{title}{version}", of.get("publisher_name", "")]
    return f"{'. '.join(filter(None, parts))}." + (f" https://doi.org/{doi}" if doi else "")


def cube_bands(cube: xr.Dataset) -> list[dict[str, Any]]:
    """Describe the layers of the cube as bands, with the names of classes and flags."""
    return [_band(cube[name]) for name in sorted(map(str, cube.data_vars)) if "azimuth" in cube[name].dims]


def item_assets(items: Iterable[pystac.Item]) -> dict[str, pystac.ItemAssetDefinition | dict[str, Any]]:
    """Describe the assets that the items have: titles, types, roles and bands, without what a date has of its own."""
    found: dict[str, dict[str, Any]] = {}
    for item in items:
        for name, asset in item.assets.items():
            fields = asset.to_dict()
            common = {key: fields[key] for key in OF_ASSETS if key in fields}
            if "bands" in common:
                common["bands"] = [
                    {key: value for key, value in band.items() if key != "statistics"}
                    for band in common["bands"]
                ]
            found.setdefault(name, {"title": fields["title"].replace("this date", "a date"), **common})
    return {name: pystac.ItemAssetDefinition(fields) for name, fields in sorted(found.items())}


def _band(layer: xr.DataArray) -> dict[str, Any]:
    about, dtype = layer.attrs, str(layer.dtype)
    band: dict[str, Any] = {"name": str(layer.name), "data_type": COMPLEX.get(dtype, dtype)}
    if "long_name" in about:
        band["description"] = about["long_name"]
    if "units" in about:
        band["unit"] = about["units"]
    if layer.dtype.kind in "fc":
        band["nodata"] = "nan"
    codes = np.atleast_1d(about.get("flag_values", about.get("flag_masks", []))).tolist()
    if codes:
        names = str(about["flag_meanings"]).split()
        band["classification:classes"] = [
            class_of(int(code), name.replace("_", " ")) for code, name in zip(codes, names, strict=True)
        ]
    return band


def _providers(cube: xr.Dataset) -> list[pystac.Provider]:
    """Copernicus, if all dates are Sentinel-1's; the sources of labels; who made and publishes the dataset."""
    of, providers = cube.attrs, []
    if _is_sentinel1(cube):
        providers.append(
            pystac.Provider(
                name="Copernicus",
                description="; ".join(filter(None, [COPERNICUS, of.get("acknowledgement")])),
                roles=[pystac.ProviderRole.PRODUCER, pystac.ProviderRole.LICENSOR],
                url="https://dataspace.copernicus.eu",
            )
        )
    for source, (layers, licence) in _sources(cube).items():
        text = f"Source of {', '.join(layers)}" + (f"; licence: {licence}" if licence else "")
        roles = [pystac.ProviderRole.PRODUCER, pystac.ProviderRole.LICENSOR]
        providers.append(pystac.Provider(name=source, description=text, roles=roles))
    if "creator_name" in of:
        software, _, version = of["software"].rpartition(" ")
        providers.append(
            pystac.Provider(
                name=of["creator_name"],
                description=of.get("institution"),
                roles=[pystac.ProviderRole.PROCESSOR],
                url=of.get("creator_url"),
                extra_fields={"processing:software": {software: version}},
            )
        )
    if "publisher_name" in of:
        roles = [pystac.ProviderRole.HOST]
        providers.append(pystac.Provider(name=of["publisher_name"], roles=roles, url=of.get("publisher_url")))
    return providers


def _is_sentinel1(cube: xr.Dataset) -> bool:
    return all(str(platform).startswith("Sentinel-1") for platform in cube["platform"].values)


def _sources(cube: xr.Dataset) -> dict[str, tuple[list[str], str]]:
    """Layers and licence of each source of labels that says either."""
    sources: dict[str, tuple[list[str], str]] = {}
    for name in sorted(map(str, cube.data_vars)):
        about = cube[name].attrs
        if "inherited_from" in about and ("source" in about or "license" in about):
            source = str(about.get("source", about["inherited_from"]))
            sources.setdefault(source, ([], str(about.get("license", ""))))[0].append(name)
    return sources


def _licences(cube: xr.Dataset) -> list[pystac.Link]:
    """Links to the licences of the dataset, of Sentinel-1 data and of labels, where they are known."""
    links = []
    if cube.attrs.get("license", "other") not in NO_SPDX:
        links.append(_licence(cube.attrs["license"], f"Licence of the dataset: {cube.attrs['license']}"))
    if _is_sentinel1(cube):
        links.append(pystac.Link("license", SENTINEL_TERMS, "application/pdf", "Terms of Sentinel data"))
    for source, (layers, licence) in _sources(cube).items():
        if licence and " " not in licence:  # an SPDX identifier; other texts are in the providers
            links.append(_licence(licence, f"Licence of {', '.join(layers)} ({source}): {licence}"))
    return links


def _licence(licence: str, title: str) -> pystac.Link:
    target = licence if "://" in licence else SPDX.format(licence)
    return pystac.Link("license", target, "text/html", title)
