"""What the environment sets wrongly is said in one line before the work."""

import os
import subprocess
import sys

import pytest

from alignsar_gpu.environment import check_environment
from alignsar_gpu.errors import AlignsarError


def test_nothing_is_wrong_here():
    check_environment()


def test_gdal_keeps_no_more_rasters_than_a_run_needs(monkeypatch):
    for given, kept in (("", "256"), ("64", "64")):
        monkeypatch.setenv("GDAL_CACHEMAX", given)
        if not given:
            monkeypatch.delenv("GDAL_CACHEMAX")
        check_environment()
        assert os.environ["GDAL_CACHEMAX"] == kept


@pytest.mark.parametrize("name", ["PROJ_DATA", "PROJ_LIB"])
def test_projs_data(name, tmp_path, monkeypatch):
    for variable in ("PROJ_DATA", "PROJ_LIB"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, f"/nowhere{os.pathsep}{tmp_path}")
    with pytest.raises(AlignsarError, match=rf"^{name}=/nowhere:.*: there is no proj.db.*; unset {name}"):
        check_environment()
    (tmp_path / "proj.db").touch()
    check_environment()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PROJ_LIB": "/nowhere"}, "PROJ_LIB=/nowhere: there is no proj.db"),
        ({"NUMBA_THREADING_LAYER": "none"}, "NUMBA_THREADING_LAYER=none: numba cannot use it"),
        (
            {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
            "LC_ALL=C: its encoding is ascii, by which not all paths and texts can be written; set PYTHONUTF8=1",
        ),
    ],
)
def test_one_line_of_a_run(variables, words, tmp_path):
    command = [sys.executable, "-m", "alignsar_gpu", "+experiment=demo", f"output={tmp_path / 'out'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | variables)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"alignsar_gpu: error: {words}")
    assert not (tmp_path / "out").exists()
