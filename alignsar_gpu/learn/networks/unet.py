"""The U-Net, for pixels that are longer in azimuth than in range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from alignsar_gpu.learn.networks.network import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is averaged into a pixel of the next level: pixels of Sentinel-1 are about 14 m x 4 m on the ground, and square
# from the second level on.
POOLS = ((1, 4), (2, 2), (2, 2))
WIDTHS = (1, 2, 3, 4)  # channels of the levels, in widths of the network
CONVOLUTIONS = 2  # of 3 x 3 in a block
STEM = (3, 5)


def block(channels: int, outputs: int) -> nn.Sequential:
    """Two convolutions of 3 x 3, each normalised over the batch (Ioffe and Szegedy 2015)."""
    sizes = ((channels, outputs), (outputs, outputs))
    parts = [
        (nn.Conv2d(*size, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
        for size in sizes
    ]
    return nn.Sequential(*(part for of_size in parts for part in of_size))


class Encoder(nn.Module):
    """The way down: features of each level, the finest first."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, STEM, padding=(STEM[0] // 2, STEM[1] // 2), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        sizes = [width, *(width * share for share in WIDTHS)]
        self.levels = nn.ModuleList(map(block, sizes[:-1], sizes[1:]))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Compute the features of each level."""
        found = [self.levels[0](self.stem(image))]
        for level, pool in zip(list(self.levels)[1:], POOLS, strict=True):
            found.append(level(functional.avg_pool2d(found[-1], pool)))
        return found


class Decoder(nn.Module):
    """The way up: features of the finest level, from those of all levels."""

    def __init__(self, width: int, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        pairs = [(widths[i] + widths[i + 1], widths[i]) for i in reversed(range(len(widths) - 1))]
        # what comes from below has the width that its own level has given it
        self.levels = nn.ModuleList(block(width * taken, width * given) for taken, given in pairs)

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Join the levels, from the coarsest to the finest."""
        found = features[-1]
        for level, finer in zip(self.levels, reversed(features[:-1]), strict=True):
            size = finer.shape[-2:]
            wider = functional.interpolate(found, size=size, mode="bilinear", align_corners=False)
            found = level(torch.cat([wider, finer], dim=1))
        return found


def reach_of(pools: Sequence[tuple[int, int]] = POOLS, stem: tuple[int, int] = STEM) -> tuple[int, int]:
    """Return the lines and samples around a pixel that its result may depend on."""
    reach = []
    for axis in (0, 1):
        steps = [1]
        for pool in pools:
            steps.append(steps[-1] * pool[axis])
        down = stem[axis] // 2 + CONVOLUTIONS * sum(steps)
        up = CONVOLUTIONS * sum(steps[:-1]) + sum(steps[1:])  # bilinear: a neighbour of the coarser level
        reach.append(down + up + sum(step - 1 for step in steps))
    return reach[0], reach[1]


class UNet(Network):
    """Classifies pixels by what is around them (Ronneberger et al. 2015), on four levels.

    Parameters
    ----------
    channels, outputs : of the images, and of the result.
    width : channels of the finest level; the others have two, three and four times as many.
    """

    name: ClassVar[str] = "unet"
    stride = (4, 16)
    reach = reach_of()

    def __init__(self, channels: int, outputs: int, width: int = 16) -> None:
        super().__init__()
        self._arguments = {"channels": channels, "outputs": outputs, "width": width}
        self.encoder = Encoder(channels, width)
        self.decoder = Decoder(width)
        self.head = nn.Conv2d(width, outputs, 1)

    def arguments(self) -> dict[str, Any]:
        """See `Network.arguments`."""
        return self._arguments

    def map(self, image: torch.Tensor) -> torch.Tensor:
        """See `Network.map`."""
        found: torch.Tensor = self.head(self.decoder(self.encoder(image)))
        return found
