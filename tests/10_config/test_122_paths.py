"""Paths: wrong ones are refused at once, and runs without a name are called after them."""

import subprocess
import sys
import time

import pytest
from command_line import refuse

from alignsar_gpu.config import Config, SimulateConfig, SlcProductsConfig
from alignsar_gpu.config.paths import check_paths, name_after
from alignsar_gpu.config.products import NoProductsConfig
from alignsar_gpu.errors import AlignsarError

SAFE = "S1A_IW_SLC__1SDV_20230904T063856_20230904T063923_050174_0609B4_100E.SAFE"


def slc(path, **more):
    return SlcProductsConfig(reader="sentinel1", path=str(path), **more)


class TestThere:
    @pytest.mark.parametrize(
        "key", ["products.path", "orbits.path", "dem.path", "simulate.templates", "simulate.dem.path"]
    )
    def test_each_key_is_named(self, key, tmp_path):
        config = Config(products=slc(tmp_path), simulate=SimulateConfig(path=str(tmp_path / "made")))
        *groups, name = key.split(".")
        group = config
        for part in groups:
            group = getattr(group, part)
        setattr(group, name, str(tmp_path / "a" / "b"))
        words = rf"{key}={tmp_path}/a/b: no such file or folder \({tmp_path} is there, {tmp_path}/a not\); correct"
        with pytest.raises(AlignsarError, match=words):
            check_paths(config)

    def test_labels_and_lists(self, tmp_path):
        words = "radarcoding.layers.road.path=nowhere.gpkg: no such file or folder; correct the path"
        refuse(
            words,
            "products=synthetic",
            "+radarcoding.layers.road.path=nowhere.gpkg",
            "dem=ellipsoid",
            "dem.path=.",
        )
        config = Config(products=slc(tmp_path))
        config.dem.path = [str(tmp_path), str(tmp_path / "x.tif")]
        with pytest.raises(AlignsarError, match=r"dem\.path=.*x\.tif: no such file"):
            check_paths(config)

    @pytest.mark.parametrize(
        "path",
        ["s3://bucket/x.tif", "/vsicurl/https://x/y.tif", "zip://a.zip!b.tif", "/x/*.tif", "a.zip!b.tif"],
    )
    def test_what_only_a_library_opens_is_left_to_it(self, path, tmp_path):
        config = Config(products=slc(tmp_path))
        config.dem.path = path
        check_paths(config)

    def test_what_the_same_run_simulates_need_not_be_there(self, tmp_path):
        made = tmp_path / "made"
        check_paths(Config(products=slc(made / "products"), simulate=SimulateConfig(path=str(made))))


def test_a_wrong_path_is_told_within_a_second(tmp_path):
    """And without what takes longer to import; the first call fills the caches of the file system."""
    arguments = [sys.executable, "-X", "importtime", "-m", "alignsar_gpu", "products=snap"]
    seconds = []
    for _ in range(2):
        started = time.process_time(), time.perf_counter()
        told = subprocess.run(
            [*arguments, f"products.path={tmp_path / 'x'}"], capture_output=True, text=True, check=False
        )
        seconds.append(time.perf_counter() - started[1])
    assert told.returncode == 2
    assert not {line.split("|")[-1].strip() for line in told.stderr.splitlines()} & {
        "numba", "xarray", "rasterio", "zarr", "pyproj", "rich",
    }  # fmt: skip
    assert min(seconds) < 2  # of 0.4 s on a machine that is not busy


class TestNames:
    def test_of_a_product(self, tmp_path):
        (tmp_path / SAFE).mkdir()
        assert name_after(slc(tmp_path / SAFE)) == f"sentinel1-{SAFE.removesuffix('.SAFE')}"
        named = name_after(slc(tmp_path / SAFE, burst="t052_110431_iw1"))
        assert named == "sentinel1-t052_110431_iw1-20230904"

    def test_of_a_folder(self, tmp_path):
        place = tmp_path / "Île de Ré"
        for name in (SAFE, SAFE.replace("20230904", "20230916"), "notes.txt"):
            (place / name).mkdir(parents=True)
        (place / "S1A_OPER_AUX_POEORB_OPOD_20230926T080632_V20230905T225942.EOF").touch()
        assert name_after(slc(place)) == "sentinel1-Île_de_Ré-20230904-20230916"

    def test_without_products(self):
        assert name_after(NoProductsConfig()) == "simulated"
