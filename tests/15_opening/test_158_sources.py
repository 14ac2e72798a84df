"""What a name is read from: archives as a whole, VRTs in VRTs, what lies on servers."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from alignsar_gpu.application.fingerprints import InputFiles
from alignsar_gpu.application.inputs import surface_files
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.dem.raster import files_of
from alignsar_gpu.opening.sources import local_file, source_files
from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
from alignsar_gpu.radarcoding.rasters.opening import open_raster
from alignsar_gpu.radarcoding.vectors.formats.paths import find_vectors

VRT = """<VRTDataset rasterXSize="4" rasterYSize="3"><SRS>EPSG:4326</SRS>
<GeoTransform>5.0, 0.1, 0.0, 52.0, 0.0, -0.1</GeoTransform><VRTRasterBand dataType="Float32" band="1"><SimpleSource>
<SourceFilename relativeToVRT="1">{}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>
</VRTDataset>"""


def tile(path, height):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326", "width": 4, "height": 3}
    with rasterio.open(path, "w", transform=Affine(0.1, 0, 5, 0, -0.1, 52), **profile) as file:
        file.write(np.full((3, 4), height, np.float32), 1)
    return path


def packed(folder, height):
    archive = folder / "d.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(tile(folder / "raw" / "dem.tif", height), "inside/dem.tif")
    return archive


def nested(folder, height):
    """A VRT of a VRT of a tile."""
    tile(folder / "tiles" / "a.tif", height)
    (folder / "tiles" / "inner.vrt").write_text(VRT.format("a.tif"))
    (folder / "outer.vrt").write_text(VRT.format("tiles/inner.vrt"))
    return folder / "outer.vrt"


def names(kind, folder, height):
    if kind == "nested":
        return str(nested(folder, height))
    archive = packed(folder, height)
    return {"zip": f"zip://{archive}!inside/dem.tif", "vsizip": f"/vsizip/{archive}/inside/dem.tif"}[kind]


KINDS = ["zip", "vsizip", "nested"]


@pytest.mark.parametrize("kind", KINDS)
def test_heights_that_change_change_the_fingerprint_of_a_terrain(kind, tmp_path):
    found = []
    for height in (1.0, 2.0, 1.0):
        files = surface_files(open_dem(names(kind, tmp_path, height), "ellipsoid"))
        if kind != "nested":  # an archive holds times
            assert files[0] == [tmp_path / "d.zip"]
            found.append(height)
            continue
        assert [path.name for path in files[0]] == ["outer.vrt", "a.tif", "inner.vrt"]
        found.append(InputFiles().fingerprint({}, *files))
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_of_rasters_too(kind, tmp_path):
    file = open_raster(RasterLayerConfig(path=names(kind, tmp_path, 1.0)), "radarcoding.layers.a")
    wanted = {"d.zip"} if kind != "nested" else {"outer.vrt", "inner.vrt", "a.tif"}
    assert {path.name for path in file.files} == wanted


def test_of_vectors_in_archives_and_on_servers(tmp_path):
    archive = packed(tmp_path, 1.0)
    assert find_vectors(f"/vsizip/{archive}/inside/dem.tif", "key").files == (archive,)
    url = "/vsicurl/https://host/map.gpkg"
    assert find_vectors(url, "key").files == (url,)


def test_files_beside_a_raster_count(tmp_path):
    path = tile(tmp_path / "a.tif", 1.0)
    beside = tmp_path / "a.tif.aux.xml"
    beside.write_text("<PAMDataset><Metadata><MDI key='x'>1</MDI></Metadata></PAMDataset>")
    assert set(files_of(str(path))) == {path, beside}


@pytest.mark.parametrize(
    "name",
    [
        *("{}", "zip://{}!b/c.tif", "/vsizip/{{{}}}/c.tif", "/vsitar/{}/c.tif", "/vsigzip//vsizip/{}/c"),
        *("netcdf:{}:height", 'HDF5:"{}"://a/b'),
    ],
)
def test_the_file_that_a_name_begins_with(name, tmp_path):
    file = tmp_path / "some file.nc"
    file.touch()
    assert local_file(name.format(file)) == file


def test_what_is_neither_a_file_nor_a_url_stands_for_itself():
    assert local_file("/vsimem/a.tif") is None
    assert source_files("/vsimem/a.tif", ["/vsimem/a.tif"], "DEM") == ("/vsimem/a.tif",)
    assert source_files("s3://bucket/a.tif", [], "DEM") == ("s3://bucket/a.tif",)
