"""OpenStreetMap: buildings, roads, railways, water and land use of extracts.

Extracts of Geofabrik have the kind of an object in the attribute fclass ("OpenStreetMap Data in Layered GIS Format",
2022). Of .osm and .osm.pbf, GDAL makes the layers lines and multipolygons with an attribute a tag. Lines get widths
that roads of their class usually have. Colours are ours.
"""

from __future__ import annotations

from typing import Any

from alignsar_gpu.radarcoding.sets.label_set import Category, LabelSet, Part

# Name, width in metres, colour, and values of highway.
ROADS: tuple[tuple[str, float, str, str], ...] = (
    ("motorway", 15.0, "#c0392b", "motorway trunk"),
    ("road", 8.0, "#e67e22", "primary secondary tertiary unclassified"),
    ("link", 5.0, "#d98880", "motorway_link trunk_link primary_link secondary_link tertiary_link"),
    ("street", 6.0, "#8a8f94", "residential living_street pedestrian service busway"),
    ("path", 2.5, "#7a4b2b", "track footway cycleway path bridleway steps"),
)
TRACKS = ("track_grade1", "track_grade2", "track_grade3", "track_grade4", "track_grade5")  # Geofabrik's
RAILS = "rail light_rail subway tram narrow_gauge"
WATERWAYS: tuple[tuple[str, float, str, str], ...] = (
    ("river", 10.0, "#1f78b4", "river canal"),
    ("stream", 2.0, "#56b4e9", "stream drain ditch"),
)
BUILDING, RAILWAY, WATER = "#d55e00", "#1b1b1b", "#0072b2"
LAND_USE = (
    Category(name="forest", values=("forest",), colour="#009e73"),
    Category(
        name="grass", values=("grass", "meadow", "village_green", "recreation_ground"), colour="#b3de69"
    ),
    Category(name="farmland", values=("farmland", "farmyard", "farm"), colour="#f0e442"),
    Category(name="orchard", values=("orchard", "vineyard", "allotments"), colour="#e69f00"),
    Category(name="scrub", values=("scrub", "heath"), colour="#9467bd"),
    Category(name="park", values=("park", "cemetery", "nature_reserve"), colour="#66c2a5"),
    Category(name="residential", values=("residential",), colour="#cc79a7"),
    Category(name="commercial", values=("commercial", "retail"), colour="#f781bf"),
    Category(name="industrial", values=("industrial", "quarry", "military"), colour="#999999"),
)


def _one_of(words: str, *more: str) -> str:
    return "{} IN (" + ", ".join(f"'{word}'" for word in (*words.split(), *more)) + ")"


def _lines(name: str, layers: tuple[str, ...], attribute: str, condition: str, **keys: Any) -> Part:
    return Part(
        name=name,
        layers=layers,
        colour=keys.pop("colour"),
        conditions={attribute: condition},
        needed=(attribute,),
        keys=keys,
    )


def _layers(kind: str) -> tuple[str, ...]:
    """Return Geofabrik's names of a layer, in a GeoPackage and as a shapefile."""
    return f"gis_osm_{kind}_free", f"gis_osm_{kind}_free_1"


GEOFABRIK = (
    Part(name="building", layers=_layers("buildings_a"), colour=BUILDING),
    *(
        _lines(
            name,
            _layers("roads"),
            "fclass",
            _one_of(words, *(TRACKS if name == "path" else ())),
            width=width,
            colour=colour,
        )
        for name, width, colour, words in ROADS
    ),
    _lines("railway", _layers("railways"), "fclass", _one_of(RAILS), width=4.0, colour=RAILWAY),
    Part(
        name="water",
        layers=_layers("water_a"),
        colour=WATER,
        conditions={"fclass": "{} NOT IN ('wetland', 'glacier')"},
    ),
    *(
        _lines(name, _layers("waterways"), "fclass", _one_of(words), width=width, colour=colour)
        for name, width, colour, words in WATERWAYS
    ),
    Part(name="landuse", layers=_layers("landuse_a"), attributes=("fclass",), categories=LAND_USE),
)
TAGGED = (
    Part(
        name="building",
        layers=("multipolygons",),
        colour=BUILDING,
        conditions={"building": "{} IS NOT NULL"},
        needed=("building",),
    ),
    *(
        _lines(name, ("lines",), "highway", _one_of(words), width=width, colour=colour)
        for name, width, colour, words in ROADS
    ),
    _lines("railway", ("lines",), "railway", _one_of(RAILS), width=4.0, colour=RAILWAY),
    Part(
        name="water",
        layers=("multipolygons",),
        colour=WATER,
        conditions={"natural": "{} = 'water'"},
        needed=("natural",),
    ),
    *(
        _lines(name, ("lines",), "waterway", _one_of(words), width=width, colour=colour)
        for name, width, colour, words in WATERWAYS
    ),
    Part(name="landuse", layers=("multipolygons",), attributes=("landuse",), categories=LAND_USE),
)
OSM = LabelSet(
    name="osm",
    product=(
        "an extract of download.geofabrik.de (-free.shp.zip, or the GeoPackage), or an .osm.pbf of a small area"
    ),
    about={
        "source": "OpenStreetMap",
        "license": "ODbL-1.0",
        "attribution": "© OpenStreetMap contributors",
        "references": "https://www.openstreetmap.org/copyright",
    },
    forms=(GEOFABRIK, TAGGED),
)
