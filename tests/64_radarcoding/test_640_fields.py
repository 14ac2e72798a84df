"""Fields with time at pixels and dates: closed forms that linear interpolation keeps, and what is refused."""

import netCDF4
import numpy as np
import pytest
import rasterio
import xarray as xr
from geocoding_scene import CPU
from geocoding_scene import Scene as Site
from pyproj import CRS, Transformer
from rasterio.transform import Affine

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening import netcdf
from alignsar_gpu.radarcoding.fields import layers as field_layers
from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig
from alignsar_gpu.radarcoding.fields.delays import atmospheric_phase, slant_delay
from alignsar_gpu.radarcoding.fields.layers import FieldLayers
from alignsar_gpu.radarcoding.fields.opening import open_field
from alignsar_gpu.radarcoding.layers import LabelScene, Strip
from alignsar_gpu.radarcoding.level_ground import LevelGround

KEY = "radarcoding.layers.air"
HOURS = np.datetime64("2023-05-01T00:00", "ns") + np.arange(0, 48, 6) * np.timedelta64(1, "h")
LATITUDE, LONGITUDE = np.arange(50.0, 54.1, 0.25), np.arange(2.0, 8.1, 0.25)
TIMES = np.array(["2023-05-01T05:51:17.5", "2023-05-01T18:00:00", "2023-05-02T13:37:00"], "datetime64[ns]")
EXACT = 1e-9


@pytest.fixture(autouse=True)
def _sound_files(monkeypatch):
    """These are not tried in processes of their own, which takes longer than the tests; test_655 has damaged ones."""
    monkeypatch.setattr(netcdf, "_try", lambda *_: None)


def hours(times):
    return (times - HOURS[0]) / np.timedelta64(1, "h")


def plane(longitude, latitude, time):
    """Linear in everything."""
    return 280.0 + 1.5 * (longitude - 5.0) - 0.7 * (latitude - 52.0) + 0.05 * hours(time)


def cube(function=plane, *, latitude=LATITUDE, longitude=LONGITUDE, times=HOURS, name="t2m", **attributes):
    values = function(longitude[None, None], latitude[None, :, None], times[:, None, None])
    array = xr.DataArray(
        np.broadcast_to(values, (len(times), len(latitude), len(longitude))).copy(),
        dims=("time", "latitude", "longitude"),
        coords={"time": times, "latitude": latitude, "longitude": longitude},
        attrs={"units": "K", "long_name": "air temperature"} | attributes,
    )
    return array.to_dataset(name=name)


def saved(path, dataset, **encoding):
    dataset.to_netcdf(path, engine="netcdf4", encoding=encoding)
    return path


def opened(path, **keys):
    return open_field(FieldLayerConfig(path=str(path), **keys), KEY)


def at(field, longitude, latitude, time):
    place = np.broadcast_arrays(np.asarray(longitude, float), np.asarray(latitude, float))
    return field.at(*field.positions(*place), np.datetime64(time, "ns"))


def refused(call, *texts):
    with pytest.raises(AlignsarError) as error:
        call()
    assert str(error.value).startswith(KEY)
    for text in texts:
        assert text in str(error.value)


PLACES = np.random.default_rng(1).uniform((2.0, 50.0), (8.0, 54.0), (200, 2)).T


