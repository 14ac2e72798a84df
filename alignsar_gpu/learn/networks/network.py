"""What all networks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional


class Network(nn.Module, ABC):
    """A network from images to images: float32 [image, channel, line, sample] to [image, output, line, sample].

    Images of any size are padded with zeros to a multiple of ``stride``, and the result is cut to their size.

    Attributes
    ----------
    name : in files of models.
    stride : lines and samples of the coarsest features: parts of a scene that begin at its multiples have the same
        features as the whole.
    reach : lines and samples around a pixel that its result may depend on.
    """

    name: ClassVar[str]
    stride: tuple[int, int] = (1, 1)
    reach: tuple[int, int] = (0, 0)

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor, as plain values."""

    @abstractmethod
    def map(self, image: torch.Tensor) -> torch.Tensor:
        """Compute the outputs of images whose size is a multiple of the stride."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Compute the outputs of images of any size."""
        lines, samples = image.shape[-2:]
        below, right = -lines % self.stride[0], -samples % self.stride[1]
        padded = functional.pad(image, (0, right, 0, below)) if below or right else image
        return self.map(padded)[..., :lines, :samples]
