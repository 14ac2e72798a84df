"""Whole simulations, as a user starts them: products, truth, interruptions, seeds, templates, bad input."""

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from itertools import pairwise

import geopandas
import numba
import numpy as np
import pytest
import rasterio
import xarray as xr
from command_line import refuse, run
from PIL import Image
from small_runs import start_and_kill

from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
from alignsar_gpu.simulate.safe.planning import plan_passes
from alignsar_gpu.simulate.safe.product import write_metadata

SMALL = [
    "+experiment=simulate",
    "simulate.dates=2",
    "simulate.bursts=2",
    "simulate.lines=120",
    "simulate.samples=260",
    "simulate.scene.cover_posting=20",
    "simulate.azimuth_errors=[0.0,0.02]",
]


def tree(folder):
    """Checksums of all files below a folder but the ones that name it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in {".checked.json", "manifest.json", "run.log", "run.yaml"}
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    output = tmp_path_factory.mktemp("simulation") / "out"
    result = run(*SMALL, "device.threads=1", f"output={output}")
    assert "products" in result.stdout
    return output


def test_everything_is_there_and_opens(made):
    assert {path.name for path in made.iterdir()} == {
        ".checked.json",
        "README.txt",
        "manifest.json",
        "orbits",
        "products",
        "run.log",
        "run.yaml",
        "scene",
        "simulation.json",
        "targets.csv",
        "truth.zarr",
    }
    safes = sorted((made / "products").glob("*.SAFE"))
    assert len(safes) == 2
    dem = open_dem([made / "scene" / "dem.tif"], "ellipsoid")
    for safe in safes:
        product = open_sentinel1(safe, orbits=made / "orbits")
        assert product.orbit.source.startswith("RESORB")
        assert len(product.bursts) == 4
        for burst in product.bursts:
            for name in ("vv", "vh"):
                pixels = burst.read(name)
                assert np.all(np.abs(pixels) < 32768.0)
                assert 5.0 < np.sqrt(np.mean(np.abs(pixels) ** 2)) < 500.0
            dem.require(*burst.footprint.T, "burst")
        with Image.open(safe / "preview" / "quick-look.png") as picture:
            assert picture.mode == "RGB"
            assert np.asarray(picture).std() > 20.0
    facts = json.loads((made / "simulation.json").read_text())
    assert [date["azimuth_error_lines"] for date in facts["dates"]] == pytest.approx([0.0, 0.02])
    assert abs(facts["dates"][0]["perpendicular_baseline_m"]) < 1e-6
    assert abs(facts["dates"][1]["perpendicular_baseline_m"]) > 1.0


def test_targets_and_truth_lie_where_the_products_show_them(made):
    safe = min((made / "products").glob("*.SAFE"))
    product = open_sentinel1(safe, orbits=made / "orbits")
    targets = geopandas.read_file(made / "scene" / "targets.geojson")
    corners = targets[targets["kind"] == "corner_reflector"]
    assert len(corners) == 6
    for row in csv.DictReader((made / "targets.csv").read_text().splitlines()):
        if row["date"] == product.date:
            (burst,) = [one for one in product.bursts if one.burst_id == row["burst"]]
            place = float(row["longitude"]), float(row["latitude"]), float(row["height"])
            time, slant_range = ground_to_radar(product.orbit, *place, burst.grid.first_azimuth_time)
            assert abs(burst.grid.line(time) - float(row["line"])) < 0.02
            assert (
                abs(burst.grid.sample(slant_range) - float(row["sample"])) < 0.05
            )  # the air: some centimetres
            assert row["name"] in set(targets["name"])
    burst = product.bursts[0]
    truth = xr.open_zarr(made / "truth.zarr", group=burst.burst_id).load()
    assert str(truth.date.values[0])[:10] == str(product.start)[:10]
    longitude, latitude = truth.longitude.values, truth.latitude.values
    time, _ = ground_to_radar(
        product.orbit,
        longitude,
        latitude,
        truth.height.values.astype(np.float64),
        burst.grid.first_azimuth_time,
    )
    line = (time - burst.grid.first_azimuth_time) / burst.grid.azimuth_interval
    assert np.nanmax(np.abs(line - truth.line.values[:, np.newaxis])) < 1e-3
    # The echo of the classes: urban is brighter than water wherever both are.
    names = xr.open_zarr(made / "truth.zarr").attrs["class_names"]
    pixels = np.abs(burst.read("vv", slice(0, burst.grid.lines), slice(0, burst.grid.samples))) ** 2
    kept = pixels[:: int(np.diff(truth.line.values)[0]), :: int(np.diff(truth["sample"].values)[0])]
    kinds = truth.land_cover.values[0]
    mean = {
        name: kept[(kinds == index) & (kept > 0)].mean()
        for index, name in enumerate(names)
        if np.count_nonzero((kinds == index) & (kept > 0)) > 100
    }
    assert len(mean) >= 3
    order = [name for name in ("urban", "forest", "field", "grassland", "water") if name in mean]
    assert all(mean[a] > mean[b] for a, b in pairwise(order))


def test_another_seed_gives_other_pixels(made, tmp_path):
    one_date = ["simulate.dates=1", "simulate.azimuth_errors=[0.0]"]
    run(*SMALL, *one_date, "simulate.seed=2", f"output={tmp_path / 'other'}")
    images = [
        {path.name[: len("s1a-iw1-slc-vv")]: path for path in min(products.iterdir()).rglob("*.tiff")}
        for products in (made / "products", tmp_path / "other" / "products")
    ]
    assert images[0].keys() == images[1].keys()
    assert len(images[0]) == 4
    for name in images[0]:
        with rasterio.open(images[0][name]) as ours, rasterio.open(images[1][name]) as theirs:
            known, other = ours.read(1), theirs.read(1)
        both = (known != 0) & (other != 0)
        assert both.mean() > 0.5
        assert np.mean(known[both] == other[both]) < 0.05


def test_a_second_run_has_nothing_to_do_and_damage_is_mended(made, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(made, output)
    known = tree(output)
    tiff = next(output.rglob("*.tiff"))
    assert "nothing to do" in run(*SMALL, f"output={output}").stdout
    tiff.write_bytes(tiff.read_bytes()[:-8])
    assert "has changed" in run(*SMALL, f"output={output}").stderr
    assert tree(output) == known


def test_a_killed_simulation_is_continued_on_more_threads_to_the_same_bytes(made, tmp_path):
    output = tmp_path / "out"
    journal = output / ".unfinished" / "journal"
    finished = journal / "date 0 IW1.json"  # a subswath, the other of which is on its way
    start_and_kill([*SMALL, f"output={output}"], finished.exists)
    names = json.loads(finished.read_text())
    kept = next(output / ".unfinished" / name for name in names if name.endswith(".tiff"))
    written = kept.stat().st_mtime_ns
    run(*SMALL, f"device.threads={numba.config.NUMBA_NUM_THREADS}", f"output={output}")
    assert tree(output) == tree(made)
    assert (output / kept.relative_to(output / ".unfinished")).stat().st_mtime_ns == written


# Runs the command line for each argument (a list, as JSON), and prints the peak of memory (KiB) so far after each.
PEAKS = """
import json, resource, sys
from alignsar_gpu.__main__ import main
for arguments in map(json.loads, sys.argv[1:]):
    sys.argv[1:] = arguments
    assert main() == 0
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peaks_of(*runs):
    """Peak memory (MiB) of a process of its own after each of some runs."""
    arguments = [sys.executable, "-c", PEAKS, *map(json.dumps, runs)]
    process = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return [int(line.split()[1]) / 1024 for line in process.stdout.splitlines() if line.startswith("peak ")]