class TestInterpolation:
    @pytest.mark.parametrize("time", TIMES)
    def test_a_linear_field_comes_back(self, tmp_path, time):
        field = opened(saved(tmp_path / "a.nc", cube()))
        assert np.abs(at(field, *PLACES, time) - plane(*PLACES, time)).max() < EXACT
        assert (field.variable, field.stated("units"), field.stated("long_name")) == (
            "t2m",
            "K",
            "air temperature",
        )

    @pytest.mark.parametrize(("rows", "columns"), [(-1, 1), (1, -1), (-1, -1)])
    def test_axes_that_fall(self, tmp_path, rows, columns):
        dataset = cube(latitude=LATITUDE[::rows], longitude=LONGITUDE[::columns])
        field = opened(saved(tmp_path / "a.nc", dataset))
        assert np.abs(at(field, *PLACES, TIMES[0]) - plane(*PLACES, TIMES[0])).max() < EXACT

    def test_nodes_at_unequal_distances(self, tmp_path):
        latitude, longitude = np.array([50.0, 50.1, 51.0, 53.0, 54.0]), np.array([2.0, 5.0, 5.5, 8.0])
        times = HOURS[[0, 1, 5, 7]]
        field = opened(saved(tmp_path / "a.nc", cube(latitude=latitude, longitude=longitude, times=times)))
        for time in TIMES:
            assert np.abs(at(field, *PLACES, time) - plane(*PLACES, time)).max() < EXACT

    def test_half_a_cell_beyond_the_last_node(self, tmp_path):
        field = opened(saved(tmp_path / "a.nc", cube()))
        got = at(field, [1.9, 1.87, 5.0, 5.0], [52.0, 52.0, 54.12, 54.2], HOURS[0])
        want = plane(np.array([2.0, 0.0, 5.0, 0.0]), np.array([52.0, 0.0, 54.0, 0.0]), HOURS[0])
        assert np.array_equal(np.isnan(got), [False, True, False, True])
        assert np.allclose(got[[0, 2]], want[[0, 2]], atol=EXACT)

    def test_without_data(self, tmp_path):
        """What needs a value that is missing has none; what does not has its own."""
        dataset = cube()
        dataset["t2m"][:, 4, 6] = np.nan  # 51 N, 3.5 E
        packed = {"dtype": "int16", "scale_factor": 0.001, "add_offset": 280.0, "_FillValue": -32767}
        field = opened(saved(tmp_path / "a.nc", dataset, t2m=packed))
        longitude, latitude = np.array([3.5, 3.6, 3.5, 3.75, 3.8]), np.array([51.0, 51.1, 51.2, 51.0, 51.0])
        got = at(field, longitude, latitude, HOURS[0])
        assert np.array_equal(np.isnan(got), [True, True, True, False, False])
        assert np.abs(got[3:] - plane(longitude, latitude, HOURS[0])[3:]).max() < 0.0011

    def test_parts_have_the_same_bits(self, tmp_path):
        field = opened(saved(tmp_path / "a.nc", cube()))
        whole = at(field, *PLACES, TIMES[0])
        parts = [at(field, *PLACES[:, first : first + 7], TIMES[0]) for first in range(0, 200, 7)]
        assert np.array_equal(whole, np.concatenate(parts))

    def test_zarr(self, tmp_path):
        cube().to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
        field = opened(tmp_path / "a.zarr")
        assert np.abs(at(field, *PLACES, TIMES[0]) - plane(*PLACES, TIMES[0])).max() < EXACT
        assert len(field.files) > 4

    def test_a_field_without_times(self, tmp_path):
        field = opened(saved(tmp_path / "a.nc", cube().isel(time=0, drop=True)))
        assert field.times is None
        assert np.abs(at(field, *PLACES, TIMES[2]) - plane(*PLACES, HOURS[0])).max() < EXACT


