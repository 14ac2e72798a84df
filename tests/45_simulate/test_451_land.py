"""The land cover of a simulated campaign: generated, and from given vectors."""

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
from defusedxml import ElementTree
from scipy.ndimage import label

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.backscatter import (
    BARE_SOIL,
    CLASSES,
    FIELD,
    FOREST,
    GRASSLAND,
    NAMES,
    OIL,
    RAILWAY,
    ROAD,
    RUBBLE,
    URBAN,
    WATER,
)
from alignsar_gpu.simulate.ground.land.bgt import bgt_layers
from alignsar_gpu.simulate.ground.land.map import LandParameters, generate, scattered
from alignsar_gpu.simulate.ground.land.vectors import VectorLayer, from_vectors
from alignsar_gpu.simulate.ground.land.water import rounded
from alignsar_gpu.simulate.ground.raster import Bounds, metres_per_degree
from alignsar_gpu.simulate.ground.terrain import fractal_terrain

DUTCH = "EPSG:28992"


def box(wide, high, west=5.0, north=52.1):
    east_metres, north_metres = metres_per_degree(north)
    return Bounds(
        west=west, south=north - high * 1e3 / north_metres, east=west + wide * 1e3 / east_metres, north=north
    )


@pytest.fixture(scope="module")
def country():
    bounds = box(16.0, 12.0)
    heights = fractal_terrain(bounds, 30.0, 1)
    return bounds, heights, generate(bounds, 10.0, heights, 1)


def shares_of(cover):
    return np.bincount(cover.values.ravel(), minlength=len(CLASSES)) / cover.values.size


# --- generated


def test_a_country_has_some_of_everything(country):
    shares = shares_of(country[2])
    bounds = {
        WATER: (0.005, 0.08),
        FIELD: (0.15, 0.5),
        GRASSLAND: (0.15, 0.5),
        FOREST: (0.15, 0.32),
        URBAN: (0.02, 0.08),
        ROAD: (0.015, 0.08),
        RAILWAY: (0.0005, 0.01),
        BARE_SOIL: (0.02, 0.12),
    }
    for index, (least, most) in bounds.items():
        assert least < shares[index] < most, NAMES[index]
    assert shares[OIL] == shares[RUBBLE] == 0.0


@pytest.mark.parametrize(("seed", "posting"), [(1, 10.0), (5, 20.0), (8, 5.0)])
def test_roads_are_one_network(seed, posting):
    bounds = box(9.0, 7.0)
    cover = generate(bounds, posting, fractal_terrain(bounds, 30.0, seed), seed)
    parts, _ = label(np.isin(cover.values, [ROAD, RAILWAY]), structure=np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())[1:]
    assert sizes.max() > 0.9 * sizes.sum()
    crossing = cover.values == RAILWAY
    assert np.flatnonzero(crossing.any(axis=1)).size > 0.9 * cover.shape[0]  # from north to south


def test_a_map_is_the_same_for_a_seed(country):
    bounds, heights, cover = country
    assert generate(bounds, 10.0, heights, 1).values.tobytes() == cover.values.tobytes()
    other = generate(bounds, 10.0, heights, 2)
    assert np.mean(other.values != cover.values) > 0.3
    assert cover.values.dtype == np.uint8
    assert cover.posting == pytest.approx((10.0, 10.0), rel=1e-3)


def test_the_map_follows_the_terrain(country):
    bounds, heights, cover = country
    lon = np.clip(cover.longitudes[2:-2:4], bounds.west, bounds.east)
    lat = np.clip(cover.latitudes[2:-2:4], bounds.south, bounds.north)
    ground = heights.sample(*np.meshgrid(lon, lat))
    land = cover.values[2:-2:4, 2:-2:4]
    mean = {index: ground[land == index].mean() for index in (WATER, URBAN, FOREST)}
    assert mean[WATER] < mean[URBAN] < mean[FOREST]
    parts, count = label(land == WATER)
    sizes = np.bincount(parts.ravel())[1:]
    lake = ground[parts == 1 + int(np.argmax(sizes))]
    middle = np.quantile(lake, [0.1, 0.6])
    assert middle[1] - middle[0] < 1.0  # the largest water is a lake, and level
    assert count > 1


