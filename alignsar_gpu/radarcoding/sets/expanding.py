"""Replace the word of a label set by the keys of its layers."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from alignsar_gpu.config.keys import as_given
from alignsar_gpu.config.radarcoding import check_layer_name
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.radarcoding.kinds import layers_of
from alignsar_gpu.radarcoding.sets import SETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
    from alignsar_gpu.radarcoding.sets.contents import Place
    from alignsar_gpu.radarcoding.sets.label_set import LabelSet, Part
    from alignsar_gpu.radarcoding.vectors.formats.ogr import OgrSource

SET, PARTS = "set", "parts"
VECTORS = (".gpkg", ".shp", ".zip", ".gdb", ".sqlite", ".fgb", ".geojson", ".json", ".gml")


def expand_sets(layers: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Replace layers that name a set by the layers that it makes; also returns what users should know, as sentences.

    A set of one layer takes the name given to it, one of several makes NAME_PART of each part that its file has. Keys
    given with the word are those of all its layers, and keys given to NAME_PART are those of that layer; both overrule
    the set's own.

    Raises AlignsarError, naming the key, for a word that is no set, a file that lacks what the set needs, and a raster
    with codes that the set does not know.
    """
    made: dict[str, Any] = {}
    notes: list[str] = []
    for name, raw in layers.items():
        if not isinstance(raw, dict) or SET not in raw:
            made.setdefault(name, raw)
            continue
        check_layer_name(name)
        expansion = _Expansion(name, raw, layers)
        made |= expansion.layers()
        notes += expansion.notes
    return made, notes


