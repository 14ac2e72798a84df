"""Runs that write files for AlignSAR's code, and what NetCDF files say of who made them, when and by what."""

import json

import netCDF4
import pytest
import xarray as xr
from command_line import checksums, refuse, run

from alignsar_gpu.application import netcdf
from alignsar_gpu.errors import AlignsarError

SMALL = [
    "products=synthetic", "name=small", "device=cpu", "products.lines=64", "products.samples=96", "products.dates=2",
    "report=none", "signatures.names=[alignsar]",
]  # fmt: skip
LAYOUT = "dataset.alignsar_layout=true"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run, to which the files are added; what the run said, and the checksums before."""
    output = tmp_path_factory.mktemp("layout") / "out"
    first = run(*SMALL, f"output={output}")
    before = checksums(output, "cube.zarr", "netcdf")
    return output, before, first, run(*SMALL, LAYOUT, f"output={output}")


def test_they_are_added_to_a_finished_run(finished):
    output, before, _, result = finished
    assert "signatures" not in result.stderr
    assert checksums(output, "cube.zarr", "netcdf") == before
    files = sorted((output / "alignsar").iterdir())
    dates = sorted(path.stem for path in (output / "netcdf").iterdir())
    assert [path.name for path in files] == [f"netcdf_{date}_full_attributes.nc" for date in dates]
    assert str(output / "alignsar") in result.stdout
    with netCDF4.Dataset(files[0]) as file:
        assert list(file.variables) == [
            "VV amplitude (linear)", "VH amplitude (linear)", "VV interferometric phase (radians)", "VV coherence",
            "Intensity summation", "Intensity difference (dual-pol difference)",
            "Intensity ratio (dual-pol power ratio)", "Cross-pol correlation coefficient", "Cross-pol cross product",
            "Entropy", "Lon", "Lat",
        ]  # fmt: skip
        assert file["Entropy"].shape == (64, 96)
        assert "|c11 - c22|" in file["Cross-pol cross product"].Description


def test_the_catalogue_lists_them(finished):
    items = sorted((finished[0] / "stac").glob("*/*/*.json"))
    assert len(items) == 2
    for path in items:
        asset = json.loads(path.read_text())["assets"]["alignsar"]
        assert (path.parent / asset["href"]).resolve().parent == (finished[0] / "alignsar").resolve()
        assert asset["file:checksum"].startswith("1220")


def test_what_is_left_out_is_said_once(finished):
    *_, result = finished
    assert result.stdout.count("the dataset has no Buildings, Railways, Water, Roads;") == 1


def test_interrupted_and_continued_they_are_the_same_bits(finished, tmp_path, monkeypatch):
    write = netcdf.write_alignsar_date

    def failing(cube, index, path, **options):
        if index:
            raise AlignsarError("the disk is full")
        write(cube, index, path, **options)

    with monkeypatch.context() as context:
        context.setattr(netcdf, "write_alignsar_date", failing)
        run(*SMALL, LAYOUT, f"output={tmp_path}/out", status=2)
    (kept,) = (tmp_path / "out" / ".unfinished" / "alignsar").iterdir()
    time = kept.stat().st_mtime_ns
    assert "continues" in run(*SMALL, LAYOUT, f"output={tmp_path}/out").stderr
    assert (tmp_path / "out" / "alignsar" / kept.name).stat().st_mtime_ns == time
    assert checksums(tmp_path / "out", "alignsar") == checksums(finished[0], "alignsar")


def test_nobody_is_asked_who_made_a_simulated_dataset(finished):
    assert "not given" not in finished[2].stdout


def test_a_date_is_written_only_where_one_is_given(finished, tmp_path, monkeypatch):
    def created(output):
        with xr.open_dataset(next((output / "netcdf").glob("*.nc"))) as file:
            return file.attrs.get("date_created")

    assert created(finished[0]) is None
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    run(*SMALL, f"output={tmp_path / 'epoch'}")
    assert created(tmp_path / "epoch") == "2023-11-14T22:13:20Z"
    run(*SMALL, "dataset.date_created='2026-11-30'", f"output={tmp_path / 'given'}")
    assert created(tmp_path / "given") == "2026-11-30"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    refuse("SOURCE_DATE_EPOCH=yesterday: is no time", *SMALL, f"output={tmp_path / 'none'}")
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    refuse(
        "dataset.date_created=soon: is no date", *SMALL, "dataset.date_created=soon", f"output={tmp_path}/x"
    )


def test_times_of_lines_count_from_one_date(finished):
    for said in (
        xr.open_zarr(finished[0] / "cube.zarr").azimuth.attrs["long_name"],
        xr.open_dataset(next((finished[0] / "netcdf").glob("*.nc"))).azimuth.attrs["long_name"],
    ):
        assert said.count(":") == 2
        assert said.endswith(" 00:00:00 UTC")
