"""Cloud-Optimized GeoTIFFs: what readers find in them, their bytes, and disks that are full."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import rasterio
from full_disk import files_of_at_most
from rasterio.shutil import copy

from alignsar_gpu.dataset.cube import CubeLayer
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding import cogs
from alignsar_gpu.geocoding.cog_layouts import class_names, layer_layout, picture_layout
from alignsar_gpu.geocoding.cogs import CogWriter
from alignsar_gpu.geocoding.map_grid import MapGrid

GRID = MapGrid(crs="EPSG:32631", affine=(10.0, 0.0, 5e5, 0.0, -10.0, 5.6e6), shape=(1100, 600))
SMALL = MapGrid(crs="EPSG:32631", affine=(10.0, 0.0, 5e5, 0.0, -10.0, 5.6e6), shape=(40, 30))
BACKSCATTER = CubeLayer(
    name="sigma0_vv",
    dtype="float32",
    dated=True,
    attributes={"units": "1", "long_name": "VV backscatter", "comment": "no β", "valid_range": [0, 1]},
)
COVER = CubeLayer(
    name="land_cover",
    dtype="uint8",
    dated=False,
    attributes={
        "long_name": "land cover",
        "flag_values": [0, 1, 7, 255],
        "flag_meanings": "none open_water forest unknown",
    },
)
WRAPPED = {"units": "rad", "valid_range": [-np.pi, np.pi]}
COLOURS = {0: (90, 90, 90), 1: (0, 0, 255), 7: (0, 128, 0)}


@pytest.fixture(scope="module")
def speckle():
    values = np.random.default_rng(1).exponential(size=GRID.shape).astype(np.float32)
    values[:, :100] = np.nan
    return values


@pytest.fixture(scope="module")
def classes():
    values = np.random.default_rng(2).choice(np.array([0, 1, 7], np.uint8), GRID.shape)
    values[300:800, 100:500] = 7
    values[:200] = 255
    return values


def written(path, layout, values, grid=GRID, block=600, threads=1):
    with CogWriter(path, grid, layout, threads=threads) as writer:
        for first in range(0, grid.shape[0], block):
            writer.write(first, values[..., first : first + block, :])
    return path


def samples(path, level=None):
    with rasterio.open(path, **({} if level is None else {"OVERVIEW_LEVEL": level})) as file:
        return file.read()


class TestFile:
    def test_of_values(self, tmp_path, speckle):
        layout = layer_layout(BACKSCATTER, tags={"fingerprint": "abc"})
        path = written(tmp_path / "new" / "a.tif", layout, speckle)
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(file.read(1), speckle)
            assert file.crs.to_epsg() == 32631
            assert tuple(file.transform)[:6] == GRID.affine
            assert np.isnan(file.nodata)
            assert file.mask_flag_enums == ([rasterio.enums.MaskFlags.nodata],)
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert (file.compression.name, file.block_shapes) == ("zstd", [(512, 512)])
            assert file.descriptions == ("sigma0_vv: VV backscatter",)
            assert (file.units, file.scales, file.offsets) == (("1",), (1.0,), (0.0,))
            tags = file.tags()
            assert tags["TIFFTAG_SOFTWARE"].startswith("alignsar_gpu ")
            assert (tags["fingerprint"], tags["layer"], tags["comment"]) == ("abc", "sigma0_vv", "no β")
            assert "TIFFTAG_DATETIME" not in tags
            found = {name: float(value) for name, value in file.tags(1).items()}
            assert file.overviews(1) == [2, 4]
        assert list(path.parent.iterdir()) == [path]
        known = speckle[:, 100:].astype(np.float64)
        measured = {
            "MINIMUM": known.min(),
            "MAXIMUM": known.max(),
            "MEAN": known.mean(),
            "STDDEV": known.std(),
        }
        for name, value in measured.items():
            assert found[f"STATISTICS_{name}"] == pytest.approx(value, rel=1e-9)
        assert found["STATISTICS_VALID_PERCENT"] == pytest.approx(100 * 5 / 6, abs=0.01)

    def test_values_are_averaged(self, tmp_path, speckle):
        path = written(tmp_path / "a.tif", layer_layout(BACKSCATTER), speckle)
        expected = speckle.reshape(550, 2, 300, 2).mean(axis=(1, 3))
        np.testing.assert_allclose(samples(path, 0)[0], expected, rtol=1e-6)

    def test_phases_are_averaged_as_phasors(self, tmp_path):
        rows, columns = np.indices(GRID.shape)
        phase = (
            np.pi + 0.02 * (rows - 0.5) + np.where(columns % 2, 0.5, -0.5)
        )  # fringes, and noise around them
        phase[:, :100] = np.nan
        phase = np.angle(np.exp(1j * phase)).astype(np.float32)
        layer = CubeLayer(name="phase", dtype="float32", dated=True, attributes=WRAPPED | {"long_name": "a"})
        path = written(tmp_path / "a.tif", layer_layout(layer), phase)
        for level, step in enumerate((2, 4)):
            expected = np.pi + 0.02 * (np.arange(0, 1100, step) + 0.5 * step - 1.0)
            error = np.angle(np.exp(1j * (samples(path, level)[0] - expected[:, np.newaxis])))
            assert np.nanmax(np.abs(error[:, 100 // step :])) < 1e-5
            assert np.isnan(error[:, : 100 // step]).all()
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(file.read(1), phase)
            assert file.overviews(1) == [2, 4]
            assert (file.descriptions, file.units) == (("phase: a",), ("rad",))
            assert np.isnan(file.nodata)
        assert [one.name for one in tmp_path.iterdir()] == ["a.tif"]

    def test_longitudes_are_not_averaged(self, tmp_path):
        east = np.where(np.indices(GRID.shape).sum(axis=0) % 2, np.float32(179.9), np.float32(-179.9))
        layer = CubeLayer(name="lon", dtype="float32", dated=True, attributes={"units": "degrees_east"})
        path = written(tmp_path / "a.tif", layer_layout(layer), east)
        assert set(np.unique(samples(path, 0))) <= {np.float32(179.9), np.float32(-179.9)}

    def test_of_complex_numbers(self, tmp_path, speckle):
        values = speckle + 1j * speckle[::-1]
        layer = CubeLayer(name="phasor", dtype="complex64", dated=True)
        path = written(tmp_path / "a.tif", layer_layout(layer), values)
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(file.read(1) + 1j * file.read(2), values)
            assert file.descriptions == ("phasor, real part", "phasor, imaginary part")
            assert file.dtypes == ("float32", "float32")
            assert all(np.isnan(file.nodatavals))
        expected = speckle.reshape(550, 2, 300, 2).mean(axis=(1, 3))
        np.testing.assert_allclose(samples(path, 0)[0], expected, rtol=1e-6)

    def test_of_classes(self, tmp_path, classes):
        path = written(tmp_path / "a.tif", layer_layout(COVER, colours=COLOURS), classes)
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(file.read(1), classes)
            assert file.nodata == 255
            table = file.colormap(1)
            assert {code: table[code][:3] for code in COLOURS} == COLOURS
            assert table[255][3] == 0
            assert file.tags()["class_7"] == "forest"
        small = samples(path, 0)[0]
        assert set(np.unique(small)) == {0, 1, 7, 255}
        assert (small[:100] == 255).all()
        assert (small[150:400, 50:250] == 7).all()

    def test_names_of_classes_as_gdal_and_qgis_have_them(self, tmp_path, classes):
        layout = layer_layout(COVER, colours=COLOURS)
        path = written(tmp_path / "a.tif", layout, classes)
        assert sorted(tmp_path.iterdir()) == CogWriter(path, GRID, layout).files
        copy(path, tmp_path / "a.vrt", driver="VRT")
        names = [
            line.strip() for line in (tmp_path / "a.vrt").read_text().splitlines() if "<Category>" in line
        ]
        expected = ["none", "open water", "", "", "", "", "", "forest"]
        assert names == [f"<Category>{name}</Category>" for name in expected]

    def test_of_flags(self, tmp_path):
        flags = np.arange(SMALL.shape[0] * SMALL.shape[1], dtype=np.uint8).reshape(SMALL.shape) % 2
        layer = CubeLayer(name="valid", dtype="bool", dated=False)
        path = written(tmp_path / "a.tif", layer_layout(layer), flags == 1, SMALL)
        np.testing.assert_array_equal(samples(path)[0], flags)
        assert class_names(layer) == {0: "no", 1: "yes"}
        masks = {"flag_masks": [1, 2], "flag_meanings": "layover shadow"}
        both = CubeLayer(name="layover_shadow", dtype="uint8", dated=False, attributes=masks)
        assert class_names(both) == {0: "none", 1: "layover", 2: "shadow", 3: "layover and shadow"}

    def test_of_a_picture(self, tmp_path):
        picture = np.random.default_rng(3).integers(0, 256, (4, *SMALL.shape), dtype=np.uint8)
        path = written(tmp_path / "a.tif", picture_layout("red: VV"), picture, SMALL)
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(file.read(), picture)
            assert [c.name for c in file.colorinterp] == ["red", "green", "blue", "alpha"]
            assert file.nodata is None
            np.testing.assert_array_equal(file.read_masks(1), picture[3])
            assert file.compression.name == "deflate"

    def test_without_any_data(self, tmp_path):
        nothing = np.full(SMALL.shape, np.nan, np.float32)
        path = written(tmp_path / "a.tif", layer_layout(BACKSCATTER), nothing, SMALL)
        assert np.isnan(samples(path)).all()

    @pytest.mark.parametrize("shape", [(1, 1), (1, 1030), (2100, 1), (513, 513), (1025, 511)])
    def test_of_any_shape_and_south_up(self, tmp_path, shape):
        grid = MapGrid(crs="EPSG:32631", affine=(10.0, 0.0, 5e5, 0.0, 10.0, 5.6e6), shape=shape)
        values = np.random.default_rng(4).normal(size=shape).astype(np.float32)
        path = written(tmp_path / "a.tif", layer_layout(BACKSCATTER), values, grid)
        np.testing.assert_array_equal(samples(path)[0], values)
        with rasterio.open(path) as file:
            assert tuple(file.transform)[:6] == grid.affine

    @pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:28992", "EPSG:3413", "EPSG:5041", "ESRI:54009"])
    def test_on_any_map(self, tmp_path, crs):
        affine = (1e-4, 0.0, 179.999, 0.0, -1e-4, 52.0) if crs == "EPSG:4326" else SMALL.affine
        grid = MapGrid(crs=crs, affine=affine, shape=SMALL.shape)
        path = written(tmp_path / "a.tif", layer_layout(BACKSCATTER), np.ones(grid.shape, np.float32), grid)
        with rasterio.open(path) as file:
            assert file.crs == rasterio.CRS.from_wkt(grid.crs.to_wkt())
            assert tuple(file.transform)[:6] == affine

    def test_on_maps_that_geotiff_cannot_say(self, tmp_path):
        grid = MapGrid(crs="+proj=healpix", affine=SMALL.affine, shape=SMALL.shape)
        with pytest.raises(AlignsarError, match="GeoTIFF has no keys for 'unknown': choose another system"):
            CogWriter(tmp_path / "new" / "a.tif", grid, layer_layout(BACKSCATTER)).__enter__()
        assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore")
class TestStrict:
    """By other libraries, where they are installed."""

    def test_rio_cogeo(self, tmp_path, speckle, classes):
        validate = pytest.importorskip("rio_cogeo.cogeo", reason="rio-cogeo is not installed").cog_validate
        phasor = CubeLayer(name="phasor", dtype="complex64", dated=True)
        for layout, values in (
            (layer_layout(BACKSCATTER), speckle),
            (layer_layout(COVER, colours=COLOURS), classes),
            (layer_layout(phasor), speckle.astype(np.complex64)),
            (picture_layout("grey"), np.stack([classes] * 4)),
        ):
            assert validate(written(tmp_path / "a.tif", layout, values), strict=True) == (True, [], [])

    def test_rio_tiler(self, tmp_path, speckle):
        reader = pytest.importorskip("rio_tiler.io", reason="rio-tiler is not installed").Reader
        path = written(tmp_path / "a.tif", layer_layout(BACKSCATTER), speckle)
        with reader(str(path)) as file:
            west, north = GRID.affine[2], GRID.affine[5]
            box = (west + 1500, north - 4000, west + 2500, north - 3000)
            part = file.part(box, bounds_crs=file.crs, dst_crs=file.crs)
            np.testing.assert_array_equal(part.array.data[0], speckle[300:400, 150:250])
            assert file.point(west + 55, north - 55, coord_crs=file.crs).array.mask.all()


class TestBytes:
    def test_do_not_depend_on_blocks_and_threads(self, tmp_path, speckle, classes):
        phase = CubeLayer(name="phase", dtype="float32", dated=True, attributes=WRAPPED)
        for layout, values in [
            (layer_layout(BACKSCATTER), speckle),
            (layer_layout(COVER), classes),
            (layer_layout(phase), speckle),
        ]:
            made = {
                written(tmp_path / "a.tif", layout, values, block=block, threads=threads).read_bytes()
                for block, threads in [(1100, 1), (1100, 3), (129, 2)]
            }
            assert len(made) == 1

    def test_nor_on_others_at_the_same_time(self, tmp_path, speckle):
        """Writers of many layers are open together, and make their files in threads."""
        layout = layer_layout(BACKSCATTER)
        with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
            writers = [stack.enter_context(CogWriter(tmp_path / f"{n}.tif", GRID, layout)) for n in range(3)]
            for first in range(0, 1100, 300):
                for writer in writers:
                    writer.write(first, speckle[first : first + 300])
            list(pool.map(CogWriter.finish, writers))
            assert len(list(tmp_path.iterdir())) == 3
        alone = written(tmp_path / "alone.tif", layout, speckle).read_bytes()
        assert {path.read_bytes() for path in tmp_path.iterdir()} == {alone}


class TestUnfinished:
    def test_rows_that_are_missing(self, tmp_path, speckle):
        with (
            pytest.raises(AlignsarError, match="only 100 of 1100 rows were written; no file is left"),
            CogWriter(tmp_path / "a.tif", GRID, layer_layout(BACKSCATTER)) as writer,
        ):
            writer.write(0, speckle[:100])
        assert not list(tmp_path.iterdir())

    def test_an_exception_keeps_what_was_there(self, tmp_path, speckle):
        (tmp_path / "a.tif").write_text("before")

        def fail(block):
            raise KeyError

        with (
            pytest.raises(KeyError),
            CogWriter(tmp_path / "a.tif", GRID, layer_layout(BACKSCATTER)) as writer,
        ):
            writer.write(0, fail(speckle))
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.tif", "before")]

    def test_what_a_killed_writer_left_is_replaced(self, tmp_path):
        (tmp_path / "a.tif.part").mkdir()
        (tmp_path / "a.tif.part" / "cog.tif.ovr.tmp").write_text("half")
        written(tmp_path / "a.tif", layer_layout(BACKSCATTER), np.ones(SMALL.shape, np.float32), SMALL)
        assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]

    @pytest.mark.parametrize(
        ("first", "values"),
        [
            (1, np.zeros((2, 30), np.float32)),
            (0, np.zeros((41, 30), np.float32)),
            (0, np.zeros((2, 29), np.float32)),
            (0, np.zeros((2, 30))),
            (0, np.zeros((2, 2, 30), np.float32)),
        ],
    )
    def test_other_rows_and_types_are_mistakes(self, tmp_path, first, values):
        with (
            pytest.raises(ValueError, match=r"a\.tif: .*expected"),
            CogWriter(tmp_path / "a.tif", SMALL, layer_layout(BACKSCATTER)) as writer,
        ):
            writer.write(first, values)


class TestRefused:
    @pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
    def test_by_a_disk_that_is_full_while_rows_are_collected(self, tmp_path, speckle, share):
        """GDAL itself only warns of this."""
        with (
            pytest.raises(AlignsarError, match=r"a\.tif: cannot be written \("),
            files_of_at_most(int(share * 3 * 2 * 512 * 512 * 4)),
        ):
            written(tmp_path / "a.tif", layer_layout(BACKSCATTER), speckle)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("share", [0.001, 0.2, 0.5, 0.9, 0.999])
    def test_by_a_disk_that_is_full_at_the_end(self, tmp_path, speckle, share, monkeypatch):
        size = written(tmp_path / "a.tif", layer_layout(BACKSCATTER), speckle).stat().st_size
        (tmp_path / "a.tif").unlink()

        def limited(*args, **options):
            with files_of_at_most(int(share * size)):
                copy(*args, **options)

        monkeypatch.setattr(cogs, "copy", limited)
        with pytest.raises(AlignsarError, match=r"a\.tif: cannot be written \("):
            written(tmp_path / "a.tif", layer_layout(BACKSCATTER), speckle)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("share", [0.3, 1.01, 1.9, 2.3])
    def test_by_a_disk_that_is_full_while_phases_are_averaged(self, tmp_path, speckle, share, monkeypatch):
        layer = CubeLayer(name="phase", dtype="float32", dated=True, attributes=WRAPPED)
        average = cogs.with_phase_overviews

        def limited(*args):
            with files_of_at_most(int(share * 3 * 2 * 512 * 512 * 4)):
                return average(*args)

        monkeypatch.setattr(cogs, "with_phase_overviews", limited)
        with pytest.raises(AlignsarError, match=r"a\.tif: cannot be written \("):
            written(tmp_path / "a.tif", layer_layout(layer), speckle)
        assert not list(tmp_path.iterdir())

    def test_by_permissions(self, tmp_path, monkeypatch):
        def refuse(*_, **__):
            raise PermissionError(13, os.strerror(13), "a.tif.part")

        monkeypatch.setattr(Path, "mkdir", refuse)
        with pytest.raises(
            AlignsarError, match=r"a\.tif: cannot be written \(.*Permission denied.*\); is there"
        ):
            CogWriter(tmp_path / "a.tif", SMALL, layer_layout(BACKSCATTER)).__enter__()
