"""What goes wrong around a run: inputs that change, folders that vanish, systems that refuse, servers that are mute."""

from __future__ import annotations

import errno
import http.server
import json
import os
import resource
import shutil
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import pytest
from command_line import run
from small_runs import CUBE_ALONE, FORKED, SMALL

from alignsar_gpu.application import fingerprints, folder
from alignsar_gpu.application.dataset import extraction
from alignsar_gpu.application.fingerprints import InputFiles
from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.errors import AlignsarError

TINY = [*SMALL, *CUBE_ALONE, "signatures.names=[amplitude]"]


def opened(path, *products):
    return RunFolder(path, [StageRecord(name="root", digest="f", products=products or ("a",))], "name: a\n")


def made(work):
    """Begin, and finish a unit of one file."""
    work.begin()
    (work.work / "a").write_text("a")
    work.record("unit", [work.work / "a"])


class TestInputs:
    def test_a_change_is_seen_by_content(self, tmp_path):
        files = [tmp_path / "a", tmp_path / "b"]
        for file in files:
            file.write_text("one")
        inputs = InputFiles()
        inputs.fingerprint({}, files)
        assert inputs.changed() == []
        os.utime(files[0], ns=(1, 1))  # touched only
        assert inputs.changed() == []
        files[0].write_text("two")
        files[1].unlink()
        assert inputs.changed() == files

    def test_each_is_read_once(self, tmp_path, monkeypatch):
        file = tmp_path / "a"
        file.write_text("one")
        read = []
        checksum = fingerprints.file_checksum
        monkeypatch.setattr(fingerprints, "file_checksum", lambda path: read.append(path) or checksum(path))
        inputs = InputFiles()
        assert inputs.fingerprint({}, [file]) == inputs.fingerprint({}, [file])
        assert read == [file]

    def test_a_run_whose_inputs_change_is_not_sealed(self, tmp_path):
        words = r"dem\.tif: changed while the run read it; nothing is kept"
        with opened(tmp_path / "out") as work:
            made(work)
            with pytest.raises(AlignsarError, match=words):
                work.seal([tmp_path / "dem.tif"])
        assert not (tmp_path / "out").exists()


