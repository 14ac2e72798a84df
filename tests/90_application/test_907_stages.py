"""Stages: each with its fingerprint, added and remade by itself; a new one is a file and a line."""

import json
from pathlib import Path
from typing import ClassVar

import pystac
import pytest
import xarray as xr
from command_line import refuse, run

from alignsar_gpu.application import pipeline
from alignsar_gpu.application.stage import Stage

SMALL = [
    "products=synthetic", "name=small", "device=cpu", "products.lines=96", "products.samples=128", "products.dates=2",
    "signatures.names=[amplitude,coherence]",
]  # fmt: skip


def contents(folder):
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {".checked.json", "run.log"}  # which are no products
    }


def changes(before, after):
    """The products of which any byte or time of writing has changed, or which are new or gone."""
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return {name.split("/")[0] for name in names}


class MeanStage(Stage):
    """mean.json: a stage of this test, with a key of its own."""

    name = "mean"
    reads = ("dataset",)
    products = ("mean.json",)
    shown = (("mean", "mean.json", "(one number)"),)
    layer: ClassVar[str] = "amplitude_vv"
    made: ClassVar[int] = 0

    def settings(self):
        return {"layer": self.layer}

    def make(self, folder):
        MeanStage.made += 1
        with self.run.timer.stage(self.name):
            cube = xr.open_zarr(folder.work / "cube.zarr")
            (folder.work / "mean.json").write_text(json.dumps({self.layer: float(cube[self.layer].mean())}))


@pytest.fixture
def mean(monkeypatch):
    monkeypatch.setattr(MeanStage, "layer", "amplitude_vv")
    monkeypatch.setattr(MeanStage, "made", 0)
    monkeypatch.setattr(pipeline, "STAGES", (*pipeline.STAGES, MeanStage))
    return MeanStage


@pytest.fixture
def output(tmp_path):
    """A finished run without NetCDF files and report."""
    run(*SMALL, "netcdf=none", "report=none", f"output={tmp_path / 'out'}")
    return tmp_path / "out"


def test_netcdf_and_report_are_added_to_a_finished_run(output):
    assert not (output / "netcdf").exists()
    assert not (output / "report").exists()
    before = contents(output)
    result = run(*SMALL, "report=none", f"output={output}")
    assert "netcdf" in result.stdout
    assert "signatures" not in result.stderr
    added = contents(output)
    # the catalogue lists the files, and the records are of the whole run
    assert changes(before, added) == {"netcdf", "stac", "manifest.json", "run.yaml"}
    (collection,) = pystac.Catalog.from_file(str(output / "stac" / "catalog.json")).get_children()
    assert all("netcdf" in item.assets for item in collection.get_items())
    assert "report" not in collection.assets
    run(*SMALL, f"output={output}")
    assert changes(added, contents(output)) == {"report", "stac", "manifest.json", "run.yaml"}
    assert "nothing to do" in run(*SMALL, f"output={output}").stdout


def test_all_dates_in_one_netcdf_file(output):
    run(*SMALL, "report=none", f"output={output}")
    files = {path.name for path in (output / "netcdf").iterdir()}
    run(*SMALL, "netcdf=one", "report=none", f"output={output}")
    dates = sorted(Path(name).stem for name in files)
    (file,) = (output / "netcdf").iterdir()
    assert file.name == f"{dates[0]}_{dates[-1]}.nc"
    (collection,) = pystac.Catalog.from_file(str(output / "stac" / "catalog.json")).get_children()
    asset = collection.assets["netcdf"]
    assert Path(asset.get_absolute_href()) == file
    assert asset.extra_fields["file:size"] == file.stat().st_size
    assert not any("netcdf" in item.assets for item in collection.get_items())


def test_what_is_not_asked_for_is_left_alone(output):
    run(*SMALL, f"output={output}")
    before = contents(output)
    assert "nothing to do" in run(*SMALL, "netcdf=none", f"output={output}").stdout
    assert contents(output) == before


def test_added_later_it_is_what_it_is_at_once(output, tmp_path):
    run(*SMALL, f"output={output}")
    run(*SMALL, f"output={tmp_path / 'at_once'}")
    later, at_once = (
        json.loads((folder / "manifest.json").read_text()) for folder in (output, tmp_path / "at_once")
    )
    assert later["stages"] == at_once["stages"]
    for name, known in at_once["files"].items():
        if name.split("/")[0] in {"cube.zarr", "netcdf", "stac"}:
            assert later["files"][name] == known


def test_a_damaged_product_is_made_anew_with_what_reads_it(output):
    run(*SMALL, f"output={output}")
    before = contents(output)
    (output / "report" / "index.html").unlink()
    result = run(*SMALL, f"output={output}")
    assert "report/index.html is missing: made again: report" in result.stderr
    assert changes(before, contents(output)) == {"report", "stac", "manifest.json", "run.yaml"}


def test_other_keys_of_the_dataset_are_another_run(output):
    before = contents(output)
    refuse("signatures.names", *SMALL[:-1], "signatures.names=[amplitude]", f"output={output}")
    assert contents(output) == before


def test_a_new_stage_is_a_class_and_a_line(output, mean):
    before = contents(output)
    result = run(*SMALL, "netcdf=none", "report=none", f"output={output}")
    assert f"mean       {output / 'mean.json'}   (one number)" in result.stdout
    assert changes(before, contents(output)) == {"mean.json", "manifest.json", "run.yaml"}
    assert json.loads((output / "mean.json").read_text())["amplitude_vv"] > 0


def test_its_own_keys_remake_it_alone(output, mean, monkeypatch):
    quiet = [*SMALL, "netcdf=none", "report=none", f"output={output}"]
    run(*quiet)
    before = contents(output)
    assert "nothing to do" in run(*quiet).stdout
    assert mean.made == 1
    monkeypatch.setattr(mean, "layer", "coherence_vv")
    run(*quiet)
    assert mean.made == 2
    assert changes(before, contents(output)) == {"mean.json", "manifest.json", "run.yaml"}


def test_what_depends_on_it_is_made_anew(output, mean, monkeypatch):
    after = type(
        "AfterStage", (MeanStage,), {"name": "after", "reads": ("mean",), "products": ("after.json",)}
    )
    after.make = lambda self, folder: (folder.work / "after.json").write_text(
        (folder.work / "mean.json").read_text()
    )
    monkeypatch.setattr(pipeline, "STAGES", (*pipeline.STAGES, after))
    quiet = [*SMALL, "netcdf=none", "report=none", f"output={output}"]
    run(*quiet)
    monkeypatch.setattr(mean, "layer", "coherence_vv")
    run(*quiet)
    assert "coherence_vv" in (output / "after.json").read_text()


def test_a_stage_that_fails_leaves_the_finished_run(output, mean, monkeypatch):
    before = contents(output)

    def fail(self, folder):
        (folder.work / "mean.json").write_text("half")
        raise OSError(28, "No space left on device", "mean.json")

    monkeypatch.setattr(mean, "make", fail)
    refuse(
        "mean.json cannot be written (No space left on device)",
        *SMALL,
        "netcdf=none",
        "report=none",
        f"output={output}",
    )
    assert contents(output) == before


def test_a_stage_says_what_it_makes_and_reads():
    names = [stage.name for stage in pipeline.STAGES]
    assert len(set(names)) == len(names)
    products = [product for stage in pipeline.STAGES for product in stage.products]
    assert len(set(products)) == len(products)
    for index, stage in enumerate(pipeline.STAGES):
        assert set(stage.reads) <= set(names[:index])
