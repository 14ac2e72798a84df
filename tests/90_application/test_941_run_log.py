"""Long runs speak: lines where there is no terminal, run.log, bars that move, space on the disk."""

import logging
import re
import shutil
import time
from types import SimpleNamespace

import pytest
from command_line import refuse, run
from small_runs import CUBE_ALONE, NETWORK, SMALL

from alignsar_gpu import progress
from alignsar_gpu.application import report, space
from alignsar_gpu.progress import StageTimer


@pytest.fixture
def lines(monkeypatch):
    monkeypatch.setattr(
        progress.LOGGER, "disabled", False
    )  # Hydra disables it, and what is refused leaves it so
    found = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    before = progress.LOGGER.handlers, progress.LOGGER.level
    progress.LOGGER.handlers = [handler]
    progress.LOGGER.setLevel(logging.INFO)
    yield found
    progress.LOGGER.handlers, progress.LOGGER.level = before


class TestLines:
    def test_at_the_start_and_from_time_to_time(self, lines, monkeypatch):
        monkeypatch.setattr(progress, "EVERY", 0.05)
        began = time.monotonic()
        with StageTimer().stage("pixels", 24) as advance:
            advance(7)
            time.sleep(0.13)
        took = time.monotonic() - began
        assert lines[0] == "pixels     starts"
        assert lines[1] == "pixels     7 of 24 done after 0 s"
        assert 3 <= len(lines) <= 2 + took / 0.05

    def test_of_a_stage_of_one_step(self, lines, monkeypatch):
        monkeypatch.setattr(progress, "EVERY", 0.05)
        with StageTimer().stage("products"):
            time.sleep(0.08)
        assert lines[1] == "products   works on after 0 s"

    def test_a_terminal_shows_bars_instead(self, monkeypatch, capsys):
        terminal = progress.Console(force_terminal=True, width=100, stderr=True)
        monkeypatch.setattr(progress, "CONSOLE", terminal)
        progress.start_log()
        with StageTimer().stage("pixels", 24):
            pass
        shown = capsys.readouterr().err
        assert "starts" not in shown
        assert "0/24" in shown


class TestRunLog:
    def test_what_was_said_is_in_the_folder_and_is_no_product(self, tmp_path):
        output = tmp_path / "out"
        told = run(*SMALL, *CUBE_ALONE, f"output={output}").stderr
        log = (output / "run.log").read_text().splitlines()
        assert [line.partition(" ")[2] for line in log] == told.splitlines()
        assert all(re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in log)
        assert "run.log" not in (output / "manifest.json").read_text()
        (output / "run.log").unlink()
        assert "nothing to do" in run(*SMALL, *CUBE_ALONE, f"output={output}").stdout
        assert not (output / "run.log").exists()

    def test_a_later_stage_appends(self, tmp_path):
        output = tmp_path / "out"
        run(*SMALL, *CUBE_ALONE, f"output={output}")
        before = (output / "run.log").read_text()
        run(*SMALL, "report=none", f"output={output}")
        after = (output / "run.log").read_text()
        assert after.startswith(before)
        assert "netcdf     starts" in after.removeprefix(before)
        assert "signatures" not in after.removeprefix(before)

    def test_the_error_that_ends_a_run(self, tmp_path, monkeypatch):
        output = tmp_path / "out"
        run(*SMALL, *CUBE_ALONE, f"output={output}")
        refuse("report.dates=19990101: not a date", *SMALL, "report.dates=[19990101]", f"output={output}")
        assert "stopped    report.dates=19990101: not a date" in (output / "run.log").read_text()


def test_the_bar_of_the_report_moves(tmp_path, monkeypatch):
    moved = []

    class Timer(StageTimer):
        def stage(self, name, total=1, step=1):
            if name == "report":
                moved.append(total)
            return super().stage(name, total, step)

    monkeypatch.setattr("alignsar_gpu.application.pipeline.StageTimer", Timer)
    write = report.write_report
    monkeypatch.setattr(report, "write_report", lambda *a, advance, **k: write(*a, advance=moved.append, **k))
    run(*SMALL, "netcdf=none", f"output={tmp_path / 'out'}")
    assert moved == [12, *[1] * 12]


class TestSpace:
    def test_what_a_run_takes_is_said_before_and_about_right(self, tmp_path):
        arguments = [*SMALL, "report=none", "products.lines=512", "products.samples=512"]
        told = run(*arguments, f"output={tmp_path / 'out'}").stderr
        said = re.search(
            r"size  +3 dates of 512 x 512 pixels, \d+ layers: about .* \(cube.zarr (\d+) MB, netcdf (\d+) MB\)",
            told,
        )
        for about, name in zip(said.groups(), ("cube.zarr", "netcdf"), strict=True):
            files = [file for file in (tmp_path / "out" / name).rglob("*") if file.is_file()]
            assert float(about) * 1e6 == pytest.approx(sum(file.stat().st_size for file in files), rel=0.3)
        assert told.index("size ") < told.index("signatures")

    def test_a_disk_that_is_too_small_is_refused_before_the_work(self, tmp_path, monkeypatch):
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage._replace(free=100_000))
        result = refuse(
            "the run will take about", *SMALL, *CUBE_ALONE, *NETWORK, f"output={tmp_path / 'out'}"
        )
        assert "under 1 MB are free there; netcdf=none" in result.stderr
        assert "signatures starts" not in result.stderr
        assert not (tmp_path / "out").exists()

    def test_of_simulated_products(self, tmp_path, monkeypatch, lines):
        burst = SimpleNamespace(grid=SimpleNamespace(lines=1500, samples=20_000), channels={"vv": 0, "vh": 0})
        views = [SimpleNamespace(product=SimpleNamespace(bursts=[burst] * 9))] * 2
        monkeypatch.setattr(space, "_free", lambda _: 10**10)
        space.check_products_space(views, tmp_path)
        assert lines == ["size       18 bursts: about 4.3 GB on disk, 10 GB free"]
        monkeypatch.setattr(space, "_free", lambda _: 10**9)
        with pytest.raises(
            space.AlignsarError, match=r"will take about 4\.3 GB, and 1\.0 GB are free there; simulate"
        ):
            space.check_products_space(views, tmp_path)
        monkeypatch.setattr(space, "_free", lambda _: 3 * 10**9)
        space.check_products_space(views, tmp_path)
        assert "the disk may become full" in lines[-1]
