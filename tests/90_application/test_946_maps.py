"""Maps of runs: added without changing other products, the same bits in any way, NetCDF, full disks, bad keys."""

import math
import re
import shutil
import warnings

import matplotlib.pyplot as plt
import netCDF4
import numpy as np
import pytest
import rasterio
import xarray as xr
from command_line import checksums, refuse, run
from full_disk import files_of_at_most
from pyproj import CRS
from rasterio import Affine
from small_runs import CUBE_ALONE, NO_REPORT, SYNTHETIC

from alignsar_gpu import geocode
from alignsar_gpu.application.folder import RunFolder
from alignsar_gpu.dataset.cube import CubeLayer
from alignsar_gpu.dataset.wrapped import is_wrapped
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding import tiles
from alignsar_gpu.geocoding.cog_layouts import layer_layout
from alignsar_gpu.serving.catalogue import find_catalogue, read_catalogue

MADE = ("map.zarr", "cogs", "map_netcdf")
EVERYTHING = [
    NO_REPORT,
    "geocoding.resolution=20",
    "geocoding.layers=[intensity_vv,slc_vv,interferometric_phase_vv,valid,height]",
    "geocoding.products=[cogs,cube,netcdf]",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run without a map."""
    output = tmp_path_factory.mktemp("finished") / "out"
    small = ["products.lines=160", "products.samples=200", "products.dates=2", "dataset.chunk_lines=32"]
    chosen = ["signatures.names=[intensity,interferometric_phase]", "signatures.slc=true"]
    run(*SYNTHETIC, *CUBE_ALONE, *small, *chosen, f"output={output}")
    return output


@pytest.fixture(scope="module")
def mapped(finished, tmp_path_factory):
    """The same run, with its map."""
    output = tmp_path_factory.mktemp("mapped") / "out"
    shutil.copytree(finished, output)
    run(*EVERYTHING, f"output={output}")
    return output


@pytest.fixture(scope="module", autouse=True)
def _small_tiles():
    """Several rows of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "SIDE", 64)
        yield


@pytest.fixture
def copy(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "out")
    return tmp_path / "out"


def contents(output):
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("units", [2, 8])
def test_stopped_and_continued_with_other_memory_and_threads(mapped, copy, monkeypatch, units):
    """After a row of tiles, and some of the GeoTIFFs: the same bits."""
    record, recorded = RunFolder.record, []

    def stop(self, unit, *files, **written):
        record(self, unit, *files, **written)
        recorded.append(unit)
        if len(recorded) == units:
            raise KeyboardInterrupt

    again = [*EVERYTHING, f"output={copy}", "device.memory_gib=0.03", "device.threads=1"]
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "record", stop)
        run(*again, status=130)
    assert (copy / ".unfinished").is_dir()
    assert not any((copy / name).exists() for name in MADE)
    assert "continues" in run(*again).stderr
    assert checksums(copy, *MADE) == checksums(mapped, *MADE)


@pytest.mark.parametrize("most", [3000, 30_000])
def test_a_full_disk(copy, most):
    """One line; nothing of the map is left, and the run is what it was."""
    before = {name: data for name, data in contents(copy).items() if name != "run.log"}
    with files_of_at_most(most):
        refuse(str(copy), *EVERYTHING, f"output={copy}")
    assert not any((copy / name).exists() for name in MADE)
    after = contents(copy)
    assert all(after[name] == data for name, data in before.items())


def test_netcdf_opens_in_xarray_and_gdal(mapped):
    cube = xr.open_zarr(mapped / "map.zarr")
    paths = sorted((mapped / "map_netcdf").iterdir())
    assert len(paths) == cube.sizes["time"] == 2
    for index, path in enumerate(paths):
        with xr.open_dataset(path, decode_coords="all") as file:
            assert CRS.from_cf(file["spatial_ref"].attrs) == CRS.from_epsg(32632)
            assert file["x"].attrs["standard_name"] == "projection_x_coordinate"
            assert file["time"].values == cube["time"].values[index]
            for name in ("x", "y", "intensity_vv", "valid", "height"):
                values = cube[name].isel(time=[index]) if "time" in cube[name].dims else cube[name]
                np.testing.assert_array_equal(file[name].values, values.values)
                assert file[name].dtype == cube[name].dtype
            slc = cube["slc_vv"][index].values
            np.testing.assert_array_equal(
                file["slc_vv_real"].values[0] + 1j * file["slc_vv_imag"].values[0], slc
            )
            assert np.isfinite(slc).mean() > 0.2
        with netCDF4.Dataset(path) as file:
            assert file.Conventions == "CF-1.11"
            assert {file[name].grid_mapping for name in ("intensity_vv", "slc_vv_imag", "valid")} == {
                "spatial_ref"
            }
        for name in ("intensity_vv", "valid"):
            with rasterio.open(f'NETCDF:"{path}":{name}') as raster:
                assert raster.crs.to_epsg() == 32632
                x, y = raster.transform @ (0.5, 0.5)
                assert (x, y) == (cube["x"].values[0], cube["y"].values[0])


FAR = Affine(20, 0, 3e5, 0, -20, 6e6)


