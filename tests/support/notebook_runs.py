"""Notebooks as plain Python: their code cells, run top to bottom in a process of their own, on a small scene."""

import json
import os
import subprocess
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
# The demo with its land cover, changes and sinking ground, small: notebooks share one run of it.
SMALL = {
    "output": "demo",
    "device": "cpu",
    "simulate.dates": 3,
    "simulate.azimuth_errors": [],
    "simulate.range_errors": [],
    "simulate.bursts": 2,
    "simulate.lines": 160,
    "simulate.samples": 300,
    "simulate.swaths": ["iw1"],
    "simulate.scene.cover_posting": 20,
    "simulate.scene.terrain_posting": 90,
    "simulate.scene.demolitions": 0,
    "simulate.scene.constructions": 90,
    "simulate.scene.corner_reflectors": 20,
    "simulate.scene.ships": 0,
    "simulate.scene.tanks": 0,
    "signatures.names": ["sigma0", "coherence", "interferometric_phase", "entropy", "alpha", "dprvi"],
    "chips.size": [16, 64],
    "report": "none",
    "netcdf": "none",
    "geocoding.resolution": None,
    "card.write": False,
    "quality.levels": False,
    "objects.layers": [],
}


def cells_of(path):
    return json.loads(path.read_text())["cells"]


def code_of(path):
    """The text of each code cell."""
    return ["".join(cell["source"]) for cell in cells_of(path) if cell["cell_type"] == "code"]


def run_notebook(name, folder, **settings):
    """Run a notebook's cells in ``folder``; ``settings`` take the place of those that its first cell makes."""
    first, *rest = code_of(NOTEBOOKS / f"{name}.ipynb")
    smaller = [f"{variable} = {value!r}" for variable, value in settings.items()]
    script = folder / f"{name}.py"
    script.write_text("\n\n".join([first, *smaller, *rest]))
    environment = os.environ | {"MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done
