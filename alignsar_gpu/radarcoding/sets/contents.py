"""What is in the file of a label set: layers of vectors, by name, their attributes, and codes of rasters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyogrio

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.rasters import open_raster as open_gdal
from alignsar_gpu.opening.vectors import reading_vectors
from alignsar_gpu.radarcoding.rasters.classes import is_nodata
from alignsar_gpu.radarcoding.rasters.opening import open_raster
from alignsar_gpu.radarcoding.vectors.classes import texts
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.formats.ogr import UNREADABLE, open_ogr, quietly
from alignsar_gpu.radarcoding.vectors.formats.paths import find_vectors, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
    from alignsar_gpu.radarcoding.sets.label_set import LabelSet
    from alignsar_gpu.radarcoding.vectors.formats.ogr import OgrSource

DATABASES = (".gpkg", ".sqlite", ".gdb", ".osm", ".pbf")  # files with layers of their own
SINGLE = (".shp", ".gml", ".fgb", ".geojson", ".json")  # with one
LOOKED_AT = 16_000_000  # pixels of a raster


@dataclass(frozen=True)
class Place:
    """Where a layer lies: path, and its name in a file with several."""

    path: str
    layer: str | None = None

    @property
    def keys(self) -> dict[str, str]:
        """The keys that name it."""
        return {"path": self.path} | ({} if self.layer is None else {"layer": self.layer})

    @property
    def is_gml(self) -> bool:
        """Whether the file is GML."""
        return self.path.lower().endswith(".gml")


def places_of(path: str, where: str) -> dict[str, Place]:
    """Find the layers of a vector file, a folder or an archive: where each lies, by its name.

    Files with one layer are named by their stems. Raises AlignsarError, beginning with ``where``, for what cannot be
    read.
    """
    found = find_vectors(path, where)
    files = [path]
    if found.members:
        files = [f"{path}!{name}" for name in found.members]
    elif found.path is not None and found.path.is_dir() and found.path.suffix.lower() != ".gdb":
        files = sorted(str(file) for file in without_clutter(found.path.iterdir()))
    places: dict[str, Place] = {}
    for file in files:
        stem, suffix = Path(file.rpartition("!")[2]).stem, Path(file).suffix.lower()
        if suffix in DATABASES:
            places |= {name: Place(file, name) for name in layers_of(file, where)}
        elif suffix == ".shp" and len(files) > 1 and not found.members:
            places[stem] = Place(path, stem)  # of one folder, so that all have one extent
        elif suffix in SINGLE:
            places.setdefault(stem, Place(file))
    return places


def layers_of(path: str, where: str) -> list[str]:
    """List the layers of a vector file that have shapes."""
    found = find_vectors(path, where)
    dataset = (
        f"/vsisubfile/0,{found.dataset}" if found.ending == ".gml" else found.dataset
    )  # as in `open_ogr`
    try:
        with quietly(), reading_vectors(dataset, f"{where}: {path}"):
            return [str(name) for name, kind in pyogrio.list_layers(dataset) if kind is not None]
    except UNREADABLE as error:
        raise AlignsarError(f"{where}: {path}: cannot be read as a vector file ({error})") from None


def open_place(place: Place, keys: Mapping[str, Any], where: str) -> OgrSource | None:
    """Open a layer; None for GML without objects. ``keys`` are those that its layer has beside its place."""
    if place.is_gml and not layers_of(place.path, where):
        return None
    return open_ogr(find_vectors(place.path, where), _config({**place.keys, **keys}), where)


def has_features(source: OgrSource, keys: Mapping[str, Any], where: str) -> bool:
    """Return whether an open layer has features that meet the condition of ``keys`` and have values of its classes."""
    config = _config(keys)
    if source.driver == "GML":  # whose attributes are read as far as the condition needs them
        source = open_ogr(find_vectors(config.path, where), config, where)
    source = replace(source, condition=config.where)
    if not len(source.head(1).shapes):
        return False
    if not (config.attribute and config.values):
        return True
    wanted = {value for values in config.values.values() for value in values}
    return any(not wanted.isdisjoint(texts(part.unique())) for part in source.values(config.attribute))


def _config(keys: Mapping[str, Any]) -> VectorLayerConfig:
    known = ("path", "layer", "where", "attribute", "values", "geometry", "width")
    return VectorLayerConfig(**{name: keys[name] for name in known if name in keys})


def check_raster(config: RasterLayerConfig, label_set: LabelSet, where: str) -> None:
    """Check that a raster is of the year of a set and has no other codes; of a large one, pixels all over it.

    Raises AlignsarError, beginning with ``where`` and naming the codes, otherwise.
    """
    raster = open_raster(config, where)
    codes = [code for one in label_set.raster for code in one.values]
    product = label_set.product
    side = max(int((LOOKED_AT / len(raster.tiles)) ** 0.5), 1)
    there: set[int] = set()
    for tile in raster.tiles:
        if config.source == label_set.about["source"]:
            label_set.check_name(tile.name, where)
        with open_gdal(tile.name, f"{where}: {tile.name}") as file:
            shape = tuple(min(size, side) for size in file.shape)
            values = file.read(raster.numbers[0], out_shape=shape, masked=True).compressed()
        values = np.unique(values)
        there |= set(values[np.isfinite(values) & ~is_nodata(values, config.nodata)].tolist())
    unknown = sorted(there.difference(codes))
    if not unknown:
        return
    names = listed([f"{code:g}" for code in unknown])
    if there.isdisjoint(codes):
        raise AlignsarError(
            f"{where}: {raster.name}: has none of the codes of the set, but {names}; take {product}"
        )
    raise AlignsarError(
        f"{where}: {raster.name}: has codes that the set does not know: {names}; take {product}, say which code is no "
        "data (nodata), or give the classes yourself (classes)"
    )
