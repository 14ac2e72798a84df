"""The keys of `signatures`: what is extracted per pixel, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from alignsar_gpu.config.keys import about, key

FILTERS = ("none", "boxcar", "lee", "refined_lee", "gamma_map")


@dataclass
class SignaturesConfig:
    """What is extracted per pixel."""

    names: list[str] = field(
        default_factory=lambda: ["category1"],
        metadata=about(
            "signatures or groups of them: category1, category2, all_dual, all_quad, temporal, alignsar, covariance"
        ),
    )
    slc: bool = key(default=False, text="keep the complex pixels (slc_p) in the cube too")
    window_lines: int = key(
        3, "window of polarimetric matrices and of the filter, lines", bounds=(1, 255), odd=True
    )
    window_samples: int = key(
        3, "window of polarimetric matrices and of the filter, samples", bounds=(1, 255), odd=True
    )
    filter: str = key("none", "speckle filter before intensities and matrices", choices=FILTERS)
    multitemporal: bool = key(
        default=False, text="filter intensities over the dates too (Quegan and Yu 2001)"
    )
    noise: str = key("kept", "thermal noise in calibrated powers", choices=("kept", "removed"))
    negative: str = key("masked", "what the removal of noise leaves below zero", choices=("kept", "masked"))
    radiometry: str = key(
        "auto",
        "what matrices and statistics over time are calibrated to; auto: sigma0 where the product has calibration",
        choices=("auto", "sigma0", "beta0", "gamma0", "digital_numbers"),
    )
    wetness_range: float = key(
        1.0, "relative_wetness_index: least range from dry to wet, dB", bounds=(0.01, None)
    )
