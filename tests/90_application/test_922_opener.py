"""How the cube is opened, as the summary and the report say it: so that all its layers are there."""

import re

import pytest
from command_line import run
from small_runs import SYNTHETIC

import alignsar_gpu

TINY = [*SYNTHETIC, "products.lines=64", "products.samples=80", "products.dates=2", "netcdf=none"]


@pytest.mark.parametrize(("derived", "module"), [("stored", "xarray"), ("computed", "alignsar_gpu")])
def test_the_report_opens_all_layers(tmp_path, monkeypatch, derived, module):
    monkeypatch.setattr("alignsar_gpu.report.SECTIONS", ())  # the pictures take all the time
    output = tmp_path / "out"
    told = run(*TINY, f"dataset.derived={derived}", f"output={output}").stdout
    assert f"{output / 'cube.zarr'}   (alignsar_gpu.open)" in told
    page = (output / "report" / "index.html").read_text()
    (code,) = re.findall(rf"import {module}\ncube = {module}\.open.*", page)
    monkeypatch.chdir(output)
    opened = {}
    exec(code.replace("&#34;", '"'), opened)
    assert set(opened["cube"].data_vars) == set(alignsar_gpu.open(output).data_vars)