class TestRoundTheEarth:
    @pytest.mark.parametrize("west", [0.0, -180.0, 20.0])
    @pytest.mark.parametrize("place", [0.0, 180.0, -180.0, 20.0])
    @pytest.mark.parametrize("falling", [False, True])
    def test_its_seam_is_not_seen(self, tmp_path, west, place, falling):
        """Between nodes a wave is what straight lines between its nodes are, at the seam as elsewhere."""
        longitude = west + np.arange(0.0, 360.0, 2.0)
        dataset = cube(
            lambda lon, lat, time: np.cos(np.radians(lon)), longitude=longitude[:: -1 if falling else 1]
        )
        field = opened(saved(tmp_path / "a.nc", dataset))
        assert len(field.x) == 181
        asked = place + np.linspace(-3.0, 3.0, 61)
        low, share = np.floor(asked / 2.0) * 2.0, asked / 2.0 - np.floor(asked / 2.0)
        want = (1.0 - share) * np.cos(np.radians(low)) + share * np.cos(np.radians(low + 2.0))
        for turned in (asked, (asked + 180.0) % 360.0 - 180.0):
            assert np.abs(at(field, turned, np.full(61, 52.0), HOURS[0]) - want).max() < 1e-12

    def test_a_field_whose_ends_are_the_same(self, tmp_path):
        """From 0 to 360 degrees, both."""
        longitude = np.arange(0.0, 361.0, 2.0)
        field = opened(
            saved(tmp_path / "a.nc", cube(lambda lon, lat, t: np.cos(np.radians(lon)), longitude=longitude))
        )
        got = at(field, [-1.0, 0.0, 1.0, 359.0, 360.0], np.full(5, 52.0), HOURS[0])
        middle = 0.5 * (1.0 + np.cos(np.radians(2.0)))
        assert np.allclose(got, [middle, 1.0, middle, middle, 1.0], atol=1e-12)

    @pytest.mark.parametrize(
        ("longitude", "asked"),
        [
            (np.arange(350.0, 371.0) % 360.0, [-9.5, 0.5, 359.5, 9.5]),
            ((np.arange(170.0, 191.0) + 180.0) % 360.0 - 180.0, [170.5, -179.5, 180.5, -170.5]),
            (np.arange(350.0, 371.0), [-9.5, 0.5, 359.5, 9.5]),
        ],
    )
    def test_a_part_across_it(self, tmp_path, longitude, asked):
        """Longitudes that jump by a turn in the middle of the file."""
        field = opened(
            saved(tmp_path / "a.nc", cube(lambda lon, lat, t: lon % 360.0 + 0.0 * lat, longitude=longitude))
        )
        assert len(field.x) == 21
        want = np.array(asked) % 360.0
        got = at(field, asked, np.full(4, 52.0), HOURS[0])
        beside = (want > 359.0) | (want < 0.0)  # between 359 and 0
        assert np.isfinite(got).all()
        assert np.abs(got - want)[~beside].max() < EXACT
        assert np.isnan(at(field, [100.0], [52.0], HOURS[0])).all()


