"""The keys of `learn`: which models are trained on the chips of a run, and tested."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from alignsar_gpu.config.keys import about, as_given, key
from alignsar_gpu.errors import AlignsarError

TASKS = ("land_cover", "detection", "change")


@dataclass
class LearnConfig:
    """Models that are trained on the chips of a run, and tested on ground that they have not seen."""

    task: str | None = key(
        None,
        "land_cover: the class of each pixel; detection: boxes of objects; change: what changed between two dates; "
        "unset: nothing is trained",
        choices=TASKS,
    )
    label: str = key("", "label that is learned; empty: the only one that fits")
    layers: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about("layers of the chips that models get; empty: all", may_be_empty=True),
    )
    models: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "models that are trained, such as [random_forest,unet]; empty: all of the task that the chips have layers "
            "for",
            may_be_empty=True,
        ),
    )
    seeds: list[int] = dataclasses.field(
        default_factory=lambda: [1],
        metadata=about(
            "seeds, a training of each model for each: their scores have a spread", bounds=(0, 2**31)
        ),
    )
    epochs: int | None = key(
        None, "epochs of each training at most; unset: those of the model", bounds=(1, 100_000)
    )
    batch: int = key(8, "samples in a step", bounds=(1, 4096))
    learning_rate: float = key(4e-3, "largest learning rate", bounds=(1e-8, 1.0))
    patience: int = key(
        0, "epochs without a better score, after which a training ends; 0: it does not", bounds=(0, 100_000)
    )
    mixed_precision: bool = key(default=True, text="on a GPU, activations in bfloat16")
    bootstrap: int = key(
        1000, "resamples of the blocks of ground, for the intervals of the scores", bounds=(0, 1_000_000)
    )
    others: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "folders of other runs whose chips the models are tested on too: another terrain, another track",
            may_be_empty=True,
        ),
    )
    predict: str | None = key(
        None,
        "model whose predictions of the whole scene are written; unset: the best one of the task; empty: none",
    )
    shuffle: bool = key(
        default=False,
        text="shuffle the labels of the training split: a control, whose scores must be those of chance",
    )

    @property
    def is_wanted(self) -> bool:
        """Whether models are to be trained."""
        return self.task is not None


def check_learn(config: LearnConfig) -> None:
    """Raise AlignsarError, naming the key, for keys of learning that do not fit together."""
    default = LearnConfig()
    given = [name for name, value in vars(config).items() if value != getattr(default, name)]
    if given and config.task is None:
        raise AlignsarError(
            f"learn.{given[0]}={as_given(getattr(config, given[0]))}: learning needs learn.task too, such as land_cover"
        )
    if not config.seeds:
        raise AlignsarError("learn.seeds=[]: give at least one seed, such as [1]")
    if len(set(config.seeds)) < len(config.seeds):
        raise AlignsarError(f"learn.seeds={as_given(config.seeds)}: has a seed twice; leave it out")
