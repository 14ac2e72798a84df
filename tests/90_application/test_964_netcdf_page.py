"""The code of docs/netcdf.md, as it stands there, on a small run."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from command_line import run

PAGE = Path(__file__).parents[2] / "docs" / "netcdf.md"


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    output = tmp_path_factory.mktemp("page") / "outputs" / "mine"
    run(
        "products=synthetic", "name=mine", "device=cpu", "products.lines=64", "products.samples=96",
        "products.dates=2", "signatures.names=[alignsar]", "report=none", "dataset.alignsar_layout=true",
        f"output={output}",
    )  # fmt: skip
    return output


def code(part, output, monkeypatch):
    """Execute a block of the page in the folder of the run, for its first date."""
    monkeypatch.chdir(output.parents[1])
    block = re.search(rf"test_964\S+: {part} -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    first = min(path.stem for path in (output / "netcdf").iterdir())
    space = {}
    exec(block.replace("20220109", first), space)
    return space, first


def test_all_dates_together(output, monkeypatch):
    pytest.importorskip("dask")
    space, _ = code("together", output, monkeypatch)
    with xr.open_zarr(output / "cube.zarr") as cube:
        assert space["dates"].amplitude_vv.shape == cube.amplitude_vv.shape
        assert plt.gca().get_title().startswith(f"time = {str(cube.time.values[1])[:19]}")
    plt.close("all")
    space["dates"].close()


def test_one_array_of_all_layers(output, monkeypatch):
    """As the land-cover notebooks open it: an array by itself, with the names of its layers along the last axis."""
    space, first = code("table", output, monkeypatch)
    with xr.open_dataarray(f"netcdf_{first}.nc") as images:
        assert images.shape == (64, 96, len(space["file"].data_vars))
        names = images.signatures.to_numpy()
        table = np.reshape(images.to_numpy(), (64 * 96, len(names)))
    column = list(names).index("VV coherence")
    np.testing.assert_array_equal(table[:, column], space["file"]["VV coherence"].values.ravel())
    space["file"].close()
