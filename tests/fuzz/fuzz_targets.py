"""Every format that is read: a small valid product as bytes, and how it is read."""

import json
import sqlite3
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import geopandas
import laspy
import numpy as np
import rasterio
import rasterio.shutil
import shapely
import xarray as xr
import zarr
from fake_bursts import write_bursts
from fake_nisar import FakeNisar
from fake_orbit import earth_fixed
from fake_safe import FakeSafe, write_safe
from fake_snap import write_dimap, write_znap
from fake_vectors import EVERYWHERE, HOLED, KEY, SQUARE, frame, write
from fuzz_bounds import outside
from geocoding_scene import Scene
from pyproj import CRS
from rough_terrain import DOPPLER
from synthetic_stack import simulate_stack

from alignsar_gpu.application.dataset.derived import open_dataset, write_derived
from alignsar_gpu.dataset.cube import FORMAT, CubeLayer, CubeLayout, create_cube, finish_cube
from alignsar_gpu.dataset.flow import Flow
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.geocoding.coverage import image_outline
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.dem.geoid import Geoid
from alignsar_gpu.geometry.stored.dem import DemPart
from alignsar_gpu.geometry.stored.geometry import read_geometry, write_geometry
from alignsar_gpu.geometry.stored.offset import OffsetTable
from alignsar_gpu.geometry.stored.surface import PixelHeights
from alignsar_gpu.products.area import read_area
from alignsar_gpu.products.nisar.reader import open_nisar
from alignsar_gpu.products.sentinel1.orbit_files import read_orbit_file
from alignsar_gpu.products.sentinel1.products import open_products
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.snap.reader import open_stack
from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig
from alignsar_gpu.radarcoding.fields.opening import open_field
from alignsar_gpu.radarcoding.points.config import PointLayerConfig
from alignsar_gpu.radarcoding.points.files import open_points
from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
from alignsar_gpu.radarcoding.rasters.opening import open_raster
from alignsar_gpu.radarcoding.rasters.series import open_series
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.files import open_vectors
from alignsar_gpu.radarcoding.vectors.rings import Counts
from alignsar_gpu.signatures.derived import Rule
from alignsar_gpu.simulate.ground.targets.reflector_files import read_reflectors

PLACE = rasterio.Affine(0.1, 0.0, 5.0, 0.0, -0.1, 53.0)
DATED = "x_20230501.tif"
MIDNIGHT = np.datetime64("2023-09-04", "us")
MOST = 64  # lines, samples, rows and columns that are read of what is accepted


@dataclass(frozen=True)
class Target:
    """A format. ``build`` writes a valid product into a folder; ``read`` gives what was accepted, by name."""

    name: str
    build: Callable
    read: Callable

    @cache  # noqa: B019  (there are a few, for all the time)
    def files(self):
        """The valid product: bytes by name."""
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.build(Path(folder))
            paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
            return {str(path.relative_to(folder)): path.read_bytes() for path in paths}

    def faults(self, values):
        """Accepted values outside their bounds, in words; empty where there are none."""
        return outside(values)


def only(folder, pattern):
    return next(iter(sorted(folder.glob(pattern))), folder / pattern)


def grid_values(grid):
    return {
        "wavelength": grid.wavelength,
        "azimuth_interval": grid.azimuth_interval,
        "slant_range": grid.first_slant_range,
        "range_spacing": grid.range_spacing,
        "lines": grid.lines,
        "samples": grid.samples,
        "first_azimuth_time": grid.first_azimuth_time,
    }


def orbit_values(orbit):
    return {
        "orbit_radius": np.linalg.norm(orbit.position, axis=1),
        "orbit_speed": np.linalg.norm(orbit.velocity, axis=1),
        "state_vector_time": orbit.time,
    }


def write_asf_bursts(folder):
    with tempfile.TemporaryDirectory() as whole:
        root = write_safe(Path(whole), FakeSafe(lines=10, samples=16))
        write_bursts(root, folder, [("iw1", "vv", 1)])


def read_asf_bursts(folder):
    (product,) = open_products(folder).opened.values()
    return product_values(product)


def read_sentinel1(folder):
    return product_values(open_sentinel1(only(folder, "*.SAFE")))


def product_values(product):
    values = orbit_values(product.orbit)
    for number, burst in enumerate(product.bursts):
        for name in burst.channels:
            burst.read(name)
        if outside(found := burst_values(burst, product.orbit)):
            return found
        values |= found | {f"footprint {number}": burst.footprint}
    return values