class TestSystems:
    def test_a_projected_grid(self, tmp_path):
        """On metres or kilometres of RD New: another datum, by PROJ."""
        x, y = np.arange(150_000.0, 200_001.0, 10_000.0), np.arange(440_000.0, 480_001.0, 10_000.0)
        longitude, latitude = np.array([5.5, 5.61, 5.8]), np.array([52.0, 52.1, 52.17])
        east, north = Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True).transform(
            longitude, latitude
        )
        want = (east - 1.7e5) * 1e-3 + (north - 4.6e5) * 2e-3
        values = (x - 1.7e5) * 1e-3 + (y[:, None] - 4.6e5) * 2e-3
        for unit, factor in (("m", 1.0), ("km", 1e-3)):
            dataset = xr.Dataset(
                {
                    "rain": (("y", "x"), values, {"grid_mapping": "rd"}),
                    "rd": ((), 0, CRS("EPSG:28992").to_cf()),
                },
                {"y": ("y", y * factor, {"units": unit}), "x": ("x", x * factor, {"units": unit})},
            )
            field = opened(saved(tmp_path / f"{unit}.nc", dataset))
            assert np.abs(at(field, longitude, latitude, TIMES[0]) - want).max() < 1e-6
            assert "Amersfoort to WGS 84" in field.operation
            plain = dataset.drop_vars("rd")
            del plain["rain"].attrs["grid_mapping"]
            path = saved(tmp_path / f"plain_{unit}.nc", plain)
            refused(lambda path=path: opened(path), "plain", "states no coordinate reference system")
            assert (
                np.abs(at(opened(path, crs="EPSG:28992"), longitude, latitude, TIMES[0]) - want).max() < 1e-6
            )
        refused(lambda: opened(tmp_path / "m.nc", crs="EPSG:32631"), "Amersfoort", "UTM zone 31N")

    def test_latitudes_on_a_sphere_are_those_of_the_ellipsoid(self, tmp_path):
        """As models of the weather mean them."""
        dataset = cube(grid_mapping="earth")
        dataset["earth"] = ((), 0, {"grid_mapping_name": "latitude_longitude", "earth_radius": 6371229.0})
        field = opened(saved(tmp_path / "a.nc", dataset))
        assert np.abs(at(field, *PLACES, TIMES[0]) - plane(*PLACES, TIMES[0])).max() < EXACT

    def test_a_projection_by_its_parameters(self, tmp_path):
        """A conic one of Lambert on WGS84, as CF writes it without WKT."""
        mapping = {
            "grid_mapping_name": "lambert_conformal_conic",
            "standard_parallel": [50.0, 54.0],
            "longitude_of_central_meridian": 5.0,
            "latitude_of_projection_origin": 52.0,
            "false_easting": 0.0,
            "false_northing": 0.0,
            "semi_major_axis": 6378137.0,
            "inverse_flattening": 298.257223563,
        }
        axis = np.arange(-3e5, 3e5 + 1.0, 5e4)
        values = 1e-5 * (axis + 2.0 * axis[:, None])
        dataset = xr.Dataset(
            {"rain": (("y", "x"), values, {"grid_mapping": "conic"}), "conic": ((), 0, mapping)},
            {"y": axis, "x": axis},
        )
        to = Transformer.from_crs(
            "EPSG:4326",
            "+proj=lcc +lat_1=50 +lat_2=54 +lon_0=5 +lat_0=52 +datum=WGS84",
            always_xy=True,
        )
        east, north = to.transform(*PLACES)
        got = at(opened(saved(tmp_path / "a.nc", dataset)), *PLACES, TIMES[0])
        assert np.abs(got - 1e-5 * (east + 2.0 * north)).max() < 1e-9

    def test_degrees_without_a_system(self, tmp_path):
        dataset = cube().rename(latitude="y", longitude="x")
        dataset["x"].attrs["units"] = "degrees_east"
        field = opened(saved(tmp_path / "a.nc", dataset))
        assert np.abs(at(field, *PLACES, TIMES[0]) - plane(*PLACES, TIMES[0])).max() < EXACT

    def test_a_grid_mapping_of_nothing(self, tmp_path):
        dataset = cube(grid_mapping="earth")
        dataset["earth"] = ((), 0, {"crs_wkt": "nonsense"})
        refused(lambda: opened(saved(tmp_path / "a.nc", dataset)), "a.nc", "'earth'")

    def test_nodes_in_disorder(self, tmp_path):
        latitude = LATITUDE.copy()
        latitude[3] = 40.0
        refused(lambda: opened(saved(tmp_path / "a.nc", cube(latitude=latitude))), "coordinate y")


