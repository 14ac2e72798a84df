"""map.zarr: where GIS libraries and GeoZarr's conventions find its pixels, and what is in them."""

import json

import numpy as np
import pytest
import xarray as xr
from pyproj import CRS, Transformer

from alignsar_gpu.dataset.cube import CubeLayer, create_cube, finish_cube, open_cube
from alignsar_gpu.dataset.flow import Flow
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.geocoding.map_cube import coordinates, geozarr_attributes, map_layer, map_layout
from alignsar_gpu.geocoding.map_grid import MapGrid

GRIDS = {
    "EPSG:32631": (20.0, 0.0, 500020.0, 0.0, -20.0, 5600040.0),
    "EPSG:4326": (1e-3, 0.0, 179.99, 0.0, -1e-3, 52.0),
    "EPSG:5041": (40.0, 0.0, 2e6, 0.0, -40.0, 2.4e6),
    "EPSG:28992": (10.0, 0.0, 120000.0, 0.0, -10.0, 487000.0),
}
LAYERS = [
    CubeLayer(name="sigma0_vv", dtype="float32", dated=True, attributes={"units": "1"}),
    CubeLayer(name="phasor", dtype="complex64", dated=True),
    CubeLayer(name="land_cover", dtype="uint8", dated=False),
    CubeLayer(name="valid", dtype="bool", dated=False, attributes={"long_name": "valid pixel"}),
]


def map_grid(crs="EPSG:32631", shape=(70, 50)):
    return MapGrid(crs=crs, affine=GRIDS[crs], shape=shape)


def layout_of(grid, layers=LAYERS):
    times = np.array(["2022-01-09T17:17:12", "2022-01-21T17:17:13"], dtype="datetime64[ns]")
    dates = xr.Dataset(
        coords={"time": ("time", times), "platform": ("time", np.array(["S1A", "S1B"], dtype=object))}
    )
    return map_layout(grid, dates=dates, layers=layers, attributes={"title": "a map"}, chunk=(32, 32))


def content(layout):
    rng = np.random.default_rng(0)
    values = {}
    for layer in layout.layers:
        shape = layout.shape if layer.dated else layout.shape[1:]
        image = 3.0 * rng.normal(size=(*shape, 2)) @ [1, 1j]
        values[layer.name] = {"c": image, "f": image.real, "u": abs(image)}[
            np.dtype(layer.dtype).kind
        ].astype(layer.dtype)
    return values


def written(path, grid, layers=LAYERS):
    layout = layout_of(grid, layers)
    create_cube(path, layout)
    values = content(layout)
    with Flow(1, 1 << 20) as flow:
        writer = CubeWriter(path, layout, flow)
        for first in range(0, grid.shape[0], 32):
            for layer in layout.layers:
                for date in range(2) if layer.dated else [None]:
                    image = values[layer.name] if date is None else values[layer.name][date]
                    writer.write(layer.name, first, image[first : first + 32], date)
    finish_cube(path, {})
    return values


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "map.zarr"
    return path, written(path, map_grid())


class TestCube:
    def test_there_and_back(self, cube):
        path, values = cube
        opened = open_cube(path)
        assert opened.sizes == {"time": 2, "y": 70, "x": 50}
        assert set(opened.data_vars) == set(values)
        for name, expected in values.items():
            np.testing.assert_array_equal(opened[name].values, expected)
            assert opened[name].dims == (("time", "y", "x") if expected.ndim == 3 else ("y", "x"))
        assert opened.attrs["title"] == "a map"
        assert list(opened["platform"].values) == ["S1A", "S1B"]

    def test_coordinates_are_of_pixel_centres(self, cube):
        opened = open_cube(cube[0])
        np.testing.assert_array_equal(opened.x[:2], [500030.0, 500050.0])
        np.testing.assert_array_equal(opened.y[:2], [5600030.0, 5600010.0])
        assert opened.x.attrs["standard_name"] == "projection_x_coordinate"
        assert opened.y.attrs["units"] == "metre"

    def test_every_layer_has_its_grid_mapping(self, cube):
        opened = open_cube(cube[0])
        for name in cube[1]:
            assert opened[name].attrs["grid_mapping"] == "spatial_ref"
            assert "spatial_ref" in opened[name].coords
        assert set(xr.open_zarr(cube[0], decode_coords="all", chunks=None).data_vars) == set(cube[1])

    def test_also_where_no_layer_has_dates(self, tmp_path):
        written(tmp_path / "map.zarr", map_grid(), LAYERS[2:])
        assert "spatial_ref" in open_cube(tmp_path / "map.zarr")["land_cover"].coords

    def test_truth_values_have_a_code_for_unknown(self):
        layer = map_layer(LAYERS[-1])
        assert layer.dtype == "uint8"
        assert layer.attributes["flag_values"] == [0, 1, 255]
        assert layer.attributes["long_name"] == "valid pixel"