def write_raster(path, crs="EPSG:32632", affine=FAR):
    profile = {"driver": "GTiff", "width": 6, "height": 5, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", crs=crs, transform=affine, **profile):
        return path


ENGINEERING = (
    'ENGCRS["site",EDATUM["site"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
)


def test_all_that_the_catalogue_lists_can_be_served(mapped):
    (collection,) = read_catalogue(*find_catalogue(mapped)).collections()
    items = collection.items()
    assert len(items) == 2
    assets = [asset for document in (collection, *items) for asset in document.assets]
    assert all(asset.path is not None for asset in assets)
    pictured = [asset for asset in assets if asset.path.suffix in {".tif", ".png", ".webp"}]
    assert len(pictured) > len(list(mapped.glob("cogs/*.tif")))
    assert [asset for asset in assets if asset.picture] == pictured
    assert all(item.rings and item.date for item in items)


class TestRefused:
    """By one line that names the key."""

    @pytest.mark.parametrize(
        ("words", "keys"),
        [
            ("geocoding.crs=nonsense: 'nonsense' is no coordinate reference", {"crs": "nonsense"}),
            ("geocoding.crs=IAU_2015:30110: PROJ knows no way from 'Moon", {"crs": "IAU_2015:30110"}),
            ("is neither a map projection nor", {"crs": ENGINEERING}),
            ("geocoding.resolution=0: give the size", {"resolution": 0.0}),
            ("geocoding.resolution=inf: give the size", {"resolution": math.inf}),
            ("geocoding.resolution=-20.0: must be at least", {"resolution": -20.0}),
            ("geocoding.resolution=0.001: 2", {"resolution": 0.001}),
            ("a pixel of 20 degrees is larger than the whole area", {"crs": "EPSG:4326"}),
            ("a pixel of 5000 metres is larger than the whole area", {"resolution": 5000.0}),
            ("geocoding.bounds=[0.0, 0.0, 1.0, 1.0]: the map grid", {"bounds": [0, 0, 1, 1]}),
            ("left must be less than right", {"bounds": [9, 0, 0, 9]}),
            ("give four numbers", {"bounds": [9, 0, 0]}),
            ("did you mean intensity_vv", {"layers": ["intensty_vv"]}),
            ("it has height, ", {"layers": ["magic"]}),
            ("the map has its own", {"layers": ["latitude"]}),
        ],
    )
    def test_keys(self, finished, words, keys):
        with pytest.raises(AlignsarError) as error:
            geocode(finished, **({"resolution": 20.0} | keys))
        assert words in str(error.value)
        assert "\n" not in str(error.value)

    def test_on_the_command_line_nothing_is_left(self, finished):
        before = contents(finished).keys()
        refuse(
            "geocoding.bounds=[0.0, 0.0, 1.0, 1.0]: ",
            *EVERYTHING,
            "geocoding.bounds=[0,0,1,1]",
            f"output={finished}",
        )
        refuse("names height twice", *EVERYTHING, "geocoding.layers=[height,height]", f"output={finished}")
        assert contents(finished).keys() == before

    def test_rasters_to_match(self, finished, tmp_path):
        (tmp_path / "junk.tif").write_bytes(b"II*\0junk")
        (tmp_path / "text.tif").write_text("text")
        for words, path in (
            ("has no coordinate reference system", write_raster(tmp_path / "nowhere.tif", crs=None)),
            ("is turned", write_raster(tmp_path / "turned.tif", affine=Affine(20, 3, 3e5, 3, -20, 6e6))),
            ("does not overlap the image", write_raster(tmp_path / "far.tif")),
            ("cannot be read as a raster", tmp_path / "junk.tif"),
            ("cannot be read as a raster", tmp_path / "text.tif"),
            ("cannot be read as a raster", tmp_path / "missing.tif"),
        ):
            with pytest.raises(AlignsarError, match=re.escape(f"geocoding.match={path}: ")) as error:
                geocode(finished, match=path)
            assert words in str(error.value)

    @pytest.mark.parametrize("key", ["crs=IAU_2015:30110", "match={}/text.tif"])
    def test_before_anything_is_simulated(self, tmp_path, key):
        (tmp_path / "text.tif").write_text("text")
        more = [] if "match" in key else ["geocoding.resolution=20"]
        key = f"geocoding.{key.format(tmp_path)}"
        refuse(f"{key}: ", "+experiment=demo", "device=cpu", key, *more, f"output={tmp_path / 'out'}")
        assert not (tmp_path / "out").exists()


def test_maps_of_a_few_pixels(finished):
    height = geocode(finished, layers=["height"], resolution=1000.0)["height"]
    assert 1 <= height.size < 16
    assert np.isfinite(height).any()


@pytest.mark.parametrize(
    ("attributes", "wrapped"),
    [
        ({"units": "rad", "valid_range": [np.float32(-np.pi), np.float32(np.pi)]}, True),
        ({"units": "rad"}, False),  # phases of delays, which count on
        ({"units": "rad", "valid_range": [0.0, np.pi / np.sqrt(3.0)]}, False),  # deviations of phases
        ({"units": "1", "valid_range": [-np.pi, np.pi]}, False),
    ],
)
def test_only_phases_that_go_round_are_brought_to_maps_as_phasors(attributes, wrapped):
    assert is_wrapped(attributes) == wrapped
    layer = CubeLayer(name="x", dtype="float32", dated=True, attributes=attributes)
    assert layer_layout(layer).overviews == ("phase" if wrapped else "average")


def test_netcdf_files_open_as_one_without_a_warning(mapped):
    pytest.importorskip("dask")
    cube = xr.open_zarr(mapped / "map.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xr.open_mfdataset(f"{mapped}/map_netcdf/*.nc") as together:
            assert together["height"].dims == ("y", "x")
            np.testing.assert_array_equal(together["intensity_vv"].values, cube["intensity_vv"].values)
            for dataset in (cube, together):
                _, axes = plt.subplots()
                dataset["valid"].isel(time=1).plot(ax=axes)
                assert axes.get_title().startswith(f"time = {str(cube.time.values[1])[:19]}")
                plt.close(axes.figure)