class TestTimes:
    def test_units_of_cf(self, tmp_path):
        dataset = cube()
        encoding = {"units": "hours since 1900-01-01 00:00:00", "calendar": "gregorian", "dtype": "int32"}
        field = opened(saved(tmp_path / "a.nc", dataset, time=encoding))
        assert np.array_equal(field.times, HOURS)

    @pytest.mark.parametrize("calendar", ["noleap", "360_day"])
    def test_calendars_that_are_none_of_ours(self, tmp_path, calendar):
        dataset = cube()
        dataset["time"] = ("time", np.arange(8.0), {"units": "days since 2023-02-26", "calendar": calendar})
        refused(lambda: opened(saved(tmp_path / "a.nc", dataset)), "a.nc", calendar, "gregorian")

    def test_numbers_that_are_no_times(self, tmp_path):
        dataset = cube().assign_coords(time=np.arange(8.0))
        refused(lambda: opened(saved(tmp_path / "a.nc", dataset)), "times cannot be understood", "CF")

    def test_in_any_order_and_twice(self, tmp_path):
        order = [3, 1, 0, 7, 5, 2, 4, 6, 3]
        field = opened(saved(tmp_path / "a.nc", cube().isel(time=order)))
        assert np.array_equal(field.times, HOURS)
        for time in TIMES:
            assert np.abs(at(field, *PLACES, time) - plane(*PLACES, time)).max() < EXACT

    def test_one_time_without_a_dimension(self, tmp_path):
        field = opened(saved(tmp_path / "a.nc", cube().isel(time=2)))
        assert np.array_equal(field.times, HOURS[2:3])
        refused(lambda: at(field, *PLACES, TIMES[2]), "2023-05-01 12:00")

    def test_outside(self, tmp_path):
        path = saved(tmp_path / "a.nc", cube())
        late = np.datetime64("2023-05-02T21:10", "ns")
        texts = ("a.nc, t2m", "2023-05-01 00:00 to 2023-05-02 18:00", "2023-05-02 21:10", "tolerance_hours=4")
        refused(lambda: at(opened(path), *PLACES, late), *texts)
        refused(lambda: opened(path).require(*PLACES, np.append(TIMES, late)), *texts)
        allowed = opened(path, tolerance_hours=4.0)
        allowed.require(*PLACES, np.append(TIMES, late))
        assert np.abs(at(allowed, *PLACES, late) - plane(*PLACES, HOURS[-1])).max() < EXACT
        early = HOURS[0] - np.timedelta64(3, "h")
        assert np.abs(at(allowed, *PLACES, early) - plane(*PLACES, HOURS[0])).max() < EXACT


class TestChoice:
    def test_of_several_variables(self, tmp_path):
        dataset = xr.merge([cube(), cube(lambda *p: -plane(*p), name="d2m")])
        dataset["latitude_bounds"] = (("latitude", "side"), np.zeros((len(LATITUDE), 2)))
        path = saved(tmp_path / "a.nc", dataset)
        refused(lambda: opened(path), "2 variables", "t2m", "d2m", "(variable)")
        refused(lambda: opened(path, variable="t3m"), "'t3m'", "t2m, d2m")
        got = at(opened(path, variable="d2m"), *PLACES, TIMES[0])
        assert np.abs(got + plane(*PLACES, TIMES[0])).max() < EXACT
        refused(lambda: opened(path, variable="latitude_bounds"), "longitude")
        nothing = saved(tmp_path / "b.nc", dataset[["latitude_bounds"]])
        refused(lambda: opened(nothing), "0 variables")

    def test_bounds_are_no_variable(self, tmp_path):
        dataset = cube()
        dataset["latitude_bounds"] = (("latitude", "side"), np.zeros((len(LATITUDE), 2)))
        assert opened(saved(tmp_path / "a.nc", dataset)).variable == "t2m"

    def test_of_a_level(self, tmp_path):
        levels = [cube(lambda *p, n=n: plane(*p) + n).expand_dims(level=[n]) for n in (1000.0, 850.0, 500.0)]
        path = saved(tmp_path / "a.nc", xr.concat(levels, "level"))
        got = at(opened(path, select={"level": 850}), *PLACES, TIMES[0])
        assert np.abs(got - 850.0 - plane(*PLACES, TIMES[0])).max() < EXACT
        refused(lambda: opened(path), "'level'", "1000, 850, 500", "select={level: VALUE}")
        refused(lambda: opened(path, select={"level": 700}), "700", "1000, 850, 500")
        refused(lambda: opened(path, select={"height": 2}), "'height'", "level")
        one = saved(tmp_path / "b.nc", levels[0])
        assert np.isfinite(at(opened(one), *PLACES, TIMES[0])).all()
        refused(lambda: opened(one, select={"level": 850}), "850", "1000")

    def test_of_a_member_without_coordinates(self, tmp_path):
        both = xr.concat([cube(), cube(lambda *p: plane(*p) + 9.0)], "member")
        path = saved(tmp_path / "a.nc", both)
        refused(lambda: opened(path), "'member'", "0, 1")
        got = at(opened(path, select={"member": 1}), *PLACES, TIMES[0])
        assert np.abs(got - 9.0 - plane(*PLACES, TIMES[0])).max() < EXACT


