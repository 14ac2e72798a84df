"""Rasters on the radar grid against brute force and PROJ: dense places on the ground, each by the exact geometry."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from geocoding_scene import Scene as Site
from pyproj import Transformer
from raster_maps import KEY, SYSTEMS, opened, operation, write
from rasterio.transform import Affine

from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.layers import LabelScene
from alignsar_gpu.radarcoding.level_ground import LevelGround
from alignsar_gpu.radarcoding.rasters import layers as rasters
from alignsar_gpu.radarcoding.rasters.files import LabelRaster
from alignsar_gpu.radarcoding.rasters.layers import RasterLayers
from alignsar_gpu.radarcoding.tiles import ImageTile

CPU = Device("cpu", "test", "asked for", 1 << 30)
TILE = ImageTile(lines=slice(30, 38), samples=slice(200, 260))
SUBSAMPLES = 24  # along each side of a pixel of level ground
ROUGH = 0.3
METHODS = ("mean", "bilinear", "cubic")
MEAN_ERROR, BIAS = 0.01, 1e-3  # of shares of pixels
CORNERS = 2e-3  # lines and samples that corners of cells may be off
PIXEL_SIDE = 13.5  # m, along lines; along samples a third
POSITION = 0.02  # m, of means of positions over the ground of a pixel on level terrain


def scene_of(site):
    return LabelScene(
        level_ground=LevelGround(terrain=site.terrain), device=CPU, times=np.zeros(0), reference=0
    )


@pytest.fixture(scope="module")
def rough(tmp_path_factory):
    return scene_of(Site(tmp_path_factory.mktemp("rough"), longitude=3.4, steepness=ROUGH))


def made(scene, file, method, tile=TILE, name="cover"):
    """Layers of a tile by name."""
    layers = RasterLayers(name=name, file=file, method=method)
    tiles = layers.tile(scene, scene.level_ground.cells(tile, CPU))
    found = {name: values for name, _, values in tiles}
    assert [one.name for one in layers.layers] == [*layers.names, f"labelled_{name}"]
    for one in layers.layers:
        assert found[one.name].dtype == one.dtype
        assert found[one.name].shape == tile.shape
    known = found.pop(f"labelled_{name}")
    assert tuple(found) == layers.names
    for values in found.values():
        assert np.array_equal(known, values != 255 if method == "majority" else np.isfinite(values))
    return found


def area(scene, crs, margin=100.0, tile=TILE):
    """Lowest and highest x, then y, of what may be seen in a tile, by PROJ."""
    down, across = scene.level_ground.window(tile)
    corners = np.meshgrid([down.start, down.stop], [across.start, across.stop])
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(
        *scene.level_ground.to_ground(*corners)
    )
    return x.min() - margin, x.max() + margin, y.min() - margin, y.max() + margin


def grid_over(scene, crs, resolution, tile=TILE, margin=100.0):
    """Transform and shape of a raster over all that may be seen in a tile."""
    west, east, south, north = area(scene, crs, margin, tile)
    shape = int((north - south) / resolution) + 1, int((east - west) / resolution) + 1
    return Affine(resolution, 0.0, west, 0.0, -resolution, north), shape


@pytest.fixture(scope="module")
def places(rough):
    """Longitude and latitude of dense places on the ground, and the pixel of the tile that each is seen in."""
    level, found = rough.level_ground, []
    down, across = level.window(TILE)
    line = np.arange(down.start - 0.5 + 0.5 / SUBSAMPLES, down.stop - 0.5, 1.0 / SUBSAMPLES)
    sample = np.arange(across.start - 0.5 + 0.5 / SUBSAMPLES, across.stop - 0.5, 1.0 / SUBSAMPLES)
    for first in range(0, len(line), SUBSAMPLES):
        longitude, latitude = level.to_ground(
            *np.meshgrid(line[first : first + SUBSAMPLES], sample, indexing="ij")
        )
        seen = level.terrain.to_radar(longitude, latitude, level.terrain.dem.height_at(longitude, latitude))
        i, j = (
            np.floor(np.nan_to_num(s, nan=-1e9) + 0.5).astype(int) - part.start
            for s, part in zip(seen, (TILE.lines, TILE.samples), strict=True)
        )
        inside = (i >= 0) & (i < TILE.shape[0]) & (j >= 0) & (j < TILE.shape[1])
        found.append((longitude[inside], latitude[inside], (i * TILE.shape[1] + j)[inside]))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def brute_force(places, planes_of):
    """Means over the ground of pixels of what a function gives of places [plane, place], and of how many.

    NaN is left out.
    """
    longitude, latitude, pixel = places
    size, found = TILE.shape[0] * TILE.shape[1], []
    for values in planes_of(longitude, latitude):
        known = np.isfinite(values)
        total = np.bincount(pixel[known], values[known], minlength=size)
        found.append((total, np.bincount(pixel[known], minlength=size)))
    total, number = np.array(found).reshape(-1, 2, *TILE.shape).swapaxes(0, 1)
    with np.errstate(invalid="ignore"):
        return total / number, number


def lookup(crs, transform, values):
    """Of places the pixel of the raster that they lie in, by PROJ."""
    to = Transformer.from_crs("EPSG:4326", crs, always_xy=True)

    def of(longitude, latitude):
        x, y = to.transform(longitude, latitude)
        row, column = np.floor((y - transform.f) / transform.e), np.floor((x - transform.c) / transform.a)
        return values[row.astype(int), column.astype(int)]

    return of


def patches(shape, resolution, count, seed=1, size=25.0):
    """Codes 1 to ``count`` in patches some metres wide."""
    each = max(round(size / resolution), 1)
    codes = np.random.default_rng(seed).integers(1, count + 1, (shape[0] // each + 1, shape[1] // each + 1))
    return codes.repeat(each, axis=0).repeat(each, axis=1)[: shape[0], : shape[1]].astype(np.uint8)


class TestPlaces:
    @pytest.mark.parametrize(
        ("crs", "place", "metre", "pixels"),
        [
            *((crs, place, 0.1 * unit, 1) for crs, place, unit in SYSTEMS),
            ("EPSG:32631", (3.5, 52.0), 1.0, 4),  # means of some of its pixels are made first
        ],
    )
    def test_of_map_coordinates(self, tmp_path, crs, place, metre, pixels):
        """A raster that holds its own coordinates: on level ground that of the pixel's middle comes back."""
        site = Site(tmp_path, longitude=place[0], latitude=place[1], steepness=0.0)
        scene, step = scene_of(site), metre / pixels
        middle = scene.level_ground.to_ground(np.array(34.0), np.array(230.0))
        to = operation(crs, [float(part) for part in middle])
        drawn = scene.level_ground.terrain.lines(TILE.lines.start, TILE.lines.stop)
        want = np.stack(to.transform(*(part[:, TILE.samples] for part in (drawn.longitude, drawn.latitude))))
        low, high = want.min(axis=(1, 2)) - 200.0 * metre, want.max(axis=(1, 2)) + 200.0 * metre
        shape = [int(count) for count in ((high - low) / step)[::-1]]
        transform = Affine(step, 0.0, low[0], 0.0, -step, high[1])
        x = step * (np.arange(shape[1]) + 0.5)
        y = (high[1] - low[1]) - step * (np.arange(shape[0]) + 0.5)
        values = np.stack(np.broadcast_arrays(x, y[:, np.newaxis])).astype(np.float32)
        path = write(tmp_path / "a.tif", values, transform, crs, names=("x", "y"))
        file = opened(path)
        for method in METHODS:
            got = np.stack(list(made(scene, file, method).values())) + low[:, np.newaxis, np.newaxis]
            error = (got - want) / metre
            assert np.abs(error).max() < (0.5 if method == "mean" else POSITION), method
            assert np.abs(error.mean(axis=(1, 2))).max() < POSITION, method

    @pytest.mark.parametrize("method", METHODS)
    def test_on_rough_terrain(self, rough, places, tmp_path, method):
        """Means over all ground of the pixel, on slopes that face the radar and those that do not."""
        crs = "EPSG:32631"
        transform, shape = grid_over(rough, crs, 5.0)
        x, y = 5.0 * (np.arange(shape[1]) + 0.5), -5.0 * (np.arange(shape[0]) + 0.5)
        values = np.stack(np.broadcast_arrays(x, y[:, np.newaxis])).astype(np.float32)
        file = opened(write(tmp_path / "a.tif", values, transform, crs))
        got = np.stack(list(made(rough, file, method).values()))
        to = Transformer.from_crs("EPSG:4326", crs, always_xy=True)

        def own(longitude, latitude):
            east, north = to.transform(longitude, latitude)
            return east - transform.c, north - transform.f

        want, number = brute_force(places, own)
        enough = number >= 400
        assert enough.mean() > 0.5
        assert np.abs(got - want)[enough].mean() < MEAN_ERROR * PIXEL_SIDE
        assert np.abs((got - want)[enough].mean()) < CORNERS * PIXEL_SIDE

    @pytest.mark.parametrize("longitude", [0.0, 180.0])
    def test_where_a_raster_of_the_whole_earth_begins(self, tmp_path, longitude):
        scene = scene_of(Site(tmp_path, longitude=longitude, steepness=0.0))
        west = 0.0 if longitude == 0.0 else -180.0
        step = 0.05
        values = np.cos(np.radians(west + step * (np.arange(7200) + 0.5)) - np.radians(longitude) + 1.0)
        values = np.broadcast_to(values, (40, 7200)).astype(np.float32)
        path = write(tmp_path / "a.tif", values, Affine(step, 0.0, west, 0.0, -step, 53.0))
        tile = ImageTile(lines=slice(0, 96), samples=slice(0, 500))
        got = made(scene, opened(path), "bilinear", tile)["cover"]
        drawn = scene.level_ground.terrain.lines(0, 96)
        assert np.ptp((drawn.longitude - longitude + 180.0) % 360.0) > 0.01
        assert np.abs(got - np.cos(np.radians(drawn.longitude - longitude) + 1.0)).max() < 1e-6 + 4e-7


