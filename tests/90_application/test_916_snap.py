"""Runs on stacks of SNAP: axes, phase that is still in the pixels, damage."""

import numpy as np
import pytest
import xarray as xr
from command_line import refuse, run
from fake_snap import date_name, write_znap
from small_runs import CUBE_ALONE, NO_REPORT
from synthetic_stack import simulate_stack

LINES, SAMPLES = 96, 161


@pytest.fixture(scope="module")
def lopsided():
    """Non-square, asymmetric, with the reference in the middle."""
    options = {"lines": LINES, "samples": SAMPLES, "dates": 3, "seed": 7}
    return simulate_stack(**options, polarizations=("vv", "vh"), flattened=False)


def snap(data, output):
    return ["products=snap", f"products.path={data}", "device=cpu", f"output={output}"]


def test_no_axis_is_swapped_from_znap_to_netcdf(lopsided, tmp_path):
    data, output = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    for date in range(3):
        write_znap(lopsided, data, [date], ground=date == lopsided.reference, chunks=(40, 50))
    result = run(*snap(data, output), NO_REPORT, "dataset.chunk_lines=32", "dataset.institution=A University")
    assert (
        result.stdout.count("dataset.creator_name, dataset.license: not given, so that nobody can cite") == 1
    )
    pixels, valid = lopsided.read_pixels(0, LINES)
    ground = lopsided.read_ground(0, LINES)
    for date, acquisition in enumerate(lopsided.acquisitions):
        with xr.open_dataset(output / "netcdf" / f"{acquisition.date}.nc") as file:
            assert dict(file.sizes) == {"time": 1, "azimuth": LINES, "range": SAMPLES}
            assert str(file["product_id"].values[0]) == acquisition.product_id
            for p, polarization in enumerate(("vv", "vh")):
                expected = np.where(valid[date, p], np.abs(pixels[date, p]) ** 2, np.nan)
                np.testing.assert_allclose(file[f"intensity_{polarization}"].values[0], expected, rtol=1e-5)
            np.testing.assert_array_equal(file["latitude"].values, np.float32(ground.latitude))
            np.testing.assert_array_equal(file["height"].values, np.float32(ground.height))
    # the phase signal has its own gradient along each axis: flattened here, it must be the truth's
    date = next(i for i in range(3) if i != lopsided.reference)
    with xr.open_dataset(output / "netcdf" / f"{lopsided.acquisitions[date].date}.nc") as file:
        phase = file["interferometric_phase_vv"].values[0]
    good = np.isfinite(phase)
    error = np.exp(1j * (phase - lopsided.truth.phase[date]))[good].mean()
    assert abs(np.angle(error)) < 0.02
    assert abs(error) > 0.3


def test_broken_products_leave_nothing_that_looks_finished(lopsided, tmp_path):
    data, output = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    path = write_znap(lopsided, data, [0, 1, 2], name="all")
    chunk = path / f"i_VV_{date_name(lopsided.acquisitions[2])}" / "0.0"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:5000])
    refuse("cut off or damaged", *snap(data, output))
    assert not output.exists()
    metadata = path / "SNAP" / "product_metadata.json"
    complete = metadata.read_text()
    metadata.write_text(complete[:10_000])
    refuse("not complete JSON", *snap(data, tmp_path / "other"))
    assert not (tmp_path / "other").exists()
    # put right, the same command runs
    chunk.write_bytes(whole)
    metadata.write_text(complete)
    run(*snap(data, output), *CUBE_ALONE)


def test_two_dates_of_different_size(lopsided, tmp_path):
    for date in range(3):
        stop = LINES if date == lopsided.reference else LINES - 6
        write_znap(lopsided, tmp_path, [date], ground=date == lopsided.reference, stop=stop)
    refuse("not one coregistered stack", *snap(tmp_path, tmp_path / "out"))


def test_a_raw_stack_without_heights(lopsided, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write_znap(lopsided, data, [0, 1, 2], ground=False)
    refuse("interferometry.flatten=never", *snap(data, tmp_path / "out"))
    result = run(*snap(data, tmp_path / "left"), *CUBE_ALONE, "interferometry.flatten=never")
    assert "reference and topographic phase are still in the pixels" in result.stdout
    assert "first line time" in result.stdout
    cube = xr.open_zarr(tmp_path / "left" / "cube.zarr")
    assert "phase are still in it" in cube["interferometric_phase_vv"].attrs["comment"]
    assert cube.attrs["flattened"] == "false"