def rasters(folder, names, function=plane, times=HOURS, **change):
    """GeoTIFFs with their time in the name, north up, on the nodes of the cube."""
    transform = Affine(0.25, 0.0, LONGITUDE[0] - 0.125, 0.0, -0.25, LATITUDE[-1] + 0.125)
    profile = {"driver": "GTiff", "dtype": "float64", "count": 1, "crs": "EPSG:4326", "transform": transform}
    profile |= {"height": len(LATITUDE), "width": len(LONGITUDE), "nodata": -9999.0} | change
    for name, time in zip(names, times, strict=True):
        with rasterio.open(folder / name, "w", **profile) as file:
            values = function(LONGITUDE, LATITUDE[::-1, None], time)
            file.write(np.broadcast_to(values, (profile["count"], *values.shape)).astype(profile["dtype"]))
            file.units = ("K",) * profile["count"]
    return folder / "*.tif"


class TestDatedRasters:
    @pytest.mark.parametrize("form", ["%Y%m%dT%H%M", "%Y%m%d_%H%M", "%Y%m%dT%H%M%S", "t2m_%Y%m%d%H%M_v1"])
    def test_by_their_names(self, tmp_path, form):
        names = [f"{time.astype('datetime64[s]').item():{form}}.tif" for time in HOURS]
        field = opened(rasters(tmp_path, names))
        assert np.array_equal(field.times, HOURS)
        assert field.stated("units") == "K"
        for time in TIMES:
            assert np.abs(at(field, *PLACES, time) - plane(*PLACES, time)).max() < EXACT

    def test_days(self, tmp_path):
        field = opened(rasters(tmp_path, ["a_20230501.tif", "a_20230502.tif"], times=HOURS[[0, 4]]))
        assert np.array_equal(field.times, HOURS[[0, 4]])

    def test_scaled_and_without_data(self, tmp_path):
        pattern = rasters(
            tmp_path,
            ["20230501.tif"],
            lambda lon, lat, t: np.rint(lon * 100 + 0 * lat),
            HOURS[:1],
            dtype="int16",
        )
        with rasterio.open(tmp_path / "20230501.tif", "r+") as file:
            values = file.read()
            values[0, -1] = -9999
            file.write(values)
            file.scales, file.offsets = (0.01,), (1.0,)
        got = at(opened(pattern), [4.6, 4.6], [52.0, 50.1], HOURS[0])
        assert np.allclose(got, [5.6, np.nan], atol=1e-9, equal_nan=True)

    def test_refused(self, tmp_path):
        refused(lambda: opened(tmp_path / "*.tif"), "no file matches the pattern")
        for number, name in enumerate(("a.tif", "2023050106.tif", "20230501T06.tif", "20231350.tif")):
            (tmp_path / str(number)).mkdir()
            pattern = rasters(tmp_path / str(number), [name], times=HOURS[:1])
            refused(lambda pattern=pattern: opened(pattern), name, "date")
        two = tmp_path / "two"
        two.mkdir()
        refused(lambda: opened(rasters(two, ["20230501.tif"], times=HOURS[:1], count=2)), "2 bands")
        rasters(two, ["20230501.tif"], times=HOURS[:1])
        pattern = rasters(two, ["a_20230501T0000.tif"], times=HOURS[:1])
        refused(lambda: opened(pattern), "have the same time")
        (two / "a_20230501T0000.tif").unlink()
        transform = Affine(0.3, 0.0, 2.0, 0.0, -0.25, 54.0)
        pattern = rasters(two, ["20230502.tif"], times=HOURS[:1], transform=transform)
        refused(lambda: opened(pattern), "same grid")
        refused(lambda: opened(pattern, variable="t2m"), "variable", "one band")
        refused(lambda: opened(pattern, select={"level": 1}), "select", "one band")
        turned = tmp_path / "turned"
        turned.mkdir()
        pattern = rasters(
            turned, ["20230501.tif"], times=HOURS[:1], transform=Affine(0.2, 0.1, 2.0, 0.1, -0.2, 54.0)
        )
        refused(lambda: opened(pattern), "rotated", "gdalwarp")
        (two / "20230502.tif").write_text("no raster")
        refused(lambda: opened(two / "*.tif"), "20230502.tif", "cannot be read")

    def test_a_file_that_was_damaged_since(self, tmp_path):
        field = opened(rasters(tmp_path, ["20230501.tif"], times=HOURS[:1]))
        (tmp_path / "20230501.tif").write_bytes((tmp_path / "20230501.tif").read_bytes()[:600])
        refused(lambda: at(field, *PLACES, HOURS[0]), "cannot be read", "fetch it again")


