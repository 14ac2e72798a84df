"""Geocoding: positions against PROJ, the DEM and bisection; layers there and back; blocks, errors, real data."""

import dataclasses

import netCDF4
import numpy as np
import pytest
import zarr
from alignsar_gpu.kernels import LAYOVER, SHADOW
from alignsar_gpu.kernels.gathering.interface import gather
from geocoding_scene import CPU, Scene, on_map, tile_positions
from rough_terrain import DOPPLER, GENTLE, write_dem
from scipy.ndimage import binary_dilation, maximum_filter

from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding.coverage import image_outline
from alignsar_gpu.geocoding.map_grid import MapGrid
from alignsar_gpu.geocoding.positions import Geocoding
from alignsar_gpu.geocoding.tiles import MapTiles
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef
from alignsar_gpu.geometry.grid import RadarGrid
from alignsar_gpu.geometry.orbit import Orbit

PIXEL = 1e-3  # lines and samples: of positions
COORDINATE = 0.02  # pixels of the map: of layers of coordinates
SMALL = Device("cpu", "test", "test", 2_000_000)


@pytest.fixture(scope="module")
def hills(tmp_path_factory):
    """Slopes up to 6 degrees, on posts so near that bends between facets are small."""
    return Scene(tmp_path_factory.mktemp("hills"), steepness=0.6 * GENTLE, post=10.0)


@pytest.fixture(scope="module")
def mountains(tmp_path_factory):
    """Slopes up to 50 degrees, seen to the left by an antenna on its way south."""
    return Scene(tmp_path_factory.mktemp("mountains"), steepness=0.5, side="left", descending=True)


def some_pixels(map_grid, count=3000, seed=1):
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, n, count) for n in map_grid.shape)


def inside(line, sample, shape, margin=0.0):
    """Where positions are in an image, so far from its outermost centres."""
    return (
        (line >= margin)
        & (line <= shape[0] - 1 - margin)
        & (sample >= margin)
        & (sample <= shape[1] - 1 - margin)
    )


def same_bits(a, b):
    return a.dtype == b.dtype and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


