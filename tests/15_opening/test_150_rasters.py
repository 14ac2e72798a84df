"""Rasters of users: opened by the driver of their ending, off the network, with nothing from elsewhere."""

import shutil

import numpy as np
import pytest
import rasterio
from listener import listening
from rasterio import Affine

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.dem.geoid_files import open_geoid
from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig
from alignsar_gpu.radarcoding.fields.opening import open_field
from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
from alignsar_gpu.radarcoding.rasters.opening import open_raster

PLACE = Affine(0.1, 0.0, 5.0, 0.0, -0.1, 52.0)
VRT = (
    '<VRTDataset rasterXSize="20" rasterYSize="20"{about}><SRS>EPSG:4326</SRS><GeoTransform>5,0.1,0,52,0,-0.1'
    '</GeoTransform><VRTRasterBand dataType="Float32" band="1"{band}><SimpleSource><SourceFilename '
    'relativeToVRT="{relative}">{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>{more}'
    "</VRTRasterBand></VRTDataset>"
)
WMS = (
    '<GDAL_WMS><Service name="TMS"><ServerUrl>{url}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service><DataWindow>'
    "<UpperLeftX>5</UpperLeftX><UpperLeftY>52</UpperLeftY><LowerRightX>7</LowerRightX><LowerRightY>50</LowerRightY>"
    "<SizeX>20</SizeX><SizeY>20</SizeY><TileLevel>0</TileLevel></DataWindow><Projection>EPSG:4326</Projection>"
    "<BandsCount>1</BandsCount><DataType>Float32</DataType><BlockSizeX>20</BlockSizeX><BlockSizeY>20</BlockSizeY>"
    "</GDAL_WMS>"
)


def vrt(path, source, *, relative=1, about="", band="", more=""):
    path.write_text(VRT.format(source=source, relative=relative, about=about, band=band, more=more))
    return path


def tile(path, transform=PLACE, **overviews):
    path.parent.mkdir(exist_ok=True)
    profile = {
        "driver": "GTiff",
        "width": 20,
        "height": 20,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
    }
    with rasterio.open(path, "w", transform=transform, **profile) as file:
        file.write(np.full((1, 20, 20), 7.0, dtype=np.float32))
        if overviews:
            file.update_tags(ns="OVERVIEWS", **overviews)
    return path


def read_dem(path):
    return open_dem(path, "ellipsoid").posts(slice(0, 4), slice(0, 4)).height


def read_labels(path):
    config = RasterLayerConfig(path=str(path), method="mean")
    return open_raster(config, "radarcoding.layers.x")


def read_field(path):
    shutil.copy(path, dated := path.with_name(f"20230501{path.suffix}"))
    field = open_field(FieldLayerConfig(path=str(dated)), "radarcoding.layers.x")
    return field.grids.read(0, slice(0, 4), slice(0, 4))


def read_geoid(path):
    return open_geoid("egm96", path)


READERS = pytest.mark.parametrize("read", [read_dem, read_labels, read_field, read_geoid])


def refused(read, path, words=None):
    with pytest.raises(AlignsarError, match=words) as caught:
        read(path)
    assert path.stem in str(caught.value) or path.suffix in str(caught.value)


class TestNetwork:
    """No file makes anything be fetched."""

    @READERS
    @pytest.mark.parametrize("text", ["vrt", "wms"])
    def test_texts_with_another_ending(self, tmp_path, read, text):
        with listening() as (url, asked):
            content = (
                WMS.format(url=url)
                if text == "wms"
                else VRT.format(source=f"/vsicurl/{url}/x.tif", relative=0, about="", band="", more="")
            )
            (tmp_path / "x.tif").write_text(content)
            refused(read, tmp_path / "x.tif")
            assert not asked

    def test_vrt_of_a_url(self, tmp_path):
        with listening() as (url, asked):
            refused(
                read_dem,
                vrt(tmp_path / "x.vrt", f"/vsicurl/{url}/x.tif", relative=0),
                "no file beside the VRT",
            )
            refused(read_dem, vrt(tmp_path / "y.vrt", f"{url}/x.tif", relative=0), "no file beside the VRT")
            assert not asked

    def test_source_that_is_a_text(self, tmp_path):
        with listening() as (url, asked):
            (tmp_path / "s.asc").write_text(WMS.format(url=url))
            refused(read_dem, vrt(tmp_path / "x.vrt", "s.asc"), r"its source s\.asc is no raster but a text")
            assert not asked

    def test_overviews_elsewhere(self, tmp_path):
        with listening() as (url, asked):
            path = tile(tmp_path / "x.tif", OVERVIEW_FILE=f"/vsicurl/{url}/o.tif")
            refused(read_dem, path, "refers to another file for its overviews")
            (tmp_path / "y.tif.OVR").write_text(WMS.format(url=url))
            refused(read_dem, tile(tmp_path / "y.tif"), r"y\.tif\.OVR beside it holds no overviews or mask")
            assert not asked

    def test_url_that_is_asked_for(self):
        with listening() as (url, asked):
            with pytest.raises(AlignsarError, match="cannot be opened as a raster"):
                open_dem(f"/vsicurl/{url}/asked.tif", "ellipsoid")
            assert asked