class TestRefused:
    def test_grib(self, tmp_path):
        (tmp_path / "a.grib2").write_bytes(b"GRIB")
        refused(
            lambda: opened(tmp_path / "a.grib2"), "a.grib2", "cdo -f nc4 copy", "kind=raster with dates=bands"
        )

    def test_a_grid_of_one_row(self, tmp_path):
        refused(
            lambda: opened(saved(tmp_path / "a.nc", cube(latitude=LATITUDE[:1]))),
            "coordinate y",
            "two or more",
        )

    def test_a_file_that_is_damaged_inside(self, tmp_path):
        noise = np.random.default_rng(5).normal(size=(8, 17, 25))
        packed = {"zlib": True, "chunksizes": (1, 17, 25)}
        path = saved(tmp_path / "a.nc", cube(lambda *p: plane(*p) + noise), t2m=packed)
        content = path.read_bytes()
        third = len(content) // 3
        path.write_bytes(content[:third] + bytes(third) + content[2 * third :])
        field = opened(path)
        refused(lambda: [at(field, *PLACES, time) for time in HOURS], "cannot be read", "fetch it again")

    def test_values_that_are_infinite(self, tmp_path):
        def infinite(longitude, latitude, time):
            return np.full(np.broadcast(longitude, latitude, time).shape, np.inf)

        field = opened(saved(tmp_path / "a.nc", cube(infinite)))
        refused(lambda: at(field, *PLACES, HOURS[0]), "a.nc", "holds infinite values where the image lies")

    def test_a_scale_that_leaves_nothing(self, tmp_path):
        path = saved(
            tmp_path / "a.nc", cube(), t2m={"dtype": "int16", "scale_factor": 0.01, "_FillValue": -1}
        )
        with netCDF4.Dataset(path, "r+") as file:
            file["t2m"].scale_factor = 0.0
        refused(lambda: opened(path), "a.nc, t2m: magnitude of the scale of values is 0")

    def test_what_is_no_field(self, tmp_path):
        refused(lambda: opened(tmp_path / "no.nc"), "no.nc", "no such file")
        (tmp_path / "a.nc").write_text("no field")
        refused(lambda: opened(tmp_path / "a.nc"), "a.nc", "cannot be read as NetCDF or Zarr")
        (tmp_path / "empty").mkdir()
        refused(lambda: opened(tmp_path / "empty"), "empty", "cannot be read")

    def test_coordinates_of_two_dimensions(self, tmp_path):
        dataset = xr.Dataset(
            {"t2m": (("row", "col"), np.zeros((3, 4)))},
            {"lat": (("row", "col"), np.zeros((3, 4))), "lon": (("row", "col"), np.zeros((3, 4)))},
        )
        refused(lambda: opened(saved(tmp_path / "a.nc", dataset), variable="t2m"), "row, col", "regular grid")

    def test_a_field_elsewhere(self, tmp_path):
        field = opened(saved(tmp_path / "a.nc", cube()))
        refused(
            lambda: field.require(np.array([100.0, 101.0]), np.array([10.0, 11.0]), TIMES),
            "x from 2 to 8",
            "y from 50 to 54",
            "longitude 100.000 to 101.000",
            "covers it",
        )


