"""Every kind of product: what the cube keeps of its geometry agrees with its layers longitude and latitude."""

import numpy as np
import pytest
from command_line import burst_of, refuse, run
from fake_burst import write_dem, write_scene
from fake_nisar import FakeNisar
from fake_snap import write_znap
from kept_geometry import away
from small_runs import CUBE_ALONE
from synthetic_stack import simulate_stack

import alignsar_gpu
from alignsar_gpu.geometry.stored.geometry import read_geometry

ALIKE = 0.05  # lines and samples
LABELS = ("+radarcoding.layers.level.kind=raster", "+radarcoding.layers.level.method=mean")
SMALLEST = ("device=cpu", *CUBE_ALONE, "signatures.names=[intensity]")


@pytest.fixture(scope="module")
def stack():
    options = {"lines": 96, "samples": 161, "dates": 2, "seed": 7, "polarizations": ("vv",)}
    return simulate_stack(**options, flattened=True)


@pytest.mark.parametrize("corrected", [True, False])
def test_sentinel1(tmp_path, corrected):
    """Corrections of a pixel's own location move its coordinates, and the positions of a map with them.

    The layers are moved by their mean slopes, which is less exact where facets of the terrain meet.
    """
    safe, dem = write_scene(tmp_path)
    keys = dict.fromkeys(("bistatic", "doppler_range", "fm_rate", "tide"), corrected)
    troposphere = "model" if corrected else "none"
    more = [f"coregistration.{name}={value}" for name, value in {**keys, "troposphere": troposphere}.items()]
    run(*burst_of(safe, dem, *SMALLEST, *more, f"output={tmp_path / 'out'}"))
    apart, kept = away(tmp_path / "out")
    assert np.quantile(np.abs(apart), 0.9999) < ALIKE
    assert callable(kept.offset) == corrected
    if not corrected:
        assert np.abs(apart).max() < 1e-6


def test_snap(stack, tmp_path):
    """SNAP's coordinates are rounded to float32: 0.4 m of latitude, 0.02 lines; its first line is off by 1.3."""
    (tmp_path / "data").mkdir()
    write_znap(stack, tmp_path / "data", [0, 1], name="all", shift_lines=1.3)
    run("products=snap", f"products.path={tmp_path / 'data'}", *SMALLEST, f"output={tmp_path / 'out'}")
    apart, kept = away(tmp_path / "out")
    assert np.abs(apart).max() < ALIKE
    assert kept.dem.source == "the heights of the cube's own pixels"


def test_snap_with_tie_points_alone(stack, tmp_path):
    """Its first line time is off, and nothing says so but the tie points."""
    (tmp_path / "data").mkdir()
    write_znap(stack, tmp_path / "data", [0, 1], name="all", ground=False, shift_lines=1.3)
    run("products=snap", f"products.path={tmp_path / 'data'}", *SMALLEST, f"output={tmp_path / 'out'}")
    apart, _ = away(tmp_path / "out")
    assert np.abs(apart.mean(axis=1)).max() < 0.01
    assert np.quantile(np.abs(apart), 0.99) < ALIKE


def test_nisar(tmp_path):
    """Without a DEM its ground is the ellipsoid, of which a map warns; with one, the cube keeps that."""
    path = FakeNisar().write(tmp_path / "product.h5")
    arguments = ("products=nisar", f"products.path={path}", *SMALLEST)
    on_map = ["geocoding.resolution=100", "geocoding.products=[cube]", "geocoding.layers=[height]"]
    result = run(*arguments, *on_map, f"output={tmp_path / 'out'}")
    assert "warning    the stack has no heights, so that its map is that of the ellipsoid" in result.stdout
    apart, kept = away(tmp_path / "out")
    assert np.abs(apart).max() < 1e-3
    cube = alignsar_gpu.open(tmp_path / "out")
    middle = [float(cube[name].values[20, 30]) for name in ("longitude", "latitude")]
    assert abs(kept.dem.height_at(*middle)) < 0.01
    west, south = middle[0] - 0.2, middle[1] - 0.2
    dem = write_dem(
        tmp_path / "dem.tif", (west, south, west + 0.4, south + 0.4), height=lambda x, y: 300.0 + 0.0 * x * y
    )
    result = run(*arguments, *on_map, "dem=ellipsoid", f"dem.path={dem}", f"output={tmp_path / 'on_dem'}")
    assert "the stack has no heights" not in result.stdout
    kept = read_geometry(tmp_path / "on_dem" / "cube.zarr")
    assert kept.dem.source == "dem.tif"
    assert float(kept.dem.height_at(*middle)) == 300.0
    refuse(
        "the stack has heights of its own", "products=synthetic", "device=cpu", "dem=ellipsoid", f"dem.path={dem}",
        f"output={tmp_path / 'x'}",
    )  # fmt: skip
