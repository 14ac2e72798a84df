"""Geometry on real data: ISCE3's results, ESA's geolocation grids, a repeat-pass pair."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar, incidence_angle
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.geometry.track import GroundPoint, baseline
from alignsar_gpu.products.crop import crop_grid
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.xml import parse_xml

AZIMUTH, RANGE = 1e-5, 1e-3  # s and m, against the annotation's geolocation grid
ROUND_TRIP = 1e-5  # lines and samples
RMS = 1e-4  # m, against ISCE3
MOROCCO = "s1_pair_morocco_20230904_20230916"
AZORES = "s1_iw_slc_azores_20220918"


def without(orbit, keep):
    return Orbit(
        epoch=orbit.epoch,
        time=orbit.time[keep],
        position=orbit.position[keep],
        velocity=orbit.velocity[keep],
        source="a part",
    )


@pytest.fixture
def morocco(real_data):
    return sorted(real_data(MOROCCO).glob("*.SAFE"))


@pytest.fixture
def azores(real_data):
    return next(real_data(AZORES).glob("*.xml"))


class TestIsce3:
    """UAVSAR, left-looking: longitude, latitude, height and angles of every pixel as ISCE3 gives them."""

    @pytest.fixture
    def scene(self, real_data):
        folder = real_data("winnipeg_uavsar_isce3")
        with netCDF4.Dataset(folder / "winnipeg.h5") as file:
            product = file["science/LSAR"]
            assert str(product["identification/lookDirection"][...]).strip() == "left"
            vectors, swaths = product["SLC/metadata/orbit"], product["SLC/swaths"]
            orbit = Orbit(
                epoch=np.datetime64("2012-07-15"),
                time=vectors["time"][:].data + 52607.0,  # both count from 14:36:47
                position=vectors["position"][:].data,
                velocity=vectors["velocity"][:].data,
                source="winnipeg.h5",
            )
            time = swaths["zeroDopplerTime"][:].data + 52607.0
            slant_range = swaths["frequencyA/slantRange"][:].data
        rasters = {
            name: np.fromfile(folder / "topo_winnipeg" / f"{name}.rdr", kind).reshape(250, 250)
            for name, kind in {"x": "<f8", "y": "<f8", "z": "<f8", "inc": "<f4"}.items()
        }
        return orbit, time[:, np.newaxis], slant_range, rasters

    def test_radar_to_ground(self, scene):
        orbit, time, slant_range, isce3 = scene
        longitude, latitude = radar_to_ground(orbit, time, slant_range, isce3["z"], "left")
        away = geodetic_to_ecef(longitude, latitude, isce3["z"]) - geodetic_to_ecef(
            *(isce3[k] for k in "xyz")
        )
        assert np.sqrt(np.mean(away**2, axis=(0, 1))).max() < RMS

    def test_ground_to_radar(self, scene):
        orbit, time, slant_range, isce3 = scene
        found = ground_to_radar(orbit, *(isce3[k] for k in "xyz"), time)
        assert np.abs(found[0] - time).max() < 1e-8
        assert np.abs(found[1] - slant_range).max() < 1e-6

    def test_incidence(self, scene):
        orbit, time, _, isce3 = scene
        incidence = incidence_angle(orbit, *(isce3[k] for k in "xyz"), time)
        assert np.abs(incidence - isce3["inc"]).max() < 1e-4


def geolocation_grid(annotation, epoch):
    """Longitude, latitude, height, azimuth time (s) and slant range (m) of its points."""
    document = parse_xml(annotation.read_bytes(), annotation.name)
    points = list(document.all("geolocationGrid/geolocationGridPointList/geolocationGridPoint"))
    assert len(points) > 100
    place = [np.array([p.number(name) for p in points]) for name in ("longitude", "latitude", "height")]
    time = np.array([(p.time("azimuthTime") - epoch) / np.timedelta64(1, "us") * 1e-6 for p in points])
    slant_range = np.array([0.5 * SPEED_OF_LIGHT * p.number("slantRangeTime") for p in points])
    return place, time, slant_range


class TestGeolocationGrid:
    @pytest.mark.parametrize("date", [0, 1])
    @pytest.mark.parametrize("channel", ["iw1-slc-vv", "iw2-slc-vh", "iw3-slc-vv"])
    def test_morocco(self, morocco, date, channel):
        orbit = open_sentinel1(morocco[date]).orbit
        annotation = next((morocco[date] / "annotation").glob(f"s1a-{channel}-*.xml"))
        self.check(orbit, *geolocation_grid(annotation, orbit.epoch))

    def test_azores(self, azores):
        orbit = open_sentinel1(azores).orbit
        self.check(orbit, *geolocation_grid(azores, orbit.epoch))

    def check(self, orbit, place, time, slant_range):
        found = ground_to_radar(orbit, *place, time[0])
        assert np.abs(found[0] - time).max() < AZIMUTH
        assert np.abs(found[1] - slant_range).max() < RANGE


class TestOrbits:
    def test_restituted_against_annotation(self, azores):
        """About 2 cm apart, in azimuth and in range below the bounds by little or not at all: reported."""
        annotation = open_sentinel1(azores)
        restituted = open_sentinel1(azores, orbits=Path(azores).parent)
        assert "RESORB" in restituted.orbit.source
        grids = [burst.grid for burst in annotation.bursts]
        time = np.linspace(grids[0].first_azimuth_time, grids[-1].azimuth_time(grids[-1].lines), 200)
        apart = restituted.orbit.position_at(time) - annotation.orbit.position_at(time)
        assert np.mean(np.linalg.norm(apart, axis=-1)) == pytest.approx(0.0185, abs=0.002)

    def test_vectors_left_out_of_a_restituted_orbit(self, azores):
        """Half of the vectors, 20 s apart, give the others back."""
        orbit = open_sentinel1(azores, orbits=Path(azores).parent).orbit
        half = without(orbit, slice(None, None, 2))
        others = slice(1, len(half.time) * 2 - 2, 2)
        error = np.linalg.norm(half.position_at(orbit.time[others]) - orbit.position[others], axis=-1)
        assert len(error) > 10
        assert error.max() < RANGE

    def test_vectors_left_out_of_an_annotation(self, morocco):
        orbit = open_sentinel1(morocco[1]).orbit
        for left_out in range(2, len(orbit.time) - 2):
            rest = without(orbit, np.arange(len(orbit.time)) != left_out)
            assert np.linalg.norm(rest.position_at(orbit.time[left_out]) - orbit.position[left_out]) < RANGE


class TestMorocco:
    PLACE = GroundPoint(longitude=-8.78, latitude=31.8, height=400.0)

    def test_baseline(self, morocco):
        """29.5 m: the later pass looks more steeply, which is positive for the earlier as reference."""
        earlier, later = (open_sentinel1(path) for path in morocco)
        wavelength = earlier.bursts[0].grid.wavelength
        found = baseline(later.orbit, earlier.orbit, self.PLACE, wavelength)
        assert found.perpendicular == pytest.approx(-29.5, abs=0.3)
        found = baseline(earlier.orbit, later.orbit, self.PLACE, wavelength)
        assert found.perpendicular == pytest.approx(29.5, abs=0.3)
        assert found.temporal == pytest.approx(12.0, abs=1e-4)

    @pytest.fixture
    def burst(self, morocco, real_data):
        product = open_sentinel1(morocco[0])
        path = next((real_data(MOROCCO) / "dem").glob("*iw1*"))
        # Heights above the geoid, taken as they are: no grid is needed, and nothing here is about the datum.
        return product, product.bursts[0], open_dem(path, "ellipsoid")

    def test_round_trip_over_a_whole_burst(self, burst):
        """The crop of the DEM ends 1 km before one corner of the burst: those pixels are NaN."""
        product, first, dem = burst
        terrain = Terrain(grid=first.grid, orbit=product.orbit, dem=dem, partial=True)
        lines, samples = first.grid.lines, first.grid.samples
        drawing = terrain.lines(0, lines)
        known = np.isfinite(drawing.height)
        assert known.mean() > 0.99
        row, column = np.arange(lines)[:, np.newaxis], np.arange(samples)
        time, slant_range = ground_to_radar(product.orbit, *drawing[:3], first.grid.azimuth_time(row))
        np.testing.assert_array_equal(np.isfinite(time), known)
        assert np.nanmax(np.abs(first.grid.line(time) - row)) < ROUND_TRIP
        assert np.nanmax(np.abs(first.grid.sample(slant_range) - column)) < ROUND_TRIP
        part = (slice(0, None, 37), slice(0, None, 41))
        away = dem.height_at(drawing.longitude[part], drawing.latitude[part]) - drawing.height[part]
        assert np.nanmax(np.abs(away)) < RANGE

    def test_the_dem_does_not_reach_the_whole_burst(self, burst):
        product, first, dem = burst
        with pytest.raises(AlignsarError, match=r"does not cover the image.*km\) beyond its southern edge"):
            Terrain(grid=crop_grid(first.grid, first.valid), orbit=product.orbit, dem=dem)
