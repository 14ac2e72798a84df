"""Ctrl-C and SIGTERM: the status that shells expect, no traceback, and the truth about what is kept."""

import os
import signal
import subprocess
import sys
import time

import pytest
from command_line import command, run
from small_runs import CUBE_ALONE, SMALL

from alignsar_gpu import interrupts
from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.interrupts import Interrupted

ROWS = [*SMALL, *CUBE_ALONE, "dataset.chunk_lines=32", "device.memory_gib=0.02"]


def opened(path):
    return RunFolder(path, [StageRecord(name="root", digest="f", products=("a",))], "name: a\n")


def stop(path, units, before=None):
    """What is said when a run is interrupted after so many finished units."""
    with pytest.raises(Interrupted) as caught, opened(path) as work:  # noqa: PT012
        work.begin()
        for number in range(units):
            work.record(f"unit-{number}")
        raise Interrupted(signal.SIGINT)
    return str(caught.value)


class TestWhatIsKept:
    def test_nothing(self, tmp_path):
        said = stop(tmp_path / "out", 0)
        assert said.startswith("interrupted by SIGINT; no part was finished in ")
        assert said.endswith("the same command starts again")
        assert not (tmp_path / "out").exists()

    def test_some(self, tmp_path):
        said = stop(tmp_path / "out", 2)
        assert said.endswith("2 finished parts kept in " + f"{tmp_path / 'out'}: the same command continues")
        assert "stopped    interrupted by SIGINT" in (tmp_path / "out" / "run.log").read_text()

    def test_a_simulation_that_was_made_before(self, tmp_path):
        (tmp_path / "out" / "simulated").mkdir(parents=True)
        (tmp_path / "out" / "simulated" / "manifest.json").write_text("{}")
        assert "what was there before is kept" in stop(tmp_path / "out", 0)
        assert not (tmp_path / "out" / "run.log").exists()

    def test_of_a_row_of_a_run(self, tmp_path, monkeypatch):
        """The second row of five is recorded, then the user has enough."""
        record = RunFolder.record

        def record_and_stop(self, unit, *files, **written):
            record(self, unit, *files, **written)
            if unit == "row-1":
                raise Interrupted(signal.SIGTERM)

        monkeypatch.setattr(RunFolder, "record", record_and_stop)
        said = run(*ROWS, f"output={tmp_path / 'out'}", status=143).stderr.splitlines()[-1]
        assert said.startswith("alignsar_gpu: interrupted by SIGTERM; stage signatures, ")
        assert said.endswith(f"2 finished parts kept in {tmp_path / 'out'}: the same command continues")
        monkeypatch.undo()
        assert "continues" in run(*ROWS, f"output={tmp_path / 'out'}").stderr


@pytest.fixture
def _taking_signals():
    """Let child processes take SIGINT, which what runs in the background of a shell has inherited as ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_taking_signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
class TestProcesses:
    def test_at_work(self, tmp_path, number, status):
        output = tmp_path / "out"
        started = subprocess.Popen(
            command(*SMALL, "products.lines=2048", "products.samples=2048", f"output={output}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in started.stderr:
            if "products   starts" in line:
                break
        started.send_signal(number)
        said = started.communicate()[1].splitlines()[-1]
        assert started.returncode == status
        assert f"interrupted by {number.name}; stage products, not finished; no part was finished in" in said
        assert not output.exists()

    def test_while_modules_are_imported(self, number, status):
        """No traceback and no message of a library, wherever it comes."""
        for delay in (0.05, 0.15, 0.3):
            started = subprocess.Popen(
                [sys.executable, "-c", IMPORTING, "--help"],
                stderr=subprocess.PIPE,
                text=True,
            )
            assert started.stderr.readline() == "ready\n"
            time.sleep(delay)
            started.send_signal(number)
            said = started.communicate()[1]
            assert started.returncode == status
            assert said == f"alignsar_gpu: interrupted by {number.name}; no work had begun\n"


# The main module as `python -m` runs it, on a machine where an import takes a second.
IMPORTING = """
import runpy, sys, time, types
class Slow:
    def find_spec(self, name, *_):
        if name == "hydra":
            print("ready", file=sys.stderr, flush=True)
            time.sleep(1)
sys.meta_path.insert(0, Slow())
runpy.run_module("alignsar_gpu", run_name="__main__")
"""


def test_signals_that_are_ignored_stay_so():
    """As under nohup, and of jobs that a script starts in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.raising():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