class TestPositions:
    def check(self, scene, map_grid):
        line, sample = scene.geocoding(map_grid).positions(0, map_grid.shape[0])
        assert line.shape == sample.shape == map_grid.shape
        pixels = some_pixels(map_grid)
        wanted = scene.expected(map_grid, *pixels)
        for found, true in zip((line[pixels], sample[pixels]), wanted, strict=True):
            np.testing.assert_array_equal(np.isnan(found), np.isnan(true))
            assert np.nanmax(np.abs(found - true)) < PIXEL
        return line, sample

    @pytest.mark.parametrize("crs", [None, "EPSG:4326", "EPSG:28992", "EPSG:3857", "EPSG:3995", "EPSG:3035"])
    def test_in_any_map(self, hills, mountains, crs):
        for scene in (hills, mountains):
            line, sample = self.check(scene, scene.map_grid(5.0 if crs != "EPSG:4326" else 5e-5, crs))
            assert inside(line, sample, scene.radar.shape).mean() > 0.2

    @pytest.mark.parametrize("side", ["right", "left"])
    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("latitude", [52.0, -34.0])
    def test_of_any_pass(self, tmp_path, side, descending, latitude):
        scene = Scene(tmp_path, latitude=latitude, side=side, descending=descending)
        line, sample = self.check(scene, scene.map_grid(20.0))
        assert inside(line, sample, scene.radar.shape).mean() > 0.2

    def test_near_the_pole(self, tmp_path):
        scene = Scene(tmp_path, latitude=81.7)
        map_grid = scene.map_grid(20.0)
        assert map_grid.crs.to_epsg() == 5041
        line, sample = self.check(scene, map_grid)
        assert inside(line, sample, scene.radar.shape).mean() > 0.2

    @pytest.mark.parametrize("crs", [None, "EPSG:4326"])
    def test_across_the_antimeridian(self, tmp_path, crs):
        scene = Scene(tmp_path, longitude=180.0, latitude=-17.0)
        map_grid = scene.map_grid(20.0 if crs is None else 2e-4, crs)
        longitude, _ = map_grid.to_geodetic(0, map_grid.shape[0])
        assert longitude.min() < 180.0 < longitude.max()
        line, sample = self.check(scene, map_grid)
        assert inside(line, sample, scene.radar.shape).mean() > 0.2

    def test_of_an_image_at_another_doppler(self, tmp_path):
        scene = Scene(tmp_path, doppler=DOPPLER)
        line, sample = self.check(scene, scene.map_grid(20.0))
        assert inside(line, sample, scene.radar.shape).mean() > 0.2
        other = scene.geocoding(scene.map_grid(20.0), doppler=None).positions(0, len(line))[0]
        assert np.nanmin(np.abs(other - line)) > 1.0

    def test_holes_of_the_dem_are_nowhere(self, tmp_path):
        scene = Scene(tmp_path, holes=True)
        line, _ = self.check(scene, scene.map_grid(10.0))
        assert 0.01 < np.isnan(line).mean() < 0.5

    def test_offsets(self, hills):
        map_grid = hills.map_grid(20.0)
        rows = map_grid.shape[0]
        line, sample = hills.geocoding(map_grid).positions(0, rows)
        constant = hills.geocoding(map_grid, offset=(0.25, -3.0)).positions(0, rows)
        assert same_bits(constant[0], line + 0.25)
        assert same_bits(constant[1], sample - 3.0)

        def bent(line, sample):
            return 1e-3 * sample, -2e-3 * line

        found = hills.geocoding(map_grid, offset=bent).positions(0, rows)
        assert same_bits(found[0], line + 1e-3 * sample)
        assert same_bits(found[1], sample - 2e-3 * line)

    @pytest.mark.parametrize("side", ["right", "left"])
    def test_the_other_side_of_the_track_is_nowhere(self, tmp_path, side):
        """It has the same times and ranges."""
        scene = Scene(tmp_path, latitude=0.0, side=side, post=4000.0, half=1.2e6, steepness=0.0)
        longitude, latitude = scene.centre
        map_grid = MapGrid.within(
            (longitude - 9.5, latitude - 1.0, longitude + 9.5, latitude + 1.0),
            crs="EPSG:4326",
            resolution=0.005,
        )
        line, sample = scene.geocoding(map_grid).positions(0, map_grid.shape[0])
        seen = inside(line, sample, scene.radar.shape, -2000.0)
        columns = np.flatnonzero(seen.any(axis=0))
        assert len(columns) > 3
        assert np.ptp(columns) * 0.005 < 1.0
        assert abs(map_grid.axes()[0][columns].mean() - longitude) < 0.5
        assert 0.1 < np.isnan(line[seen.any(axis=1)]).mean() < 0.9

    def test_the_dem_need_not_reach_the_other_side(self, tmp_path):
        size = {"lines": 15_000, "samples": 40_000}
        scene = Scene(tmp_path, latitude=0.0, size=size, post=4000.0, half=4e5, steepness=0.0)
        longitude, latitude = scene.centre
        box = (longitude - 13.0, latitude - 0.5, longitude + 1.0, latitude + 0.5)
        map_grid = MapGrid.within(box, crs="EPSG:4326", resolution=0.01)
        assert scene.geocoding(map_grid).map_grid is map_grid
        assert scene.dem.frame.geodetic(np.zeros(1), np.zeros(1))[0] > longitude - 5.0


