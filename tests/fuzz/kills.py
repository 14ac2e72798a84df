"""Kill a run again and again, and look at what it leaves: ``python tests/fuzz/kills.py [--kills 200] [--seed 1]``.

A run that simulates its products, with labels of three kinds, an interferogram network, NetCDF files, a map, chips, a
report and a catalogue. Half of the kills come at random times, half at random calls of the system that change a folder,
those of sealing and publishing among them. After every kill a folder that looks finished must hold just what its
manifest names; in the end its data must have the bits of a run that nobody has killed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUN = [
    "+experiment=demo", "device=cpu", "simulate.dates=2", "simulate.lines=100", "simulate.samples=300",
    "simulate.bursts=2", "simulate.azimuth_errors=[0.0,0.03]", "simulate.range_errors=[0.0,0.1]",
    "signatures.names=[intensity,sigma0,coherence]", "dataset.derived=computed", "interferometry.network=sequential",
    "interferometry.looks_samples=10", "interferometry.goldstein_alpha=0.5",
    "dataset.chunk_lines=64", "geocoding.layers=[sigma0_vv,coherence_vv,height,land_cover,valid]", "chips.size=[8,24]",
    "chips.layers=[sigma0,coherence,height]", "chips.products=[zarr,webdataset]",
]  # fmt: skip
TIMED = ("quality.json", "report/index.html")  # hold the seconds that stages took
CALLS = ("replace", "rename", "unlink", "rmdir", "mkdir", "symlink", "fsync", "truncate")
SEALING = 60  # calls, at least those that a run ends with; a run that is continued may have few left


def die_at(call: int) -> None:
    """Let this process kill itself before the call of this number that changes a folder; 0: count them."""
    made = 0

    def counted(function):
        def wrapper(*arguments, **options):
            nonlocal made
            made += 1
            if made == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return wrapper

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    if not call:
        import atexit  # noqa: PLC0415

        atexit.register(lambda: print(f"calls {made}", file=sys.stderr))  # noqa: T201


def child(call: int, output: Path, cache: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, __file__, "--child", str(call), *RUN, f"output={output}"]
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    return subprocess.Popen(
        arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def check_finished(folder: Path, inside: tuple[str, ...]) -> bool:
    """Whether a folder looks finished; it must hold what its manifest names then, and nothing besides ``inside``."""
    if not (folder / "manifest.json").exists():
        loose = (
            {path.name for path in folder.iterdir()} - {".unfinished", ".checked.json", "run.log", *inside}
            if folder.exists()
            else set()
        )
        if not (folder / ".unfinished" / "manifest.json").exists():  # not stopped while it was published
            assert not loose, f"{folder} looks as if it were finished: {sorted(loose)}"
        return False
    files = json.loads((folder / "manifest.json").read_text())["files"]
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and path.relative_to(folder).parts[0] not in {".unfinished", ".checked.json", "run.log", *inside}
    }
    assert there == {*files, "manifest.json"}, sorted(there.symmetric_difference({*files, "manifest.json"}))
    for name, known in files.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == known["sha256"], name
    return True


def checksums(output: Path) -> dict[str, str]:
    found = {}
    for folder, prefix in ((output, ""), (output / "simulated", "simulated/")):
        files = json.loads((folder / "manifest.json").read_text())["files"]
        found |= {prefix + name: known["sha256"] for name, known in files.items()}
    return {name: found[name] for name in found if not name.endswith(TIMED) and not name.startswith("stac/")}


def whole(output: Path, cache: str) -> tuple[dict[str, str], int, float]:
    """Checksums of an undisturbed run, how many calls it made, and its seconds."""
    began = time.monotonic()
    process = child(0, output, cache)
    told = process.communicate()[1]
    assert process.returncode == 0, told
    seconds = time.monotonic() - began
    check_finished(output, ("simulated",))
    (calls,) = [int(line.split()[1]) for line in told.splitlines() if line.startswith("calls ")]
    return checksums(output), calls, seconds


def kill_once(chance: random.Random, output: Path, cache: str, calls: int, seconds: float) -> bool:
    """Start or continue a run and kill it; False if it finished before."""
    if chance.random() < 0.5:
        process = child(-1, output, cache)
        try:
            process.wait(chance.uniform(0.5, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
    else:
        first, last = chance.choice([(1, calls), (1, SEALING), (calls - SEALING, calls)])
        process = child(chance.randint(first, last), output, cache)
    told = process.communicate()[1]
    assert process.returncode in {0, -signal.SIGKILL}, told
    return process.returncode != 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance, killed, rounds = random.Random(asked.seed), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        top, cache = Path(folder), os.environ.get("NUMBA_CACHE_DIR", f"{folder}/cache")
        whole(top / "warm" / "out", cache)
        expected, calls, seconds = whole(top / "whole" / "out", cache)
        print(f"undisturbed: {len(expected)} files, {calls} calls that change a folder, {seconds:.1f} s")  # noqa: T201
        while killed < asked.kills:
            output = top / f"round{rounds}" / "out"
            while killed < asked.kills and kill_once(chance, output, cache, calls, seconds):
                killed += 1
                check_finished(output / "simulated", ())
                check_finished(output, ("simulated",))
            process = child(-1, output, cache)
            told = process.communicate()[1]
            assert process.returncode == 0, told
            assert check_finished(output, ("simulated",))
            assert not (output / ".unfinished").exists()
            found = checksums(output)
            differing = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
            assert not differing, differing
            rounds += 1
            shutil.rmtree(output)
            print(f"{killed} kills, {rounds} runs finished with the same bits", flush=True)  # noqa: T201


if __name__ == "__main__":
    if "--child" in sys.argv:
        where = sys.argv.index("--child")
        number = int(sys.argv[where + 1])
        del sys.argv[where : where + 2]
        die_at(number)
        from alignsar_gpu.__main__ import main as command_line

        sys.exit(command_line())
    main()
