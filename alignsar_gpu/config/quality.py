"""The keys of `quality`: levels of pixels by how far they can be relied on."""

from __future__ import annotations

from dataclasses import dataclass

from alignsar_gpu.config.keys import key


@dataclass
class QualityConfig:
    """Levels of pixels: 1 by statistics over the dates, 2 by labels, 3 by both."""

    levels: bool = key(
        default=False, text="add the layer quality_level, by statistics over the dates and by labels"
    )
    amplitude_dispersion: float = key(
        0.4, "level 1: the most of it that a steady scatterer has", bounds=(0.0, None)
    )
    dates: int = key(
        20, "level 1: dates that there must be, or amplitude dispersion does not count", bounds=(2, None)
    )
    coherence: float = key(
        0.5, "level 1: or the least mean coherence with the reference date", bounds=(0.0, 1.0)
    )
    looks: float = key(
        12.0,
        "level 1: independent looks that the coherence window must have, or coherence does not count",
        bounds=(1.0, None),
    )
    least_fraction: float = key(0.9, "level 2: the least share of one class in the pixel", bounds=(0.0, 1.0))
    position: float = key(
        1.0, "level 2: the most standard deviation of the position of labels, samples", bounds=(0.0, None)
    )
