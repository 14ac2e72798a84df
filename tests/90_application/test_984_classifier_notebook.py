"""The notebook that trains a classifier runs top to bottom, its last part with the stage of learning."""

import json

import pytest
from notebook_runs import SMALL, run_notebook

pytest.importorskip("torch")


def test_the_notebook_of_a_classifier_runs(tmp_path):
    run_notebook("2_classifier", tmp_path, SETTINGS=SMALL)
    metrics = json.loads((tmp_path / "demo" / "learn" / "metrics.json").read_text())
    assert list(metrics["models"]) == ["random_forest"]
