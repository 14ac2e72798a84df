"""Labels in the report: unknown is drawn and said as such, and classes have pixels, share and brightness."""

import re

import numpy as np
import pandas as pd
import pytest
from fake_cube import fake_cube
from report_pictures import cells_of, raster_of

from alignsar_gpu.report import write_report

CLASSES = {
    "none": {"pixels": 1200, "share": 0.2, "brightness_db": -11.5},
    "land_water": {"pixels": 1800, "share": 0.3, "brightness_db": -19.25},
    "land_city": {"pixels": 0, "share": 0.0, "brightness_db": None},
    "unknown": {"pixels": 3000, "share": 0.5, "brightness_db": -12.0},
}
QUALITY = {
    "radarcoding": {
        "known": {"land": 0.5},
        "classes": {"label": CLASSES},
        "brightness_of": "sigma0_vv",
        "label_offset": None,
    }
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    cube = fake_cube(lines=60, samples=100, dates=2, polarizations=("vv",))
    label = np.zeros((60, 100), np.uint8)
    label[:, 20:50], label[:, 50:] = 1, 255
    cube["label"] = (
        ("azimuth", "range"),
        label,
        {
            "long_name": "class of the pixel",
            "flag_values": [0, 1, 2, 255],
            "flag_meanings": "none land_water land_city unknown",
            "inherited_from": "map.gpkg",
        },
    )
    cube["labelled_land"] = ("azimuth", "range"), label != 255, {"long_name": "where land is known"}
    folder = tmp_path_factory.mktemp("report")
    objects = pd.DataFrame(
        {
            "layer": ["label", "label", "label", "building"],
            "class": ["land_water", "land_water", "land_lake", "building"],
            "ground_area": [20_000.0, 40_000.0, 555_000.0, 1_000.0],
        }
    )
    objects.to_parquet(folder / "objects.parquet")
    write_report(cube, QUALITY, folder, files=[folder / "objects.parquet"])
    return folder, re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (folder / "index.html").read_text()))


def test_objects_are_counted(page):
    _, text = page
    assert "class objects all (ha) median (ha) largest (ha)" in text
    assert "land water of label 2 6.00 3.00 4.00" in text
    assert "land lake of label 1 55.5" in text
    assert "building 1 0.100" in text


def test_the_label_is_drawn(page):
    folder, text = page
    (path,) = folder.rglob("classes_label.svg")
    picture = raster_of(path)
    assert picture.shape == (60, 100, 4)
    assert cells_of(picture, "#d5d9dd")[:, :20].all()
    assert cells_of(picture, "#0072b2")[:, 20:50].all()
    assert not picture[:, 50:, 3].any()  # what is unknown
    assert "Map of classes: class of the pixel" in (folder / "index.html").read_text()
    assert "hatched is unknown, as no map covers it" in text


def test_the_table_of_classes(page):
    _, text = page
    assert "class pixels share mean brightness (dB)" in text
    assert re.search(r"land water 1\W?800 30\.0 % \u221219\.2", text)
    assert re.search(r"unknown 3\W?000 50\.0 % \u221212\.0", text)
    assert "land city" not in text
    assert "mean of sigma0_vv over the pixels of the class and the dates" in text
    assert "Unknown: outside of what a map covers, or no data; anything may be there." in text


def test_where_sources_are_known(page):
    _, text = page
    assert "source known on land 50.0 %" in text
    assert "Elsewhere its layers are NaN, which is not 0" in text
