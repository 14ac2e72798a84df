"""What can be known of chips before there is a cube."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.application.chips.layers import check_names
from alignsar_gpu.application.chips.places import Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.config.chips import ChipsConfig
    from alignsar_gpu.dataset.cube import CubeLayer


def check_chips(config: ChipsConfig, layers: Sequence[CubeLayer], shape: tuple[int, int]) -> None:
    """Raise AlignsarError for chips larger than the image, and for layers that the cube will not have."""
    check_names(config, layers)
    if config.geometry == "radar":
        Windows.of(config, shape)
