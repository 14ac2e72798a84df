"""Layers of a land-cover map from the BGT, the large-scale map of the Netherlands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alignsar_gpu.simulate.ground.land.vectors import VectorLayer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class _BgtFile:
    """How a kind of object of the BGT becomes a class; ``kinds`` maps values of ``attribute`` to classes."""

    name: str
    feature: str
    geometry: str
    attribute: str
    kinds: Mapping[str, str]


# From below to above. "" is every other value. Of each object the file holds all versions; that of today
# has no eindRegistratie. Attributes as in the IMGeo 2.1 schema.
_BGT = (
    _BgtFile(
        name="onbegroeidterreindeel",
        feature="OnbegroeidTerreindeel",
        geometry="geometrie2dOnbegroeidTerreindeel",
        attribute="bgt-fysiekVoorkomen",
        kinds={"onverhard": "bare soil", "half verhard": "bare soil", "erf": "grassland", "": "road"},
    ),
    _BgtFile(
        name="begroeidterreindeel",
        feature="PlantCover",
        geometry="geometrie2dBegroeidTerreindeel",
        attribute="class",
        kinds={
            **dict.fromkeys(("naaldbos", "loofbos", "gemengd bos", "houtwal", "struiken"), "forest"),
            **dict.fromkeys(("bouwland", "fruitteelt", "boomteelt"), "field"),
            "": "grassland",
        },
    ),
    _BgtFile(
        name="ondersteunendwegdeel",
        feature="AuxiliaryTrafficArea",
        geometry="geometrie2dOndersteunendWegdeel",
        attribute="function",
        kinds={"": "grassland"},
    ),
    _BgtFile(
        name="waterdeel",
        feature="Waterdeel",
        geometry="geometrie2dWaterdeel",
        attribute="class",
        kinds={"greppel, droge sloot": "grassland", "": "water"},
    ),
    _BgtFile(
        name="wegdeel",
        feature="TrafficArea",
        geometry="geometrie2dWegdeel",
        attribute="function",
        kinds={"": "road", "spoorbaan": "railway"},
    ),
    _BgtFile(
        name="pand",
        feature="BuildingPart",
        geometry="geometrie2dGrondvlak",
        attribute="bgt-status",
        kinds={"bestaand": "urban"},
    ),
)


def bgt_layers(archive: str | Path) -> tuple[VectorLayer, ...]:
    """List the layers for `from_vectors` of a zip with GML files of the BGT.

    Buildings become urban, road surfaces and other paved ground road, water water, vegetation forest, field or
    grassland by its kind, bare ground bare soil; yards and verges grassland. Only what the registration holds
    for present.
    """
    layers = []
    for file in _BGT:
        for kind, land_cover in file.kinds.items():
            others = ", ".join(f"'{one}'" for one in file.kinds if one)
            which = f"\"{file.attribute}\" = '{kind}'"
            if not kind:
                which = f'"{file.attribute}" NOT IN ({others})' if others else "1 = 1"
            layers.append(
                VectorLayer(
                    path=f"{archive}!bgt_{file.name}.gml",
                    land_cover=land_cover,
                    where=f"eindRegistratie IS NULL AND {which}",
                    template=_template(file),
                )
            )
    return tuple(layers)


def _template(file: _BgtFile) -> str:
    """What GDAL needs to know of a BGT file, which has several geometries an object and no schema beside it."""
    properties = "".join(
        f"<PropertyDefn><Name>{name}</Name><ElementPath>{name}</ElementPath><Type>String</Type></PropertyDefn>"
        for name in ("eindRegistratie", file.attribute)
    )
    return (
        f"<GMLFeatureClassList><GMLFeatureClass><Name>{file.feature}</Name>"
        f"<ElementPath>{file.feature}</ElementPath><SRSName>EPSG:28992</SRSName>"
        f"<GeomPropertyDefn><Name>geometry</Name><ElementPath>{file.geometry}</ElementPath>"
        f"<Type>Unknown</Type></GeomPropertyDefn>{properties}</GMLFeatureClass></GMLFeatureClassList>"
    )