class TestVirtualRasters:
    def test_beside_and_below(self, tmp_path):
        tile(tmp_path / "a.tif")
        tile(tmp_path / "below" / "b.tif")
        vrt(tmp_path / "inner.vrt", "below/b.tif")
        for name, source in (("x", "a.tif"), ("y", "below/b.tif"), ("z", "inner.vrt")):
            assert np.all(read_dem(vrt(tmp_path / f"{name}.vrt", source)) == 7.0)
        assert np.all(read_dem(vrt(tmp_path / "w.vrt", tmp_path / "a.tif", relative=0)) == 7.0)

    def test_elsewhere(self, tmp_path):
        folder = tmp_path / "folder"
        folder.mkdir()
        elsewhere = tile(tmp_path / "secret.tif")
        (folder / "link.tif").symlink_to(elsewhere)
        vrt(folder / "inner.vrt", elsewhere, relative=0)
        for source, relative in (
            (elsewhere, 0),
            ("../secret.tif", 1),
            ("link.tif", 1),
            ("inner.vrt", 1),
            ("x.vrt", 1),
        ):
            path = vrt(folder / "x.vrt", source, relative=relative)
            refused(read_dem, path, "no file beside the VRT|more than 8 deep")

    @pytest.mark.parametrize(
        ("keys", "words"),
        [
            ({"about": ' subClass="VRTWarpedDataset"'}, "of the kind VRTWarpedDataset"),
            ({"more": "<PixelFunctionLanguage>Python</PixelFunctionLanguage>"}, "program code"),
        ],
    )
    def test_other_kinds(self, tmp_path, keys, words):
        tile(tmp_path / "a.tif")
        refused(read_dem, vrt(tmp_path / "x.vrt", "a.tif", **keys), words)

    def test_source_whose_overviews_are_elsewhere(self, tmp_path):
        with listening() as (url, asked):
            tile(tmp_path / "a.tif", OVERVIEW_FILE=f"{url}/o.tif")
            assert np.all(read_dem(vrt(tmp_path / "x.vrt", "a.tif")) == 7.0)
            assert not asked


class TestEndings:
    @pytest.mark.parametrize("read", [read_dem, read_labels, read_geoid])
    def test_unknown(self, tmp_path, read):
        path = tile(tmp_path / "x.tif").rename(tmp_path / "x.raster")
        refused(read, path, "rasters with the ending '.raster' are not read")

    def test_another_kind(self, tmp_path):
        path = tile(tmp_path / "x.tif").rename(tmp_path / "x.asc")
        refused(read_dem, path, "cannot be opened as a raster")


class TestPlaces:
    @pytest.mark.parametrize("read", [read_dem, read_labels, read_geoid])
    @pytest.mark.parametrize("wrong", ["nan", "inf", "0", "1e308"])
    def test_transform(self, tmp_path, read, wrong):
        tile(tmp_path / "a.tif")
        path = vrt(tmp_path / "x.vrt", "a.tif")
        path.write_text(path.read_text().replace("5,0.1,0,52,0,-0.1", f"5,{wrong},0,52,0,-{wrong}"))
        refused(read, path, "its pixels have no size or place")

    @READERS
    def test_transform_of_a_tiff(self, tmp_path, read):
        refused(read, tile(tmp_path / "x.tif", Affine(np.nan, 0.0, 5.0, 0.0, -0.1, 52.0)))

    @pytest.mark.parametrize("columns", [10**20, 2**31 - 1, -5, 0])
    def test_numbers_of_columns(self, tmp_path, columns):
        (tmp_path / "x.asc").write_text(
            f"ncols {columns}\nnrows 2\nxllcorner 5\nyllcorner 50\ncellsize 0.1\nNODATA_value -9999\n1 2\n3 4\n"
        )
        (tmp_path / "x.prj").write_text(
            'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257]],'
            'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]'
        )
        refused(read_dem, tmp_path / "x.asc")
