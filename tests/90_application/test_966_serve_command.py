"""The command ``serve``: what it says, how it ends, and what it refuses."""

import json
import signal
import subprocess
import urllib.request

import pytest
from command_line import command, refuse, run

from alignsar_gpu.frontend.serving import make_server


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "stac").mkdir()
    catalogue = {"type": "Catalog", "id": "made", "links": []}
    (folder / "stac" / "catalog.json").write_text(json.dumps(catalogue))
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_quietly(served, number):
    process = subprocess.Popen(
        command("serve", served, "--port", "0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    line = process.stdout.readline()
    assert line.startswith("serving    http://127.0.0.1:")
    assert str(served) in line
    with urllib.request.urlopen(line.split()[1]) as answer:
        assert "made" in answer.read().decode()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_folder_of_the_catalogue_is_its_run(served, tmp_path):
    (served / "manifest.json").touch()
    with make_server(served / "stac", "127.0.0.1", 0, None) as server:
        assert server.served.folder == served
    with make_server(served, "127.0.0.1", 0, None) as server:
        assert server.served.catalogue == served / "stac" / "catalog.json"


def test_refusals(served, tmp_path):
    refuse("serve: the following arguments are required: OUTPUT; alignsar_gpu serve --help", "serve")
    refuse("did you mean serve?", "server")
    refuse("there is no such folder", "serve", tmp_path / "absent")
    refuse("holds no finished run (stac/catalog.json)", "serve", tmp_path)
    refuse("'http' is no port", "serve", served, "--port", "http")
    refuse("'70000' is no port", "serve", served, "--port", "70000")
    refuse("unrecognized arguments: --open", "serve", served, "--open")
    refuse("holds no build of STAC Browser", "serve", served, "--browser", tmp_path)


def test_help():
    assert "serve OUTPUT" in run("--help").stdout
    page = " ".join(run("serve", "--help").stdout.split())
    assert "Show a finished run in a web browser" in page
    assert "--browser FOLDER" in page