def burst_values(burst, orbit):
    """What a burst was imaged with, by the names of the table of bounds."""
    grid, channels = burst.grid, list(burst.channels.values())
    ranges = grid.slant_range(np.array([0, grid.samples - 1]))
    middle = float(grid.azimuth_time(grid.lines / 2))
    speed = np.linalg.norm(orbit.velocity_at(middle))
    steering = "s1_stripmap_steering_rate" if burst.swath.startswith("S") else "s1_steering_rate"
    values = grid_values(grid) | {
        steering: np.degrees(burst.steering_rate),
        "s1_doppler": [channel.doppler_centroid.at(ranges) for channel in channels],
        "s1_fm_rate": burst.azimuth_fm_rate.at(ranges) / (-2.0 * speed**2 / (grid.wavelength * ranges)),
        "s1_band": [burst.azimuth_band.width, burst.range_band.width],
        "s1_window": [burst.azimuth_band.hamming, burst.range_band.hamming],
    }
    tables = [channel.calibration.sigma_nought for channel in channels if channel.calibration is not None]
    if tables:
        values["s1_calibration"] = np.concatenate([table.ravel() for table in tables])
    if burst.transmission is not None:
        values |= {
            "s1_pulse_interval": burst.transmission.pulse_interval,
            "s1_rank": burst.transmission.rank,
            "s1_chirp_rate": abs(burst.transmission.chirp_rate),
        }
    return values


def read_stack(folder):
    stack = open_stack(folder)
    stack.read_pixels(0, min(MOST, stack.grid.lines))
    stack.read_ground(0, min(MOST, stack.grid.lines))
    return grid_values(stack.grid) | orbit_values(stack.acquisitions[0].orbit)


def read_nisar(folder):
    product = open_nisar(only(folder, "*.h5"))
    product.read_pixels(0, min(MOST, product.grid.lines))
    product.read_ground(0, min(MOST, product.grid.lines))
    return grid_values(product.grid) | orbit_values(product.acquisitions[0].orbit)


def write_orbit(folder):
    start = MIDNIGHT + np.timedelta64(6 * 3600 + 37 * 60, "s")
    times = np.arange(-30, 31) * 10.0
    position, velocity = earth_fixed(times + 2400.0, 30.0)
    vectors = []
    for time, place, way in zip(times, position, velocity, strict=True):
        utc = start + np.timedelta64(int(time), "s")
        axes = [f"<{axis} unit='m'>{value:.6f}</{axis}>" for axis, value in zip("XYZ", place, strict=True)]
        axes += [f"<V{axis} unit='m/s'>{value:.6f}</V{axis}>" for axis, value in zip("XYZ", way, strict=True)]
        vectors.append(
            f"<OSV><TAI>TAI={utc + np.timedelta64(37, 's')}</TAI><UTC>UTC={utc}</UTC><UT1>UT1={utc}</UT1>"
            f"<Absolute_Orbit>+50174</Absolute_Orbit>{''.join(axes)}<Quality>NOMINAL</Quality></OSV>"
        )
    (folder / "x.EOF").write_text(
        "<?xml version='1.0'?><Earth_Explorer_File><Earth_Explorer_Header><Fixed_Header><File_Name>x</File_Name>"
        "<Mission>Sentinel-1A</Mission><File_Type>AUX_POEORB</File_Type><Validity_Period><Validity_Start>"
        "UTC=2023-09-04T00:00:00</Validity_Start><Validity_Stop>UTC=2023-09-05T00:00:00</Validity_Stop>"
        "</Validity_Period></Fixed_Header><Variable_Header><Ref_Frame>EARTH_FIXED</Ref_Frame><Time_Reference>UTC"
        "</Time_Reference></Variable_Header></Earth_Explorer_Header><Data_Block type='xml'>"
        f"<List_of_OSVs count='{len(vectors)}'>{''.join(vectors)}</List_of_OSVs></Data_Block></Earth_Explorer_File>"
    )


def read_orbit(folder):
    first = MIDNIGHT + np.timedelta64(6 * 3600 + 37 * 60, "s")
    return orbit_values(
        read_orbit_file(
            folder / "x.EOF", MIDNIGHT, first, first + np.timedelta64(27, "s"), platform="Sentinel-1A"
        )
    )


