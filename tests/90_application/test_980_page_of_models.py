"""The page of models: all scores with their spread, pictures that say what they show, the same bytes again."""

import re

import fake_metrics
import numpy as np
import pytest
from report_pictures import texts_of

from alignsar_gpu.application.learn.page import Maps, score_text, write_page
from alignsar_gpu.application.report import ReportStage
from alignsar_gpu.report.drawing.learning import Shown
from alignsar_gpu.report.page import Page, Table, render


@pytest.mark.parametrize("make", [fake_metrics.land_cover, fake_metrics.detection, fake_metrics.change])
def test_every_picture_is_there_and_every_number(tmp_path, make):
    metrics = make(tmp_path)
    text = write_page(tmp_path, metrics, aspect=3.7, links={"report": "../report/index.html"}).read_text()
    pictures = set(re.findall(r'src="([^"]+)"', text))
    assert pictures == {f"pictures/{path.name}" for path in (tmp_path / "pictures").iterdir()}
    assert len(re.findall(r'alt="[^"]{12,}"', text)) == len(re.findall("<img", text))
    for model in metrics["models"].values():
        for of in model["test"].values():
            assert f"{of['mean']:.3f}" in text
    assert 'href="unet/seed-1.safetensors"' in text
    assert 'href="../report/index.html"' in text
    assert "http" not in text


def test_scores_with_their_spread(tmp_path):
    metrics = fake_metrics.land_cover(tmp_path)
    text = write_page(tmp_path, metrics).read_text()
    assert "0.850 ± 0.010 [0.800 to 0.890]" in text
    assert "0.600 [0.550 to 0.640]" in text  # one seed has no deviation
    assert "U-Net &lt;new&gt;" in text
    assert "alps" in text
    assert score_text({"mean": None, "deviation": None, "low": None, "high": None}) == "none"
    bars = texts_of(tmp_path / "pictures/classes_f1.svg")
    assert {"water", "bare soil", "forest", "U-Net <new>"} <= set(bars)
    confusion = texts_of(tmp_path / "pictures/unet_confusion.svg")
    assert confusion.count("80") == 1  # percent of the true pixels
    assert {"truth", "predicted"} <= set(confusion)
    assert texts_of(tmp_path / "pictures/unet_training.svg").count("seed 2") == 1


def test_the_scene_beside_its_truth(tmp_path):
    metrics = fake_metrics.land_cover(tmp_path)
    parts = [Shown(title=name, classes=np.eye(6, dtype=np.uint8)) for name in ("truth", "prediction")]
    maps = Maps(parts=parts, names=list(fake_metrics.CLASSES), model="U-Net", text="Classes.")
    text = write_page(tmp_path, metrics, maps=maps).read_text()
    assert "pictures/scene.svg" in text
    assert "The whole scene" in text


def test_the_same_bytes_again(tmp_path):
    for name in "ab":
        write_page(tmp_path / name, fake_metrics.land_cover(tmp_path / name))
    first, second = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*.[sh]*[gl]")
        }
        for name in "ab"
    )
    assert len(first) > 5
    assert first == second


def test_the_report_leads_to_it():
    def page(**more):
        dates = Table(name="Dates", head=("date",), rows=())
        empty = {
            "summary": "",
            "facts": (),
            "warnings": (),
            "sections": (),
            "netcdf": "",
            "opener": "xarray.open_zarr",
        }
        return render(Page(title="Test", dates=dates, **empty, **more))

    assert page(models=True).count('href="../learn/index.html"') == 2
    assert "learn/" not in page()
    assert "learn" in ReportStage.reads