@contextmanager
def server(**headers):
    """A server of one file, with these headers; gives its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def log_message(self, *_):
            pass

    served = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}/dem.tif"
    served.shutdown()
    served.server_close()


class TestServers:
    @pytest.mark.parametrize("name", ["ETag", "Last_Modified"])
    def test_what_a_server_says_is_part_of_the_fingerprint(self, name):
        found = []
        for value in ("one", "two", "one"):
            with server(**{name: value, "Content_Length": "7"}) as url:
                inputs = InputFiles()
                port = url.split("/")[2]
                version = inputs._version(f"/vsicurl/{url}")
                assert value in version
                assert port not in version
                assert not inputs.unchecked
                found.append(version)
        assert found[0] == found[2] != found[1]

    def test_what_it_does_not_say_cannot_be_checked(self):
        with server(Content_Length="7") as url:
            inputs = InputFiles()
            inputs.fingerprint({}, [url])
            assert inputs.unchecked == {url}
        inputs = InputFiles()
        inputs.fingerprint({}, [url, "s3://bucket/dem.tif"])  # nobody is there any more
        assert inputs.unchecked == {url, "s3://bucket/dem.tif"}

    def test_such_a_run_is_kept_and_that_is_said(self, tmp_path, monkeypatch):
        monkeypatch.setattr(extraction.SignaturesPart, "files", lambda _: [["s3://bucket/dem.tif"]])
        run(*TINY, f"output={tmp_path / 'out'}")
        told = run(*TINY, f"output={tmp_path / 'out'}").stdout
        assert "nothing to do" not in told
        assert "whether s3://bucket/dem.tif has changed since cannot be checked" in told


class TestRemoved:
    def test_the_whole_folder(self, tmp_path):
        with opened(tmp_path / "out") as work:
            work.begin()
            shutil.rmtree(tmp_path / "out")
            (tmp_path / "out" / ".unfinished").mkdir(parents=True)  # as writers of arrays do
            (work.work / "a").write_text("a")
            with pytest.raises(AlignsarError, match="was removed while the run was writing it"):
                work.record("unit", [work.work / "a"])
        with opened(tmp_path / "out") as work:
            assert not work.begin()

    def test_a_finished_unit(self, tmp_path):
        with opened(tmp_path / "out") as work:
            made(work)
            (work.work / "a").unlink()
            with pytest.raises(AlignsarError, match="a was removed while the run went on"):
                work.seal()
        with opened(tmp_path / "out") as work:
            assert not work.is_recorded("unit")

    def test_in_a_run(self, tmp_path, monkeypatch):
        record = RunFolder.record

        def record_and_vanish(self, unit, *files, **written):
            record(self, unit, *files, **written)
            if unit == "row-1":
                shutil.rmtree(self.path)

        monkeypatch.setattr(RunFolder, "record", record_and_vanish)
        told = run(*TINY, f"output={tmp_path / 'out'}", "dataset.chunk_lines=32", status=2).stderr
        assert "was removed while the run was writing it" in told
        assert not (tmp_path / "out").exists()


def run_limited(most, arguments):
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    return run(*arguments, status=2)


class TestRefused:
    @pytest.mark.parametrize("most", [3000, 20_000, 300_000])
    def test_files_of_a_limited_size(self, tmp_path, most):
        """As on file systems without large files, and like a full disk: in every kind of file that a run writes."""
        output = tmp_path / "out"
        with ProcessPoolExecutor(1, mp_context=FORKED) as processes:
            arguments = [*SMALL, "report=none", f"output={output}"]
            limited = processes.submit(run_limited, most, arguments).result()
        assert "Traceback" not in limited.stderr
        assert str(output) in limited.stderr.splitlines()[-1]
        assert not (output / "manifest.json").exists()

    @pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOSPC, errno.EMFILE, errno.EDQUOT])
    def test_what_the_system_says_is_said_once_and_the_run_continues(self, tmp_path, monkeypatch, number):
        output, refused = tmp_path / "out", []

        def refuse(_):
            if len(refused) < 3:
                refused.append(number)
                if len(refused) == 3:
                    raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fingerprints.os, "fsync", refuse)
        told = run(*TINY, f"output={output}", status=2).stderr.splitlines()[-1]
        assert f"output={output}: {output}/.unfinished/" in told
        assert f"cannot be written ({os.strerror(number)})" in told
        assert told.endswith("the same command starts again")
        run(*TINY, f"output={output}")
        assert (output / "manifest.json").exists()


class TestLeftovers:
    def test_half_written_files_of_what_was_killed_are_no_products(self, tmp_path):
        with opened(tmp_path / "out") as work:
            work.begin()
            (work.work / "a").mkdir()
            (work.work / "a" / "b").write_text("b")
            work.record("unit", [work.work / "a" / "b"])
            (work.work / "a" / "S1A.SAFE.part" / "x.part").mkdir(parents=True)
            for name in ("manifest.json.part", "a/c.part", "a/c.0123.partial"):
                (work.work / name).write_text("half")
        with opened(tmp_path / "out") as work:
            assert work.begin()
            assert work.is_recorded("unit")
            work.seal()
            work.publish()
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        assert set(manifest["files"]) == {"a/b", "run.yaml"}
        assert {path.name for path in (tmp_path / "out" / "a").iterdir()} == {"b"}
        with opened(tmp_path / "out") as work:
            assert not work.pending

    def test_units_of_a_run_that_nothing_is_known_of_are_forgotten(self, tmp_path):
        with opened(tmp_path / "out") as work:
            made(work)
            (work.work / "state.json").unlink()
        with opened(tmp_path / "out") as work:
            assert not work.begin()
            assert not work.is_recorded("unit")

    def test_a_damaged_run_that_is_interrupted_is_continued(self, tmp_path):
        path = tmp_path / "out"
        with opened(path) as work:
            work.begin()
            (work.work / "a").write_text("a")
            work.seal()
            work.publish()
        (path / "a").write_text("other")
        with opened(path) as work:
            assert work.pending
            made(work)
        with opened(path) as work:
            assert work.begin()
            assert work.is_recorded("unit")
            work.seal()
            work.publish()
        assert (path / "a").read_text() == "a"


def test_the_errors_that_a_user_can_put_right():
    assert {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EMFILE,
        errno.ESTALE,
    } <= folder.CANNOT_WRITE
