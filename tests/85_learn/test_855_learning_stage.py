"""Learning as a stage: added to a finished run, continued after a kill, and refused before any work."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from typing import TYPE_CHECKING

from chipped_cube import cube_of, with_label
from command_line import refuse
from scipy.ndimage import gaussian_filter

import alignsar_gpu
from alignsar_gpu.application.dataset.description import bounds
from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.application.learn import stage
from alignsar_gpu.dataset.cube import finish_cube, write_dataset
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from pathlib import Path

LINES, SAMPLES, DATES = 96, 320, 2
CLASSES = {"flag_values": [0, 1, 2, 255], "flag_meanings": "none field water unknown"}
CHIPS = {"size": [8, 16], "dates": "together", "split.block": 400.0}
DEVICE = {"kind": "cpu", "threads": 1}  # two processes with two threads each wait for each other
LEARN = {"task": "land_cover", "models": ["unet"], "epochs": 2, "bootstrap": 20}


def finished_run(output, *, label=True):
    """A finished run of a cube, whose brightness tells the class."""
    rng = np.random.default_rng(5)
    smooth = gaussian_filter(rng.normal(size=(LINES, SAMPLES)), (2.0, 6.0))
    cube = cube_of(LINES, SAMPLES, DATES)
    if label:
        with_label(cube, "land_cover", np.where(smooth > 0.0, 1, 2).astype(np.uint8), **CLASSES)
    power = np.where(smooth > 0.0, 0.3, 0.02) * rng.gamma(4.0, 0.25, (DATES, LINES, SAMPLES))
    cube["sigma0_vv"].values[:] = power.astype(np.float32)
    record = StageRecord(name="dataset", digest="f", products=("cube.zarr", "quality.json"))
    with RunFolder(output, [record], "name: made\n") as folder:
        folder.begin()
        write_dataset(folder.work / "cube.zarr", cube)
        finish_cube(folder.work / "cube.zarr", bounds(folder.work / "cube.zarr"))
        (folder.work / "quality.json").write_text("{}")
        folder.seal()
        folder.publish()
    return output


def run(output, **learn):
    alignsar_gpu.run(output=output, device=DEVICE, chips=CHIPS, learn={**LEARN, **learn})
    return json.loads((output / "learn" / "metrics.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("learning") / "run")


def test_is_added_to_a_finished_run(finished):
    before = (finished / "cube.zarr" / "zarr.json").read_bytes()
    metrics = run(finished)
    assert metrics["models"]["unet"]["test"]["macro_f1"]["mean"] > 0.5
    assert (finished / "cube.zarr" / "zarr.json").read_bytes() == before
    assert not list(finished.rglob("*.checkpoint"))


def test_predicts_the_scene_and_describes_the_model(finished):
    run(finished)  # nothing is left to do where the test before has made it
    cube, found = (xr.open_zarr(finished / name) for name in ("cube.zarr", "predictions.zarr"))
    known = found["predicted_land_cover"] != 255
    agrees = (found["predicted_land_cover"] == cube["land_cover"]).where(known).mean()
    assert found.attrs["model_file"] == "learn/unet/seed-1.safetensors"
    assert float(agrees) > 0.7
    text = (finished / "learn/index.html").read_text()
    assert 'href="unet/README.md"' in text
    assert "pictures/scene.svg" in text
    (item,) = (json.loads(path.read_text()) for path in finished.glob("stac/*-model-unet/*.json"))
    assert item["properties"]["mlm:name"] == "unet"


def test_the_same_command_does_nothing_again_and_other_keys_train_again(finished):
    run(finished)
    weights = finished / "learn" / "unet" / "seed-1.safetensors"
    made, text = weights.stat().st_mtime_ns, (finished / "learn" / "metrics.json").read_text()
    run(finished)
    assert weights.stat().st_mtime_ns == made
    assert run(finished, seeds=[2])["models"]["unet"]["seeds"].keys() == {"2"}
    run(finished)
    assert (finished / "learn" / "metrics.json").read_text() == text


COMMAND = """
import sys
import alignsar_gpu
alignsar_gpu.run(output=sys.argv[1], device={device}, chips={chips}, learn={learn})
"""


def test_a_training_that_is_killed_goes_on(finished, tmp_path):
    expected = run(finished, epochs=6)
    output = finished_run(tmp_path / "run")
    text = COMMAND.format(device=DEVICE, chips=CHIPS, learn={**LEARN, "epochs": 6})
    process = subprocess.Popen([sys.executable, "-c", text, str(output)], stderr=subprocess.DEVNULL)
    found: list[Path] = []
    while process.poll() is None and not found:
        time.sleep(0.02)
        found = list(output.rglob("seed-1.checkpoint"))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert found
    assert not (output / "learn").exists()
    metrics = run(output, epochs=6)
    assert metrics["models"] == expected["models"]


def test_is_refused_before_any_work(finished, monkeypatch):
    refuse(
        "learn.models=[unet]: learning needs learn.task too",
        *("products=synthetic", "learn.models=[unet]", "output=x"),
    )
    refuse("learn.task=landcover: choose from land_cover", "learn.task=landcover", f"output={finished}")
    refuse("has a seed twice", "learn.task=change", "learn.seeds=[1,1]", f"output={finished}")
    refuse(
        "learn.task=land_cover: learns from chips", "products=synthetic", "learn.task=land_cover", "output=x"
    )
    monkeypatch.setattr(stage, "NEEDED", ("no_such_package",))
    refuse("install the extra", "learn.task=land_cover", f"output={finished}")


def test_runs_without_chips_or_labels(tmp_path):
    output = finished_run(tmp_path / "run", label=False)
    with pytest.raises(AlignsarError, match="this run has no chips"):
        alignsar_gpu.run(output=output, device="cpu", learn=LEARN)
    with pytest.raises(AlignsarError, match="has no label of classes"):
        run(output)
    assert not (output / "learn").exists()