def test_more_dates_need_no_more_memory(made, tmp_path):
    """After a run has filled the cache: compiling takes more memory than dates would."""
    small = [
        *SMALL[:1],
        "simulate.bursts=1",
        "simulate.lines=100",
        "simulate.samples=1500",
        "simulate.swaths=[iw2]",
    ]
    small += ["simulate.scene.cover_posting=10"]
    two, ten = peaks_of(
        *([*small, f"simulate.dates={dates}", f"output={tmp_path / str(dates)}"] for dates in (2, 10))
    )
    assert ten < two + 15.0


def test_metadata_of_given_products_are_filled(made, tmp_path):
    """Templates without pixels, as they are; their state vectors say how the satellite flew."""
    templates = []
    for safe in sorted((made / "products").glob("*.SAFE")):
        shutil.copytree(safe, tmp_path / safe.name, ignore=shutil.ignore_patterns("measurement", "preview"))
        templates.append(tmp_path / safe.name)
    output = tmp_path / "filled"
    listed = ",".join(map(str, templates))
    run(
        "+experiment=simulate",
        f"simulate.templates=[{listed}]",
        "simulate.swaths=[iw1]",
        "simulate.polarizations=[vv]",
        "simulate.scene.cover_posting=20",
        "simulate.azimuth_errors=[0.0,0.02]",
        f"output={output}",
    )
    for template in templates:
        safe = output / "products" / template.name
        own, given = (open_sentinel1(path, swaths=["iw1"], polarizations=["vv"]) for path in (safe, template))
        assert own.bursts[0].grid == given.bursts[0].grid
        assert own.facts["swaths"] == {"IW1": ["VV"]}
        manifest = (safe / "manifest.safe").read_text()
        assert "iw1-slc-vv" in manifest
        assert "iw2" not in manifest.lower()
        assert "-vh-" not in manifest
        assert (safe / "SIMULATED.txt").is_file()
        intensity = np.abs(own.bursts[0].read("vv").astype(np.complex128)) ** 2
        assert np.count_nonzero(intensity) > 0.95 * intensity.size
    assert len(list((output / "orbits").glob("*.EOF"))) == 2
    with_orbits = open_sentinel1(
        output / "products" / templates[0].name, orbits=output / "orbits", swaths=["iw1"]
    )
    assert with_orbits.orbit.source.startswith("RESORB")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate.azimuth_errors=[0.1]"], "simulate.azimuth_errors: 1 numbers for 2 dates"),
        (["simulate.range_errors=[0,99]"], "must be between -20 and 20"),
        (["simulate.baselines=[0,1,2]"], "baselines"),
        (["simulate.first_day=yesterday"], "give a day as YYYY-MM-DD"),
        (["simulate.scene.vectors=[/nowhere/a.gpkg:water]"], "/nowhere/a.gpkg: no such file"),
        (["simulate.scene.reflectors=/nowhere/r.csv"], "/nowhere/r.csv: no such file"),
        (["simulate.scene.background=cheese"], "background=cheese: choose from water"),
        (["simulate.dem.path=/nowhere/dem.tif", "simulate.dem.vertical_datum=egm96"], "/nowhere/dem.tif"),
        (["simulate.polarizations=[vh]"], "polarizations vh are not one of those"),
        (["device.threads=4096"], "device.threads=4096"),
        (["dem.path=x"], "products=none takes no orbits or heights"),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(tmp_path, arguments, words):
    refuse(words, *SMALL, *arguments, f"output={tmp_path / 'out'}")
    assert not (tmp_path / "out").exists()


