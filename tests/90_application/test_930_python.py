"""Runs from Python: the lines of the README, values of Python's kinds, errors, and no trace of Hydra."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from fake_snap import write_znap
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.version import VersionBase
from synthetic_stack import simulate_stack

import alignsar_gpu
from alignsar_gpu.errors import AlignsarError

README = Path(__file__).parents[2] / "README.md"
SIZE = {"products.lines": 96, "products.samples": 130, "products.dates": 2}
ALONE = {"report": "none", "netcdf": "none"}


def test_the_lines_of_the_readme(tmp_path, monkeypatch, capsys):
    code = re.search(r"<!-- run by \S+ -->\n```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    data = tmp_path / "My Data (2024)"
    data.mkdir()
    write_znap(simulate_stack(lines=96, samples=130, dates=2, polarizations=("vv",), seed=1), data, [0, 1])
    monkeypatch.chdir(tmp_path)
    exec(code.replace("FOLDER", str(data)), {})
    device, *coherence = capsys.readouterr().out.splitlines()[-1].split("[")
    assert device
    assert 0 < min(map(float, coherence[0].strip("] ").split())) <= 1
    assert (tmp_path / "outputs" / "mine" / "cube.zarr").is_dir()


def test_a_result_and_no_trace_of_hydra(tmp_path):
    """Twice, the second time within an application of Hydra's."""
    output = tmp_path / "a=b, [c]"
    values = {**SIZE, **ALONE, "signatures.names": ("sigma0", "coherence"), "device.memory_gib": None}
    values |= {"dataset.title": "a=b, [c]", "interferometry.coherence_window_lines": np.int64(5)}
    result = alignsar_gpu.run(products="synthetic", device="cpu", output=output, **values)
    assert result.path == output
    assert repr(result) == f"Result({str(output)!r})"
    assert isinstance(result.cube, xr.Dataset)
    assert result.cube.attrs["title"] == "a=b, [c]"
    assert result.quality["device"]["kind"] == "cpu"
    assert not GlobalHydra.instance().is_initialized()

    version = VersionBase.instance()
    ConfigStore.instance().store(name="schema", node={"own": 1})
    before = dict(ConfigStore.instance().repo)
    with initialize_config_module("alignsar_gpu.configs", version_base="1.2"):
        own = GlobalHydra.instance().hydra
        again = alignsar_gpu.run(products="synthetic", device="cpu", output=output, **values)
        assert GlobalHydra.instance().hydra is own
        assert str(VersionBase.instance().getbase()) == "1.2"
    VersionBase.set_instance(version)
    assert again.path == output
    assert ConfigStore.instance().repo.keys() == before.keys()
    assert ConfigStore.instance().repo["schema.yaml"].node == {"own": 1}
    del ConfigStore.instance().repo["schema.yaml"]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"products.lines": "x"}, "products.lines='x': must be a whole number from 64 to 2048"),
        ({"products.lines": 1}, "products.lines=1: must be at least 64"),
        ({"products.liness": 3}, "products.liness: no such key; did you mean products.lines"),
        ({"signatures": {"nams": ["sigma0"]}}, "signatures.nams: no such key; did you mean signatures.names"),
        ({"products.swaths": ["iw1"]}, "products.swaths: no such key here; it is one of products=sentinel1"),
        ({"radarcoding.layers.a.path": Path("x")}, "dem.path: must be given with radarcoding.layers"),
        ({"radarcoding": {"layers": {"a": {"pth": "x"}}}}, "radarcoding.layers.a.pth: no such key"),
        ({"device": "tpu"}, "device=tpu: there is no 'tpu'"),
        ({"products": "auto"}, "products=auto: finds the reader by the files at products.path"),
        ({"experiment": "demoo"}, "(did you mean demo?)"),
    ],
)
def test_errors_are_of_one_kind(keys, words):
    with pytest.raises(AlignsarError) as caught:
        alignsar_gpu.run(**({"products": "synthetic", "device": "cpu"} | keys))
    assert words in str(caught.value)
    assert not GlobalHydra.instance().is_initialized()


def test_a_path_alone_finds_its_reader(tmp_path):
    (tmp_path / "x.dim").write_text("nothing")
    with pytest.raises(AlignsarError, match=r"x\.dim"):
        alignsar_gpu.run(products={"path": tmp_path}, output=tmp_path / "out")