class TestShares:
    @pytest.mark.parametrize("resolution", [30.0, 10.0, 2.0, 0.4])
    def test_against_brute_force(self, rough, places, tmp_path, resolution):
        """Coarser than pixels, like them, and much finer than the cells that they are divided into."""
        crs = "EPSG:32631"
        transform, shape = grid_over(rough, crs, resolution)
        codes = patches(shape, resolution, 4)
        file = opened(write(tmp_path / "a.tif", codes, transform, crs), method="fraction")
        got = np.stack(list(made(rough, file, "fraction").values()))
        of = lookup(crs, transform, codes)
        want, number = brute_force(
            places, lambda *ends: [(of(*ends) == code).astype(float) for code in (1, 2, 3, 4)]
        )
        enough = number >= 400
        mixed = (want > 1e-3) & (want < 1.0 - 1e-3) & enough
        assert mixed.sum() > 200
        assert np.abs(got.sum(axis=0) - 1.0).max() < 1e-6
        assert np.abs(got - want)[mixed].mean() < MEAN_ERROR
        assert abs((got - want)[mixed].mean()) < BIAS
        most = made(rough, file, "majority")["cover"]
        order = np.sort(want, axis=0)
        clear = (order[-1] - order[-2] > 0.1) & enough[0]
        assert clear.mean() > 0.3
        assert np.array_equal(most[clear], want.argmax(axis=0)[clear] + 1)

    def test_of_pixels_much_smaller_than_cells(self, rough, tmp_path):
        """Every other pixel of 0.25 m is of one class: half of the ground is, though no cell sees one."""
        crs = "EPSG:32631"
        tile = ImageTile(lines=slice(30, 33), samples=slice(200, 220))
        transform, shape = grid_over(rough, crs, 0.25, tile, margin=20.0)
        codes = (np.indices(shape).sum(axis=0) % 2 + 1).astype(np.uint8)
        codes[:, shape[1] // 2 :] = 3
        file = opened(write(tmp_path / "a.tif", codes, transform, crs), method="fraction")
        got = np.stack(list(made(rough, file, "fraction", tile).values()))
        whole = got[2] < 1e-6
        assert whole.sum() > 10
        assert np.abs(got[:2, whole] - 0.5).max() < 0.03
        assert abs(got[:2, whole].mean() - 0.5) < 1e-6
        assert np.abs(got[0, whole] - 0.5).mean() < MEAN_ERROR

    def test_over_ground_with_data(self, rough, places, tmp_path):
        crs = "EPSG:32631"
        transform, shape = grid_over(rough, crs, 5.0)
        codes = patches(shape, 5.0, 4)
        codes[: shape[0] // 2] = np.where(codes[: shape[0] // 2] == 2, 0, codes[: shape[0] // 2])
        codes[:, : shape[1] // 2] = 0
        path = write(tmp_path / "a.tif", codes, transform, crs, nodata=0)
        file = opened(path, method="fraction", classes={"one": [1], "rest": [2, 3]})
        found = made(rough, file, "fraction")
        assert tuple(found) == ("cover_one", "cover_rest")
        got = np.stack(list(found.values()))
        of = lookup(crs, transform, codes)

        def own(*ends):
            code = of(*ends)
            none = np.where(code == 0, np.nan, 0.0)
            return [(code == 1) + none, (code > 1) * (code < 4) + none]

        want, number = brute_force(places, own)
        assert np.array_equal(np.isnan(got)[number > 50], np.isnan(want)[number > 50])
        assert 0.2 < np.isnan(want).mean() < 0.9
        enough = number >= 400
        assert np.abs(got - want)[enough].mean() < MEAN_ERROR
        assert got[np.isfinite(got)].max() <= 1.0
        most = made(rough, file, "majority")["cover"]
        assert np.array_equal(most == 255, np.isnan(got[0]))
        none = 1.0 - want.sum(axis=0)  # codes of no class are data, and may be most of a pixel
        clear = enough[0] & (none > want.max(axis=0) + 0.1)
        assert clear.sum() > 5
        assert (most[clear] == 0).all()

    def test_what_is_said(self, tmp_path):
        codes = np.array([[1, 2]], np.uint8)
        file = opened(write(tmp_path / "a.tif", codes), method="fraction", classes={"tree": [1], "crop": [2]})
        shares = RasterLayers(name="cover", file=file, method="fraction", attributes={"source": "us"})
        assert shares.fractions == shares.names == ("cover_tree", "cover_crop")
        assert shares.layers[0].attributes["valid_range"] == [0.0, 1.0]
        assert shares.layers[0].attributes["source"] == "us"
        most = RasterLayers(name="cover", file=file, method="majority")
        assert most.fractions == ()
        assert most.layers[0].attributes["flag_values"] == [0, 1, 2, 255]
        assert most.layers[0].attributes["flag_meanings"] == "none tree crop unknown"
        assert shares.warnings() == []
        assert str(tmp_path) not in str(shares.facts())
        assert shares.facts()["cover"]["classes"] == ["tree", "crop"]


class TestValues:
    @pytest.mark.parametrize("resolution", [0.4, 3.0, 20.0])
    def test_means_by_area(self, rough, places, tmp_path, resolution):
        """Of noise, of which a sample here and there says nothing; with holes."""
        crs = "EPSG:32631"
        transform, shape = grid_over(rough, crs, resolution)
        each = max(round(3.0 / resolution), 1)
        rng = np.random.default_rng(4)
        values = rng.normal(size=(shape[0] // each + 1, shape[1] // each + 1)).repeat(each, 0).repeat(each, 1)
        values = values[: shape[0], : shape[1]].astype(np.float32)
        values[: shape[0] // 3] = np.nan
        file = opened(write(tmp_path / "a.tif", values, transform, crs))
        got = made(rough, file, "mean")["cover"]
        want, number = (
            plane[0] for plane in brute_force(places, lambda *ends: [lookup(crs, transform, values)(*ends)])
        )
        clear = number > 50
        assert np.array_equal(np.isnan(got)[clear], np.isnan(want)[clear])
        enough = number >= 400
        touched = (PIXEL_SIDE / (each * resolution) + 1.0) * (0.3 * PIXEL_SIDE / (each * resolution) + 1.0)
        assert np.abs(got - want)[enough].mean() < MEAN_ERROR * np.sqrt(touched)
        assert abs((got - want)[enough].mean()) < 2.0 * BIAS

    @pytest.mark.parametrize("method", ["bilinear", "cubic"])
    def test_of_a_smooth_field(self, rough, places, tmp_path, method):
        """A wave of 300 m on pixels of 20 m: as its own formula has it."""
        crs = "EPSG:32631"
        transform, shape = grid_over(rough, crs, 20.0)

        def wave(x, y):
            return np.sin(2.0 * np.pi * (x - transform.c) / 300.0) * np.cos(
                2.0 * np.pi * (y - transform.f) / 300.0
            )

        x = transform.c + 20.0 * (np.arange(shape[1]) + 0.5)
        y = transform.f - 20.0 * (np.arange(shape[0]) + 0.5)
        file = opened(write(tmp_path / "a.tif", wave(x, y[:, np.newaxis]).astype(np.float32), transform, crs))
        to = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        want, number = brute_force(places, lambda *ends: [wave(*to.transform(*ends))])
        error = (made(rough, file, method)["cover"] - want[0])[number[0] >= 400]
        # (k h)^2 / 8 in each direction, or a tenth of that.
        assert np.abs(error).max() < (
            2.0 * (2.0 * np.pi * 20.0 / 300.0) ** 2 / 8.0 if method == "bilinear" else 0.01
        )

    def test_bands(self, rough, tmp_path):
        transform, shape = grid_over(rough, "EPSG:32631", 20.0)
        values = np.stack([np.full(shape, 2.0), np.full(shape, 5.0)]).astype(np.float32)
        path = write(tmp_path / "a.tif", values, transform, "EPSG:32631", names=("B4", "B8"))
        found = made(rough, opened(path), "mean", name="optical")
        assert {name: set(np.unique(plane)) for name, plane in found.items()} == {
            "optical_b4": {2.0},
            "optical_b8": {5.0},
        }
        assert tuple(made(rough, opened(path, bands=["B8"]), "cubic", name="optical")) == ("optical",)


class TestBlocks:
    @pytest.mark.parametrize(("method", "resolution"), [("fraction", 2.0), ("mean", 0.4), ("cubic", 10.0)])
    def test_have_the_same_bits(self, rough, tmp_path, method, resolution, monkeypatch):
        """However the image is divided, and the raster in it."""
        crs = "EPSG:32631"
        transform, shape = grid_over(rough, crs, resolution)
        codes = patches(shape, resolution, 3, size=1.0)
        path = write(tmp_path / "a.tif", codes, transform, crs)
        file = opened(path, method=method)
        whole = made(rough, file, method)
        for lines, samples in ((slice(30, 33), slice(200, 260)), (slice(32, 38), slice(223, 251))):
            part = made(rough, file, method, ImageTile(lines=lines, samples=samples))
            at = slice(lines.start - 30, lines.stop - 30), slice(samples.start - 200, samples.stop - 200)
            for name, plane in part.items():
                assert np.array_equal(plane, whole[name][at], equal_nan=True)
        monkeypatch.setattr(rasters, "SIDE", 17)
        monkeypatch.setattr(rasters, "TOGETHER", 3)
        for name, plane in made(rough, file, method).items():
            assert np.array_equal(plane, whole[name], equal_nan=True)

    @pytest.mark.parametrize("method", ["fraction", "mean", "cubic"])
    def test_little_of_a_large_raster_is_in_memory(self, rough, tmp_path, method, monkeypatch):
        """A raster of 1.6 thousand million pixels, of which nothing is written: it is read where the tile lies."""
        west, _, _, north = area(rough, "EPSG:32631")
        path = tmp_path / "a.tif"
        profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "crs": "EPSG:32631", "sparse_ok": True}
        profile |= {"height": 40_000, "width": 40_000, "tiled": True, "blockxsize": 512, "blockysize": 512}
        with rasterio.open(
            path, "w", transform=Affine(0.3, 0.0, west - 5000.0, 0.0, -0.3, north + 5000.0), **profile
        ):
            pass
        sizes, read = [], LabelRaster._parts

        def measured(self, rows, columns, number):
            sizes.append((rows.stop - rows.start) * (columns.stop - columns.start))
            return read(self, rows, columns, number)

        monkeypatch.setattr(LabelRaster, "_parts", measured)
        classes = {"none": [0]} if method == "fraction" else None
        file = opened(path, method=method, classes=classes)
        found = made(rough, file, method)
        assert set(np.unique(next(iter(found.values())))) == {1.0 if method == "fraction" else 0.0}
        assert len(sizes) >= 1
        assert max(sizes) < 2 * rasters.PIXELS**2 * 2


class TestRefused:
    def test_a_raster_elsewhere(self, rough, tmp_path):
        path = write(tmp_path / "a.tif", np.zeros((20, 20), np.uint8), Affine(0.01, 0, 100.0, 0, -0.01, 10.0))
        layers = RasterLayers(name="cover", file=opened(path), method="mean")
        with pytest.raises(
            AlignsarError, match=rf"{KEY}: .*a\.tif.*100\.0050.*but the image lies at longitude.*covers it"
        ):
            layers.require_inside(rough)

    def test_a_raster_of_part_of_the_image(self, rough, tmp_path):
        """Nothing where it has nothing."""
        transform, shape = grid_over(rough, "EPSG:32631", 5.0)
        half = np.ones((shape[0], shape[1] // 2), np.float32)
        file = opened(write(tmp_path / "a.tif", half, transform, "EPSG:32631"))
        RasterLayers(name="cover", file=file, method="mean").require_inside(rough)
        known = np.isfinite(made(rough, file, "mean")["cover"])
        assert 0.2 < known.mean() < 0.8
        far = opened(
            write(
                tmp_path / "b.tif", np.ones((9, 9), np.uint8), Affine(5.0, 0, 7e5, 0, -5.0, 1e6), "EPSG:32631"
            ),
            method="fraction",
        )
        assert np.isnan(made(rough, far, "fraction")["cover_class_1"]).all()
        assert (made(rough, far, "majority")["cover"] == 255).all()


def test_a_system_without_a_datum_is_said(tmp_path):
    crs = "+proj=longlat +ellps=bessel +no_defs"
    file = opened(write(tmp_path / "a.tif", np.zeros((5, 5), np.uint8), crs=crs))
    (warning,) = RasterLayers(name="cover", file=file, method="mean").warnings()
    assert warning.startswith("cover: ")
    assert "datum" in warning
    frame = replace(
        file.frame, operation="DHDN to WGS 84 (2), accurate to 3 m; a better one needs BETA2007.tif"
    )
    better = replace(file, frame=frame)
    (warning,) = RasterLayers(name="cover", file=better, method="mean").warnings()
    assert "BETA2007.tif" in warning
