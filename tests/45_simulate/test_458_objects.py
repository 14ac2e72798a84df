"""Objects and subsidence of a simulated scene as polygons, against its scatterers and its motion."""

import datetime as dt

import geopandas
import numpy as np
import pytest
import shapely

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.backscatter import WATER
from alignsar_gpu.simulate.ground.changes import ChangeParameters
from alignsar_gpu.simulate.ground.files import write_scene
from alignsar_gpu.simulate.ground.motion import Bowl
from alignsar_gpu.simulate.ground.raster import Bounds
from alignsar_gpu.simulate.ground.scene import SceneParameters, make_scene
from alignsar_gpu.simulate.ground.targets.targets import TargetParameters, ship_cross_section

DAYS = np.array(["2022-01-09", "2022-01-21", "2022-02-02"], "datetime64[D]")
BOX = Bounds(west=6.0, south=50.75, east=6.12, north=50.82)
BOWLS = (
    Bowl(longitude=6.04, latitude=50.78, radius=600.0, rate=2.0),
    Bowl(longitude=6.05, latitude=50.785, radius=500.0, rate=1.0),
    Bowl(longitude=6.09, latitude=50.80, radius=400.0, rate=-0.6),
)


def scene_of(**keys):
    parameters = SceneParameters(
        **{"relief": 60.0, "sea_share": 0.35, "bowls": 0, "cover_posting": 20.0, "given_bowls": BOWLS} | keys
    )
    return make_scene(BOX, DAYS, seed=5, wavelength=0.0555, parameters=parameters)


@pytest.fixture(scope="module")
def scene():
    return scene_of(
        targets=TargetParameters(ships=8, ship_cross_section=(-25.0, 5.0)),
        changes=ChangeParameters(oil_slicks=2),
    )


