"""A network on complex pixels: sums of dates and polarizations, their powers, and a U-Net on these."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from alignsar_gpu.learn.networks.network import Network
from alignsar_gpu.learn.networks.unet import UNet

LOOKS = (3, 11)  # lines and samples that powers are averaged over
LEAST = 1e-3  # of the mean power of the training split, below which a logarithm does not fall


class ComplexUNet(Network):
    """Classifies pixels by complex images of all dates and polarizations.

    Weighted complex sums of the images, whose powers are averaged over a window, hold what a covariance matrix does:
    intensities, and coherence and phase of any two images (the polarization identity). The weights are learned. The
    logarithms of the averaged powers go into a U-Net.

    Parameters
    ----------
    channels : of the images: real and imaginary part in turn, each complex image's own.
    outputs : of the result.
    sums : complex sums.
    width : see `UNet`.
    """

    name: ClassVar[str] = "complex_unet"
    stride = UNet.stride
    reach = (UNet.reach[0] + LOOKS[0] // 2 + 1, UNet.reach[1] + LOOKS[1] // 2 + 1)

    def __init__(self, channels: int, outputs: int, sums: int = 32, width: int = 16) -> None:
        super().__init__()
        self._arguments = {"channels": channels, "outputs": outputs, "sums": sums, "width": width}
        images = channels // 2
        weights = torch.randn(2, sums, images, 3, 3) / (18 * images) ** 0.5
        # The first sums begin as the images themselves, so that intensities are there from the start.
        weights[:, : min(images, sums)] = 0.0
        for image in range(min(images, sums)):
            weights[0, image, image, 1, 1] = 1.0
        self.weights = nn.Parameter(weights)
        self.norm = nn.BatchNorm2d(sums)
        self.unet = UNet(sums, outputs, width)

    def arguments(self) -> dict[str, Any]:
        """See `Network.arguments`."""
        return self._arguments

    def map(self, image: torch.Tensor) -> torch.Tensor:
        """See `Network.map`."""
        real, imaginary = image[:, ::2], image[:, 1::2]
        a, b = self.weights
        sums_real = functional.conv2d(real, a, padding=1) - functional.conv2d(imaginary, b, padding=1)
        sums_imaginary = functional.conv2d(real, b, padding=1) + functional.conv2d(imaginary, a, padding=1)
        power = sums_real.square() + sums_imaginary.square()
        looks = functional.avg_pool2d(power, LOOKS, stride=1, padding=(LOOKS[0] // 2, LOOKS[1] // 2))
        return self.unet.map(self.norm(torch.log(looks + LEAST)))
