"""What a run makes beside the cube, what it says of itself, and how its folder is called, when nothing is asked for."""

import netCDF4
import pystac
import pytest
import xarray as xr
from command_line import refuse, run
from small_runs import SMALL


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    output = tmp_path_factory.mktemp("everything") / "out"
    run(*SMALL, "netcdf=dates", "report=full", f"output={output}")
    return output


def test_netcdf_and_report_are_chosen_by_one_word(everything, tmp_path):
    run(*SMALL, "netcdf=none", "report=none", f"output={tmp_path / 'none'}")
    made, less = ({path.name for path in output.iterdir()} for output in (everything, tmp_path / "none"))
    assert made - less == {"netcdf", "report"}
    refuse("netcdf=each: choose from dates, one, none", *SMALL, "netcdf=each", f"output={tmp_path / 'x'}")


def test_no_licence_is_stated_unasked(everything, tmp_path):
    asked = tmp_path / "asked"
    run(*SMALL, "dataset.license=CC0-1.0", f"output={asked}")
    for output, license_ in ((everything, None), (asked, "CC0-1.0")):
        assert xr.open_zarr(output / "cube.zarr").attrs.get("license") == license_
        with netCDF4.Dataset(next((output / "netcdf").glob("*.nc"))) as file:
            assert ("license" in file.ncattrs()) == (license_ is not None)
        (collection,) = pystac.Catalog.from_file(str(output / "stac" / "catalog.json")).get_children()
        assert collection.license == (license_ or "other")
        assert "CC-BY" not in (output / "report" / "index.html").read_text()


def test_a_run_without_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [argument for argument in SMALL if not argument.startswith("name=")]
    run(*arguments, "netcdf=none", "report=none")
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["synthetic"]
    assert xr.open_zarr("outputs/synthetic/cube.zarr").attrs["id"].startswith("synthetic-2022")
