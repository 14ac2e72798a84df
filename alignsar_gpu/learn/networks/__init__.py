"""Networks for images of radar: any size in, the same size out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.learn.networks.complex_unet import ComplexUNet
from alignsar_gpu.learn.networks.heatmap import Heatmap
from alignsar_gpu.learn.networks.perceptron import Perceptron
from alignsar_gpu.learn.networks.siamese import Siamese
from alignsar_gpu.learn.networks.unet import UNet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.learn.networks.network import Network

# By the names that files of models have.
KINDS: tuple[type[Network], ...] = (UNet, Perceptron, ComplexUNet, Siamese, Heatmap)
NETWORKS = {one.name: one for one in KINDS}


def build(name: str, arguments: Mapping[str, Any]) -> Network:
    """Make a network, with random weights, by its name and the arguments of its constructor."""
    return NETWORKS[name](**arguments)
