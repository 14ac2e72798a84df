"""Fields made to run code, to be read from elsewhere, or to fill the time and the memory: each is refused."""

import json
import shutil
import zlib

import h5py
import numpy as np
import pytest
import xarray as xr
from netCDF4 import Dataset

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening import netcdf
from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig
from alignsar_gpu.radarcoding.fields.opening import open_field

KEY = "radarcoding.layers.air"
TIMES = np.datetime64("2023-05-01T00:00", "ns") + np.arange(0, 12, 6) * np.timedelta64(1, "h")


def content(**more):
    return xr.Dataset(
        {"t2m": (("time", "latitude", "longitude"), np.arange(32.0).reshape(2, 4, 4))} | more,
        coords={"time": TIMES, "latitude": np.arange(50.0, 54.0), "longitude": np.arange(2.0, 6.0)},
    )


@pytest.fixture(params=[2, 3])
def store(request, tmp_path):
    """A Zarr store of each version, with a text beside the field."""
    path = tmp_path / "x.zarr"
    content().to_zarr(path, zarr_format=request.param, consolidated=False)
    return path


def read(path, **keys):
    field = open_field(FieldLayerConfig(path=str(path), variable="t2m", **keys), KEY)
    return field.at(*field.positions(np.array([3.5]), np.array([51.5])), TIMES[0])


def refused(path, words):
    with pytest.raises(AlignsarError, match=words) as caught:
        read(path)
    assert str(caught.value).startswith(KEY)


def header(store, name):
    (path,) = (store / name / part for part in (".zarray", "zarr.json") if (store / name / part).exists())
    return path, json.loads(path.read_text())


def edit(store, name, **keys):
    """Keys as Zarr 2 calls them."""
    path, about = header(store, name)
    if about["zarr_format"] == 2:
        path.write_text(json.dumps(about | keys))
        return
    for key, value in keys.items():
        if key == "chunks":
            about["chunk_grid"]["configuration"]["chunk_shape"] = value
        elif key == "filters":
            about["codecs"] = [{"name": f"numcodecs.{item['id']}", "configuration": item} for item in value]
        else:
            about["data_type" if key == "dtype" else key] = value
    path.write_text(json.dumps(about))


