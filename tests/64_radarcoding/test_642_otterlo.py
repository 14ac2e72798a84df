"""The large-scale map of Otterlo, and corner reflectors, on the grid of a made Sentinel-1 pass: areas and places."""

import numpy as np
import pytest
import shapely
from otterlo import OTTERLO, grid_at, hills, pass_over
from pyproj import Geod, Transformer
from station_table import stations_as_table

from alignsar_gpu.application.labels.writer import Labels, LabelWriter
from alignsar_gpu.device import Device
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.radarcoding.layers import LabelScene
from alignsar_gpu.radarcoding.level_ground import LevelGround
from alignsar_gpu.radarcoding.points.config import PointLayerConfig
from alignsar_gpu.radarcoding.points.files import open_points
from alignsar_gpu.radarcoding.points.placing import points_to_radar
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.files import open_vectors
from alignsar_gpu.radarcoding.vectors.layers import VectorLayers, VectorSource

SHARE = 0.01  # of a class's own area
PIXEL = 0.02
NOW = "eindRegistratie IS NULL"  # the file holds every version of an object
FILES = {
    "building": ("bgt_pand.gml", "geometrie2dGrondvlak", f"{NOW} AND \"bgt-status\" = 'bestaand'"),
    "road": ("bgt_wegdeel.gml", "geometrie2dWegdeel", NOW),
    "water": ("bgt_waterdeel.gml", "geometrie2dWaterdeel", NOW),
    "vegetation": ("bgt_begroeidterreindeel.gml", "geometrie2dBegroeidTerreindeel", NOW),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    orbit = pass_over(*OTTERLO, 855e3)
    terrain = Terrain(
        grid=grid_at(orbit, *OTTERLO, 420, 1400),
        orbit=orbit,
        dem=open_dem(hills(tmp_path_factory.mktemp("otterlo") / "dem.tif"), "ellipsoid"),
    )
    return LabelScene(
        level_ground=LevelGround(terrain=terrain),
        device=Device("cpu", "", "", 1 << 30),
        times=np.zeros(0),
        reference=0,
    )


@pytest.fixture(scope="module")
def otterlo(real_data, scene):
    """Layers of the map on the radar grid, by name, and the sources that they were made of."""
    archive = real_data("nl_bgt_otterlo") / "bgt_otterlo.zip"
    sources = [
        VectorSource(
            name=name,
            file=open_vectors(
                VectorLayerConfig(
                    path=f"{archive}!{member}", geometry=geometry, where=where, crs="EPSG:28992"
                ),
                name,
            ),
        )
        for name, (member, geometry, where) in FILES.items()
    ]
    vectors = VectorLayers(sources=sources, overlaps="keep", label="label", least=0.5, limit=1 << 28)
    labels = Labels(vectors=vectors, cells=(), strips=(), height_error=None)
    work = LabelWriter(labels=labels, scene=scene, product=None, layout=None)
    return work.cells(scene, slice(0, scene.level_ground.terrain.grid.lines)), sources


@pytest.mark.parametrize("name", FILES)
def test_ground_area_of_a_class_is_that_of_its_polygons(scene, otterlo, name):
    layers, sources = otterlo
    source = next(one for one in sources if one.name == name)
    geod, truth = Geod(ellps="WGS84"), 0.0
    for rings in source.file.rings(scene.area(), type(source.counts)()):
        longitude, latitude = source.file.to_geodetic(rings.x, rings.y)
        for first, stop, hole in zip(rings.start[:-1], rings.start[1:], rings.hole, strict=True):
            area = abs(geod.polygon_area_perimeter(longitude[first:stop], latitude[first:stop])[0])
            truth += -area if hole else area
    inside = np.nan_to_num(layers[name]) * layers["ground_area"]
    assert truth > 1e4
    assert source.counts.features > 20
    assert np.isclose(inside.sum(dtype=np.float64), truth, rtol=SHARE)


def test_classes_of_the_map_leave_little_over(otterlo):
    layers, _ = otterlo
    assert set(FILES) <= set(layers)
    assert all(np.nanmin(layers[name]) >= 0.0 and np.nanmax(layers[name]) <= 1.0 for name in FILES)
    label = layers["label"]
    share = np.stack([layers[name] for name in FILES])
    known = (label > 0) & (label < 255)
    assert np.array_equal(label[known] - 1, share.argmax(axis=0)[known])
    assert (share.max(axis=0)[known] >= 0.5).all()
    assert np.unique(label).tolist() == [0, 1, 2, 3, 4, 255]


def test_beyond_the_map_nothing_is_known(scene, otterlo):
    """59 % of the scene, which was said to have no class for sure."""
    layers, sources = otterlo
    unknown = layers["label"] == 255
    assert 0.55 < unknown.mean() < 0.65
    for name in FILES:
        assert np.array_equal(np.isnan(layers[name]), unknown)
        assert np.array_equal(layers[f"labelled_{name}"], ~unknown)
    grid = scene.level_ground.terrain.grid
    place = np.meshgrid(np.arange(grid.lines), np.arange(grid.samples), indexing="ij")
    longitude, latitude = scene.level_ground.to_ground(*(axis.astype(float) for axis in place))
    x, y = Transformer.from_crs(4326, 28992, always_xy=True).transform(longitude, latitude)
    boxes = np.array([source.file.place.extent for source in sources])
    (west, south), (east, north) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    apart = 150.0  # m, by which ground of another height than that of level ground may lie elsewhere
    deep = (x > west + apart) & (x < east - apart) & (y > south + apart) & (y < north - apart)
    far = (x < west - apart) | (x > east + apart) | (y < south - apart) | (y > north + apart)
    assert deep.sum() > 10_000
    assert not unknown[deep].any()
    assert unknown[far].all()


def test_reflectors_are_where_ground_to_radar_has_them(real_data, tmp_path):
    """Together, against each solved by itself."""
    path = real_data("nl_bgt_otterlo") / "tudelft_reflectors.json"
    keys = stations_as_table(path, tmp_path / "reflectors.csv", "ascending")
    points = open_points(PointLayerConfig(**keys), "reflectors")
    (batch,) = points.batches(shapely.box(3.0, 50.0, 8.0, 54.5))
    assert len(batch) == 29
    where = np.median(batch.longitude), np.median(batch.latitude)
    orbit = pass_over(*where, 870e3)
    grid = grid_at(orbit, *where, 20000, 30000)
    line, sample = points_to_radar(batch, grid, orbit, None)
    time, slant_range = ground_to_radar(
        orbit, batch.longitude[:, None], batch.latitude[:, None], batch.height[:, None], 890.0
    )
    assert np.abs(line - grid.line(time[:, 0])).max() < PIXEL
    assert np.abs(sample - grid.sample(slant_range[:, 0])).max() < PIXEL
