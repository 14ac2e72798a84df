"""The command line as a user runs it: inside this process, or in one of its own that can be killed."""

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import composing  # once for all tests
import synthetic_stack  # registers products=synthetic
from fake_burst import BURSTS
from hydra._internal.hydra import Hydra

from alignsar_gpu.__main__ import main

assert synthetic_stack.SyntheticProductsConfig
assert composing.load


@dataclass(frozen=True)
class Result:
    returncode: int
    stdout: str
    stderr: str


def command(*arguments):
    """How to start a process of its own, with the readers that tests register: for one that is killed."""
    return [sys.executable, str(Path(__file__)), *map(str, arguments)]


def run(*arguments, status=0):
    """Run the command line in this process, which saves the seconds that starting another takes.

    Hydra composes the configuration twice, at first to look up ``hydra.mode``, which is not set here.
    """
    out, err, given = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["alignsar_gpu", *map(str, arguments)]
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            patch.object(Hydra, "get_mode", lambda *_, **__: None),
        ):
            try:
                code = main()
            except SystemExit as end:
                code = end.code or 0
    finally:
        sys.argv = given
    assert code == status, out.getvalue() + err.getvalue()
    return Result(code, out.getvalue(), err.getvalue())


def refuse(words, *arguments):
    """Status 2, one line that holds ``words``, no traceback."""
    result = run(*arguments, status=2)
    errors = [line for line in result.stderr.splitlines() if "alignsar_gpu: error: " in line]
    assert len(errors) == 1, result.stderr
    assert words in errors[0]
    assert "Traceback" not in result.stderr
    return result


def checksums(output, *tops):
    files = json.loads((output / "manifest.json").read_text())["files"]
    return {name: f["sha256"] for name, f in files.items() if name.split("/")[0] in tops}


def burst_of(safe, dem, *more):
    """The arguments of a run on the first burst of the made product."""
    return [
        "products=sentinel1", f"products.path={safe}", f"products.burst={BURSTS[0]}",
        "dem=ellipsoid", f"dem.path={dem}", "device=cpu", *more,
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