class TestZarr:
    def test_valid(self, store):
        assert read(store) == pytest.approx([7.5])

    @pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
    def test_texts_beside_it(self, tmp_path):
        for version in (2, 3):
            path = tmp_path / f"{version}.zarr"
            content(expver=("time", ["1", "5"])).to_zarr(path, zarr_format=version, consolidated=False)
            assert read(path) == pytest.approx([7.5])

    def test_no_code_is_run(self, tmp_path):
        """A coordinate of objects by pickle, which xarray reads on opening."""
        store = tmp_path / "x.zarr"
        content().to_zarr(store, zarr_format=2, consolidated=False)
        code = f"cposix\nsystem\n(S'touch {tmp_path}/run'\ntR."
        for chunk in (store / "latitude").glob("[0-9]*"):
            chunk.write_bytes(code.encode())
        edit(store, "latitude", dtype="|O", filters=[{"id": "pickle"}], compressor=None, fill_value=None)
        refused(store, "has values of the type")
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("codec", ["pickle", "json2", "msgpack2", "vlen-array", "x"])
    def test_codecs(self, store, codec):
        edit(store, "t2m", filters=[{"id": codec}])
        refused(store, f"is packed by {codec}, which is not read")

    @pytest.mark.parametrize(
        ("keys", "words"),
        [
            ({"chunks": [0, 0, 0]}, "which cannot be"),
            ({"shape": [2, 10**6, 10**6], "chunks": [1, 1, 1]}, "are too many or too large"),
            ({"shape": [2, 10**6, 10**6], "chunks": [1, 10**6, 10**6]}, "are too many or too large"),
            ({"shape": [2, -4, 4]}, "which cannot be"),
            ({"dtype": "object"}, "has values of the type"),
        ],
    )
    def test_shapes(self, store, keys, words):
        edit(store, "t2m", **keys)
        refused(store, words)

    def test_coordinates_that_are_endless(self, store):
        edit(store, "latitude", shape=[10**9], chunks=[10**6])
        edit(store, "t2m", shape=[2, 10**9, 4], chunks=[1, 10**6, 4])
        refused(store, "more than any grid|too many or too large|cannot be read")

    def test_links_that_lead_out(self, store, tmp_path):
        chunk = next(file for file in (store / "t2m").rglob("*") if file.is_file() and file.name[0].isdigit())
        shutil.move(chunk, tmp_path / "elsewhere")
        chunk.symlink_to(tmp_path / "elsewhere")
        refused(store, "is a link to .*elsewhere, outside of")

    def test_one_wrong_byte(self, tmp_path):
        store = tmp_path / "x.zarr"
        content().to_zarr(store, zarr_format=2, consolidated=False)
        edit(store, "t2m", compressor={"id": "zlib", "level": 1})
        for chunk in (store / "t2m").glob("[0-9]*"):
            packed = bytearray(zlib.compress(np.arange(32.0).tobytes()))
            packed[len(packed) // 2] ^= 0xFF
            chunk.write_bytes(packed)
        refused(store, "cannot be read .*it may be damaged")

    def test_header_that_is_deep(self, store):
        header(store, "t2m")[0].write_text("[" * 200_000)
        refused(store, "is no description of an array")


class TestNetcdf:
    @pytest.fixture
    def path(self, tmp_path):
        content().to_netcdf(tmp_path / "x.nc", engine="netcdf4")
        return tmp_path / "x.nc"

    def test_data_elsewhere(self, path, tmp_path):
        (tmp_path / "secret").write_bytes(bytes(8 * 32))
        with h5py.File(path, "r+") as file:
            del file["t2m"]
            file.create_dataset("t2m", (2, 4, 4), "f8", external=[(str(tmp_path / "secret"), 0, 8 * 32)])
        refused(path, "t2m: is kept in another file")

    def test_links_elsewhere(self, path):
        with h5py.File(path, "r+") as file:
            file["other"] = h5py.ExternalLink("/dev/zero", "/")
        refused(path, "other: is kept in another file")

    def test_groups_in_a_circle(self, path, monkeypatch):
        """The library goes round for ever."""
        monkeypatch.setattr(netcdf, "LONGEST", 2.0)
        with h5py.File(path, "r+") as file:
            file["loop"] = file["/"]
        refused(path, "it takes more than 2 s")

    def test_coordinates_that_are_endless(self, tmp_path):
        with Dataset(tmp_path / "x.nc", "w") as file:
            for name, length in (("latitude", 10**10), ("longitude", 4)):
                file.createDimension(name, length)
                file.createVariable(name, "f8", (name,), chunksizes=(4,))
            file.createVariable("t2m", "f4", ("latitude", "longitude"), chunksizes=(4, 4))
        refused(tmp_path / "x.nc", "its coordinate latitude has 10000000000 values, more than any grid")

    @pytest.mark.parametrize("time", [np.inf, np.nan, 1e300, 9e18, -1e15])
    @pytest.mark.parametrize(
        "units", ["hours since 1900-01-01", "days since 2000-01-01", "seconds since 99999-01-01"]
    )
    def test_times(self, tmp_path, time, units):
        with Dataset(tmp_path / "x.nc", "w") as file:
            for name, values in (
                ("time", [0.0, time]),
                ("latitude", [50.0, 51.0]),
                ("longitude", [2.0, 3.0]),
            ):
                file.createDimension(name, 2)
                file.createVariable(name, "f8", (name,))[:] = values
            file["time"].units = units
            file.createVariable("t2m", "f4", ("time", "latitude", "longitude"))[:] = 1.0
        refused(tmp_path / "x.nc", "t2m|NetCDF")

    @pytest.mark.parametrize(
        "mapping", ["x" * 100_000, "[" * 200_000, "PROJCRS[" * 100_000, '{"a":' * 100_000]
    )
    def test_systems(self, path, mapping):
        with Dataset(path, "r+") as file:
            file.createVariable("crs", "i4", ()).crs_wkt = mapping
            file["t2m"].grid_mapping = "crs"
        refused(path, "does not define a coordinate reference system")
