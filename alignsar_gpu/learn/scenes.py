"""Predict a whole scene in tiles with a halo: without seams, and with memory for one tile."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray


class SceneNetwork(Protocol):
    """A network that maps images to images, as far as tiles are concerned.

    Attributes
    ----------
    stride : lines and samples by which an image can be moved so that its output only moves with it.
    reach : lines and samples around an output pixel that can change it.
    """

    stride: tuple[int, int]
    reach: tuple[int, int]

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Map images [batch, ..., line, sample] to [batch, output, line, sample]."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A part of a scene: the pixels (lines, samples) that are predicted, and those that are read for it."""

    core: tuple[slice, slice]
    window: tuple[slice, slice]

    @property
    def inside(self) -> tuple[slice, slice]:
        """Where the core lies in the window."""
        lines, samples = (
            slice(core.start - window.start, core.stop - window.start)
            for core, window in zip(self.core, self.window, strict=True)
        )
        return lines, samples


def rows_of_tiles(shape: tuple[int, int], size: tuple[int, int], network: SceneNetwork) -> list[list[Tile]]:
    """Divide a scene into rows of tiles.

    The cores, of ``size`` or smaller at the end of the scene, lie side by side. A window begins and ends at multiples
    of the stride, or at the end of the scene, and no nearer to its core than the reach: every pixel of the core is then
    as if the whole scene had been given to the network at once.
    """
    lines, samples = (
        [_extent(first, count, step, *around) for first in range(0, count, step)]
        for count, step, around in zip(
            shape, size, zip(network.stride, network.reach, strict=True), strict=True
        )
    )
    tiles = [
        Tile(core=(line[0], sample[0]), window=(line[1], sample[1]))
        for line, sample in product(lines, samples)
    ]
    return [tiles[first : first + len(samples)] for first in range(0, len(tiles), len(samples))]


def _extent(first: int, count: int, size: int, stride: int, reach: int) -> tuple[slice, slice]:
    """Return the core that begins at ``first`` along an axis of ``count`` pixels, and its window."""
    last = min(first + size, count)
    begin = max(first - reach, 0) // stride * stride
    end = min(-(-(last + reach) // stride) * stride, count)
    return slice(first, last), slice(begin, end)


def predict_tile(
    network: SceneNetwork, image: NDArray[Any], tile: Tile, device: str = "cpu"
) -> NDArray[np.float32]:
    """Return the output [output, line, sample] of a tile's core from the image [..., line, sample] of its window.

    ``network`` is on ``device`` and set to evaluation. On CUDA, convolutions are computed in float32: TF32, which
    PyTorch takes by itself, would show where tiles meet.
    """
    exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with torch.inference_mode(), exact:
        found = network(torch.from_numpy(image)[None].to(device))[0]
        core: NDArray[np.float32] = found[(..., *tile.inside)].float().cpu().numpy()
    return core
