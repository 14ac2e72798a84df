"""ESA WorldCover: land cover of the Earth in eleven classes on pixels of 10 m, of 2020 and of 2021.

Codes and colours: product user manual, https://esa-worldcover.org/en/data-access (the same for both years).
"""

from __future__ import annotations

from alignsar_gpu.radarcoding.sets.label_set import Category, LabelSet

CLASSES = (
    Category(name="tree_cover", values=(10,), colour="#006400"),
    Category(name="shrubland", values=(20,), colour="#ffbb22"),
    Category(name="grassland", values=(30,), colour="#ffff4c"),
    Category(name="cropland", values=(40,), colour="#f096ff"),
    Category(name="built_up", values=(50,), colour="#fa0000"),
    Category(name="bare_sparse_vegetation", values=(60,), colour="#b4b4b4"),
    Category(name="snow_and_ice", values=(70,), colour="#f0f0f0"),
    Category(name="permanent_water", values=(80,), colour="#0064c8"),
    Category(name="herbaceous_wetland", values=(90,), colour="#0096a0"),
    Category(name="mangroves", values=(95,), colour="#00cf75"),
    Category(name="moss_and_lichen", values=(100,), colour="#fae6a0"),
)


def _of_year(name: str, year: int, version: str, citation: str) -> LabelSet:
    return LabelSet(
        name=name,
        product=f"ESA WorldCover {year} of esa-worldcover.org (ESA_WorldCover_10m_{year}_{version}_*_Map.tif)",
        about={
            "date": str(year),
            "source": f"ESA WorldCover 10 m {year} {version}",
            "license": "CC-BY-4.0",
            "attribution": (
                f"© ESA WorldCover project {year} / Contains modified Copernicus Sentinel data ({year}) processed by "
                "ESA WorldCover consortium"
            ),
            "references": citation,
        },
        raster=CLASSES,
        nodata=0,
        not_named=rf"WorldCover_10m_(?!{year})\d{{4}}",
    )


WORLDCOVER = _of_year(
    "worldcover",
    2021,
    "v200",
    "Zanaga, D. et al. (2022). ESA WorldCover 10 m 2021 v200. https://doi.org/10.5281/zenodo.7254221",
)
WORLDCOVER_2020 = _of_year(
    "worldcover_2020",
    2020,
    "v100",
    "Zanaga, D. et al. (2021). ESA WorldCover 10 m 2020 v100. https://doi.org/10.5281/zenodo.5571936",
)
