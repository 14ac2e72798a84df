"""Why a device is not used: one line that says what is missing and what to do."""

import sys
import tomllib
from pathlib import Path

import pytest
from command_line import refuse
from stand_in import stand_in

import alignsar_gpu
from alignsar_gpu.config import DeviceConfig
from alignsar_gpu.device import choose_device
from alignsar_gpu.errors import AlignsarError


def reason(kind="cuda"):
    """Why there is no device, where one is asked for, or chosen if it is there."""
    if kind == "auto":
        device = choose_device(DeviceConfig(kind="auto"))
        assert device.kind == "cpu"
        return device.reason
    with pytest.raises(AlignsarError) as refused:
        choose_device(DeviceConfig(kind="cuda"))
    assert "install the extra cuda12 or cuda13" in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("kind", ["auto", "cuda"])
def test_says_what_is_missing(kind, monkeypatch):
    with stand_in() as cupy:
        assert choose_device(DeviceConfig(kind=kind)).kind == "cuda"
        with monkeypatch.context() as patch:
            patch.setattr("alignsar_gpu.device.find_spec", lambda _: None)
            assert f"device={kind}: numba-cuda is not installed" in reason(kind)
        with monkeypatch.context() as patch:
            patch.setattr(cupy.runtime, "getDeviceCount", lambda: 0)
            assert f"device={kind}: no CUDA device" in reason(kind)

        def fails():
            raise cupy.runtime.CUDARuntimeError(
                "cudaErrorInsufficientDriver: CUDA driver version is insufficient"
            )

        monkeypatch.setattr(cupy.runtime, "getDeviceCount", fails)
        assert "no usable CUDA driver or device (cudaErrorInsufficientDriver)" in reason(kind)
        monkeypatch.setitem(sys.modules, "cupy", None)
        assert f"device={kind}: CuPy is not installed" in reason(kind)


def test_before_anything_is_simulated(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    refuse(
        "device=cuda: CuPy is not installed", "+experiment=demo", "device=cuda", f"output={tmp_path / 'out'}"
    )
    assert not (tmp_path / "out").exists()


def test_more_memory_than_the_device_has_free_is_refused():
    with (
        stand_in(),
        pytest.raises(AlignsarError, match=r"device.memory_gib=9.*: the GPU has 8.0 of 16.0 GiB free"),
    ):
        choose_device(DeviceConfig(kind="cuda", memory_gib=9.0))


def test_the_extras_bring_what_is_called():
    """CuPy calls cuFFT and does not bring it; it finds NVIDIA's wheels from 14 on."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    code = [path.read_text() for path in Path(alignsar_gpu.__file__).parent.rglob("*.py")]
    assert any("xp.fft." in text for text in code)
    for extra in ("cuda12", "cuda13"):
        asked = project["optional-dependencies"][extra]
        (toolkit,) = (each for each in asked if each.startswith("cuda-toolkit"))
        (cupy,) = (each for each in asked if each.startswith("cupy"))
        assert "cufft" in toolkit.partition("[")[2].partition("]")[0].split(",")
        assert int(cupy.partition(">=")[2].partition(".")[0]) >= 14
