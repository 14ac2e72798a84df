"""A cube keeps its geometry: written while the dataset is made, and enough to geocode it without the products."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from command_line import burst_of, checksums, run
from fake_burst import BURSTS, write_scene
from small_runs import CUBE_ALONE

import alignsar_gpu
from alignsar_gpu.config import DeviceConfig
from alignsar_gpu.coregistration.assemble import coregistered_stack
from alignsar_gpu.device import choose_device
from alignsar_gpu.geocoding.coverage import image_outline
from alignsar_gpu.geocoding.map_grid import MapGrid
from alignsar_gpu.geocoding.positions import Geocoding
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.stored.geometry import read_geometry
from alignsar_gpu.products.sentinel1.products import open_products

CPU = choose_device(DeviceConfig(kind="cpu"))
SMALLEST = (*CUBE_ALONE, "signatures.names=[intensity]")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run on a burst, its product and DEM."""
    folder = tmp_path_factory.mktemp("made")
    safe, dem = write_scene(folder)
    run(*burst_of(safe, dem, *SMALLEST, f"output={folder / 'out'}"))
    return folder / "out", safe, dem


def test_positions_have_the_bits_of_the_products(made):
    output, safe, dem = made
    stack = coregistered_stack(
        open_products(safe).choose(burst=BURSTS[0]).selection, open_dem(dem, "ellipsoid"), CPU
    )
    terrain = stack.terrain
    outline = image_outline(terrain.grid, terrain.orbit, terrain.dem)
    map_grid = MapGrid.over(*outline, resolution=40.0)
    wanted = Geocoding(
        grid=terrain.grid, orbit=terrain.orbit, dem=terrain.dem, map_grid=map_grid, device=CPU
    ).positions(0, map_grid.shape[0])
    kept = read_geometry(output / "cube.zarr")
    found = Geocoding(**vars(kept), map_grid=map_grid, device=CPU).positions(0, map_grid.shape[0])
    inside = np.all(
        [(p > -4.0) & (p < count + 3.0) for p, count in zip(wanted, terrain.grid.shape, strict=True)], axis=0
    )
    assert inside.mean() > 0.4
    for a, b in zip(found, wanted, strict=True):
        assert a[inside].tobytes() == b[inside].tobytes()
    assert kept.dem.source == "dem.tif"


def test_the_cube_shows_what_it_showed(made):
    cube = alignsar_gpu.open(made[0])
    with xr.open_zarr(made[0] / "cube.zarr") as plain:
        assert set(plain.variables) == set(cube.variables)
        assert set(plain.sizes) == {"time", "azimuth", "range"}


def test_no_path_of_the_machine_is_in_it(made):
    output, safe, _ = made
    files = list((output / "cube.zarr" / "geometry").rglob("zarr.json"))
    assert len(files) > 4
    assert not [path for path in files if str(safe.parent) in path.read_text()]
    assert str(safe.parent) not in (output / "cube.zarr" / "zarr.json").read_text()


def test_it_is_a_unit_of_the_run(made, tmp_path):
    """Its files are in the manifest; a run that stopped after it keeps it, and damage is found."""
    output, safe, dem = made
    files = checksums(output, "cube.zarr")
    kept = [name for name in files if name.startswith("cube.zarr/geometry/")]
    assert "cube.zarr/geometry/dem/heights/c/0/0" in kept
    again = tmp_path / "again"
    shutil.copytree(output, again)
    (again / kept[0]).write_bytes(b"damaged")
    arguments = burst_of(safe, dem, *SMALLEST, f"output={again}")
    assert f"{kept[0]} has changed: made again" in run(*arguments).stderr
    assert checksums(again, "cube.zarr") == files


def test_a_run_that_stops_after_it_keeps_it(made, tmp_path, monkeypatch):
    output, safe, dem = made
    arguments = burst_of(safe, dem, *SMALLEST, f"output={tmp_path / 'out'}")

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("alignsar_gpu.application.dataset.stage.measure", stop)
        run(*arguments, status=130)
    (unit,) = (tmp_path / "out" / ".unfinished" / "journal").glob("geometry.json")
    file = tmp_path / "out" / ".unfinished" / next(iter(json.loads(unit.read_text())))
    before = file.stat().st_mtime_ns
    run(*arguments)
    assert (
        tmp_path / "out" / file.relative_to(tmp_path / "out" / ".unfinished")
    ).stat().st_mtime_ns == before
    assert checksums(tmp_path / "out", "cube.zarr") == checksums(output, "cube.zarr")
