"""The day of a device, rehearsed without one: every step, its results, its time limit; benchmarks that still import."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from stand_in import stand_in

from alignsar_gpu import kernels

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
SCRIPTS = sorted(BENCHMARKS.rglob("*.py"))
STEPS = {"facts", "tests", "kernels", "chain", "demo", "memcheck", "profile"}
# Packages that a machine with a GPU is taken to have (device/demo_wheels.txt), and what these import for themselves.
GIVEN = {
    "attrs", "certifi", "click", "cloudpickle", "contourpy", "cupy", "cycler", "fonttools", "fsspec", "h5py", "jinja2",
    "kiwisolver", "llvmlite", "markdown-it-py", "markupsafe", "matplotlib", "mdurl", "numba", "numba-cuda", "numpy",
    "packaging", "pandas", "pillow", "pyarrow", "pygments", "pyparsing", "python-dateutil", "pyyaml", "rich", "scipy",
    "typing-extensions", "xarray",
}  # fmt: skip
WHERE_THEY_ARE = {
    "cffi", "charset-normalizer", "dask", "idna", "importlib-metadata", "isal", "lazy-importer", "pycparser",
    "requests", "setuptools", "toolz", "urllib3", "zipp",
}  # fmt: skip
SANITIZER = """#!/bin/bash
until [[ $1 == */python* ]]; do shift; done
"$@" -k "log and ratio" && echo "========= ERROR SUMMARY: 0 errors"
"""
PROFILER = """#!/bin/bash
until [[ $1 == */python* ]]; do shift; done
"$@" --only "^log ratio" || exit
echo '==PROF== Disconnected from process 17'
echo '"ID","Kernel Name","Block Size","Grid Size","Section Name","Metric Name","Metric Unit","Metric Value"'
echo '"0","_ZN12alignsar_gpu7kernels","(256, 1, 1)","(128, 1, 1)","Speed Of Light","Duration","us","12.50"'
echo '"0","_ZN12alignsar_gpu7kernels","(256, 1, 1)","(128, 1, 1)","Speed Of Light","Memory Throughput","%","71.2"'
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """A folder with stand-ins for NVIDIA's tools, which run what they are given."""
    folder = tmp_path_factory.mktemp("tools")
    for name, script in {"compute-sanitizer": SANITIZER, "ncu": PROFILER}.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def rehearsal(tools, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    environment = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "REHEARSED_KERNELS": "^(ramp$|log ratio|push heights)",
    }
    done = subprocess.run(
        ["bash", str(BENCHMARKS / "device_day.sh"), "--rehearse", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads((folder / "gpu-rehearsal.json").read_text())


def test_every_step_is_done_and_in_the_table(rehearsal):
    printed, record = rehearsal
    steps = {row["step"]: row for row in record["steps"]}
    assert steps.keys() == STEPS
    assert {row["state"] for row in steps.values()} == {"done"}, printed
    table = printed.rpartition("step ")[2]
    assert all(name in table for name in STEPS)


def test_steps_end_within_nine_minutes(rehearsal):
    _, record = rehearsal
    assert sum(row["limit_seconds"] + 2 for row in record["steps"]) <= 540


def test_results_of_every_step_are_kept(rehearsal):
    _, record = rehearsal
    assert record["device"] == "Rehearsal"
    assert record["versions"]["numpy"]
    assert record["copy_gigabytes_per_second"] > 0
    assert record["tests"]["passed"] == 2
    assert record["memcheck"]["lines"] == ["========= ERROR SUMMARY: 0 errors"]
    assert record["profile"]["launches"][0]["metrics"] == {
        "Duration": "12.50 us",
        "Memory Throughput": "71.2 %",
    }
    assert [row["kernel"] for row in record["kernels"]] == ["ramp", "log ratio", "push heights"]
    for row in record["kernels"]:
        assert (row["device"], row["processor"], row["agrees"]) == ("done", "done", True)
    assert record["chain"]["truth"]["median_coherence"] > 0.9
    assert all(
        not each["beyond"] + each["missing_on_one"] for each in record["chain"]["differences"].values()
    )
    demo = record["demo"]
    assert demo["cuda"]["device"]["name"] == "Rehearsal"
    assert {"pixels", "signatures", "radarcoding", "objects"} <= demo["cuda"]["stages"].keys()
    assert demo["cpu"]["device"]["kind"] == "cpu"
    assert {"sigma0_vv", "coherence_vv", "land_cover", "longitude"} <= demo["differences"].keys()
    assert not any(each.get("largest", each.get("differing")) for each in demo["differences"].values())
    assert {"first_run", "all_threads", "one_thread"} <= record["chain"].keys()


def test_the_demo_needs_no_more_than_is_said(rehearsal):
    """Of a machine that has no network, a package more is a demo less."""
    lines = (BENCHMARKS / "device" / "demo_wheels.txt").read_text().splitlines()
    wheels = {line.partition("==")[0] for line in lines if line and not line.startswith("#")}
    found = {
        name.partition("-")[0] if name.startswith("pystac-") else name  # later versions are several
        for name in rehearsal[1]["demo"]["packages"]
    }
    needed = found - {"alignsar-gpu", *WHERE_THEY_ARE}
    assert {"rasterio", "zarr"} <= needed
    assert needed <= GIVEN | wheels, needed - GIVEN - wheels


def test_a_step_that_hangs_is_ended_and_the_next_are_run():
    script = """
    source benchmarks/device/steps.sh
    trap print_table EXIT
    step hangs 1 sleep 60
    step fails 9 false
    step missing 9 bash -c 'exit 77'
    step works 9 true
    """
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )
    rows = [line.split() for line in done.stdout.rpartition("limit\n")[2].splitlines()]
    assert [(row[0], " ".join(row[1:-2])) for row in rows] == [
        ("hangs", "over its limit"),
        ("fails", "failed (1)"),
        ("missing", "not there"),
        ("works", "done"),
    ]
    assert 1.0 <= float(rows[0][-2]) < 5.0


def on_benchmarks_path(name):
    sys.path.append(str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_every_family_and_function_is_measured():
    families = {path.name for path in Path(str(kernels.__file__)).parent.iterdir() if path.is_dir()}
    cases = on_benchmarks_path("device.cases")
    assert cases.FAMILIES.keys() == families - {"driving", "__pycache__"}
    assert len(cases.CASES) == sum(map(len, cases.FAMILIES.values()))
    measured = {
        node.value.value
        for path in SCRIPTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword) and node.arg == "function" and isinstance(node.value, ast.Constant)
    }
    functions = {name for name in kernels.__all__ if name.islower() and callable(getattr(kernels, name))}
    assert measured == functions - {"weights"}


def test_times_are_those_of_calls_after_the_first():
    case = on_benchmarks_path("device.case")
    calls = []
    took, start = case.device_seconds(lambda: calls.append(1), lambda: None, 9.0, 0.01)
    assert 0.0 < start <= took < 1.0
    assert len(calls) > case.FEWEST_BATCHES * case.BATCH
    assert case.device_seconds(lambda: time.sleep(0.02), lambda: None, 9.0, 0.01)[0] < 1.0
    assert case.device_seconds(lambda: None, lambda: None, 9.0, 0.0) == (9.0, 9.0)
    assert case.processor_seconds(lambda: None, 9.0, 0.01, 1) < 1.0
    assert case.processor_seconds(lambda: None, 9.0, 0.0, 1) == 9.0


def test_few_pixels_on_a_slow_machine_have_a_ratio_too():
    chain = on_benchmarks_path("chain")
    burst = SimpleNamespace(size=SimpleNamespace(lines=9, pixels=252))
    runs = zip(("first_run", "all_threads", "one_thread"), (2.0, 1.0, 4.0), strict=True)
    rates = {name: chain.rates(burst, {"signatures": took, "all": took}) for name, took in runs}
    assert rates["all_threads"]["megapixels_per_second"] == 0.0
    assert chain.times_as_fast(rates) == {"all_threads": 0.5, "one_thread": 2.0}


class BrokenDevice(SimpleNamespace):
    """A device that takes no more work once a kernel has failed."""

    def __init__(self):
        runtime = SimpleNamespace(deviceSynchronize=lambda: None)
        pool = SimpleNamespace(free_all_blocks=lambda: None)
        super().__init__(cuda=SimpleNamespace(runtime=runtime), get_default_memory_pool=lambda: pool)

    def ones(self, count):
        raise RuntimeError("an illegal memory access was encountered")


def test_a_kernel_that_breaks_the_device_costs_its_own_results_alone(tmp_path):
    gpu, record = on_benchmarks_path("gpu"), on_benchmarks_path("device.record").Record(tmp_path / "gpu.json")
    record.update(copy_gigabytes_per_second=1.0)
    measurement = gpu.Measurement(BrokenDevice(), record, tiny=True)

    def breaks(name):
        assert measurement.rows()[name]["device"] == "did not end"  # so that nobody begins it again
        raise ValueError("bad")

    with pytest.raises(SystemExit) as ended:
        measurement.guarded("device", "ramp", breaks)
    assert ended.value.code == gpu.BROKEN
    assert measurement.rows() == {"ramp": {"kernel": "ramp", "device": "ValueError: bad"}}
    worker = f"""
import json, pathlib
path = pathlib.Path({str(record.path)!r})
found = json.loads(path.read_text())
found["kernels"].append({{"kernel": "next", "device": "done"}})
path.write_text(json.dumps(found))
raise SystemExit(3 if len(found["kernels"]) < 4 else 0)
"""
    gpu.measure_all([sys.executable, "-c", worker], record)
    assert len(record.read()["kernels"]) == 4
    gpu.measure_all([sys.executable, "-c", "raise SystemExit(3)"], record)  # gets nowhere, and ends


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(BENCHMARKS)))
def test_benchmarks_use_what_the_package_has(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("alignsar_gpu"):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "kernels"
        ):
            assert hasattr(kernels, node.attr), ast.unparse(node)


