"""The output folder: nothing looks finished before it is, and nothing of anybody else is touched."""

import json
import shutil

import pytest

from alignsar_gpu.application import journal
from alignsar_gpu.application.fingerprints import InputFiles, file_checksum, write_text
from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.errors import AlignsarError

SETTINGS = "name: a\nwindow: 3\noutput: x\n"
WHOLE = [".checked.json", "b.txt", "cube", "manifest.json", "run.log", "run.yaml"]


def folder(path, digest="f1", settings=SETTINGS, more=()):
    root = StageRecord(name="root", digest=digest, products=("cube", "b.txt"))
    return RunFolder(path, [root, *more], settings)


def page(digest="p1"):
    """A stage beside the root, which reads its products."""
    return StageRecord(name="page", digest=digest, products=("page",), reads=("root",))


def make(run):
    """What is pending, each stage with its products; the page shows what the cube holds."""
    run.begin()
    if "root" in run.pending:
        (run.work / "cube").mkdir(exist_ok=True)
        (run.work / "cube" / "a").write_text("a")
        (run.work / "b.txt").write_text("b")
    if "page" in run.pending:
        (run.work / "page").mkdir(exist_ok=True)
        (run.work / "page" / "index").write_text("of " + (run.work / "cube" / "a").read_text())
    run.seal()


def finish(path):
    with folder(path) as run:
        make(run)
        run.publish()


def test_products_appear_only_when_all_are_made(tmp_path):
    path = tmp_path / "deep" / "out"
    with folder(path) as run:
        make(run)
        assert sorted(p.name for p in path.iterdir()) == [".unfinished", "run.log"]
        run.publish()
        assert not run.pending
    assert sorted(p.name for p in path.iterdir()) == WHOLE
    manifest = json.loads((path / "manifest.json").read_text())
    assert set(manifest["files"]) == {"b.txt", "cube/a", "run.yaml"}
    assert manifest["files"]["b.txt"]["size"] == 1


@pytest.mark.parametrize("file", ["b.txt", "cube/a", "run.yaml"])
def test_a_finished_run_is_known_and_its_damage_seen(tmp_path, file):
    finish(tmp_path / "out")
    with folder(tmp_path / "out") as run:
        assert not run.pending
        assert not run.damage
        (run.path / file).write_text("c")
    with folder(tmp_path / "out") as run:
        assert run.damage == {"root": f"{file} has changed"}
        assert run.pending == ("root",)
        (run.path / file).unlink()
    with folder(tmp_path / "out") as run:
        assert run.damage == {"root": f"{file} is missing"}
        make(run)
        run.publish()
    with folder(tmp_path / "out") as run:
        assert not run.pending


def test_publishing_is_resumed(tmp_path):
    """Killed between two renames: the next run puts the rest in place."""
    path = tmp_path / "out"
    with folder(path) as run:
        make(run)
        (run.work / "b.txt").replace(path / "b.txt")
    with folder(path) as run:
        assert not run.pending
    assert sorted(p.name for p in path.iterdir()) == WHOLE


@pytest.fixture
def read(monkeypatch):
    """Names of the files whose checksums are computed."""
    names = []
    monkeypatch.setattr(journal, "file_checksum", lambda path: names.append(path.name) or file_checksum(path))
    return names


def test_a_finished_run_is_checked_by_sizes_and_times(tmp_path, read):
    finish(tmp_path / "out")
    assert sorted(read) == ["a", "b.txt", "run.yaml"]  # once, while it is sealed
    read.clear()
    with folder(tmp_path / "out") as run:
        assert not run.pending
    assert not read


def test_a_copied_folder_is_read_once_and_found_whole(tmp_path, read):
    finish(tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "copy", copy_function=shutil.copyfile)
    for names in (["a", "b.txt", "run.yaml"], []):
        read.clear()
        with folder(tmp_path / "copy") as run:
            assert not run.pending
        assert sorted(read) == names


