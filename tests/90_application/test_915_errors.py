"""Errors that a user can put right: one line, status 2, nothing left behind."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import command, refuse
from small_runs import SMALL

from alignsar_gpu.__main__ import main
from alignsar_gpu.interrupts import Interrupted


@pytest.mark.parametrize(
    ("error", "words", "status"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/y"),
            "cannot write /x/y (No space left on device); put that right, and run the same command again",
            2,
        ),
        (Interrupted(signal.SIGTERM), "alignsar_gpu: interrupted by SIGTERM", 143),
    ],
)
def test_a_full_disk_and_an_impatient_user(error, words, status, monkeypatch, capsys, tmp_path):
    def fail(*_):
        raise error

    monkeypatch.setattr("alignsar_gpu.application.pipeline.run", fail)
    monkeypatch.setattr(sys, "argv", ["alignsar_gpu", *SMALL, f"output={tmp_path / 'out'}"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    assert main() == status
    assert words in capsys.readouterr().err


def test_help():
    """As a user asks for it: in a process of its own."""
    help_of = [sys.executable, "-m", "alignsar_gpu", "--help"]
    result = subprocess.run(help_of, capture_output=True, text=True, check=True)
    assert "+experiment=demo" in result.stdout
    assert "amsterdam" in result.stdout


def test_wrong_words(tmp_path):
    output = f"output={tmp_path / 'out'}"
    refuse("no 'nope'; choose from amsterdam, burst, demo", "+experiment=nope", output)
    refuse("choose an experiment", output)
    refuse("products.lines=abc", "products=synthetic", "products.lines=abc", output)
    refuse("products.colour", "+experiment=demo", "products.colour=red", output)
    refuse("signatures.names", "+experiment=demo", "device=cpu", "signatures.names=[magic]", output)
    assert not (tmp_path / "out").exists()


def test_a_wrong_word_as_a_process_tells_it(tmp_path):
    """Its status, and nothing but one line on the error stream."""
    wrong = [sys.executable, "-m", "alignsar_gpu", "+experiment=nope", f"output={tmp_path / 'out'}"]
    result = subprocess.run(wrong, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("alignsar_gpu: error: experiment=nope: there is no 'nope'")


def test_cuda_without_a_gpu(tmp_path):
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has a GPU")
    refuse("device=cuda:", "+experiment=demo", "device=cuda", f"output={tmp_path / 'out'}")
    assert not (tmp_path / "out").exists()


def test_missing_folder(tmp_path):
    output = f"output={tmp_path / 'out'}"
    nowhere = tmp_path / "nowhere"
    refuse("no such file or folder", "+experiment=amsterdam", f"products.path={nowhere}", output)
    refuse("products.path: must be given", "+experiment=amsterdam", output)


def test_too_little_memory(tmp_path):
    words = "raise it, or lower dataset.chunk_lines"
    memory = ["products.samples=900", "device.memory_gib=0.01"]
    refuse(words, *SMALL, *memory, f"output={tmp_path / 'out'}")


def test_full_error_shows_the_traceback(tmp_path):
    environment = {**os.environ, "HYDRA_FULL_ERROR": "1"}
    result = subprocess.run(
        command("+experiment=amsterdam", f"products.path={tmp_path / 'x'}"),
        capture_output=True, text=True, check=False, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert "Traceback" in result.stderr