def write_raster(path, dtype="float32", **options):
    values = 100.0 + np.arange(400).reshape(20, 20)
    profile = {"width": 20, "height": 20, "count": 1, "dtype": dtype, "crs": "EPSG:4326", "transform": PLACE}
    with rasterio.open(path, "w", **profile, **options) as file:
        file.write(values.astype(dtype) if dtype != "uint8" else (values % 7).astype(dtype), 1)


def write_vrt(folder):
    write_raster(folder / "a.tif", driver="GTiff")
    rasterio.shutil.copy(folder / "a.tif", folder / "x.vrt", driver="VRT")


def read_dem(pattern):
    def read(folder):
        dem = open_dem(only(folder, pattern), "ellipsoid")
        rows, columns = (slice(0, min(MOST, count)) for count in dem.shape)
        posts = dem.posts(rows, columns)
        known = np.isfinite(posts.height)
        return {"height": posts.height[known], "step": np.abs(np.array(dem.frame.affine)[[0, 4]])}

    return read


def read_labels(folder):
    raster = open_raster(RasterLayerConfig(path=str(only(folder, "x.*")), method="share"), KEY)
    rows = np.arange(min(MOST, raster.frame.shape[0]), dtype=float)
    raster.frame.geodetic(rows, np.zeros_like(rows))
    return {"step": np.abs(np.array(raster.frame.affine)[[0, 4]])}