class _Expansion:
    """A layer that names a set, and what becomes of it."""

    def __init__(self, name: str, raw: Mapping[str, Any], others: Mapping[str, Any]) -> None:
        self.name, self.where, self.others = name, f"radarcoding.layers.{name}", others
        word = as_given(raw[SET])
        if word not in SETS:
            raise AlignsarError(f"{self.where}.set={word}: {choose_from(word, SETS)}")
        self.set: LabelSet = SETS[word]
        self.asked = raw.get(PARTS)
        self.given = {key: value for key, value in raw.items() if key not in {SET, PARTS}}
        if not self.given.get("path"):
            raise AlignsarError(f"{self.where}.path: must be given; take {self.set.product}")
        self.notes: list[str] = []
        self.opened: dict[Place, OgrSource | None] = {}
        self._check_parts()

    def _check_parts(self) -> None:
        if self.asked is None:
            return
        if not isinstance(self.asked, list) or not self.asked:
            raise AlignsarError(
                f"{self.where}.parts={as_given(self.asked)}: must be a list, such as [building,water]"
            )
        if not self.set.parts:
            raise AlignsarError(f"{self.where}.parts: set={self.set.name} has no parts; leave the key out")
        for part in self.asked:
            if part not in self.set.parts:
                raise AlignsarError(f"{self.where}.parts={part}: {choose_from(str(part), self.set.parts)}")

    def layers(self) -> dict[str, Any]:
        """Return the keys of the layers that the set makes, by their names."""
        return {self.name: self._raster()} if self._is_raster() else self._vectors()

    def _is_raster(self) -> bool:
        kind, path = self.given.get("kind"), self.given["path"]
        if not (self.set.raster and self.set.forms) or kind is not None:
            return bool(self.set.raster) and kind in {None, "raster"}
        return not (isinstance(path, str) and Path(path.partition("!")[0]).suffix.lower() in VECTORS)

    def _raster(self) -> dict[str, Any]:
        from alignsar_gpu.radarcoding.sets.contents import check_raster  # noqa: PLC0415  (rasterio)

        keys = self.set.raster_keys() | self.given
        if "classes" not in self.given:
            config = cast("RasterLayerConfig", layers_of({self.name: keys})[self.name])
            check_raster(config, self.set, self.where)
        return keys

    def _vectors(self) -> dict[str, Any]:
        from alignsar_gpu.radarcoding.sets.contents import places_of  # noqa: PLC0415  (pyogrio)

        path = self.given["path"]
        if not isinstance(path, str):
            raise AlignsarError(f"{self.where}.path: must be one path; only rasters have lists of files")
        if "source" not in self.given:
            self.set.check_name(path, self.where)
        places = places_of(path, self.where)
        for form in self.set.forms:
            found = {part: place for part in form if (place := self._place(part, places)) is not None}
            if found:
                return self._parts(form, found)
        wanted = ", ".join(dict.fromkeys(part.layers[0] for form in self.set.forms for part in form))
        raise AlignsarError(
            f"{self.where}: {path}: has none of the layers of set={self.set.name} ({wanted}); take {self.set.product}"
        )

    def _place(self, part: Part, places: Mapping[str, Place]) -> Place | None:
        patterns = (self.given["layer"],) if "layer" in self.given else part.layers
        fitting = [name for name in places if any(fnmatch(name.lower(), one.lower()) for one in patterns)]
        divided = [name for name in places if name.endswith("_2") and f"{name[:-2]}_1" in fitting]
        if divided:
            raise AlignsarError(
                f"{self.where}: {divided[0]}: the layer is divided over several files; take the GeoPackage of the same "
                "extract, or put them together (ogr2ogr -append)"
            )
        return places[min(fitting, key=len)] if fitting else None

    def _parts(self, form: Sequence[Part], found: Mapping[Part, Place]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        lacking = []
        for part in form:
            if self.asked is not None and part.name not in self.asked:
                continue
            name = f"{self.name}_{part.name}" if part.name else self.name
            keys = self._part(part, name, found[part]) if part in found else None
            if keys is None:
                lacking.append(part.name)
            else:
                made[name] = keys
        has = ",".join(name.removeprefix(f"{self.name}_") for name in made)
        lacks, product = ", ".join(filter(None, lacking)) or self.set.name, self.set.product
        if lacking and not made:
            raise AlignsarError(f"{self.where}: {self.given['path']}: has nothing of {lacks}; take {product}")
        if lacking and self.asked is not None:
            raise AlignsarError(
                f"{self.where}.parts={as_given(self.asked)}: {self.given['path']} has nothing of {lacks}; write "
                f"parts=[{has}], or take {product}"
            )
        if lacking:
            self.notes.append(f"{self.where}: {has} of set={self.set.name}; the file has nothing of {lacks}")
        if "coverage" not in self.given:
            self.notes.append(
                f"{self.where}.coverage=extent: the box around all objects counts as mapped; where the extract has "
                "another shape, name a file with its area"
            )
        return made

    def _part(self, part: Part, name: str, place: Place) -> dict[str, Any] | None:
        """Return the keys of a part; None where the file has nothing of it."""
        from alignsar_gpu.radarcoding.sets.contents import has_features, open_place  # noqa: PLC0415

        more = self.others.get(name, {}) if part.name else {}
        given = {key: value for key, value in self.given.items() if key != "path"} | more
        gml = part.gml if place.is_gml else {}
        if place not in self.opened:
            self.opened[place] = open_place(place, gml, self.where)
        source = self.opened[place]
        if source is None:
            return None
        fields = self._fields(part, place, source.fields, given.get("attribute"))
        keys = {**place.keys, **gml, **self.set.vector_keys(part, name, fields), **given}
        return keys if has_features(source, keys, self.where) else None

    def _fields(
        self, part: Part, place: Place, fields: Iterable[str], attribute: str | None
    ) -> dict[str, str]:
        """Return the attributes of a layer by their names in lower case; ``attribute`` is that of the classes."""
        there = {name.lower(): name for name in fields}
        if attribute:
            there |= dict.fromkeys(part.attributes, attribute)
        for needed in filter(None, (part.needed, part.attributes)):
            if not any(name.lower() in there for name in needed):
                raise AlignsarError(
                    f"{self.where}: {place.path}: {place.layer or Path(place.path).stem} lacks the attribute "
                    f"{' or '.join(needed)}, which set={self.set.name} needs; take {self.set.product}"
                )
        return there
