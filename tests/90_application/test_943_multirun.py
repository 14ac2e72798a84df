"""Several runs by one command: each with its folder and its log, and a table at the end."""

import pytest
import xarray as xr
from command_line import run
from small_runs import CUBE_ALONE, SMALL

from alignsar_gpu.frontend.multirun import Jobs, folder_name, swept_keys

WINDOWS = "interferometry.coherence_window_lines=3,5"


def test_every_job_has_its_folder_and_its_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("--multirun", WINDOWS, *SMALL, *CUBE_ALONE)
    for lines in (3, 5):
        folder = tmp_path / "outputs" / "made" / f"interferometry.coherence_window_lines-{lines}"
        assert xr.open_zarr(folder / "cube.zarr").attrs["coherence_window_lines"] == lines
        assert "signatures starts" in (folder / "run.log").read_text()
    assert result.stderr.count("signatures starts") == 2
    assert "job 2: interferometry.coherence_window_lines=5" in result.stderr
    table = [line.split() for line in result.stdout.splitlines()[-3:]]
    assert table[0] == ["job", "keys", "output", "result"]
    assert [line[:2] for line in table[1:]] == [["1", f"{WINDOWS[:-2]}"], ["2", f"{WINDOWS[:-3]}5"]]


def test_what_fails_is_in_the_table_and_the_rest_goes_on(tmp_path):
    result = run(
        "--multirun", "signatures.names=[nonsense],[amplitude]", *SMALL, *CUBE_ALONE,
        f"output={tmp_path / 'out'}", status=2,
    )  # fmt: skip
    first, second = result.stdout.splitlines()[-2:]
    assert first.endswith("failed")
    assert "alignsar_gpu: error: signatures.names" in result.stderr
    assert second.endswith(" s")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["signatures.names-_amplitude_"]


def test_an_interrupt_ends_all_jobs(tmp_path, monkeypatch):
    asked = []

    def interrupted(*_):
        asked.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr("alignsar_gpu.application.pipeline.run", interrupted)
    result = run("--multirun", WINDOWS, *SMALL, f"output={tmp_path / 'out'}", status=130)
    assert len(asked) == 1
    assert result.stdout.splitlines()[-1].endswith("not finished")


@pytest.mark.parametrize("output", ["output=x,y", "output=x-${interferometry.coherence_window_lines}"])
def test_folders_that_differ_are_left(output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("--multirun", output, WINDOWS if "$" in output else "device.threads=1", *SMALL, *CUBE_ALONE)
    folders = {path.name for path in tmp_path.iterdir()} - {"outputs"}
    assert folders == ({"x-3", "x-5"} if "$" in output else {"x", "y"})


def test_names_of_folders():
    assert swept_keys(["-m", "a.b=1,2", "+experiment=demo", "c=range(3)", "d=[1,2]"]) == {"a.b", "c"}
    assert folder_name(["a.b=3", "+products.path=/x/My Data.SAFE"]) == "a.b-3_products.path-_x_My_Data.SAFE"
    long = [folder_name([f"a={'x' * 200}{end}"]) for end in "12"]
    assert long[0] != long[1]
    assert len(long[0]) < 200


def test_one_run_is_no_job():
    jobs = Jobs()
    jobs.end("1 s")
    assert not jobs.rows
