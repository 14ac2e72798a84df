"""BGT: the large-scale map of the Netherlands (Basisregistratie Grootschalige Topografie), as PDOK delivers it.

Of the versions of an object that the file holds, those count that are neither ended nor replaced, at ground level or
above. Colours are ours.
"""

from __future__ import annotations

from typing import Any

from alignsar_gpu.radarcoding.sets.label_set import Category, LabelSet, Part

RD = "EPSG:28992"
CURRENT = {
    "eindRegistratie": "{} IS NULL",
    "terminationDate": "{} IS NULL",
    "objectEindTijd": "{} IS NULL",
    "relatieveHoogteligging": "{} >= 0",
}
VEGETATION = (
    Category(name="deciduous_forest", values=("loofbos",), colour="#4daf4a"),
    Category(name="coniferous_forest", values=("naaldbos",), colour="#00441b"),
    Category(name="mixed_forest", values=("gemengd bos",), colour="#238b45"),
    Category(name="shrubs", values=("struiken", "houtwal"), colour="#66c2a5"),
    Category(name="heath", values=("heide",), colour="#9467bd"),
    Category(name="dune", values=("duin",), colour="#fdd49e"),
    Category(name="marsh", values=("moeras", "rietland", "kwelder"), colour="#80cdc1"),
    Category(name="grassland", values=("grasland agrarisch", "grasland overig"), colour="#b3de69"),
    Category(name="arable_land", values=("bouwland",), colour="#f0e442"),
    Category(name="orchard", values=("fruitteelt", "boomteelt"), colour="#e69f00"),
    Category(name="greenery", values=("groenvoorziening", "transitie"), colour="#c7e9b4"),
)
BARE = (
    Category(name="yard", values=("erf",), colour="#e5d8bd"),
    Category(name="sand", values=("zand",), colour="#ffe29a"),
    Category(name="unpaved", values=("onverhard", "half verhard"), colour="#bf9b6b"),
    Category(name="paved", values=("gesloten verharding", "open verharding", "transitie"), colour="#b0b0b0"),
)


def _part(name: str, layer: str, geometry: str, **more: Any) -> Part:
    return Part(
        name=name,
        layers=(f"bgt_{layer}", layer),
        conditions=CURRENT | more.pop("conditions", {}),
        gml={"geometry": geometry, "crs": RD},
        **more,
    )


PARTS = (
    _part(
        "building",
        "pand",
        "geometrie2dGrondvlak",
        colour="#d55e00",
        conditions={"bgt-status": "{} = 'bestaand'", "bgt_status": "{} = 'bestaand'"},
    ),
    _part("road", "wegdeel", "geometrie2dWegdeel", colour="#8a8f94"),
    _part("verge", "ondersteunendwegdeel", "geometrie2dOndersteunendWegdeel", colour="#d9d9b0"),
    _part("railway", "spoor", "geometrie2dSpoor", colour="#1b1b1b", keys={"width": 3.0}),
    _part("water", "waterdeel", "geometrie2dWaterdeel", colour="#0072b2"),
    _part("bank", "ondersteunendwaterdeel", "geometrie2dOndersteunendWaterdeel", colour="#7fb8d6"),
    _part(
        "vegetation",
        "begroeidterreindeel",
        "geometrie2dBegroeidTerreindeel",
        attributes=("class", "bgt-fysiekvoorkomen", "bgt_fysiekvoorkomen"),
        categories=VEGETATION,
    ),
    _part(
        "bare",
        "onbegroeidterreindeel",
        "geometrie2dOnbegroeidTerreindeel",
        attributes=("bgt-fysiekvoorkomen", "bgt_fysiekvoorkomen"),
        categories=BARE,
    ),
)
BGT = LabelSet(
    name="bgt",
    product="BGT of app.pdok.nl/lv/bgt/download-viewer (GML light), with pand, wegdeel, waterdeel, ...",
    about={
        "source": "Basisregistratie Grootschalige Topografie (BGT), Kadaster / PDOK",
        "license": "CC-BY-4.0",
        "attribution": "CC-BY Kadaster (BGT)",
        "references": "https://data.overheid.nl/dataset/43122-basisregistratie--grootschalige-topografie--bgt---donl-",
    },
    forms=(PARTS,),
)
