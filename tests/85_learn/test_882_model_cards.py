"""Model cards: what a reader must know, fields that Hugging Face reads, and a snippet that runs."""

import os
import re
import subprocess
import sys

import pytest
import yaml

torch = pytest.importorskip("torch")

import fake_metrics  # noqa: E402
from predicted_cube import DATED, model_of  # noqa: E402

from alignsar_gpu.application.learn.cards import write_cards  # noqa: E402


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    learn = tmp_path_factory.mktemp("learn")
    metrics = fake_metrics.land_cover(learn)
    model_of(learn, DATED, classes=fake_metrics.CLASSES)
    (path,) = write_cards(
        learn, metrics, license_id="CC0-1.0", limits=["Simulated | images."], simulated=True
    )
    return path


def test_fields_of_hugging_face(card):
    _, header, _ = card.read_text().split("---\n", 2)
    fields = yaml.safe_load(header)
    assert (fields["license"], fields["library_name"]) == ("cc0-1.0", "alignsar_gpu")
    assert fields["pipeline_tag"] == "image-segmentation"
    assert "simulated" in fields["tags"]
    assert fields["datasets"] == ["made"]
    ((result,),) = (index["results"] for index in fields["model-index"])
    assert result["dataset"]["split"] == "test"
    assert {"type": "macro_f1", "name": "macro F1", "value": 0.85} in result["metrics"]


def test_what_a_reader_must_know(card):
    text = card.read_text()
    assert "| macro F1 | 0.850 | 0.010 | 0.800 to 0.890 |" in text
    assert "| alps | 0.650 |" in text
    assert "| 0 | sigma0_vv | 1 | 10 | 20 | 5 |" in text
    assert "| 2 | height | the image's own, or none | 0 | 0.5 | 5 |" in text
    assert "| 1 | bare soil | 2 |" in text
    assert "On 1,200 samples of the training split, in 4 epochs" in text
    assert "- Simulated | images." in text


def test_the_snippet_runs(card):
    (code,) = re.findall(r"```python\n(.*?)```", card.read_text(), re.DOTALL)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=card.parent,
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.strip() == "torch.Size([3, 64, 256]) ['water', 'bare_soil', 'forest']"
