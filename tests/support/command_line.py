"""The command line as a user runs it."""

import json
import subprocess
import sys

from fake_burst import BURSTS


def command(*arguments):
    return [sys.executable, "-m", "alignsar_gpu", *map(str, arguments)]


def run(*arguments, status=0):
    result = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stdout + result.stderr
    return result


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
