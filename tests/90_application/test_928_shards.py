"""A cube of many shards holds what a cube of few does, through all stages."""

import numpy as np
import pytest
import xarray as xr
from command_line import run
from small_runs import NETWORK, NO_REPORT, SMALL

FINE = ["dataset.chunk_lines=32", "dataset.chunk_samples=64"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    output = tmp_path_factory.mktemp("shards") / "whole"
    run(*SMALL, *NETWORK, *FINE, NO_REPORT, f"output={output}")
    return output


@pytest.mark.parametrize("most_chunks", [1, 30])
def test_many_shards(whole, tmp_path, monkeypatch, most_chunks):
    monkeypatch.setattr("alignsar_gpu.dataset.cube.MOST_CHUNKS", most_chunks)
    output = tmp_path / "many"
    run(*SMALL, *NETWORK, *FINE, NO_REPORT, f"output={output}")
    for store in ("cube.zarr", "interferograms.zarr"):
        few, many = (xr.open_zarr(folder / store) for folder in (whole, output))
        assert set(few.variables) == set(many.variables)
        for name in few.variables:
            np.testing.assert_array_equal(few[name].values, many[name].values)
    few, many = (
        [file for file in (folder / "cube.zarr" / "amplitude_vv" / "c").rglob("*") if file.is_file()]
        for folder in (whole, output)
    )
    assert len(many) > len(few) == 1
    for file in (whole / "netcdf").iterdir():
        assert file.read_bytes() == (output / "netcdf" / file.name).read_bytes()
