"""The network of centres: where the middles of objects are, and how large their boxes are."""

from __future__ import annotations

from operator import add
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from alignsar_gpu.learn.networks.network import Network
from alignsar_gpu.learn.networks.unet import POOLS, WIDTHS, Decoder, Encoder, block, reach_of

DEEPER = ((2, 2), (2, 2))  # below the levels of the U-Net: for objects as large as oil slicks
CELL = POOLS[0]  # lines and samples of the cells that the outputs are of
BOX = 4  # outputs of a box: offset of its middle in cells (line, sample), logarithms of its lines and samples
RARE = -4.6  # logit of 0.01: few cells are the middle of an object


class Heatmap(Network):
    """Finds objects by their middles (X. Zhou, D. Wang and P. Kraehenbuehl 2019, Objects as Points, arXiv 1904.07850).

    On the U-Net with two levels more, up to cells of 1 line and 4 samples. The outputs are a logit for each category,
    then those of a box (see ``BOX``). All pixels of a cell have the same, so that ``outputs[..., ::4]`` is of cells.

    Parameters
    ----------
    channels : of the images.
    categories : of objects.
    width : see `UNet`.
    """

    name: ClassVar[str] = "heatmap"
    stride = (16, 64)
    reach = tuple(map(add, reach_of((*POOLS, *DEEPER)), CELL))

    def __init__(self, channels: int, categories: int, width: int = 16) -> None:
        super().__init__()
        self._arguments = {"channels": channels, "categories": categories, "width": width}
        self.encoder = Encoder(channels, width)
        coarsest = WIDTHS[-1] * width
        self.deeper = nn.ModuleList(block(coarsest, coarsest) for _ in DEEPER)
        self.decoder = Decoder(width, (*WIDTHS[1:], *WIDTHS[-1:] * len(DEEPER)))
        finest = WIDTHS[1] * width
        self.neck = nn.Sequential(nn.Conv2d(finest, finest, 3, padding=1), nn.ReLU(inplace=True))
        self.head = nn.Conv2d(finest, categories + BOX, 1)
        self.head.bias = nn.Parameter(torch.tensor([RARE] * categories + [0.0] * BOX))

    def arguments(self) -> dict[str, Any]:
        """See `Network.arguments`."""
        return self._arguments

    def map(self, image: torch.Tensor) -> torch.Tensor:
        """See `Network.map`."""
        features = self.encoder(image)[1:]
        for level, pool in zip(self.deeper, DEEPER, strict=True):
            features.append(level(functional.avg_pool2d(features[-1], pool)))
        found: torch.Tensor = self.head(self.neck(self.decoder(features)))
        return found.repeat_interleave(CELL[1], dim=-1)