def test_a_map_goes_with_the_sea():
    bounds = box(8.0, 8.0)
    heights = fractal_terrain(bounds, 30.0, 2, 120.0, sea_share=0.3, base_height=0.0)
    cover = generate(bounds, 20.0, heights, 2, LandParameters(lake_share=0.0, river_width=0.0), sea_level=0.0)
    assert 0.22 < shares_of(cover)[WATER] < 0.31
    lon, lat = np.meshgrid(cover.longitudes[1:-1], cover.latitudes[1:-1])
    assert heights.sample(lon, lat)[cover.values[1:-1, 1:-1] == WATER].max() <= 0.02


def test_parts_of_a_map_can_be_left_out():
    bounds = box(6.0, 6.0)
    heights = fractal_terrain(bounds, 30.0, 3)
    none = LandParameters(lake_share=0.0, forest_share=0.0, town_share=0.0, river_width=0.0, railways=0)
    shares = shares_of(generate(bounds, 20.0, heights, 3, none))
    assert shares[WATER] == shares[RAILWAY] == 0.0
    assert shares[FOREST] < 0.06  # copses
    assert shares[URBAN] < 0.02  # farms
    woods = shares_of(generate(bounds, 20.0, heights, 3, LandParameters(forest_share=0.5)))
    assert woods[FOREST] == pytest.approx(0.5, abs=0.08)


def test_a_map_on_a_plane_has_its_rivers_and_lakes_too():
    bounds = box(10.0, 8.0)
    cover = generate(bounds, 20.0, fractal_terrain(bounds, 100.0, 1, 0.0), 1)
    assert shares_of(cover)[WATER] > 0.005


@pytest.mark.parametrize(
    "wrong", [{"lake_share": 0.7}, {"forest_share": -0.1}, {"river_width": -1.0}, {"block_size": 50.0}]
)
def test_maps_that_cannot_be_are_refused(wrong):
    with pytest.raises(AlignsarError, match=f"simulated land cover: {next(iter(wrong))} must lie in"):
        LandParameters(**wrong)


def test_terrain_must_cover_the_map():
    with pytest.raises(AlignsarError, match="outside the raster"):
        generate(box(5.0, 5.0), 20.0, fractal_terrain(box(4.0, 5.0), 50.0, 1), 1)


