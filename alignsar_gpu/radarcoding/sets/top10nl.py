"""TOP10NL: the map of the Netherlands at 1:10,000 (Basisregistratie Topografie), by PDOK. Colours are ours."""

from __future__ import annotations

from alignsar_gpu.radarcoding.sets.label_set import Category, LabelSet, Part

TERRAIN = (
    Category(name="deciduous_forest", values=("bos: loofbos", "loofbos", "populieren"), colour="#4daf4a"),
    Category(name="coniferous_forest", values=("bos: naaldbos", "naaldbos"), colour="#00441b"),
    Category(name="mixed_forest", values=("bos: gemengd bos", "gemengd bos"), colour="#238b45"),
    Category(name="coppice", values=("bos: griend", "griend en hakhout"), colour="#66c2a5"),
    Category(name="heath", values=("heide",), colour="#9467bd"),
    Category(name="sand", values=("zand", "duin"), colour="#ffe29a"),
    Category(name="grassland", values=("grasland",), colour="#b3de69"),
    Category(name="arable_land", values=("akkerland", "bouwland", "braakliggend"), colour="#f0e442"),
    Category(
        name="orchard",
        values=("boomgaard", "fruitkwekerij", "boomkwekerij", "fruitteelt", "boomteelt"),
        colour="#e69f00",
    ),
    Category(name="cemetery", values=("dodenakker", "dodenakker met bos"), colour="#c7e9b4"),
    Category(
        name="built_up",
        values=("bebouwd gebied", "spoorbaanlichaam", "basaltblokken, steenglooiing", "laadperron"),
        colour="#cc79a7",
    ),
    Category(name="other", values=("overig", "aanlegsteiger", "onbekend"), colour="#bdbdbd"),
)


def _names(layer: str) -> tuple[str, ...]:
    return f"top10nl_{layer}", layer


PARTS = (
    Part(name="building", layers=_names("gebouw_vlak"), colour="#d55e00"),
    Part(name="road", layers=_names("wegdeel_vlak"), colour="#8a8f94"),
    Part(name="railway", layers=_names("spoorbaandeel_lijn"), colour="#1b1b1b", keys={"width": 3.0}),
    Part(name="water", layers=_names("waterdeel_vlak"), colour="#0072b2"),
    Part(
        name="ditch",
        layers=_names("waterdeel_lijn"),
        colour="#56b4e9",
        conditions={"breedteklasse": "({0} IS NULL OR {0} <> '3 - 6 meter')"},
        keys={"width": 2.0},
    ),
    Part(
        name="canal",
        layers=_names("waterdeel_lijn"),
        colour="#1f78b4",
        conditions={"breedteklasse": "{} = '3 - 6 meter'"},
        needed=("breedteklasse",),
        keys={"width": 4.5},
    ),
    Part(name="terrain", layers=_names("terrein_vlak"), attributes=("typelandgebruik",), categories=TERRAIN),
)
TOP10NL = LabelSet(
    name="top10nl",
    product="TOP10NL of pdok.nl (top10nl_Compleet.gpkg), with top10nl_gebouw_vlak, top10nl_wegdeel_vlak, ...",
    about={
        "source": "TOP10NL, Basisregistratie Topografie (BRT), Kadaster / PDOK",
        "license": "CC-BY-4.0",
        "attribution": "CC-BY Kadaster (BRT)",
        "references": "https://data.overheid.nl/dataset/22500-basisregistratie--topografie--brt---donl-",
    },
    forms=(PARTS,),
)