def write_items(folder):
    write_raster(folder / "a.tif", driver="GTiff")
    times = {"start_datetime": "2023-05-01T00:00:00Z", "end_datetime": "2023-05-03T00:00:00+02:00"}
    items = [
        {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": f"item {number}",
            "geometry": None,
            "properties": properties,
            "links": [{"rel": "self", "href": "./x.json"}],
            "assets": {"data": {"href": "a.tif", "type": "image/tiff", "roles": ["data"]}},
        }
        for number, properties in enumerate(
            ({"datetime": "2023-05-20T10:50:31Z"}, {"datetime": None, **times})
        )
    ]
    (folder / "x.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))


def read_items(folder):
    series = open_series(RasterLayerConfig(path=str(folder / "x.json"), dates="stac", nearest_days=1e9), KEY)
    matches = series.matches(np.array(["2023-05-10T05:31"], "datetime64[ns]"))
    return {"days": np.array([match.days for match in matches])}


def write_netcdf(folder):
    y, x = 53.0 - 0.1 * np.arange(20), 5.0 + 0.1 * np.arange(20)
    values = xr.DataArray(np.full((20, 20), 100.0, dtype=np.float32), dims=("lat", "lon"), name="height")
    values = values.assign_coords(
        lat=("lat", y, {"units": "degrees_north"}), lon=("lon", x, {"units": "degrees_east"})
    )
    values.attrs["grid_mapping"] = "crs"
    content = values.to_dataset().assign(crs=((), 0, CRS.from_epsg(4326).to_cf()))
    content.to_netcdf(folder / "x.nc", engine="netcdf4")


def read_reflector_list(folder):
    targets = read_reflectors(folder / "stations.json", dates=2, wavelength=0.055)
    names = ("longitude", "latitude", "rcs_vv")
    return {name: [getattr(target, name) for target in targets] for name in names}


def write_vectors(ending):
    def build(folder):
        kinds = {"kind": ["a", "b"], "height": [3.0, 4.0]}
        content = frame([SQUARE, HOLED], **kinds)
        write(folder / f"x.{ending}", content.to_crs(4326) if ending in {"kml", "geojson"} else content)

    return build


def read_vectors(ending):
    def read(folder):
        keys = {"attribute": "kind", "height": "height"} if ending != "kml" else {}
        file = open_vectors(VectorLayerConfig(path=str(folder / f"x.{ending}"), **keys), KEY)
        values = {"ring_x": [], "ring_y": []}
        for rings in file.rings(EVERYWHERE, Counts()):
            x, y = file.to_geodetic(rings.x, rings.y)
            values["ring_x"] += list(x[np.isfinite(x)])
            values["ring_y"] += list(y[np.isfinite(y)])
        return values

    return read


def write_points(name):
    def build(folder):
        x, y, z = np.linspace(5.6, 5.9, 30), np.linspace(52.0, 52.2, 30), np.linspace(1.0, 30.0, 30)
        if name.endswith(".las"):
            header = laspy.LasHeader(point_format=6, version="1.4")
            header.offsets, header.scales = [180000.0, 457000.0, 0.0], [1e-3] * 3
            header.add_crs(CRS.from_epsg(28992))
            cloud = laspy.LasData(header)
            cloud.x, cloud.y, cloud.z = 180000.0 + x, 457000.0 + y, z
            cloud.write(folder / name)
        elif name.endswith(".csv"):
            table = "\n".join(f"{a:.6f},{b:.6f},{c:.2f},{c:.1f}" for a, b, c in zip(x, y, z, strict=True))
            (folder / name).write_text(f"longitude,latitude,height,value\n{table}\n")
        elif name == "stations.json":
            place = {"longitude": 5.7, "latitude": 52.1, "elevation": 40.0, "EPSG": 4979}
            face = {"orientation": 1, "coordinates": place}
            station = {"id": "A", "geometry": {"leglength": 1.5}, "ascending": face, "descending": face}
            (folder / name).write_text(json.dumps({"stations": [station, station]}))
        else:
            shapes = geopandas.points_from_xy(x, y, z)
            content = geopandas.GeoDataFrame({"value": z}, geometry=shapes, crs=4979)
            write(folder / name, content)

    return build


def read_points(name):
    def read(folder):
        keys = {"vertical_datum": "ellipsoid", "crs": "EPSG:4326" if name.endswith(".csv") else None}
        if not name.endswith(".las"):
            keys["value"] = "value"
        points = open_points(PointLayerConfig(path=str(folder / name), **keys), KEY)
        values = {"longitude": [], "latitude": [], "point_height": []}
        for batch in points.batches(EVERYWHERE):
            values["longitude"] += list(batch.longitude)
            values["latitude"] += list(batch.latitude)
            values["point_height"] += list(batch.height)
        return values

    return read


def field_content():
    times = np.datetime64("2023-05-01T00:00", "ns") + np.arange(0, 12, 6) * np.timedelta64(1, "h")
    return xr.Dataset(
        {"t2m": (("time", "latitude", "longitude"), np.arange(32.0).reshape(2, 4, 4))},
        coords={"time": times, "latitude": np.arange(50.0, 54.0), "longitude": np.arange(3.0, 7.0)},
    )


def write_field(name, version=None):
    def build(folder):
        if version is None:
            field_content().to_netcdf(folder / name, engine="netcdf4")
        else:
            field_content().to_zarr(folder / name, zarr_format=version, consolidated=False)

    return build


def read_field(name):
    def read(folder):
        field = open_field(FieldLayerConfig(path=str(folder / name), tolerance_hours=1e6), KEY)
        at = field.at(
            *field.positions(np.array([5.5]), np.array([52.5])), np.datetime64("2023-05-01T03:00", "ns")
        )
        return {"x": field.x, "y": field.y, "field": at[np.isfinite(at)]}

    return read


def write_area(folder):
    text = shapely.to_wkt(shapely.GeometryCollection([EVERYWHERE, shapely.Point(5.7, 52.1).buffer(0.1)]))
    (folder / "x.wkt").write_text(text)


def read_area_text(folder):
    area = read_area((folder / "x.wkt").read_bytes().decode("utf-8", "replace"))
    return {"area_bounds": area.bounds}


def write_view(folder):
    """A database with a view beside the layer."""
    write_vectors("gpkg")(folder)
    with sqlite3.connect(folder / "x.gpkg") as database:
        database.execute("CREATE VIEW v AS SELECT * FROM x")
    database.close()


@cache
def stack():
    return simulate_stack(lines=16, samples=20, dates=2, polarizations=("vv",), seed=11, flattened=True)


def write_cube(folder):
    """A cube of a layer that is stored and one that is computed."""
    path, made = folder / "cube.zarr", stack()
    axes = {"time": 2, "azimuth": 16, "range": 20}
    names = {"valid": "bool", "intensity_vv": "float32"}
    layout = CubeLayout(
        shape=(2, 16, 20),
        chunk=(16, 16),
        coordinates=xr.Dataset(coords={name: (name, np.arange(float(size))) for name, size in axes.items()}),
        layers=[CubeLayer(name=name, dtype=dtype, dated=True) for name, dtype in names.items()],
        attributes={"cube_format": FORMAT},
    )
    create_cube(path, layout)
    with Flow(1, 1 << 20) as flow:
        writer = CubeWriter(path, layout, flow)
        for name, dtype in names.items():
            for date in range(2):
                writer.write(name, 0, np.ones((16, 20), dtype), date)
    computed = CubeLayer(name="sigma0_vv", dtype="float32", dated=True)
    rule = Rule(signature="sigma0", of=("intensity_vv",), polarizations=("vv",), quantity="sigma_nought")
    write_derived(path, [computed], {"sigma0_vv": rule}, made.acquisitions)
    finish_cube(path, {})


def read_cube(folder):
    """Opened only: its values are what a run has measured, and may be any."""
    open_dataset(folder / "cube.zarr")
    return {}


def write_kept(folder, *, dem):
    """The geometry of a cube: a DEM above a geoid, or heights of its own pixels."""
    scene = Scene(folder, size={"lines": 12, "samples": 16}, post=200.0, half=4000.0)
    cube = folder / "cube.zarr"
    zarr.create_group(cube, zarr_format=3).create_array("height", data=np.full((12, 16), 700.0, np.float32))
    surface = PixelHeights(lowest=690.0, highest=720.0)
    if dem:
        geoid = Geoid(
            name="egm96",
            source="geoid.tif",
            first_longitude=4.0,
            first_latitude=55.0,
            longitude_step=0.5,
            latitude_step=-0.5,
            shape=(8, 8),
            read=lambda rows, columns: np.full((8, 8), 45.0, dtype=np.float32)[rows, columns],
        )
        part = replace(scene.dem, geoid=geoid, vertical_datum="egm96")
        surface = DemPart(dem=part, window=tuple(slice(0, count) for count in part.shape))
    offset = OffsetTable(lines=np.arange(2.0), samples=np.arange(3.0), values=np.ones((2, 2, 3), np.float32))
    write_geometry(cube, surface, grid=scene.radar, orbit=scene.orbit, doppler=DOPPLER, offset=offset)


def read_kept(folder):
    kept = read_geometry(folder / "cube.zarr")
    outline = image_outline(kept.grid, kept.orbit, kept.dem, kept.doppler)
    height = kept.dem.height_at(*outline)
    later, farther = kept.offset(*np.ones((2, 3, 4))) if callable(kept.offset) else kept.offset
    known = height[np.isfinite(height)]
    return (
        grid_values(kept.grid)
        | orbit_values(kept.orbit)
        | {"height": known, "later": later, "farther": farther}
    )


TARGETS = (
    Target("sentinel1", lambda folder: write_safe(folder, FakeSafe(lines=10, samples=16)), read_sentinel1),
    Target("asf_bursts", write_asf_bursts, read_asf_bursts),
    Target("orbit", write_orbit, read_orbit),
    Target("znap", lambda folder: write_znap(stack(), folder, [0, 1], chunks=(8, 10)), read_stack),
    Target("dimap", lambda folder: write_dimap(stack(), folder, [0, 1]), read_stack),
    Target("nisar", lambda folder: FakeNisar(lines=12, samples=14).write(folder / "x.h5"), read_nisar),
    Target("dem_tif", lambda folder: write_raster(folder / "x.tif", driver="GTiff"), read_dem("x.tif")),
    Target("dem_asc", lambda folder: write_raster(folder / "x.asc", driver="AAIGrid"), read_dem("x.asc")),
    Target("dem_vrt", write_vrt, read_dem("x.vrt")),
    Target("labels_tif", lambda folder: write_raster(folder / "x.tif", "uint8", driver="GTiff"), read_labels),
    Target("stac_items", write_items, read_items),
    *(
        Target(f"vectors_{ending}", write_vectors(ending), read_vectors(ending))
        for ending in ("geojson", "gml", "shp", "parquet", "fgb", "kml")
    ),
    Target("vectors_gpkg", write_view, read_vectors("gpkg")),
    *(
        Target(f"points_{Path(name).suffix[1:]}", write_points(name), read_points(name))
        for name in ("x.las", "x.csv", "x.parquet", "x.geojson")
    ),
    Target("reflectors", write_points("stations.json"), read_reflector_list),
    Target("dem_nc", write_netcdf, read_dem("x.nc")),
    Target("field_tif", lambda folder: write_raster(folder / DATED, driver="GTiff"), read_field(DATED)),
    Target("field_nc", write_field("x.nc"), read_field("x.nc")),
    Target("field_zarr2", write_field("x.zarr", 2), read_field("x.zarr")),
    Target("field_zarr3", write_field("x.zarr", 3), read_field("x.zarr")),
    Target("area", write_area, read_area_text),
    Target("cube", write_cube, read_cube),
    *(
        Target(f"kept_{'dem' if dem else 'pixels'}", partial(write_kept, dem=dem), read_kept)
        for dem in (True, False)
    ),
)
