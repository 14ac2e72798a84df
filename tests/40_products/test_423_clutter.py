"""Products in folders and archives with files of macOS, Windows and browsers among theirs: read as without them."""

import shutil
import zipfile

import geopandas
import numpy as np
import pytest
import shapely
from fake_safe import FakeSafe, write_safe, zip_of
from fake_snap import write_znap
from synthetic_stack import simulate_stack

from alignsar_gpu.geometry.dem.raster import list_names
from alignsar_gpu.products.area import read_area
from alignsar_gpu.products.sentinel1.orbit_files import _orbit_files, _unzipped
from alignsar_gpu.products.sentinel1.products import open_products
from alignsar_gpu.products.snap.reader import open_stack
from alignsar_gpu.radarcoding.vectors.formats.paths import find_vectors

APPLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
EOF = "S1A_OPER_AUX_POEORB_OPOD_20210316T161714_V20180101T225942_20180103T005942"


def clutter(folder):
    """What a Mac and Windows leave in a folder and in those below: one for each file, and more."""
    for file in [file for file in folder.rglob("*") if not file.name.startswith("._")]:
        (file.parent / f"._{file.name}").write_bytes(APPLE)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._manifest.safe"):
        (folder / name).write_bytes(APPLE)
    return folder


def zip_of_a_mac(root):
    """As the Finder compresses: beside each file one of the same name in __MACOSX."""
    archive = zip_of(root)
    with zipfile.ZipFile(archive, "a") as target:
        for name in target.namelist():
            folder, _, own = name.rstrip("/").rpartition("/")
            target.writestr(f"__MACOSX/{folder}/._{own}", APPLE)
        target.writestr(f"{root.name}/.DS_Store", APPLE)
    shutil.rmtree(root)
    return archive


class TestSentinel1:
    @pytest.fixture
    def root(self, tmp_path):
        return write_safe(tmp_path, FakeSafe(swaths=(1, 2)))

    def check(self, path):
        (product,) = open_products(path).opened.values()
        assert len(product.bursts) == 4
        assert np.isfinite(product.bursts[0].read("vv")).all()

    def test_in_the_product(self, root, tmp_path):
        clutter(root)
        self.check(root)
        self.check(tmp_path)

    def test_beside_the_product(self, root, tmp_path):
        clutter(tmp_path)
        self.check(tmp_path)

    def test_in_a_zip(self, root, tmp_path):
        archive = zip_of_a_mac(root)
        self.check(archive)
        self.check(clutter(tmp_path))

    def test_fetched_twice(self, root, tmp_path):
        shutil.copytree(root, root.with_name(f"{root.stem} (1).SAFE"))
        self.check(tmp_path)
        archive = zip_of(root)
        shutil.rmtree(root)
        shutil.rmtree(root.with_name(f"{root.stem} (1).SAFE"))
        shutil.copy(archive, archive.with_name(f"{archive.stem} (1).zip"))
        self.check(tmp_path)


def test_orbits(tmp_path):
    archive = tmp_path / f"{EOF}.EOF.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr(f"{EOF}.EOF", "<a/>")
        target.writestr(f"__MACOSX/._{EOF}.EOF", APPLE)
    assert _unzipped(archive) == b"<a/>"
    clutter(tmp_path)
    shutil.copy(archive, tmp_path / f"{EOF}.EOF (1).zip")
    assert [file.path for file in _orbit_files(tmp_path)] == [archive]


def test_snap_stack(tmp_path):
    product = simulate_stack(lines=64, samples=97, dates=2, polarizations=("vv",), seed=11, flattened=True)
    write_znap(product, tmp_path, [0, 1])
    expected = open_stack(tmp_path).read_pixels(0, 9)[0]
    np.testing.assert_array_equal(open_stack(clutter(tmp_path)).read_pixels(0, 9)[0], expected)


def test_area_of_interest(tmp_path):
    archive = tmp_path / "area.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("area.geojson", '{"type": "Polygon", "coordinates": [[[4,52],[5,52],[5,53],[4,52]]]}')
        target.writestr("__MACOSX/._area.geojson", APPLE)
    assert read_area(str(archive)).bounds == (4.0, 52.0, 5.0, 53.0)


def test_labels(tmp_path):
    """Shapefiles in a folder, and an archive with one file."""
    shapes = geopandas.GeoSeries([shapely.box(4, 52, 5, 53)], crs=4326)
    (tmp_path / "shapes").mkdir()
    shapes.to_file(tmp_path / "shapes" / "area.shp")
    assert read_area(str(clutter(tmp_path / "shapes"))).bounds == (4.0, 52.0, 5.0, 53.0)
    archive = tmp_path / "area.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("area.geojson", shapes.to_json())
        target.writestr("__MACOSX/._area.geojson", APPLE)
    assert find_vectors(str(archive), "key").member == "area.geojson"


def test_terrain(tmp_path):
    (tmp_path / "tile.tif").touch()
    shutil.copy(tmp_path / "tile.tif", tmp_path / "tile (1).tif")
    assert list_names(clutter(tmp_path)) == [str(tmp_path / "tile.tif")]