@pytest.fixture(scope="module")
def folder(scene, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    write_scene(scene, folder)
    return folder


@pytest.fixture(scope="module")
def objects(folder):
    return geopandas.read_file(folder / "objects.geojson").set_index("name")


def test_each_ship_is_there_on_its_day_alone(objects, scene):
    ships = objects[objects.kind == "ship"]
    assert ships.index.is_unique
    assert len(ships) >= 20
    for name, ship in ships.iterrows():
        date = int(name.rpartition(" ")[2])
        days = [dt.date.fromisoformat(str(ship[key])[:10]) for key in ("date", "valid_from", "valid_until")]
        assert set(days) == {DAYS[date].item()}
        middle = ship.geometry.centroid
        assert scene.cover(date).sample(middle.x, middle.y) == WATER


def test_outlines_hold_their_scatterers_and_sections_are_their_sum(objects, scene):
    plane = scene.base.plane
    for name, one in objects[objects.kind != "oil_slick"].iterrows():
        own = [
            target for target in scene.targets if target.name.startswith(name + (" " * (one.kind == "tank")))
        ]
        own = [target for target in own if target.name.startswith((f"{name},", f"{name} "))]
        assert own
        around = one.geometry.buffer(1e-8 if one.kind == "ship" else 1e-6)  # of a circle, its chords
        assert all(around.covers(shapely.Point(target.longitude, target.latitude)) for target in own)
        there = [target for target in own if own[0].dates[0] in target.dates]
        assert one.rcs_vv == pytest.approx(sum(target.rcs_vv for target in there), rel=1e-5)
        assert one.rcs_vh == pytest.approx(sum(target.rcs_vh for target in there), rel=1e-5)
        x, y = plane.position(*shapely.get_coordinates(one.geometry).T)
        sides = np.hypot(np.diff(x), np.diff(y))
        assert (sides.max() if one.kind == "ship" else np.ptp(x)) == pytest.approx(one.length, abs=0.01)
        assert 0.5 < one.height < 20.0


def test_tanks_are_there_on_all_dates(objects):
    tanks = objects[objects.kind == "tank"]
    assert len(tanks) == 4
    assert tanks[["date", "valid_from", "valid_until"]].isna().all(axis=None)


def test_tank_farms_lie_apart():
    """The first as if it were alone."""
    several = scene_of(targets=TargetParameters(ships=0, tanks=4, tank_farms=3), sea_share=0.0)
    alone = scene_of(targets=TargetParameters(ships=0, tanks=4), sea_share=0.0)
    tanks, first = ([one for one in made.objects if one.kind == "tank"] for made in (several, alone))
    assert [one.name for one in tanks] == [f"tank {number}" for number in range(1, 13)]
    assert tanks[:4] == first
    assert shapely.union_all([one.outline for one in tanks]).area == pytest.approx(
        sum(one.outline.area for one in tanks)
    )


def test_slicks_have_their_outline_and_no_cross_section(objects, scene):
    slicks = objects[objects.kind == "oil_slick"]
    changes = {change.name: change for change in scene.changes if change.kind == "oil slick"}
    assert set(slicks.index) == set(changes)
    assert len(changes) == 2
    for name, slick in slicks.iterrows():
        assert shapely.equals(slick.geometry, changes[name].shape)
        assert str(slick.date)[:10] == str(DAYS[changes[name].first])
        assert np.isnan([slick.rcs_vv, slick.rcs_vh, slick.length]).all()


def test_cross_sections_of_ships_spread_over_the_decibels_asked_for(objects):
    ships = objects[objects.kind == "ship"]
    usual = np.array([ship_cross_section(length) for length in ships["length"]])
    added = 10.0 * np.log10(ships["rcs_vv"].to_numpy() / usual)
    assert ((added > -25.01) & (added < 5.01)).all()
    assert np.ptp(added) > 20.0


def test_a_ship_is_stronger_by_the_decibels_asked_for_and_nothing_else_changes():
    usual, stronger = (
        scene_of(targets=TargetParameters(ship_cross_section=added)) for added in ((0.0, 0.0), (7.0, 7.0))
    )
    assert len(usual.targets) == len(stronger.targets) > 50
    for one, other in zip(usual.targets, stronger.targets, strict=True):
        factor = 10.0**0.7 if one.kind == "ship" else 1.0
        assert other.rcs_vv == pytest.approx(factor * one.rcs_vv)
        assert (one.longitude, one.height, one.phase) == (other.longitude, other.height, other.phase)


def test_tanks_are_stronger_by_the_decibels_asked_for():
    usual, stronger = (scene_of(targets=TargetParameters(tank_cross_section=added)) for added in (0.0, 14.0))
    for one, other in zip(usual.targets, stronger.targets, strict=True):
        factor = 10.0**1.4 if one.kind == "tank" else 1.0
        assert other.rcs_vv == pytest.approx(factor * one.rcs_vv)
    assert any(one.kind == "tank" for one in usual.targets)
    with pytest.raises(AlignsarError, match="tank_cross_section must lie in -60 to 60 dB"):
        TargetParameters(tank_cross_section=99.0)


def test_bands_of_subsidence_are_the_rate_of_all_bowls_together(folder):
    bands = geopandas.read_file(folder / "subsidence.geojson")
    assert set(bands.kind) == {"subsidence", "uplift"}
    rng = np.random.default_rng(1)
    longitude, latitude = rng.uniform([BOX.west, BOX.south], [BOX.east, BOX.north], (4000, 2)).T
    rate = -1e3 * sum(bowl.displacement(longitude, latitude, 1.0) for bowl in BOWLS)
    places = geopandas.GeoDataFrame(
        {"true": rate}, geometry=geopandas.points_from_xy(longitude, latitude), crs=4326
    )
    found = places.sjoin(bands, how="left")
    assert len(found) == len(places)  # bands do not overlap
    assert (found.rate.isna() == (np.abs(rate) < 0.01)).mean() > 0.98
    known = found.dropna(subset="rate")
    low, high = np.sort(np.abs(known[["rate_from", "rate_to"]].to_numpy()), axis=1).T
    inside = (np.abs(known.true) >= low) & (np.abs(known.true) <= high)
    assert inside.mean() > 0.95  # but for the steps of their outlines
    assert (np.sign(known.true) == np.sign(known.rate)).all()
    assert (np.abs(known.rate) >= low).all()
    assert (np.abs(known.rate) <= high).all()


def test_without_bowls_nothing_sinks(tmp_path):
    write_scene(scene_of(given_bowls=()), tmp_path)
    assert len(geopandas.read_file(tmp_path / "subsidence.geojson")) == 0