def test_templates_of_different_tracks_or_in_disorder_are_refused(made, tmp_path):
    safes = sorted((made / "products").glob("*.SAFE"))
    base = ["+experiment=simulate", f"output={tmp_path / 'out'}"]
    refuse("/nowhere/x.SAFE: no such file or folder", *base, "simulate.templates=/nowhere/x.SAFE")
    refuse("give a SAFE folder, or a list of them", *base, "simulate.templates=[]")
    refuse("must be different and in order of time", *base, f"simulate.templates=[{safes[1]},{safes[0]}]")
    (plan,) = plan_passes(
        PassParameters(
            longitude=9.0,
            latitude=52.05,
            pass_direction="ascending",
            first_day=np.datetime64("2022-01-01"),
            dates=1,
            bursts=1,
        )
    )
    other = write_metadata(plan, tmp_path)
    refuse("relative orbit", *base, f"simulate.templates=[{other},{safes[1]}]")


def test_a_given_dem_is_the_terrain_and_must_cover_the_scene(made, tmp_path):
    dem = made / "scene" / "dem.tif"
    refuse(
        "does not cover",
        *SMALL,
        f"simulate.dem.path={dem}",
        "simulate.dem.vertical_datum=ellipsoid",
        "simulate.longitude=8.0",
        f"output={tmp_path / 'out'}",
    )
    assert not (tmp_path / "out").exists()


def test_given_vectors_are_the_land_cover(real_data, tmp_path):
    """The large-scale map of Otterlo: its buildings are urban in the truth, and bright."""
    bgt = real_data("nl_bgt_otterlo") / "bgt_otterlo.zip"
    run(
        "+experiment=simulate",
        "simulate.dates=1",
        "simulate.swaths=[iw2]",
        "simulate.bursts=1",
        "simulate.lines=160",
        "simulate.samples=500",
        "simulate.longitude=5.7665",
        "simulate.latitude=52.101",
        "simulate.scene.cover_posting=3",
        f"simulate.scene.vectors=[{bgt}]",
        "simulate.scene.relief=20",
        "simulate.truth_lines=1",
        "simulate.truth_samples=1",
        f"output={tmp_path / 'out'}",
    )
    product = open_sentinel1(next((tmp_path / "out" / "products").glob("*.SAFE")))
    (burst,) = product.bursts
    truth = xr.open_zarr(tmp_path / "out" / "truth.zarr", group=burst.burst_id)
    names = xr.open_zarr(tmp_path / "out" / "truth.zarr").attrs["class_names"]
    pixels = np.abs(burst.read("vv", slice(0, burst.grid.lines), slice(0, burst.grid.samples))) ** 2
    kinds = truth.land_cover.values[0]
    urban = (kinds == names.index("urban")) & (pixels > 0)
    assert urban.sum() > 100
    assert pixels[urban].mean() > 2.0 * pixels[(kinds == names.index("grassland")) & (pixels > 0)].mean()
