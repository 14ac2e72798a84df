"""The perceptron of AlignSAR: each pixel by itself."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from alignsar_gpu.learn.networks.network import Network

if TYPE_CHECKING:
    import torch

WIDTHS = (128, 64, 64, 64, 32, 16, 8)


class Perceptron(Network):
    """Classifies each pixel by its own values, through layers of 128, 64, 64, 64, 32, 16 and 8 units.

    The widths are those of AlignSAR's network for land cover (L. Chang et al., AlignSAR, notebook of Groningen); the
    outputs follow on a layer of their own.
    """

    name: ClassVar[str] = "ann"

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self._arguments = {"channels": channels, "outputs": outputs}
        widths = (channels, *WIDTHS)
        layers = [
            part for sizes in pairwise(widths) for part in (nn.Conv2d(*sizes, 1), nn.ReLU(inplace=True))
        ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], outputs, 1))

    def arguments(self) -> dict[str, Any]:
        """See `Network.arguments`."""
        return self._arguments

    def map(self, image: torch.Tensor) -> torch.Tensor:
        """See `Network.map`."""
        found: torch.Tensor = self.layers(image)
        return found