class TestCoordinates:
    """Longitudes and latitudes of the image's pixels, geocoded, are those of the map's."""

    @pytest.mark.parametrize("crs", [None, "EPSG:4326", "EPSG:28992", "EPSG:3857", "EPSG:3995"])
    @pytest.mark.parametrize("method", ["bilinear", "cubic"])
    def test_come_back(self, hills, crs, method):
        map_grid = hills.map_grid(5.0 if crs != "EPSG:4326" else 5e-5, crs)
        assert self.away(hills, map_grid, method)[1].max() < COORDINATE

    @pytest.mark.parametrize("side", ["right", "left"])
    @pytest.mark.parametrize("descending", [False, True])
    def test_come_back_from_any_pass(self, tmp_path, side, descending):
        scene = Scene(tmp_path, side=side, descending=descending, steepness=0.6 * GENTLE, post=10.0)
        assert self.away(scene, scene.map_grid(5.0), "cubic")[1].max() < COORDINATE

    def test_come_back_over_mountains(self, mountains):
        """Outside of layover and shadow. Slopes towards the antenna have few pixels, far from each other.

        Between them nothing is known: 0.02 of their distance is kept but for those next to where facets meet.
        """
        map_grid, radar = mountains.map_grid(5.0), mountains.radar
        drawing = mountains.terrain.lines(0, radar.lines)
        place = geodetic_to_ecef(drawing.longitude, drawing.latitude, drawing.height)
        apart = np.zeros(radar.shape)
        for axis in (0, 1):
            metres = np.linalg.norm(np.diff(place, axis=axis), axis=-1)
            for end in ((0, 1), (1, 0)):
                apart = np.fmax(apart, np.pad(metres, [end if k == axis else (0, 0) for k in (0, 1)]))
        apart = maximum_filter(apart, 3).astype(np.float32) / map_grid.affine[0]
        clear, away = self.away(mountains, map_grid, "cubic")
        away /= on_map(mountains.geocoding(map_grid), apart)[clear]
        assert np.quantile(away, 0.9) < COORDINATE
        assert away.max() < 0.5

    def away(self, scene, map_grid, method):
        drawing = scene.terrain.lines(0, scene.radar.lines)
        geocoding = scene.geocoding(map_grid)
        line, sample = tile_positions(geocoding)
        middle = scene.centre  # float32 holds a degree to a centimetre
        layers = (
            (values - centre).astype(np.float32) for values, centre in zip(drawing[:2], middle, strict=True)
        )
        place = [
            on_map(geocoding, layer, method).astype(np.float64) + centre
            for layer, centre in zip(layers, middle, strict=True)
        ]
        unclear = binary_dilation(drawing.flags > 0, np.ones((5, 5)))
        clear = on_map(geocoding, unclear) == 0
        clear &= inside(line, sample, scene.radar.shape, 2.0)
        assert clear.mean() > 0.15
        row, column = map_grid.position(place[0][clear], place[1][clear])
        there = np.nonzero(clear)
        return clear, np.hypot(row - there[0], column - there[1])


class TestLayers:
    def test_there_and_back(self, mountains):
        """A smooth function of line and sample, on a map of 2 m, read where each pixel of the image lies.

        What linear interpolation adds: h^2 / 8 of the second derivative in the image and in the map, whose steps are
        less than two samples and half a line; and where facets meet, a quarter of the step's change.
        """
        scene, map_grid = mountains, mountains.map_grid(2.0)
        lines, samples = np.mgrid[0 : scene.radar.lines, 0 : scene.radar.samples].astype(np.float64)
        k, m = 2 * np.pi / 60.0, 2 * np.pi / 150.0
        layer = (np.sin(k * lines) + np.cos(m * samples)).astype(np.float32)
        image = on_map(scene.geocoding(map_grid), layer, "bilinear")
        drawing = scene.terrain.lines(0, scene.radar.lines)
        place = map_grid.position(drawing.longitude, drawing.latitude)
        back = gather(image, *(np.ascontiguousarray(p) for p in place), "bilinear")
        clear = ~binary_dilation(drawing.flags & (LAYOVER | SHADOW) > 0, np.ones((5, 5)))
        clear[[0, -1]] = clear[:, [0, -1]] = False
        assert clear.mean() > 0.5
        bound = (k**2 + m**2) / 8 + (k**2 * 0.5**2 + m**2 * 2.0**2) / 8 + 0.25 * 2.0 * m
        assert bound < 0.03
        assert np.abs(back - layer)[clear].max() < bound

    @pytest.mark.parametrize("dtype", [np.uint8, np.bool_])
    def test_nearest_keeps_classes(self, mountains, dtype):
        map_grid = mountains.map_grid(5.0)
        rng = np.random.default_rng(2)
        layer = rng.choice(np.array([0, 1] if dtype is np.bool_ else [1, 7, 200]), mountains.radar.shape)
        found = on_map(mountains.geocoding(map_grid), layer.astype(dtype))
        assert found.dtype == np.uint8
        assert set(np.unique(found)) == {*np.unique(layer), 255}
        pixels = some_pixels(map_grid)
        line, sample = mountains.expected(map_grid, *pixels)
        seen = inside(line, sample, layer.shape, -0.49) & (np.abs(line % 1 - 0.5) > PIXEL)
        seen &= np.abs(sample % 1 - 0.5) > PIXEL
        assert seen.sum() > 500
        wanted = layer[np.rint(line[seen]).astype(int), np.rint(sample[seen]).astype(int)]
        np.testing.assert_array_equal(found[pixels][seen], wanted)
        outside = ~inside(line, sample, layer.shape, -0.51)
        assert outside.sum() > 500
        assert (found[pixels][outside] == 255).all()

    @pytest.mark.parametrize("method", ["nearest", "bilinear", "cubic"])
    @pytest.mark.parametrize("dtype", [np.float32, np.complex64])
    def test_a_layer_is_what_gather_makes_of_it(self, mountains, method, dtype):
        """Windows of it are read; outside, and around pixels without data, there is none."""
        map_grid = mountains.map_grid(5.0)
        rng = np.random.default_rng(3)
        layer = rng.standard_normal(mountains.radar.shape).astype(dtype)
        layer[rng.random(layer.shape) < 0.05] = np.nan
        geocoding = mountains.geocoding(map_grid)
        positions = tile_positions(geocoding)
        found = on_map(geocoding, layer, method)
        assert same_bits(found, gather(layer, *positions, method))
        beyond = ~inside(*positions, layer.shape, -0.5)
        assert 0.1 < beyond.mean() < 0.9
        assert np.isnan(found[beyond]).all()
        assert 0.02 < np.isnan(found[~beyond]).mean() < 0.2


