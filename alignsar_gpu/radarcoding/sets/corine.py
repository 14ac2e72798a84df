"""CORINE Land Cover 2018: land cover and use of Europe in 44 classes, 15 groups and 5 main groups.

Rasters count the classes from 1 to 44, in the order of their codes (48: no data), or hold the codes themselves;
vectors have them in the attribute Code_18. Names, codes and colours: the legend of the Copernicus Land Monitoring
Service. Groups have the colour of their first class.
"""

from __future__ import annotations

from itertools import groupby

from alignsar_gpu.radarcoding.sets.label_set import Category, LabelSet, Part

# Code, name and colour of the classes, in the order in which rasters count them.
LEGEND = (
    (111, "continuous_urban_fabric", "#e6004d"),
    (112, "discontinuous_urban_fabric", "#ff0000"),
    (121, "industrial_or_commercial_units", "#cc4df2"),
    (122, "road_and_rail_networks", "#cc0000"),
    (123, "port_areas", "#e6cccc"),
    (124, "airports", "#e6cce6"),
    (131, "mineral_extraction_sites", "#a600cc"),
    (132, "dump_sites", "#a64d00"),
    (133, "construction_sites", "#ff4dff"),
    (141, "green_urban_areas", "#ffa6ff"),
    (142, "sport_and_leisure_facilities", "#ffe6ff"),
    (211, "non_irrigated_arable_land", "#ffffa8"),
    (212, "permanently_irrigated_land", "#ffff00"),
    (213, "rice_fields", "#e6e600"),
    (221, "vineyards", "#e68000"),
    (222, "fruit_trees_and_berry_plantations", "#f2a64d"),
    (223, "olive_groves", "#e6a600"),
    (231, "pastures", "#e6e64d"),
    (241, "annual_with_permanent_crops", "#ffe6a6"),
    (242, "complex_cultivation_patterns", "#ffe64d"),
    (243, "agriculture_with_natural_vegetation", "#e6cc4d"),
    (244, "agro_forestry_areas", "#f2cca6"),
    (311, "broad_leaved_forest", "#80ff00"),
    (312, "coniferous_forest", "#00a600"),
    (313, "mixed_forest", "#4dff00"),
    (321, "natural_grasslands", "#ccf24d"),
    (322, "moors_and_heathland", "#a6ff80"),
    (323, "sclerophyllous_vegetation", "#a6e64d"),
    (324, "transitional_woodland_shrub", "#a6f200"),
    (331, "beaches_dunes_sands", "#e6e6e6"),
    (332, "bare_rocks", "#cccccc"),
    (333, "sparsely_vegetated_areas", "#ccffcc"),
    (334, "burnt_areas", "#000000"),
    (335, "glaciers_and_perpetual_snow", "#a6e6cc"),
    (411, "inland_marshes", "#a6a6ff"),
    (412, "peat_bogs", "#4d4dff"),
    (421, "salt_marshes", "#ccccff"),
    (422, "salines", "#e6e6ff"),
    (423, "intertidal_flats", "#a6a6e6"),
    (511, "water_courses", "#00ccf2"),
    (512, "water_bodies", "#80f2e6"),
    (521, "coastal_lagoons", "#00ffa6"),
    (522, "estuaries", "#a6ffe6"),
    (523, "sea_and_ocean", "#e6f2ff"),
)
GROUPS = {
    11: "urban_fabric",
    12: "industrial_commercial_and_transport_units",
    13: "mine_dump_and_construction_sites",
    14: "artificial_vegetated_areas",
    21: "arable_land",
    22: "permanent_crops",
    23: "pastures",
    24: "heterogeneous_agricultural_areas",
    31: "forests",
    32: "scrub_and_herbaceous_vegetation",
    33: "open_spaces_with_little_vegetation",
    41: "inland_wetlands",
    42: "maritime_wetlands",
    51: "inland_waters",
    52: "marine_waters",
}
MAIN_GROUPS = {
    1: "artificial_surfaces",
    2: "agricultural_areas",
    3: "forests_and_semi_natural_areas",
    4: "wetlands",
    5: "water_bodies",
}
DOI = {"raster": "960998c1-1870-4e82-8051-6485205ebbac", "vector": "71c95a07-e296-44fc-b22b-415f42acfdf0"}
NODATA = 48


def _categories(names: dict[int, str], digits: int, *, raster: bool) -> tuple[Category, ...]:
    """Return the classes of a level: those whose codes begin with the same digits are one."""
    numbered = list(enumerate(LEGEND, 1))
    groups = groupby(numbered, lambda item: item[1][0] // 10 ** (3 - digits))
    found = []
    for code, members in groups:
        rows = list(members)
        codes = [row[0] for _, row in rows]
        values = (*(number for number, _ in rows), *codes) if raster else tuple(map(str, codes))
        found.append(Category(name=names[code], values=values, colour=rows[0][1][2]))
    return tuple(found)


def _at_level(name: str, names: dict[int, str], digits: int) -> LabelSet:
    part = Part(
        name="",
        layers=("*clc*",),
        attributes=("code_18",),
        categories=_categories(names, digits, raster=False),
    )
    return LabelSet(
        name=name,
        product=(
            "CORINE Land Cover 2018 of land.copernicus.eu: the raster U2018_CLC2018_V2020_20u1.tif, or the GeoPackage "
            "of the same name, whose attribute Code_18 has the classes"
        ),
        about={
            "date": "2018",
            "source": "CORINE Land Cover 2018, European Environment Agency",
            "license": "https://land.copernicus.eu/en/data-policy",
            "attribution": "Generated using European Union's Copernicus Land Monitoring Service information",
            "references": "; ".join(f"https://doi.org/10.2909/{doi} ({kind})" for kind, doi in DOI.items()),
        },
        raster=_categories(names, digits, raster=True),
        nodata=NODATA,
        forms=((part,),),
        not_named=r"CLC(?!2018)\d{4}",
    )


CORINE = _at_level("corine", {code: name for code, name, _ in LEGEND}, 3)
CORINE_LEVEL2 = _at_level("corine_level2", GROUPS, 2)
CORINE_LEVEL1 = _at_level("corine_level1", MAIN_GROUPS, 1)
