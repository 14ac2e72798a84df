"""What is asked of an application: which models, on which label and inputs, with which seeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alignsar_gpu.learn.options import FitOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of an application.

    Attributes
    ----------
    models : names; none: all that the chips have inputs for.
    label : name of a layer; empty: the one that fits.
    layers : names of inputs; none: all.
    seeds : one training each.
    fit : how networks are trained; its seed is replaced by each of ``seeds``.
    bootstrap : resamples of blocks for the intervals of scores.
    others : folders of other runs that models are tested on too.
    shuffle : the labels of the training split are shuffled, so that nothing can be learned: a control.
    """

    models: Sequence[str] = ()
    label: str = ""
    layers: Sequence[str] = ()
    seeds: Sequence[int] = (1,)
    fit: FitOptions = field(default_factory=FitOptions)
    bootstrap: int = 1000
    others: Sequence[Path] = ()
    shuffle: bool = False
