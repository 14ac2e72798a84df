"""``alignsar_gpu catalog FOLDER RUN``: what it prints, and what is refused."""

import json
import sys

import pytest
from fake_catalogue import finish_run, labelled_cube

import alignsar_gpu
from alignsar_gpu import __main__


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = finish_run(tmp_path_factory.mktemp("joined") / "run", labelled_cube())
    alignsar_gpu.run(output=output, catalog={"doi": "10.5281/zenodo.1"})
    return output


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["alignsar_gpu", "catalog", *map(str, arguments)])
        status = __main__.main()
        return status, capsys.readouterr()

    return run


def test_runs_are_joined(finished, command, tmp_path):
    status, printed = command(tmp_path / "all", finished)
    assert (status, printed.err) == (0, "")
    assert printed.out == (
        f"joined     {finished}: fake-stack version 1, 3 dates, 3 written\n"
        f"catalogue  {tmp_path / 'all' / 'catalog.json'}\n"
    )
    assert "3 dates, 0 written" in command(tmp_path / "all", finished)[1].out
    command(tmp_path / "all", finished, "catalog.href=https://a.example.org/all")
    fields = json.loads((tmp_path / "all" / "catalog.json").read_text())
    assert fields["links"][0]["href"] == "https://a.example.org/all/catalog.json"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "catalog: give the folder of the catalogue, and those of runs"),
        (["all"], "catalog: give the folder of the catalogue, and those of runs"),
        (["all", "nowhere"], "nowhere: is no run with a catalogue (stac/catalog.json)"),
        (["all", "nowhere", "catalog.href=there"], "catalog.href=there: is no web address of a folder"),
    ],
)
def test_what_is_refused(command, arguments, words, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, printed = command(*arguments)
    assert status == 2
    assert printed.err.startswith(f"alignsar_gpu: error: {words}")
    assert len(printed.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