def test_cpu_drivers_stand_in_for_the_kernels_on_arrays_of_any_size():
    """Without the simulator, what is around the kernels can be rehearsed on whole images."""
    code = (
        "import cupy, numpy as np\n"
        "from alignsar_gpu import kernels\n"
        "image = cupy.asarray(np.full((20, 30), 3 + 4j, np.complex64))\n"
        "amplitude = kernels.amplitude_intensity_phase(image, cupy.asarray(np.ones((20, 30), bool)))[0]\n"
        "assert type(amplitude) is cupy.ndarray and float(amplitude.get().mean()) == 5.0"
    )
    environment = os.environ | {"PYTHONPATH": str(BENCHMARKS / "rehearsal")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_burst_of_many_dates_has_the_layers_of_the_cpu(monkeypatch):
    """Uploads overlap with what is computed; on the stand-in they are as late as they may be."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    case, dates, scene = (importlib.import_module(f"device.{name}") for name in ("case", "dates", "scene"))
    size = case.Size(lines=40, samples=300, post=1.0 / 1200.0, relief=0.1)
    wanted = dates.process(dates.made(size, 3, np.empty), dates.CPU, scene.drawn(size))
    with stand_in() as cupy:
        place, empty = dates.on_device(cupy)
        ground = kernels.TerrainLayers(*map(cupy.asarray, scene.drawn(size)))
        layers = dates.process(dates.made(size, 3, empty), place, ground)
        assert layers.keys() == wanted.keys()
        assert len(layers) == 41
        for name, layer in layers.items():
            np.testing.assert_array_equal(layer.get(), wanted[name], err_msg=name)
        found = dates.measure_dates(cupy, size, 2)
    assert found["seconds"] > 0.0
    assert found["layers_of_a_date"] == 41
