"""Login pages of servers saved in place of files: called web pages by every reader, with what to do."""

import re

import pytest
from fake_safe import FakeSafe, annotations_in, write_safe

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.opening.web_pages import refuse_web_page
from alignsar_gpu.products.area import read_area
from alignsar_gpu.products.nisar.reader import open_nisar
from alignsar_gpu.products.sentinel1.products import open_products
from alignsar_gpu.products.snap.reader import open_stack
from alignsar_gpu.radarcoding.points.config import PointLayerConfig
from alignsar_gpu.radarcoding.points.files import open_points
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.files import open_vectors

PAGE = b'<!DOCTYPE html>\n<html lang="en"><head><title>Earthdata Login</title></head><body></body></html>'
EOF = "S1A_OPER_AUX_POEORB_OPOD_20230924T080000_V20230903T225942_20230905T005942.EOF"
WORDS = (
    "is a web page (HTML), most likely the login page of the server that it should come from; log in there"
)


@pytest.mark.parametrize(
    "content",
    [
        PAGE,
        b"\xef\xbb\xbf\r\n<HTML>",
        b'<?xml version="1.0"?>\n<!-- by a server --><!doctype HTML PUBLIC "-//W3C//DTD XHTML 1.0">',
        b"<html>" + bytes(5000),
    ],
)
def test_pages(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    for given in (content, tmp_path / "file"):
        with pytest.raises(AlignsarError, match=f"^here: {re.escape(WORDS)}"):
            refuse_web_page(given, "here")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b'<?xml version="1.0"?><product/>', b"<headline>", b"html"]
)
def test_others(content):
    refuse_web_page(content, "here")


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("S1A_IW_SLC__1SDV_A.zip", open_products),
        ("stack.znap.zip", open_stack),
        ("product.h5", open_nisar),
        ("dem.tif", lambda path: open_dem([str(path)], "ellipsoid", None)),
        ("area.geojson", lambda path: read_area(str(path))),
        ("area.zip", lambda path: read_area(str(path))),
    ],
)
def test_readers(name, reading, tmp_path):
    path = tmp_path / name
    path.write_bytes(PAGE)
    with pytest.raises(AlignsarError) as refused:
        reading(path)
    assert WORDS in str(refused.value)
    assert name in str(refused.value)


@pytest.mark.parametrize("name", ["tile.las", "tile.laz", "points.csv", "points.parquet"])
def test_points(name, tmp_path):
    (tmp_path / name).write_bytes(PAGE)
    with pytest.raises(AlignsarError, match=re.escape(f"{name}: {WORDS}")):
        open_points(PointLayerConfig(path=str(tmp_path / name)), "key")


@pytest.mark.parametrize("name", ["map.gpkg", "map.parquet", "map.shp"])
def test_vectors(name, tmp_path):
    (tmp_path / name).write_bytes(PAGE)
    with pytest.raises(AlignsarError, match=re.escape(WORDS)):
        open_vectors(VectorLayerConfig(path=str(tmp_path / name)), "key")


@pytest.mark.parametrize("ending", ["", ".zip"])
def test_orbits_and_annotations(ending, tmp_path):
    root = write_safe(tmp_path, FakeSafe(pixels=False))
    (tmp_path / (EOF + ending)).write_bytes(PAGE)
    with pytest.raises(AlignsarError, match=re.escape(f"{EOF}{ending}: {WORDS}")):
        open_products(root, orbits=tmp_path)
    annotations_in(root)[0].write_bytes(PAGE)
    with pytest.raises(AlignsarError, match=re.escape(f"{annotations_in(root)[0].name}: {WORDS}")):
        open_products(root)
