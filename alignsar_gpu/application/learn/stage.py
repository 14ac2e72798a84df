"""Learning as a stage: models are trained on the chips of the run, tested, and predict the scene."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.chips.stage import CHIPS
from alignsar_gpu.application.fingerprints import write_text
from alignsar_gpu.application.journal import read_json
from alignsar_gpu.application.learn.describing import LEARN, describe_models
from alignsar_gpu.application.learn.page import PAGE
from alignsar_gpu.application.learn.predicting import PRODUCTS as PREDICTED
from alignsar_gpu.application.learn.predicting import chosen_model, map_predictions, predict_scene
from alignsar_gpu.application.stage import Stage, keys_of
from alignsar_gpu.dataset.chips.description import DATASET
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.device import cpu_threads
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.config import Config
    from alignsar_gpu.learn.request import Request

METRICS = "metrics.json"
NEEDED = ("torch", "safetensors", "sklearn")  # the extra `learn`


class LearnStage(Stage):
    """learn/: weights, metrics.json, cards and a page; predictions of the scene, also on a map."""

    name = "learn"
    reads = ("dataset", "geocoding", "chips")
    products = (LEARN, *PREDICTED)
    shown = (("models", f"{LEARN}/{PAGE}", ""), ("scores", f"{LEARN}/{METRICS}", ""))

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.learn.is_wanted

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return keys_of(self.run.config.learn) | {"device": self.run.device.kind}

    def files(self) -> Sequence[Sequence[Path | str]]:
        """See `Stage.files`."""
        return [[folder_of(path) / DATASET] for path in self._others()]

    def _others(self) -> list[Path]:
        return [Path(path).expanduser() for path in self.run.config.learn.others]

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`; a training goes on where it was stopped."""
        require_learning(self.run.config)
        chips = folder.work / CHIPS
        if not chips.is_dir():
            raise AlignsarError(
                f"learn.task={self.run.config.learn.task}: this run has no chips; make them too: chips.size=[32,128]"
            )
        import torch  # noqa: PLC0415  (is an extra)

        torch.set_num_threads(cpu_threads())  # numba has changed it: both use the same OpenMP
        metrics = self._train(folder)
        model = chosen_model(self.run.config.learn.predict, metrics, folder.work / LEARN)
        if model is not None:
            predict_scene(folder, self.run, model, metrics, self.name)
            map_predictions(folder, self.run, self.name)
        describe_models(folder, metrics, reported=self.run.config.report.kind != "none")

    def _train(self, folder: RunFolder) -> dict[str, Any]:
        """Train and test the models; return what metrics.json holds."""
        unit, file = f"{self.name}/{METRICS}", folder.work / LEARN / METRICS
        if folder.is_recorded(unit):
            return read_json(file)
        task = import_module(f"alignsar_gpu.learn.{self.run.config.learn.task}.task")
        request = self._request()
        with self.run.timer.stage(self.name, task.steps(folder.work / CHIPS, request)) as advance:
            metrics: dict[str, Any] = task.train(folder.work / CHIPS, folder.work / LEARN, request, advance)
        write_text(file, json.dumps(metrics, indent=1, allow_nan=False) + "\n")
        folder.record(unit, [file, *sorted((folder.work / LEARN).rglob("*.safetensors"))])
        for name, model in metrics["models"].items():
            LOGGER.info("%-10s %s", name, _in_words(model["test"]))
        return metrics

    def _request(self) -> Request:
        from alignsar_gpu.learn.options import FitOptions  # noqa: PLC0415
        from alignsar_gpu.learn.request import Request  # noqa: PLC0415

        config, device = self.run.config.learn, self.run.device
        return Request(
            models=config.models,
            label=config.label,
            layers=config.layers,
            seeds=config.seeds,
            fit=FitOptions(
                epochs=config.epochs or 0,
                batch=config.batch,
                learning_rate=config.learning_rate,
                patience=config.patience,
                device="cuda" if device.kind == "cuda" else "cpu",
                mixed_precision=config.mixed_precision,
                memory=device.memory_budget,
                threads=cpu_threads(),
            ),
            bootstrap=config.bootstrap,
            others=self._others(),
            shuffle=config.shuffle,
        )


def require_learning(config: Config) -> None:
    """Raise AlignsarError if models cannot be trained here: before any work."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise AlignsarError(
            f"learn.task={config.learn.task}: needs {', '.join(missing)}; install the extra: "
            'pip install "alignsar_gpu[learn]" (from a clone: pip install -e ".[learn]")'
        )


def _in_words(scores: Mapping[str, Mapping[str, float | None]]) -> str:
    """Say the scores of a model in a line: the mean, and the 95 % interval."""
    return ", ".join(
        f"{name.replace('_', ' ')} {of['mean']:.3f} ({of['low']:.3f} to {of['high']:.3f})"
        for name, of in scores.items()
        if None not in (of["mean"], of["low"], of["high"])
    )
