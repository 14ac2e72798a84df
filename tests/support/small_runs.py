"""Runs that take a second or two, and what is asked of several kinds of them."""

import multiprocessing
import time

import pystac
import xarray as xr
from command_line import run

# On the stack of products=synthetic, which nothing has to be brought together in.
SYNTHETIC = ["products=synthetic", "name=made", "device=cpu"]
SMALL = [*SYNTHETIC, "products.lines=160", "products.samples=200", "products.dates=3"]
NETWORK = [
    "interferometry.network=sequential",
    "interferometry.looks_samples=10",
    "interferometry.goldstein_alpha=0.5",
]
# The report takes longer than everything else of a small run.
NO_REPORT = "report=none"
CUBE_ALONE = ["netcdf=none", NO_REPORT]


# Forked from a process that has imported what runs need, which takes longer than what they do until they are killed.
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["alignsar_gpu.application.pipeline", "alignsar_gpu.application.simulation"])


def start_and_kill(arguments, has_begun):
    """Start a run in a process of its own, and kill it as soon as ``has_begun`` says so."""
    process = FORKED.Process(target=run, args=arguments)
    process.start()
    while process.is_alive() and not has_begun():
        time.sleep(0.002)
    assert process.is_alive(), "finished before it could be killed"
    process.kill()
    process.join()


def kill_after_rows(arguments, output, least=3):
    """Start a run and kill it when so many rows of chunks or more are finished; returns how many."""
    journal = output / ".unfinished" / "journal"

    def rows():
        return len(list(journal.glob("row-*.json")))

    start_and_kill([*arguments, f"output={output}"], lambda: rows() >= least)
    assert {p.name for p in output.iterdir()} == {".unfinished", "run.log"}
    return rows()


def check_marked_as_simulated(output):
    cube = xr.open_zarr(output / "cube.zarr")
    assert cube.attrs["simulated"] == "true"
    assert "acknowledgement" not in cube.attrs
    assert {str(p) for p in cube["platform"].values} == {"Simulated Sentinel-1A"}
    assert "taken by Simulated Sentinel-1A" in (output / "report" / "index.html").read_text()
    (collection,) = pystac.Catalog.from_file(str(output / "stac" / "catalog.json")).get_children()
    assert not collection.providers
    assert collection.summaries.get_list("platform") == ["simulated-sentinel-1a"]
