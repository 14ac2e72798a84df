"""Pixels that are not what their product says: a run refuses them before it works, and reads only what it uses."""

import pytest
from command_line import burst_of, refuse, run
from fake_burst import write_scene
from fake_safe import with_sums
from small_runs import CUBE_ALONE


@pytest.fixture(autouse=True)
def memory(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def scene(tmp_path):
    safe, dem = write_scene(tmp_path)
    return with_sums(safe), dem


def change_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def arguments(scene, output, *more):
    return burst_of(*scene, f"output={output}", *CUBE_ALONE, *more)


def test_a_damaged_file_is_refused_unless_told_otherwise(scene, tmp_path):
    change_a_byte(next((scene[0] / "measurement").glob("*iw1*vh*")))
    refuse("but manifest.safe says", *arguments(scene, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    run(*arguments(scene, tmp_path / "out", "products.verify=false"))


def test_files_of_other_subswaths_are_not_read(scene, tmp_path):
    change_a_byte(next((scene[0] / "measurement").glob("*iw2*")))
    run(*arguments(scene, tmp_path / "out"))


def test_it_is_said_once(scene, tmp_path):
    assert "verified   0.00 GB against the MD5 sums" in run(*arguments(scene, tmp_path / "out")).stderr
    assert "verified" not in run(*arguments(scene, tmp_path / "another")).stderr


def test_the_key_makes_no_other_run(scene, tmp_path):
    run(*arguments(scene, tmp_path / "out"))
    assert "verified" not in run(*arguments(scene, tmp_path / "out", "products.verify=false")).stderr
