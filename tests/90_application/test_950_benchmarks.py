"""What benchmarks say of whole runs, of cubes and of machines: stages from a log, costs from small stacks, ratios."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RUN = """
import subprocess, sys, time
def say(text): print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)
def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
say("device     cpu (asked for)")
work(0.3)
held = b"1" * 100_000_000
with open(sys.argv[1], "wb") as file: file.write(held[:5_000_000])
say("signatures   0.30 s")
subprocess.run([sys.executable, "-c", "held = b'1' * 200_000_000; import time; time.sleep(0.3)"])
say("report       0.40 s")
"""


@pytest.fixture(scope="module")
def benchmark():
    sys.path.append(str(BENCHMARKS))
    yield importlib.import_module
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    rng = np.random.default_rng(1)
    shape, dims = (2, 64, 96), ("time", "azimuth", "range")
    power = rng.exponential(1.0, shape).astype(np.float32)
    layers = {
        **{f"intensity_{name}": (dims, power * (k + 1)) for k, name in enumerate(("vv", "vh", "hh"))},
        "coherence_vv": (dims, rng.uniform(0, 1, shape).astype(np.float32)),
        "height": (dims[1:], np.add.outer(np.arange(64.0), np.arange(96.0))),
        "label": (dims[1:], np.zeros(shape[1:], np.uint8)),
    }
    path = tmp_path_factory.mktemp("cube") / "cube.zarr"
    chunks = {name: {"chunks": (1, 32, 48)[-len(dims) :]} for name, (dims, _) in layers.items()}
    xr.Dataset(layers).to_zarr(path, encoding=chunks, zarr_format=3, consolidated=False)
    return path


@pytest.fixture(scope="module")
def run(benchmark, tmp_path_factory):
    file = tmp_path_factory.mktemp("watched") / "written"
    return benchmark("whole.watching").watch([sys.executable, "-c", RUN, str(file)], {})


class TestWatching:
    def test_stages_have_their_seconds_cpu_seconds_and_bytes(self, run):
        start, signatures, report, rest = run.stages()
        assert [row["stage"] for row in (start, signatures, report, rest)] == [
            "start",
            "signatures",
            "report",
            "rest",
        ]
        assert signatures["seconds"] == 0.3
        assert 0.28 <= signatures["cpu_seconds"] < 1.0
        assert 5.0 <= signatures["written_mb"] < 5.1
        assert report["written_mb"] < 0.1
        assert report["cpu_seconds"] > 0.0  # of a process that has ended
        assert sum(row["seconds"] for row in run.stages()) == pytest.approx(run.seconds, abs=0.02)

    def test_memory_is_that_of_the_largest_process_and_of_all_together(self, run):
        assert 0.2 < run.peak_gb < 0.3
        assert 0.3 < run.peak_gb_of_all < 0.45

    def test_a_run_that_fails_says_why(self, benchmark):
        broken = [sys.executable, "-c", "import sys; print('said', file=sys.stderr); sys.exit(2)"]
        with pytest.raises(SystemExit, match="said"):
            benchmark("whole.watching").watch(broken, {})


def test_costs_of_a_large_stack_follow_from_small_ones(benchmark):
    """Seconds made of known parts come back, and noise makes no part negative."""
    whole = benchmark("whole.extrapolation")

    def run(dates, pixels, noise=0.0):
        stages = {
            "start": 3.0,
            "products": 1.0 + 0.5 * dates,
            "signatures": (0.2 + 0.1 * dates) * pixels / 1e6 + noise,
        }
        rows = [{"stage": k, "seconds": v, "cpu_seconds": 2 * v} for k, v in stages.items()]
        products = [{"product": "cube.zarr", "bytes": (8 + 30 * dates) * pixels}]
        return {"dates": dates, "pixels": pixels, "stages": rows, "products": products}

    sizes = [(2, 1_000_000), (4, 1_000_000), (2, 2_000_000), (4, 2_000_000)]
    found = whole.extrapolate([run(*size) for size in sizes], 30, 300_000_000)
    wanted = run(30, 300_000_000)
    assert [row["hours"] for row in found["stages"]] == pytest.approx(
        [row["seconds"] / 3600 for row in wanted["stages"]], abs=1e-3
    )
    assert found["hours"] == pytest.approx(sum(row["seconds"] for row in wanted["stages"]) / 3600, abs=0.01)
    assert found["cpu_hours"] == pytest.approx(2 * found["hours"], abs=0.01)
    assert found["products"][0]["gigabytes"] == pytest.approx((8 + 900) * 0.3, abs=0.1)
    noisy = whole.extrapolate([run(*size, noise=-0.3 * k) for k, size in enumerate(sizes)], 30, 300_000_000)
    assert all(
        row[part] >= 0 for row in noisy["stages"] for part in ("once", "by_date", "by_pixel", "by_both")
    )


def test_a_call_is_timed_in_turn_with_copies(benchmark):
    common = benchmark("common")
    order = []
    calls = {name: lambda name=name: order.append(name) for name in ("kernel", "plain")}
    assert common.seconds_in_turn(calls, 2).keys() == {"kernel", "plain"}
    assert order == ["kernel", "plain"] * 3
    row = common.beside_copy(common.copy_memory, 3, moved=2 * 8 * common.COPIED)
    assert row["share_of_floor"] == pytest.approx(1.0, abs=0.5)  # a copy is as fast as a copy
    facts = common.machine(0.5)
    assert facts["load_before"] == 0.5
    assert {"cores", "threads", "load_after", "processor"} <= facts.keys()


@pytest.mark.parametrize("script", ["reading.py", "layer_codecs.py"])
def test_benchmarks_of_cubes_print_ratios(cube, script):
    options = [str(cube), str(cube), "--repeats", "1"] if script == "reading.py" else [str(cube)]
    command = [sys.executable, str(BENCHMARKS / script), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in {
        "reading.py": ("times 2", "series of a pixel"),
        "layer_codecs.py": ("times written", "labels"),
    }[script]:
        assert word in done.stdout
    assert "load" in done.stdout


def test_codecs_sort_every_layer_into_its_kind(benchmark):
    kinds = {
        name: benchmark("layer_codecs").kind_of(name)
        for name in ("slc_phase_vv", "sigma0_vh", "valid", "road")
    }
    assert kinds == {"slc_phase_vv": "phases", "sigma0_vh": "powers", "valid": "geometry", "road": "labels"}


def test_chips_are_cut_and_read_in_every_way(benchmark, tmp_path):
    chips = benchmark("chips")
    for name, least in (("yes", 0.5), ("no", 1.0)):
        (tmp_path / name).mkdir()
        of = {"rows": 1, "samples": 600, "memory": 1 << 28, "threads": 1, "compressed": name == "yes"}
        found = chips.cut(tmp_path / name, **of)
        assert found["chips"] == 2
        assert found["megabytes_per_second"] > 0
        assert least < found["written_share"] < least + 0.5  # speckle
    chips.write_plain(tmp_path, 2)
    readers = chips.Readers.open(tmp_path, 2)
    for way in ("new_memmap", "uncompressed", "codec", "compressed"):
        np.testing.assert_array_equal(getattr(readers, way)(1), readers.memmap(1))
    np.testing.assert_allclose(readers.samples(1), (10 * np.log10(readers.memmap(1)) + 12.5) / 5.6, atol=1e-5)
    rates = {
        "memmap": (8.0, 8.0),
        "uncompressed": (6.0, 4.0),
        "codec": (5.0, 5.0),
        "compressed": (4.0, 4.5),
    }
    row = chips.rates_of("one thread", "warm", rates)
    assert (row["of_memmap"], row["of_memmap_cpu"]) == (0.75, 0.5)
    assert (row["of_codec"], row["of_codec_cpu"]) == (0.8, 0.9)
