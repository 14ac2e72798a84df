"""The output folder: nothing looks finished before it is, and nothing of anybody else is touched."""

import json

import pytest

from alignsar_gpu.application.folder import RunFolder, fingerprint_of, write_text
from alignsar_gpu.errors import AlignsarError

SETTINGS = "name: a\nwindow: 3\noutput: x\n"


def folder(path, fingerprint="f1", settings=SETTINGS):
    return RunFolder(path, fingerprint, settings)


def make(run):
    run.begin()
    (run.work / "cube").mkdir(exist_ok=True)
    (run.work / "cube" / "a").write_text("a")
    (run.work / "b.txt").write_text("b")
    run.seal()


def finish(path):
    with folder(path) as run:
        make(run)
        run.publish()


def test_products_appear_only_when_all_are_made(tmp_path):
    path = tmp_path / "deep" / "out"
    with folder(path) as run:
        make(run)
        assert [p.name for p in path.iterdir()] == [".unfinished"]
        assert run.complete
        run.publish()
        assert run.finished
    assert sorted(p.name for p in path.iterdir()) == ["b.txt", "cube", "manifest.json"]
    manifest = json.loads((path / "manifest.json").read_text())
    assert set(manifest["files"]) == {"b.txt", "cube/a"}
    assert manifest["files"]["b.txt"]["size"] == 1


def test_a_finished_run_is_known_and_its_damage_seen(tmp_path):
    finish(tmp_path / "out")
    with folder(tmp_path / "out") as run:
        assert run.finished
        assert run.damage() == ""
        (run.path / "b.txt").write_text("c")
        assert run.damage() == "b.txt has changed"
        (run.path / "b.txt").unlink()
        assert run.damage() == "b.txt is missing"
        run.discard()
        assert not run.finished
        make(run)
        run.publish()
        assert run.finished
        assert run.damage() == ""


def test_publishing_is_resumed(tmp_path):
    """Killed between two renames: the next run puts the rest in place."""
    path = tmp_path / "out"
    with folder(path) as run:
        make(run)
        (run.work / "b.txt").replace(path / "b.txt")
    with folder(path) as run:
        assert run.complete
        assert not run.finished
        run.publish()
    assert sorted(p.name for p in path.iterdir()) == ["b.txt", "cube", "manifest.json"]


def test_units_are_known_by_content(tmp_path):
    with folder(tmp_path / "out") as run:
        assert run.begin() is False
        file = run.work / "part"
        file.write_text("one")
        assert not run.is_recorded("unit")
        run.record("unit", [file])
        assert run.is_recorded("unit")
    with folder(tmp_path / "out") as run:
        assert run.begin() is True
        assert run.is_recorded("unit")
        file.write_text("two")
        assert not run.is_recorded("unit")
        file.unlink()
        assert not run.is_recorded("unit")


def test_other_settings_are_refused_by_name(tmp_path):
    finish(tmp_path / "out")
    other = SETTINGS.replace("3", "5").replace("output: x", "output: y")
    with pytest.raises(
        AlignsarError, match=r"holds another run .*\(window: 3 there, 5 now\).* choose another"
    ):
        folder(tmp_path / "out", "f2", other).__enter__()
    with pytest.raises(AlignsarError, match="input files or the software have changed"):
        folder(tmp_path / "out", "f2").__enter__()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["b.txt", "cube", "manifest.json"]


def test_a_run_that_did_nothing_leaves_nothing(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("there", "new"):
        with folder(tmp_path / name) as run:
            run.begin()
            (run.work / "cube").mkdir()
            run.record("layout", [])
    assert not (tmp_path / "new").exists()
    assert not list((tmp_path / "there").iterdir())


def test_an_unfinished_run_of_other_settings_is_refused(tmp_path):
    with folder(tmp_path / "out") as run:
        run.begin()
        run.record("unit", [])
    with pytest.raises(AlignsarError, match="holds an unfinished run with other settings"):
        folder(tmp_path / "out", "f2").__enter__()


def test_a_folder_of_somebody_else_is_refused_and_left(tmp_path):
    (tmp_path / "precious.txt").write_text("data")
    with pytest.raises(AlignsarError, match="is not empty and is no run of alignsar_gpu"):
        folder(tmp_path).__enter__()
    assert [p.name for p in tmp_path.iterdir()] == ["precious.txt"]
    with pytest.raises(AlignsarError, match="is a file"):
        folder(tmp_path / "precious.txt").__enter__()


def test_a_simulation_inside_is_left_alone(tmp_path):
    """Its folder is there before the run, and is not among what the run has made."""
    inside = tmp_path / "new" / "out" / "simulated"
    with folder(inside) as run:
        make(run)
        run.publish()
    path = inside.parent
    finish(path)
    assert sorted(p.name for p in path.iterdir()) == ["b.txt", "cube", "manifest.json", "simulated"]
    with folder(path) as run:
        assert run.damage() == ""
    with folder(inside) as run:
        assert run.finished
    (path / "manifest.json").unlink()
    with pytest.raises(AlignsarError, match="is not empty and is no run of alignsar_gpu"):
        folder(path).__enter__()


def test_folders_made_for_a_run_that_did_nothing_go_with_it(tmp_path):
    (tmp_path / "there").mkdir()
    with folder(tmp_path / "there" / "new" / "out") as run:
        run.begin()
    assert not list((tmp_path / "there").iterdir())
    with folder(tmp_path / "there" / "new" / "out"):
        (tmp_path / "there" / "new" / "other").write_text("of somebody else")
    assert [p.name for p in (tmp_path / "there" / "new").iterdir()] == ["other"]


def test_one_run_at_a_time(tmp_path):
    with folder(tmp_path / "out"), pytest.raises(AlignsarError, match="another run is writing it"):
        folder(tmp_path / "out").__enter__()
    with folder(tmp_path / "out"):
        pass


def test_a_broken_state_is_named(tmp_path):
    finish(tmp_path / "out")
    (tmp_path / "out" / "manifest.json").write_text('{"finger')
    with pytest.raises(AlignsarError, match=r"manifest\.json: cannot be read"):
        folder(tmp_path / "out").__enter__()


def test_fingerprints(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for place in "ab":
        (tmp_path / place / "in").mkdir()
        (tmp_path / place / "in" / "file").write_text("content")
    files = [tmp_path / place / "in" / "file" for place in "ab"]
    one = fingerprint_of({"window": 3}, files[:1])
    assert one == fingerprint_of({"window": 3}, files[1:])
    assert one != fingerprint_of({"window": 5}, files[:1])
    assert one != fingerprint_of({"window": 3}, [])
    files[1].write_text("Content")
    assert one != fingerprint_of({"window": 3}, files[1:])


def test_text_is_written_whole_or_not_at_all(tmp_path):
    write_text(tmp_path / "x", "one")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "x", "two \ud800")
    assert (tmp_path / "x").read_text() == "one"
