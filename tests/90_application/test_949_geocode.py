"""A map added to a finished run, by its keys alone; and in memory, from Python: the same values."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
import xarray as xr
import yaml
from command_line import refuse, run
from small_runs import CUBE_ALONE, SYNTHETIC

import alignsar_gpu
from alignsar_gpu.errors import AlignsarError

README = Path(__file__).parents[2] / "README.md"
NAMES = ["sigma0_vv", "valid", "interferometric_phase_vv"]
MAP = ["device=cpu", "geocoding.resolution=60", f"geocoding.layers=[{','.join(NAMES)}]"]
LISTED = {"stac", "manifest.json", "run.yaml"}  # what lists the products of a run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("geocode") / "run"
    run(
        *SYNTHETIC, *CUBE_ALONE, "products.lines=96", "products.samples=128", "products.dates=2",
        "signatures.names=[sigma0,interferometric_phase]", f"output={output}",
    )  # fmt: skip
    return output


@pytest.fixture(scope="module")
def mapped(finished, tmp_path_factory):
    """The same with a map, added where nothing of the run's inputs is known."""
    output = tmp_path_factory.mktemp("elsewhere") / "copied"
    shutil.copytree(finished, output)
    run(*MAP, f"output={output}")
    return output


def files_of(output):
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file() and path.name not in {".checked.json", "run.log"}
    }


def test_no_other_byte_of_the_run_changes(finished, mapped):
    before, after = files_of(finished), files_of(mapped)
    changed = {name.split("/")[0] for name in after if before.get(name) != after[name]}
    assert changed == {"cogs", "map.zarr", *LISTED}
    assert not set(before) - set(after)
    assert yaml.safe_load(after["run.yaml"]) == yaml.safe_load(before["run.yaml"]) | {
        "geocoding": yaml.safe_load(after["run.yaml"])["geocoding"]
    }


def test_it_is_there_already_the_second_time(mapped):
    before = files_of(mapped)
    assert "nothing to do" in run(*MAP, f"output={mapped}").stdout
    assert files_of(mapped) == before


def test_the_run_itself_goes_on_as_before(mapped, tmp_path):
    shutil.copytree(mapped, tmp_path / "out")
    again = run(
        *SYNTHETIC, *CUBE_ALONE, "products.lines=96", "products.samples=128", "products.dates=2",
        "signatures.names=[sigma0,interferometric_phase]", f"output={tmp_path / 'out'}",
    )  # fmt: skip
    assert "nothing to do" in again.stdout


def test_a_damaged_run_is_made_again_first(mapped, tmp_path):
    shutil.copytree(mapped, tmp_path / "out")
    file = next(path for path in (tmp_path / "out/cube.zarr/sigma0_vv/c").rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[:-1])
    refuse("has changed; make it again first", "geocoding.resolution=90", f"output={tmp_path / 'out'}")
    assert not (tmp_path / "out" / ".unfinished").exists()


def test_files_cube_and_memory_have_the_same_values(mapped):
    cube = xr.open_zarr(mapped / "map.zarr")
    memory = alignsar_gpu.geocode(mapped, resolution=60, layers=NAMES)
    xr.testing.assert_equal(cube[NAMES].compute(), memory[NAMES])
    assert np.isfinite(memory.sigma0_vv.values).any()
    for index, date in enumerate(cube["time"].dt.strftime("%Y%m%d").values):
        for name in NAMES:
            with rasterio.open(mapped / "cogs" / f"{name}_{date}.tif") as file:
                np.testing.assert_array_equal(file.read(1), memory[name].values[index])
                assert file.crs.to_epsg() == int(memory["spatial_ref"].attrs["crs_wkt"].rsplit(",", 1)[1][:5])
                assert file.xy(0, 0) == (memory["x"].values[0], memory["y"].values[0])


def test_the_catalogue_lists_the_map(mapped):
    (collection,) = pystac.Catalog.from_file(str(mapped / "stac" / "catalog.json")).get_children()
    assert collection.assets["map"].href.endswith("map.zarr")
    for item in collection.get_items():
        asset = item.assets["map_sigma0_vv"]
        file = Path(asset.get_absolute_href())
        assert asset.media_type == pystac.MediaType.COG
        assert asset.extra_fields["file:size"] == file.stat().st_size
        assert item.assets["map_visual"].roles == ["visual"]


def test_the_manifest_names_every_file(mapped):
    known = set(json.loads((mapped / "manifest.json").read_text())["files"])
    there = {str(p.relative_to(mapped)) for top in ("cogs", "map.zarr") for p in (mapped / top).rglob("*")}
    assert {name for name in there if (mapped / name).is_file()} <= known


def test_some_layers_and_dates_of_an_opened_cube(mapped):
    cube = alignsar_gpu.open(mapped)
    whole = alignsar_gpu.geocode(cube, resolution=60, layers=["sigma0_vv"])
    part = alignsar_gpu.geocode(cube[["sigma0_vv"]].isel(time=[1]), resolution=60)
    np.testing.assert_array_equal(part.sigma0_vv.values[0], whole.sigma0_vv.values[1])


def test_the_lines_of_the_readme(mapped, tmp_path, monkeypatch, capsys):
    code = re.findall(r"<!-- run by \S+test_949\S+ -->\n```python\n(.*?)```", README.read_text(), re.DOTALL)[
        0
    ]
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "mine").symlink_to(mapped)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert "UTM zone" in capsys.readouterr().out


def test_what_cannot_be_mapped(mapped, tmp_path):
    cube = alignsar_gpu.open(mapped)
    with pytest.raises(AlignsarError, match="geocode: give resolution"):
        alignsar_gpu.geocode(mapped)
    with pytest.raises(AlignsarError, match=r"no layer 'sigma_vv'; did you mean sigma0_vv"):
        alignsar_gpu.geocode(mapped, resolution=60, layers=["sigma_vv"])
    with pytest.raises(AlignsarError, match="does not say which cube it comes from"):
        alignsar_gpu.geocode(xr.Dataset(dict(cube.load().data_vars)), resolution=60)
    with pytest.raises(
        AlignsarError, match="the image has 96 lines and 128 samples, these layers 40 and 128"
    ):
        alignsar_gpu.geocode(cube.isel(azimuth=slice(0, 40)), resolution=60)
    small = [*SYNTHETIC, "products.lines=96", "products.samples=128", f"output={tmp_path / 'new'}"]
    refuse(
        "no layer 'sigma0_vw'; did you mean",
        *small,
        "geocoding.resolution=20",
        "geocoding.layers=[sigma0_vw]",
    )
    assert not (tmp_path / "new").exists()  # before any work
    refuse("no finished run", *MAP, f"output={tmp_path}")
    refuse("geocoding.crs: a map needs geocoding.resolution", *SYNTHETIC, "geocoding.crs=EPSG:4326")
