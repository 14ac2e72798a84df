"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How a network is trained; the same options, data and threads give the same weights on a CPU.

    Attributes
    ----------
    seed : of first weights, of the order of samples, and of their flips.
    epochs : at most; 0: those of the model.
    batch : samples in a step.
    learning_rate : the largest; it rises in the first tenth of the steps, and falls as a cosine afterwards.
    patience : epochs without a better score on the validation split, after which training ends; 0: it goes on.
    device : "cpu" or "cuda".
    mixed_precision : on a GPU, activations in bfloat16.
    memory : bytes that samples may take, so that they are read from their files once.
    threads : that read samples.
    """

    seed: int = 1
    epochs: int = 0
    batch: int = 8
    learning_rate: float = 4e-3
    patience: int = 0
    device: str = "cpu"
    mixed_precision: bool = True
    memory: int = 2 << 30
    threads: int = 2