class Recorder:
    """A layer that knows what has been read of it."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.windows = []

    def __getitem__(self, window):
        self.windows.append(window)
        return self.array[window]


class TestBlocks:
    def test_any_memory_and_any_rows_give_the_same_bits(self, mountains):
        map_grid = mountains.map_grid(10.0)
        rows = map_grid.shape[0]
        whole, small = (mountains.geocoding(map_grid, device=device) for device in (CPU, SMALL))
        parts = zip(
            *(small.positions(first, min(first + 31, rows)) for first in range(0, rows, 31)), strict=True
        )
        for part, all_of_it in zip(parts, whole.positions(0, rows), strict=True):
            assert same_bits(np.concatenate(part), all_of_it)

    def test_rows_are_the_same_in_columns_of_a_wide_map(self, hills):
        """More columns than are worked on together."""
        narrow = hills.map_grid(2.0)
        left, bottom, right, top = narrow.bounds
        assert narrow.shape[1] < 2048
        wide = MapGrid.within((left - 4200.0, bottom, right, top), crs=narrow.crs, resolution=2.0)
        shift = wide.shape[1] - narrow.shape[1]
        assert wide.shape[1] > 2048
        found = hills.geocoding(wide).positions(40, 44)
        for mine, other in zip(found, hills.geocoding(narrow).positions(40, 44), strict=True):
            np.testing.assert_allclose(mine[:, shift:], other, rtol=0, atol=1e-4)

    def test_only_what_a_map_shows_is_read(self, hills):
        """A map of a corner of the image, of a layer in Zarr."""
        whole = hills.map_grid(5.0)
        rows, columns = whole.shape
        left, top = whole.axes()[0][columns // 2], whole.axes()[1][rows // 2]
        part = MapGrid.within((left, top - 100.0, left + 120.0, top), crs=whole.crs, resolution=5.0)
        rng = np.random.default_rng(7)
        layer = zarr.array(rng.standard_normal(hills.radar.shape).astype(np.float32), chunks=(32, 64))
        recorder = Recorder(layer)
        geocoding = hills.geocoding(part)
        found = on_map(geocoding, recorder, "bilinear")
        assert same_bits(found, gather(layer[:, :], *tile_positions(geocoding), "bilinear"))
        assert len(recorder.windows) == 1
        lines, samples = recorder.windows[0]
        assert lines.stop - lines.start < 60
        assert samples.stop - samples.start < 80

    def test_parts_of_the_map_beyond_the_image_read_nothing(self, hills):
        left, bottom, right, top = hills.map_grid(5.0).bounds
        beside = MapGrid.within(
            (left, bottom - 3000.0, right, top), crs=hills.map_grid(5.0).crs, resolution=5.0
        )
        layer = Recorder(np.zeros(hills.radar.shape, np.float32))
        tiles = MapTiles.over(hills.geocoding(beside), average=False)
        for tile in tiles.row(tiles.count - 1):
            assert np.isnan(tile.sampled(layer, "nearest")).all()
        assert not layer.windows


class TestRefused:
    def test_a_map_that_shows_nothing_of_the_image(self, hills):
        _, bottom, right, top = hills.map_grid(20.0).bounds
        beside = MapGrid.within((right + 9e3, bottom, right + 12e3, top), crs="EPSG:32631", resolution=20.0)
        with pytest.raises(
            AlignsarError, match=r"the map grid, longitude .*, does not overlap the image, longitude 5\.4"
        ):
            hills.geocoding(beside)

    def test_a_dem_that_ends_too_early(self, tmp_path, hills):
        east = hills.centre[0] + 0.01, hills.centre[1]
        path = write_dem(tmp_path / "small.tif", east, steepness=GENTLE, half=1500.0)
        dem = open_dem(path, "ellipsoid")
        map_grid = hills.map_grid(20.0)
        with pytest.raises(AlignsarError, match=r"does not cover what map and image share: .* western edge"):
            hills.geocoding(map_grid, dem=dem)
        geocoding = hills.geocoding(map_grid, dem=dem, partial=True)
        found = on_map(geocoding, np.ones(hills.radar.shape, np.float32))
        assert 0.05 < np.nanmean(found == 1.0) < 0.9

    def test_orbits(self, hills):
        map_grid = hills.map_grid(20.0)
        orbit = hills.orbit
        short = dataclasses.replace(
            orbit, time=orbit.time[:4], position=orbit.position[:4], velocity=orbit.velocity[:4]
        )
        with pytest.raises(AlignsarError, match="give an orbit that covers it"):
            hills.geocoding(map_grid, orbit=short)
        other = dataclasses.replace(orbit, epoch=np.datetime64("2024-03-01", "D"))
        with pytest.raises(AlignsarError, match="its times count from 2024-03-01"):
            hills.geocoding(map_grid, orbit=other)


class TestIsce3:
    """Longitudes and latitudes of every pixel of a real image (UAVSAR, left-looking) as ISCE3 gives them."""

    def test_come_back(self, real_data):
        folder = real_data("winnipeg_uavsar_isce3")
        with netCDF4.Dataset(folder / "winnipeg.h5") as file:
            vectors = file["science/LSAR/SLC/metadata/orbit"]
            swaths = file["science/LSAR/SLC/swaths"]
            orbit = Orbit(
                epoch=np.datetime64("2012-07-15"),
                time=vectors["time"][:].data + 52607.0,
                position=vectors["position"][:].data,
                velocity=vectors["velocity"][:].data,
                source="winnipeg.h5",
            )
            time = swaths["zeroDopplerTime"][:].data + 52607.0
            slant_range = swaths["frequencyA/slantRange"][:].data
        grid = RadarGrid(
            epoch=orbit.epoch,
            first_azimuth_time=float(time[0]),
            azimuth_interval=float(np.mean(np.diff(time))),
            first_slant_range=float(slant_range[0]),
            range_spacing=float(np.mean(np.diff(slant_range))),
            wavelength=0.24,
            look_side="left",
            lines=250,
            samples=250,
        )
        isce3 = {k: np.fromfile(folder / f"topo_winnipeg/{k}.rdr", "<f8").reshape(250, 250) for k in "xyz"}
        dem = open_dem(folder / "winnipeg_dem.tif", "ellipsoid")
        away = dem.height_at(isce3["x"], isce3["y"]) - isce3["z"]
        assert np.sqrt(np.mean(away**2)) < 0.2  # ISCE3 interpolates the DEM by polynomials
        map_grid = MapGrid.over(*image_outline(grid, orbit, dem), resolution=10.0)
        geocoding = Geocoding(grid=grid, orbit=orbit, dem=dem, map_grid=map_grid, device=CPU)
        position = tile_positions(geocoding)
        middle = isce3["x"].mean(), isce3["y"].mean()
        place = [
            on_map(geocoding, (isce3[k] - m).astype(np.float32), "bilinear").astype(np.float64) + m
            for k, m in zip("xy", middle, strict=True)
        ]
        clear = inside(*position, grid.shape, 1.0)
        assert clear.mean() > 0.2
        row, column = map_grid.position(place[0][clear], place[1][clear])
        there = np.nonzero(clear)
        away = np.hypot(row - there[0], column - there[1])
        assert np.median(away) < COORDINATE
        assert away.max() < 0.2
