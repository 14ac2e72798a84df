"""The scores of the three applications: spread over seeds, on another scene, and on easier and harder scenes.

python benchmarks/learning.py TASK [--output FOLDER] [--json FILE] [--seeds N] [--points]: TASK is land_cover, detection
or change. Runs ``+experiment=demo_...`` as a user would: all models with N seeds (default 5) on the default scene, and
on a scene elsewhere (another terrain, another track, another seed) that no model has seen. With --points, the floor and
the main model are trained and tested anew, with one seed, on scenes that are easier and harder along each axis.
Everything is simulated; chips and cubes are removed once they were used.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import load, machine, print_machine, print_table, versions, write

PACKAGES = ("alignsar_gpu", "numpy", "torch", "scikit-learn")
ELSEWHERE = (
    *(
        "simulate.seed=7",
        "simulate.pass_direction=descending",
        "simulate.longitude=4.3",
        "simulate.latitude=45.7",
    ),
    "simulate.scene.relief=500",
)
EXPERIMENTS = {"land_cover": "demo_landcover", "detection": "demo_detection", "change": "demo_change"}
POINT_MODELS = {
    "land_cover": ("random_forest", "unet"),
    "detection": ("cfar", "heatmap"),
    "change": ("log_ratio", "coherence_loss", "siamese"),
}
SCORE = {"land_cover": "macro_f1", "detection": "map50", "change": "f1"}
# Keys by which a scene is easier or harder, with their values; the default is measured once for all.
AXES: dict[str, dict[str, list[str]]] = {
    "land_cover": {
        "simulate.noise": ["-28", "-20", "-16"],
        "simulate.dates": ["2", "4"],
        "simulate.scene.contrast": ["0.25", "0.5"],
        "simulate.scene.road_width": ["0", "15"],
    },
    "detection": {
        "simulate.noise": ["-28", "-20", "-16"],
        "simulate.scene.ships": ["30", "240"],
    },
    "change": {
        "simulate.noise": ["-28", "-20", "-16"],
        "simulate.revisit_days": ["24", "48"],
        "simulate.scene.contrast": ["0.5"],
    },
}


def run(output: Path, task: str, *keys: str) -> float:
    """Run an experiment; return its seconds."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "alignsar_gpu", f"+experiment={EXPERIMENTS[task]}", f"output={output}", *keys],
        check=True,
    )
    return round(time.perf_counter() - began, 1)


def metrics_of(output: Path) -> dict[str, Any]:
    return json.loads((output / "learn" / "metrics.json").read_text(encoding="utf-8"))


def listed(values: tuple[str, ...] | list[int]) -> str:
    return f"[{','.join(map(str, values))}]"


def headline(folder: Path, task: str, seeds: int) -> dict[str, Any]:
    """All models with several seeds, tested on held-out blocks and on a scene elsewhere."""
    elsewhere, default = folder / "elsewhere", folder / "default"
    run(elsewhere, task, "learn.task=null", *ELSEWHERE)
    seconds = run(
        default, task, f"learn.seeds={listed(list(range(1, seeds + 1)))}", f"learn.others=[{elsewhere}]"
    )
    metrics = metrics_of(default)
    shutil.rmtree(elsewhere)
    return {"seconds": seconds, "metrics": metrics}


def point(folder: Path, task: str, key: str, value: str) -> list[dict[str, Any]]:
    """Train and test anew on a scene of another difficulty."""
    output = folder / "point"
    run(output, task, f"{key}={value}", f"learn.models={listed(POINT_MODELS[task])}", "learn.predict=''")
    models = metrics_of(output)["models"]
    shutil.rmtree(output)
    return [
        {"axis": key, "value": value, "model": name, **models[name]["test"][SCORE[task]]}
        for name in POINT_MODELS[task]
    ]


def rows(task: str, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """A row of the table for each model and place."""
    table = []
    for name, model in metrics["models"].items():
        for place, scores in {"held-out blocks": model["test"], **model["others"]}.items():
            of = scores[SCORE[task]]
            table.append({"model": name, "place": place, "score": SCORE[task], **of})
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=sorted(EXPERIMENTS))
    parser.add_argument("--output", type=Path, help="folder to work in, kept; default: a temporary one")
    parser.add_argument("--json", type=Path, help="file that the results are written to")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--points", action="store_true", help="easier and harder scenes too")
    options = parser.parse_args()
    before = load()
    folder = options.output or Path(tempfile.mkdtemp(prefix="learning-"))
    folder.mkdir(parents=True, exist_ok=True)
    found = headline(folder, options.task, options.seeds)
    table = rows(options.task, found["metrics"])
    print_table(table)
    points = []
    if options.points:
        for key, values in AXES[options.task].items():
            for value in values:
                points += point(folder, options.task, key, value)
        print_table(points)
    results = {
        "machine": machine(before),
        "versions": versions(*PACKAGES),
        "task": options.task,
        "seconds": found["seconds"],
        "scores": table,
        "points": points,
        "metrics": found["metrics"],
    }
    print_machine(results["machine"])
    if options.json:
        write(results, options.json)
    if options.output is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