class TestPlace:
    @pytest.mark.parametrize("crs", list(GRIDS))
    def test_in_the_grid_mapping(self, crs):
        grid = map_grid(crs)
        about = coordinates(grid)["spatial_ref"].attrs
        assert CRS.from_wkt(about["crs_wkt"]) == CRS.from_wkt(about["spatial_ref"]) == grid.crs
        a, b, c, d, e, f = grid.affine
        assert [float(number) for number in about["GeoTransform"].split()] == [c, a, b, f, d, e]

    @pytest.mark.parametrize("crs", list(GRIDS))
    def test_of_coordinates_as_the_grid_has_it(self, crs):
        grid = map_grid(crs)
        place = coordinates(grid)
        to_map = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
        rows, columns = np.array([0, 69, 30]), np.array([0, 49, 7])
        x, y = to_map.transform(*grid.geodetic(rows.astype(float), columns.astype(float)))
        if crs == "EPSG:4326":
            x = np.where(x < 0, x + 360, x)
        np.testing.assert_allclose(place.x.values[columns], x, atol=1e-3 * grid.affine[0])
        np.testing.assert_allclose(place.y.values[rows], y, atol=1e-3 * grid.affine[0])

    def test_in_attributes_of_geozarr(self, cube):
        about = json.loads((cube[0] / "zarr.json").read_text())["attributes"]
        assert about["proj:code"] == "EPSG:32631"
        assert CRS.from_wkt(about["proj:wkt2"]) == CRS.from_epsg(32631)
        assert about["spatial:dimensions"] == ["y", "x"]
        assert about["spatial:transform"] == list(GRIDS["EPSG:32631"])
        assert about["spatial:bbox"] == [500020.0, 5600040.0 - 1400.0, 501020.0, 5600040.0]
        assert about["spatial:shape"] == [70, 50]
        assert [one["name"] for one in about["zarr_conventions"]] == ["proj", "spatial"]

    def test_without_a_code_there_is_wkt_alone(self):
        grid = MapGrid(crs="+proj=laea +lat_0=10 +lon_0=20", affine=GRIDS["EPSG:5041"], shape=(3, 4))
        about = geozarr_attributes(grid)
        assert "proj:code" not in about
        assert CRS.from_wkt(about["proj:wkt2"]) == grid.crs


@pytest.mark.filterwarnings("ignore")
class TestLibraries:
    """That are no requirements, where they are installed."""

    def test_rioxarray(self, tmp_path):
        pytest.importorskip("rioxarray", reason="rioxarray is not installed")
        for crs, affine in GRIDS.items():
            written(tmp_path / "map.zarr", map_grid(crs))
            opened = xr.open_zarr(tmp_path / "map.zarr")
            for one in (opened, opened.sigma0_vv, opened.land_cover):
                assert one.rio.crs.to_string() == crs
                assert tuple(one.rio.transform())[:6] == affine
                found = one.rio.transform(recalc=True)
                np.testing.assert_allclose(tuple(found)[:6], affine, atol=0.01 * affine[0])

    def test_odc_geo(self, tmp_path):
        pytest.importorskip("odc.geo.xr", reason="odc-geo (with dask) is not installed")
        for crs, affine in GRIDS.items():
            written(tmp_path / "map.zarr", map_grid(crs))
            geobox = xr.open_zarr(tmp_path / "map.zarr").sigma0_vv.odc.geobox
            assert f"EPSG:{geobox.crs.epsg}" == crs
            assert geobox.shape == (70, 50)
            np.testing.assert_allclose(tuple(geobox.affine)[:6], affine, atol=0.01 * affine[0])

    def test_zarr_cm(self, cube):
        """Validates what the conventions' schemas do."""
        zarr_cm = pytest.importorskip("zarr_cm", reason="zarr-cm is not installed")
        metadata = json.loads((cube[0] / "zarr.json").read_text())
        zarr_cm.proj.validate_group_metadata(metadata)
        zarr_cm.spatial.validate_group_metadata(metadata)
