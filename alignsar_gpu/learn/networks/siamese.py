"""A Siamese network: what has changed between two dates, from the images of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from alignsar_gpu.learn.change.features import Comparison, compare
from alignsar_gpu.learn.networks.network import Network
from alignsar_gpu.learn.networks.unet import WIDTHS, Decoder, Encoder, UNet

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOKS = (3, 11)  # lines and samples that coherence and phase are estimated over


class Siamese(Network):
    """Classifies pixels by how they change between two dates (Daudt et al. 2018, with coherence and phase).

    Both dates go through one encoder. At each of its levels the difference and the product of their features are joined
    with features of the coherence and the phase of the pair, and one decoder makes classes of them.

    Unless the network is directed, differences and the sine of the phase lose their sign: the same change is found if
    the dates are exchanged. What appears and what disappears can be told apart by a directed network alone.

    Parameters
    ----------
    channels : of a date; images have those of the first date, then those of the second.
    outputs : of the result.
    parts : how many of these channels, the last ones, are real and imaginary parts of complex images in turn.
    directed : whether the order of the dates counts.
    width : see `UNet`.
    """

    name: ClassVar[str] = "siamese"
    stride = UNet.stride
    reach = (UNet.reach[0] + LOOKS[0] // 2, UNet.reach[1] + LOOKS[1] // 2)

    def __init__(
        self, channels: int, outputs: int, parts: int = 0, *, directed: bool = False, width: int = 12
    ) -> None:
        super().__init__()
        self._arguments = {
            "channels": channels,
            "outputs": outputs,
            "parts": parts,
            "directed": directed,
            "width": width,
        }
        self.dated, self.parts, self.directed = channels - parts, parts, directed
        widths = [width * share for share in WIDTHS]
        self.encoder = Encoder(self.dated, width) if self.dated else None
        self.comparing = Encoder(parts // 2 * len(Comparison._fields), width) if parts else None
        sources = 2 * bool(self.dated) + bool(parts)
        self.joining = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(sources * size, size, 1, bias=False), nn.BatchNorm2d(size), nn.ReLU(inplace=True)
            )
            for size in widths
        )
        self.decoder = Decoder(width)
        self.head = nn.Conv2d(width, outputs, 1)

    def arguments(self) -> dict[str, Any]:
        """See `Network.arguments`."""
        return self._arguments

    def map(self, image: torch.Tensor) -> torch.Tensor:
        """See `Network.map`."""
        first, second = image.chunk(2, dim=1)
        sources: list[list[torch.Tensor]] = []
        if self.encoder is not None:
            features = self.encoder(torch.cat([first[:, : self.dated], second[:, : self.dated]]))
            sources += self._of_dates([level.chunk(2) for level in features])
        if self.comparing is not None:
            sources.append(self.comparing(self._of_pair(first[:, self.dated :], second[:, self.dated :])))
        levels = [
            join(torch.cat(level, dim=1))
            for join, level in zip(self.joining, zip(*sources, strict=True), strict=True)
        ]
        found: torch.Tensor = self.head(self.decoder(levels))
        return found

    def _of_dates(self, pairs: Sequence[Sequence[torch.Tensor]]) -> list[list[torch.Tensor]]:
        """Compute differences and products of the features of both dates, by level."""
        differences = [a - b if self.directed else (a - b).abs() for a, b in pairs]
        return [differences, [a * b for a, b in pairs]]

    def _of_pair(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Compute coherence and phase of the complex images."""
        coherence, cosine, sine = compare(first.float(), second.float(), LOOKS)
        return torch.cat([coherence, cosine, sine if self.directed else sine.abs()], dim=1)