def strip_of(site, lines):
    drawn = site.terrain.lines(lines.start, lines.stop)
    return Strip(
        lines=lines,
        samples=site.radar.samples,
        longitude=drawn.longitude,
        latitude=drawn.latitude,
        incidence=drawn.incidence,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"), steepness=0.3)


class TestLayers:
    def scene(self, site, reference=1):
        return LabelScene(
            level_ground=LevelGround(terrain=site.terrain), device=CPU, times=TIMES, reference=reference
        )

    def test_values_of_each_date(self, tmp_path, site, monkeypatch):
        layers = FieldLayers(name="air", file=opened(saved(tmp_path / "a.nc", cube())), zenith=False)
        assert [one.name for one in layers.layers] == ["air"]
        assert layers.layers[0].dated
        assert layers.layers[0].attributes["units"] == "K"
        layers.require_inside(self.scene(site))
        strip = strip_of(site, slice(10, 30))
        strip.longitude[3, 7] = np.nan
        got = list(layers.strip(self.scene(site), strip))
        assert [(name, date) for name, date, _ in got] == [("air", 0), ("air", 1), ("air", 2)]
        for (_, _, values), time in zip(got, TIMES, strict=True):
            assert values.dtype == np.float32
            want = plane(strip.longitude, strip.latitude, time)
            assert np.array_equal(np.isnan(values), np.isnan(want))
            assert np.nanmax(np.abs(values - want)) < 2e-5
        monkeypatch.setattr(field_layers, "MOST_POINTS", 700)
        for one, other in zip(got, layers.strip(self.scene(site), strip), strict=True):
            assert np.array_equal(one[2], other[2], equal_nan=True)

    def test_no_path_of_the_machine_is_kept(self, tmp_path):
        layers = FieldLayers(name="air", file=opened(saved(tmp_path / "a.nc", cube())), zenith=True)
        said = str(layers.facts()) + str([one.attributes for one in layers.layers])
        assert str(tmp_path) not in said
        assert layers.facts()["air"]["variable"] == "t2m"

    def test_delays_as_interferograms_have_them(self, tmp_path, site):
        """Pixels of SLCs whose way is longer by the delay, multiplied as interferograms are."""

        def delay(longitude, latitude, time):
            return 2.3 + 0.01 * (latitude - 52.0) + 0.02 * (longitude - 5.5) + 1e-3 * hours(time)

        path = saved(tmp_path / "a.nc", cube(delay, units="m", long_name="zenith delay"))
        layers = FieldLayers(name="air", file=opened(path), zenith=True)
        names = ["air", "air_slant", "air_phase"]
        assert [(one.name, one.attributes["units"]) for one in layers.layers] == list(
            zip(names, ("m", "m", "rad"), strict=True)
        )
        strip, wavelength = strip_of(site, slice(40, 60)), site.radar.wavelength
        found = {(name, date): values for name, date, values in layers.strip(self.scene(site), strip)}
        assert set(found) == {(name, date) for name in names for date in range(3)}
        longer = [
            delay(strip.longitude, strip.latitude, time) / np.cos(np.radians(strip.incidence.astype(float)))
            for time in TIMES
        ]
        pixels = [np.exp(-4j * np.pi / wavelength * (850e3 + way)) for way in longer]
        for date in range(3):
            assert np.abs(found["air_slant", date] - longer[date]).max() < 1e-6
            made = pixels[1] * np.conj(pixels[date])
            assert np.abs(np.angle(made * np.exp(-1j * found["air_phase", date]))).max() < 1e-4
        assert not found["air_phase", 1].any()
        # More delay than at the reference: the phase grows, as when the ground has moved away.
        assert found["air_phase", 2].min() > 0.5


def test_slant_delays():
    assert np.allclose(slant_delay(np.array([2.3, 2.3]), np.array([0.0, 60.0])), [2.3, 4.6])
    reference, other = np.array([0.0]), np.array([0.0556 / 4.0])
    assert np.allclose(atmospheric_phase(reference, other, 0.0556), np.pi)
