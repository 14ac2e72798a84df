"""The keys of `card`: the dataset's card, its description in Croissant, and a taster of its chips."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.errors import AlignsarError

# What Hugging Face calls the tasks that images with labels are for.
TASKS = ("image-segmentation", "object-detection", "image-classification", "depth-estimation", "other")


@dataclass
class CardConfig:
    """A card of the chips for readers (README.md, card.html) and for programs (croissant.json); none without write."""

    write: bool = key(default=False, text="write the card and the taster; chips are needed")
    taster: int = key(
        100, "chips in the folder taster/, a small dataset of the same form; 0: none", bounds=(0, 10_000)
    )
    limits: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about("known limits in your own words, besides those that are measured", may_be_empty=True),
    )
    tasks: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "what the dataset is for, as Hugging Face calls it; empty: object-detection where chips have boxes, else "
            "image-segmentation",
            choices=TASKS,
            may_be_empty=True,
        ),
    )

    @property
    def is_given(self) -> bool:
        """Whether any key has another value than by default."""
        return self != CardConfig()


def check_card(config: CardConfig) -> None:
    """Raise AlignsarError, naming the key, for keys of a card that is not written."""
    if config.is_given and not config.write:
        default = CardConfig()
        name = next(n for n in vars(default) if getattr(config, n) != getattr(default, n))
        raise AlignsarError(
            f"card.{name}: is for a card; write one with card.write=true, or leave the key out"
        )
