"""What a run reads: found from the configuration, with all that a result depends on in the fingerprint."""

import shutil

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from fake_burst import BURSTS, FAKE, write_dem, write_scene
from fake_safe import rewrite, write_tiff, zip_of
from synthetic_stack import SyntheticProductsConfig

from alignsar_gpu.application.fingerprints import InputFiles
from alignsar_gpu.application.inputs import find_inputs
from alignsar_gpu.config import (
    Config,
    DemConfig,
    DeviceConfig,
    OrbitsConfig,
)
from alignsar_gpu.device import choose_device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1 import Sentinel1ProductsConfig
from alignsar_gpu.products.snap import SnapProductsConfig

AREA = [-8.5, 31.66, -8.3, 31.74]

CPU = choose_device(DeviceConfig(kind="cpu"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def copy(scene, tmp_path):
    """The same scene elsewhere."""
    safe = shutil.copytree(scene[0], tmp_path / "far" / "away" / scene[0].name)
    return safe, shutil.copy(scene[1], tmp_path / "dem.tif")


def find(safe, dem, *, datum="ellipsoid", geoid=None, **products):
    return find_inputs(
        Config(
            products=Sentinel1ProductsConfig(path=str(safe), **{"burst": BURSTS[0], **products}),
            dem=DemConfig(
                path=dem if isinstance(dem, list | int) else str(dem), vertical_datum=datum, geoid=geoid
            ),
        )
    )


def fingerprint(*arguments, **options):
    inputs = find(*arguments, **options)
    return InputFiles().fingerprint(inputs.settings, *inputs.files)


def refused(words, *arguments, **options):
    with pytest.raises(AlignsarError, match=words):
        find(*arguments, **options)


class TestArea:
    def test_every_form_gives_the_same(self, scene, tmp_path):
        west, south, east, north = AREA
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        file = tmp_path / "area.geojson"
        file.write_text(f'{{"type": "Polygon", "coordinates": [{ring}]}}')
        forms = (
            AREA,
            "-8.5,31.66,-8.3,31.74",
            file.read_text(),
            str(file),
            f"POLYGON(({', '.join(f'{x} {y}' for x, y in ring)}))",
        )
        found = [find(*scene, area=form).open(CPU) for form in forms]
        assert all(stack.facts["crop"] == found[0].facts["crop"] for stack in found)
        assert found[0].grid.samples < FAKE.samples / 2

    @pytest.mark.parametrize("area", [[1, 2, 3], [1, 2, 3, "4"], 7, [True, 1, 2, 3], []])
    def test_what_is_none(self, scene, area):
        refused(r"products\.area=.*: give \[west,south,east,north\] in degrees, WKT", *scene, area=area)

    def test_not_cut_where_that_is_not_wanted(self, scene):
        whole = find(*scene).open(CPU)
        assert find(*scene, area=AREA, crop=False).open(CPU).facts["crop"] == whole.facts["crop"]
        assert "area_share" not in whole.facts

    def test_how_much_of_it_the_burst_holds(self, scene):
        facts = find(*scene, area=[-8.5, 31.75, -8.3, 31.95]).open(CPU).facts
        assert 0.2 < facts["area_share"] < 0.6
        assert facts["dropped"] == []


class TestDem:
    def test_several_files(self, scene, tmp_path):
        west = write_dem(tmp_path / "west.tif", (-9.2, 31.1, -8.402, 32.1))
        east = write_dem(tmp_path / "east.tif", (-8.4, 31.1, -7.6, 32.1))
        inputs = find(scene[0], [str(west), str(east)])
        assert [sorted(files) for files in inputs.files[1:]] == [[east, west], []]
        halves, whole = inputs.open(CPU).read_ground(0, 40), find(*scene).open(CPU).read_ground(0, 40)
        np.testing.assert_allclose(halves.height, whole.height, atol=1e-3)
        assert [sorted(f) for f in find(scene[0], tmp_path).files[1:]] == [[east, west], []]

    @pytest.mark.parametrize("path", [7, [], [1, 2]])
    def test_what_is_no_path(self, scene, path):
        refused(r"dem\.path=.*: give a raster of heights", scene[0], path)

    def test_not_there_or_of_another_datum(self, scene, tmp_path):
        refused(r"there is no such file or folder \(dem\.path\)", scene[0], tmp_path / "nowhere.tif")
        with rasterio.open(scene[1]) as file:
            profile, heights = file.profile, file.read()
        stated = tmp_path / "egm2008.tif"
        with rasterio.open(stated, "w", **{**profile, "crs": "EPSG:9518"}) as file:
            file.write(heights)
        refused(r"its heights count from 'egm2008', but dem\.vertical_datum says ellipsoid", scene[0], stated)
        refused(r"dem\.geoid names .*need no geoid", *scene, geoid=str(scene[1]))

    def test_a_geoid_from_a_file(self, scene, tmp_path):
        def fifty(longitude, latitude):
            return np.full(np.broadcast(longitude, latitude).shape, 50.0)

        geoid = write_dem(tmp_path / "geoid.tif", (-12.0, 28.0, -5.0, 35.0), step=0.25, height=fifty)
        inputs = find(*scene, datum="egm96", geoid=str(geoid))
        assert inputs.files[2] == [geoid]
        higher, lower = inputs.open(CPU), find(*scene).open(CPU)
        assert higher.terrain.heights[0] == pytest.approx(lower.terrain.heights[0] + 50.0, abs=1e-6)
        assert higher.facts["dem"]["geoid"] == f"geoid.tif from {geoid}"


class TestFingerprint:
    def test_where_things_lie_does_not_count(self, scene, copy):
        assert fingerprint(*copy) == fingerprint(*scene)

    def test_the_form_of_the_area_does_not_count(self, scene):
        assert fingerprint(*scene, area=AREA) == fingerprint(*scene, area="-8.5,31.66,-8.3,31.74")
        assert fingerprint(*scene, area=AREA) != fingerprint(*scene)
        assert fingerprint(*scene, area=AREA) != fingerprint(*scene, area=AREA, crop=False)

    def test_pixels_of_the_burst_count_and_others_do_not(self, scene, copy):
        pixels = FAKE.pixels_of(1, "vv") + 1
        write_tiff(copy[0] / "measurement" / f"{FAKE.stem(2, 'vv')}.tiff", FAKE.pixels_of(2, "vv") + 1)
        assert fingerprint(*copy) == fingerprint(*scene)
        write_tiff(copy[0] / "measurement" / f"{FAKE.stem(1, 'vv')}.tiff", pixels)
        assert fingerprint(*copy) != fingerprint(*scene)
        assert fingerprint(*copy, polarizations=["vh"]) == fingerprint(*scene, polarizations=["vh"])

    def test_annotation_counts(self, scene, copy):
        file = copy[0] / "annotation" / "calibration" / f"calibration-{FAKE.stem(1, 'vv')}.xml"
        rewrite(file, "<sigmaNought", "<!-- other --><sigmaNought")
        assert fingerprint(*copy) != fingerprint(*scene)

    def test_a_zip_counts(self, copy):
        archive = zip_of(copy[0])
        before = fingerprint(archive, copy[1])
        write_tiff(copy[0] / "measurement" / f"{FAKE.stem(1, 'vv')}.tiff", FAKE.pixels_of(1, "vv") + 1)
        assert fingerprint(zip_of(copy[0]), copy[1]) != before

    def test_heights_and_their_datum_count(self, scene, copy, tmp_path):
        geoid = write_dem(tmp_path / "geoid.tif", (-12.0, 28.0, -5.0, 35.0), step=0.25)
        other = write_dem(tmp_path / "other.tif", (-12.0, 28.0, -5.0, 35.0), step=0.25)
        with rasterio.open(other, "r+") as file:
            file.write(file.read() + 1)
        options = [
            {},
            {"datum": "egm96", "geoid": str(geoid)},
            {"datum": "egm2008", "geoid": str(geoid)},
            {"datum": "egm96", "geoid": str(other)},
        ]
        assert len({fingerprint(*scene, **option) for option in options}) == 4
        with rasterio.open(copy[1], "r+") as file:
            file.write(file.read() + 1)
        assert fingerprint(*copy) != fingerprint(*scene)

    def test_what_a_vrt_refers_to_counts(self, scene, copy, tmp_path):
        rasterio.shutil.copy(copy[1], tmp_path / "dem.vrt", driver="VRT")
        files = find(scene[0], tmp_path / "dem.vrt").files[1]
        assert [file.name for file in files] == ["dem.tif", "dem.vrt"]
        before = fingerprint(scene[0], tmp_path / "dem.vrt")
        with rasterio.open(copy[1], "r+") as file:
            file.write(file.read() + 1)
        assert fingerprint(scene[0], tmp_path / "dem.vrt") != before

    def test_the_orbit_counts(self, scene, copy):
        """By its vectors, wherever they come from."""
        for file in (copy[0] / "annotation").glob("*.xml"):
            rewrite(file, r"<x>(-?\d+)\.\d\d", r"<x>\g<1>.25", count=1)
        inputs, known = find(*copy), find(*scene)
        assert inputs.settings["orbit"] != known.settings["orbit"]
        assert {**inputs.settings, "orbit": 0} == {**known.settings, "orbit": 0}


def test_orbits_are_looked_for_where_the_configuration_says(scene, tmp_path):
    config = Config(
        products=Sentinel1ProductsConfig(path=str(scene[0]), burst=BURSTS[0]),
        orbits=OrbitsConfig(path=str(tmp_path)),
        dem=DemConfig(path=str(scene[1]), vertical_datum="ellipsoid"),
    )
    with pytest.raises(AlignsarError, match=r"no orbit files there"):
        find_inputs(config)


def test_the_other_readers_need_none_of_it(tmp_path):
    simulated = find_inputs(Config(products=SyntheticProductsConfig(lines=64, samples=64, dates=2)))
    assert simulated.files == ()
    assert simulated.settings["reader"] == "synthetic"
    assert simulated.open(CPU).grid.shape == (64, 64)
    with pytest.raises(
        AlignsarError, match=r"products\.path=.*: no such file or folder; give the folder of a SNAP"
    ):
        find_inputs(Config(products=SnapProductsConfig(path=str(tmp_path / "nowhere"))))
