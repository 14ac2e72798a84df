"""A process that reads inputs one by one, so that a crash, a hang or too much memory is seen and survived."""

import multiprocessing
import resource
import shutil
import tempfile
import traceback
import warnings
from pathlib import Path

from alignsar_gpu.errors import AlignsarError

LONGEST = 10.0  # seconds for an input
MOST_MEMORY = 1 << 30  # bytes more than before
REFUSED, ACCEPTED = "refused", "accepted"


class Worker:
    """Reads inputs of one target; ``outcome`` of each is REFUSED, ACCEPTED, or else what was wrong."""

    def __init__(self, target):
        self.target = target
        self._process, self._pipe = None, None

    def outcome(self, files):
        if self._process is None:
            self._start()
        try:
            self._pipe.send(files)
            if self._pipe.poll(LONGEST):
                return self._pipe.recv()
            fault = f"hung for {LONGEST:g} s"
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.join(1.0)
            fault = f"ended the process (exit code {self._process.exitcode})"
        self.close()
        return fault

    def _start(self):
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self.target, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def close(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = None


def _serve(target, pipe):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while True:
            try:
                files = pipe.recv()
            except EOFError:
                return
            pipe.send(_outcome(target, files))


def _outcome(target, files):
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        before = _peak(reset=True)
        found = _read(target, folder)
        used = _peak() - before
        return found if used <= MOST_MEMORY else f"used {used >> 20} MB"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(target, folder):
    try:
        faults = target.faults(target.read(folder))
    except AlignsarError as error:
        return REFUSED if "\n" not in str(error).strip() else f"a message of several lines: {error}"
    except BaseException:  # noqa: BLE001  (what it is, is reported)
        return traceback.format_exc()
    return f"accepted {faults}" if faults else ACCEPTED


def _peak(*, reset=False):
    """Peak of the resident memory since it was last reset, bytes."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return int(line.split()[1]) * 1024