def test_a_folder_of_another_format_is_refused(tmp_path):
    finish(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    for other in ({**manifest, "format": 0}, {n: v for n, v in manifest.items() if n != "format"}):
        (tmp_path / "out" / "manifest.json").write_text(json.dumps(other))
        with pytest.raises(
            AlignsarError, match=r"of another version .*format 0, this one writes 1\); make it again"
        ):
            folder(tmp_path / "out").__enter__()


def contents(path):
    return {
        str(p.relative_to(path)): (p.stat().st_mtime_ns, p.read_bytes())
        for p in path.rglob("*")
        if p.is_file() and p.name != "run.log"
    }


class TestStages:
    """A stage beside the root is added and remade by itself."""

    def test_a_new_stage_is_added(self, tmp_path):
        path = tmp_path / "out"
        finish(path)
        before = contents(path)
        with folder(path, more=[page()]) as run:
            assert run.pending == ("page",)
            make(run)
            run.publish()
        after = contents(path)
        assert after.pop("page/index")[1] == b"of a"
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"manifest.json", "run.yaml", ".checked.json"}
        with folder(path, more=[page()]) as run:
            assert not run.pending

    def test_one_with_other_settings_is_made_anew(self, tmp_path):
        path = tmp_path / "out"
        with folder(path, more=[page()]) as run:
            make(run)
            run.publish()
        with folder(path, more=[page("p2")]) as run:
            assert run.pending == ("page",)

    def test_what_reads_a_damaged_product_is_made_anew(self, tmp_path):
        path = tmp_path / "out"
        for file, pending in (("b.txt", ("root", "page")), ("page/index", ("page",))):
            with folder(path, more=[page()]) as run:
                make(run)
                run.publish()
            (path / file).write_text("changed")
            with folder(path, more=[page()]) as run:
                assert run.pending == pending

    def test_one_that_is_not_wanted_is_left_alone(self, tmp_path):
        path = tmp_path / "out"
        with folder(path, more=[page()]) as run:
            make(run)
            run.publish()
        before = contents(path)
        with folder(path) as run:
            assert not run.pending
        assert contents(path) == before
        (path / "b.txt").write_text("changed")
        with folder(path) as run:
            assert run.pending == ("root",)
            make(run)
            run.publish()
        assert (path / "page" / "index").read_text() == "of a"

    def test_stopped_in_the_middle_it_leaves_the_finished_products(self, tmp_path):
        path = tmp_path / "out"
        finish(path)
        before = contents(path)
        with folder(path, more=[page()]) as run:
            run.begin()
            assert (run.work / "cube" / "a").read_text() == "a"
        assert contents(path) == before
        with folder(path, more=[page()]) as run:
            make(run)  # sealed, but not published
        with folder(path, more=[page()]) as run:
            assert not run.pending
        assert contents(path)["page/index"][1] == b"of a"

    def test_units_of_other_settings_are_forgotten(self, tmp_path):
        path = tmp_path / "out"
        for digest, known in (("p1", False), ("p1", True), ("p2", False)):
            with folder(path, more=[page(digest)]) as run:
                run.begin()
                run.record("of the root", [])
                (run.work / "page").mkdir(exist_ok=True)
                assert run.is_recorded("page/index") is known
                (run.work / "page" / "index").write_text("x")
                run.record("page/index", [run.work / "page" / "index"])


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
    many = SETTINGS + "".join(f"key{number:02}: [a, true]\n" for number in range(20))
    with pytest.raises(AlignsarError, match=r"key11: unset there, \[a,true\] now, and 8 more\)"):
        folder(tmp_path / "out", "f2", many).__enter__()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == WHOLE


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
    assert sorted(p.name for p in path.iterdir()) == [*WHOLE, "simulated"]
    for place in (path, inside):
        with folder(place) as run:
            assert not run.pending
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
    one = InputFiles().fingerprint({"window": 3}, files[:1])
    assert one == InputFiles().fingerprint({"window": 3}, files[1:])
    assert one != InputFiles().fingerprint({"window": 5}, files[:1])
    assert one != InputFiles().fingerprint({"window": 3}, [])
    files[1].write_text("Content")
    assert one != InputFiles().fingerprint({"window": 3}, files[1:])


def test_the_order_of_files_does_not_change_a_fingerprint(tmp_path):
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_text(file.name)
    assert InputFiles().fingerprint({}, files) == InputFiles().fingerprint({}, files[::-1])
    assert InputFiles().fingerprint({}, files) != InputFiles().fingerprint({}, files[:2])


def test_text_is_written_whole_or_not_at_all(tmp_path):
    write_text(tmp_path / "x", "one")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "x", "two \ud800")
    assert (tmp_path / "x").read_text() == "one"
