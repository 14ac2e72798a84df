"""The doctor: what a bug report needs, on one screen, whatever is broken."""

import subprocess
import sys

from alignsar_gpu import __main__, doctor

ROWS = [
    *("version", "python", "system", "libraries", "device", "threads", "kernels", "cache", "proj", "egm96"),
    *("egm2008", "disk", "memory", "locale"),
]


def rows(page):
    return {line.split()[0]: line[12:] for line in page.splitlines() if not line.startswith(" ")}


def test_one_screen():
    page = doctor.examine()
    assert list(rows(page)) == ROWS
    assert len(page.splitlines()) <= 24
    assert "numpy 2" in page
    assert "device=auto: " in page


def test_commands(monkeypatch, capsys):
    module = subprocess.run(
        [sys.executable, "-m", "alignsar_gpu.doctor"], capture_output=True, text=True, check=False
    )
    monkeypatch.setattr(sys, "argv", ["alignsar_gpu", "doctor"])
    assert __main__.main() == module.returncode
    assert list(rows(module.stdout)) == list(rows(capsys.readouterr().out)) == ROWS


class TestProblems:
    @staticmethod
    def found(capsys):
        assert doctor.main() == 1
        return rows(capsys.readouterr().out)

    def test_a_cache_that_cannot_be_written(self, monkeypatch, capsys):
        monkeypatch.setenv("NUMBA_CACHE_DIR", "/proc/nowhere")
        monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
        found = self.found(capsys)
        assert found["kernels"].startswith("PROBLEM: /proc/nowhere cannot be written (")
        assert found["cache"].startswith("PROBLEM: /proc/nowhere/alignsar_gpu cannot be written (")

    def test_a_proj_folder_without_its_database(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setenv("PROJ_LIB", str(tmp_path))
        assert f"PROBLEM: PROJ_LIB={tmp_path} has no proj.db; unset it" in doctor.examine()
        self.found(capsys)

    def test_a_locale_without_utf_8(self, monkeypatch, capsys):
        monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale: "ANSI_X3.4-1968")
        assert self.found(capsys)["locale"].endswith("names with accents fail; export LC_ALL=C.UTF-8")

    def test_a_library_that_breaks_does_not_break_the_page(self, monkeypatch, capsys):
        monkeypatch.setattr("alignsar_gpu.device.choose_device", lambda _: 1 / 0)
        assert self.found(capsys)["device"] == "PROBLEM: ZeroDivisionError: division by zero"