def test_scattered_numbers_are_even_and_differ_with_every_key():
    i, j = np.meshgrid(np.arange(300, dtype=np.uint32), np.arange(300, dtype=np.uint32), indexing="ij")
    found = scattered(i, j)
    assert found.min() >= 0.0
    assert found.max() < 1.0
    assert np.histogram(found, 10, (0.0, 1.0))[0] == pytest.approx(np.full(10, 9000.0), rel=0.05)
    assert abs(np.corrcoef(found[:-1].ravel(), found[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(found[:, :-1].ravel(), found[:, 1:].ravel())[0, 1]) < 0.02
    assert np.mean(scattered(j, i) == found) < 0.02


def test_rounding_keeps_ends_and_stays_between_corners():
    points = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    curve = rounded(points)
    np.testing.assert_array_equal(curve[[0, -1]], points[[0, -1]])
    hull = shapely.convex_hull(shapely.linestrings(points))
    assert shapely.covers(shapely.buffer(hull, 1e-9), shapely.points(curve)).all()
    assert len(curve) > 8


def test_railways_and_wider_roads(country):
    bounds, heights, cover = country
    found = generate(bounds, 10.0, heights, 1, LandParameters(railways=5, road_width=30.0))
    before, after = shares_of(cover), shares_of(found)
    assert after[RAILWAY] > 4.0 * before[RAILWAY] > 0.0
    assert after[ROAD] > 1.8 * before[ROAD]
    roads = np.isin(found.values, (ROAD, RAILWAY))
    inside = roads[2:, 1:-1] | roads[:-2, 1:-1] | roads[1:-1, 2:] | roads[1:-1, :-2]
    assert (inside | ~roads[1:-1, 1:-1]).mean() > 0.9999  # none is a single cell
    with pytest.raises(AlignsarError, match="road_width must lie in 0 to 100"):
        LandParameters(road_width=-1.0)
    with pytest.raises(AlignsarError, match="railways must lie in 0 to 20"):
        LandParameters(railways=21)


# --- from vectors

SQUARE = shapely.box(180000.0, 456000.0, 180600.0, 456400.0)
TRIANGLE = shapely.Polygon([(180300, 456100), (180900, 456250), (180420, 456700)])
ROADS = shapely.LineString([(179900, 455900), (181000, 456800)])


@pytest.fixture
def files(tmp_path):
    def write(name, shapes, crs=DUTCH, **columns):
        frame = geopandas.GeoDataFrame(columns, geometry=shapes, crs=crs)
        frame.to_file(tmp_path / name, **({"layer": "x"} if name.endswith(".gpkg") else {}))
        return tmp_path / name

    return write


def bounds_of(west, south, east, north):
    lon, lat = pyproj.Transformer.from_crs(DUTCH, 4326, always_xy=True).transform(
        [west, east, west, east], [south, south, north, north]
    )
    return Bounds(west=min(lon), south=min(lat), east=max(lon), north=max(lat))


def centres(cover):
    """Pixel centres in the Dutch system, as shapely points."""
    lon, lat = np.meshgrid(cover.longitudes, cover.latitudes)
    x, y = pyproj.Transformer.from_crs(4326, DUTCH, always_xy=True).transform(lon, lat)
    return shapely.points(x, y)


def test_polygons_and_lines_take_exactly_the_pixels_inside(files):
    layers = (
        VectorLayer(path=files("a.gpkg", [SQUARE]), land_cover="water"),
        VectorLayer(
            path=files("b.geojson", geopandas.GeoSeries([TRIANGLE], crs=DUTCH).to_crs(4326), 4326),
            land_cover="urban",
        ),
        VectorLayer(path=files("c.gpkg", [ROADS]), land_cover="road", width=30.0),
    )
    cover = from_vectors(layers, bounds_of(179900, 455900, 181000, 456800), 7.0, "forest")
    points = centres(cover)
    expected = np.full(cover.shape, FOREST)
    near = np.zeros(cover.shape, dtype=bool)
    for shape, value in ((SQUARE, WATER), (TRIANGLE, URBAN), (shapely.buffer(ROADS, 15.0), ROAD)):
        expected[shapely.contains(shape, points)] = value
        near |= shapely.distance(shapely.boundary(shape), points) < 0.05
    assert near.mean() < 0.01
    np.testing.assert_array_equal(cover.values[~near], expected[~near])
    assert {WATER, URBAN, ROAD, FOREST} == set(np.unique(cover.values).tolist())


def test_an_attribute_tells_which_features_are_meant(files):
    path = files("a.gpkg", [SQUARE, TRIANGLE], kind=["lake", "wood"])
    cover = from_vectors(
        [VectorLayer(path=path, land_cover="forest", where="kind = 'wood'", layer="x")],
        bounds_of(179900, 455900, 181000, 456800),
        20.0,
    )
    inside = shapely.contains(TRIANGLE, centres(cover))
    assert np.mean((cover.values == FOREST) == inside) > 0.999
    assert set(np.unique(cover.values).tolist()) == {GRASSLAND, FOREST}


def test_vectors_beyond_the_antimeridian_are_found(files):
    shape = shapely.box(-179.99, 10.0, -179.97, 10.02)
    bounds = Bounds(west=179.95, south=9.99, east=180.05, north=10.03)
    cover = from_vectors([VectorLayer(path=files("a.gpkg", [shape], 4326), land_cover="urban")], bounds, 50.0)
    lon, lat = np.meshgrid(cover.longitudes, cover.latitudes)
    inside = shapely.contains_xy(shapely.box(180.01, 10.0, 180.03, 10.02), lon, lat)
    np.testing.assert_array_equal(cover.values == URBAN, inside)


def test_vectors_that_cannot_be_used_are_refused(files, tmp_path):
    bounds = bounds_of(179900, 455900, 181000, 456800)
    square, line = files("square.gpkg", [SQUARE]), files("line.gpkg", [ROADS])
    twisted = shapely.Polygon([(180000, 456000), (180600, 456400), (180600, 456000), (180000, 456400)])
    two = files("two.gpkg", [SQUARE])
    geopandas.GeoDataFrame(geometry=[TRIANGLE], crs=DUTCH).to_file(two, layer="y")
    (tmp_path / "text.gpkg").write_text("no vectors")
    cases = [
        (
            [VectorLayer(path=square, land_cover="lava")],
            "'lava' is no class of the ground; choose from water",
        ),
        ([], "no layer is given"),
        ([VectorLayer(path=tmp_path / "none.gpkg", land_cover="urban")], "none.gpkg: there is no such file"),
        ([VectorLayer(path=tmp_path / "text.gpkg", land_cover="urban")], "cannot be read as a vector file"),
        ([VectorLayer(path=square, land_cover="urban", layer="other")], "cannot be read as vectors"),
        ([VectorLayer(path=square, land_cover="urban", where="colour = 1")], "cannot be read as vectors"),
        ([VectorLayer(path=line, land_cover="road")], "say how wide they are"),
        ([VectorLayer(path=two, land_cover="urban")], r"has 2 layers \(x, y\): name one"),
        ([VectorLayer(path=files("twisted.gpkg", [twisted]), land_cover="urban")], "invalid geometry"),
    ]
    for layers, message in cases:
        with pytest.raises(AlignsarError, match=message):
            from_vectors(layers, bounds, 50.0)
    with pytest.warns(UserWarning, match="crs"):
        bare = files("bare.gpkg", [SQUARE], None)
    with pytest.raises(AlignsarError, match="has no coordinate reference system"):
        from_vectors([VectorLayer(path=bare, land_cover="urban")], bounds, 50.0)
    with pytest.raises(AlignsarError, match=r"none of the features of .*square.gpkg lies inside 7,52,"):
        from_vectors(
            [VectorLayer(path=square, land_cover="urban")],
            Bounds(west=7, south=52, east=7.1, north=52.1),
            50.0,
        )
    with pytest.raises(AlignsarError, match="'sand' is no class"):
        from_vectors([VectorLayer(path=square, land_cover="urban")], bounds, 50.0, "sand")


def buildings(archive):
    """Ground plans of the buildings that the BGT holds for present, read without GDAL."""
    import zipfile  # noqa: PLC0415

    gml = "{http://www.opengis.net/gml}"
    with zipfile.ZipFile(archive) as file, file.open("bgt_pand.gml") as content:
        root = ElementTree.parse(content).getroot()
    rings = []
    for part in root.iter():
        if not part.tag.endswith("}BuildingPart"):
            continue
        children = {child.tag.rpartition("}")[2]: child for child in part}
        if "eindRegistratie" in children or children["bgt-status"].text != "bestaand":
            continue
        for polygon in children["geometrie2dGrondvlak"].iter(f"{gml}Polygon"):
            outer, *inner = [
                np.array(" ".join(one.text for one in ring.iter(f"{gml}posList")).split(), float).reshape(
                    -1, 2
                )
                for kind in ("exterior", "interior")
                for ring in polygon.iter(f"{gml}{kind}")
            ]
            rings.append(shapely.Polygon(outer, inner))
    return rings


def test_the_bgt_of_otterlo_becomes_a_map(real_data):
    archive = real_data("nl_bgt_otterlo") / "bgt_otterlo.zip"
    bounds = Bounds(west=5.764, south=52.095, east=5.782, north=52.104)
    cover = from_vectors(bgt_layers(archive), bounds, 2.0)
    shares = shares_of(cover)
    assert (shares[[FIELD, GRASSLAND, FOREST, URBAN, ROAD]] > 0.03).all()
    assert shares[WATER] > 0.005
    points = centres(cover)
    houses = shapely.union_all(shapely.make_valid(np.array(buildings(archive), dtype=object)))
    shapely.prepare(houses)
    inside = shapely.contains(houses, points)
    assert inside.mean() > 0.03
    assert np.mean(cover.values[inside] == URBAN) > 0.999  # but for walls that are arcs
    assert np.mean(cover.values[~inside] == URBAN) < 1e-3
    empty = Bounds(west=6.764, south=52.095, east=6.782, north=52.104)
    with pytest.raises(AlignsarError, match="lies inside"):
        from_vectors(bgt_layers(archive), empty, 20.0)
