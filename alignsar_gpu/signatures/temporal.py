"""Signatures of all dates of a polarization: statistics over time, and the change of each date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.signatures.percentiles import WETNESS_DATES
from alignsar_gpu.signatures.registry import Signature, register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alignsar_gpu.signatures.views.stack import StackView

FERRETTI = "Ferretti et al. 2001, Permanent scatterers in SAR interferometry, IEEE TGRS 39(1)"
WAGNER = (
    "Wagner et al. 1999, A method for estimating soil moisture from ERS scatterometer and soil data, Remote Sensing of "
    "Environment 70(2)"
)
BAUER = (
    "Bauer-Marschallinger et al. 2019, Toward global soil moisture monitoring with Sentinel-1: harnessing assets and "
    "overcoming obstacles, IEEE TGRS 57(1)"
)
RIGNOT = "Rignot and van Zyl 1993, Change detection techniques for ERS-1 SAR data, IEEE TGRS 31(4)"
QUEGAN = "Quegan et al. 2000, Multitemporal ERS SAR analysis applied to forest mapping, IEEE TGRS 38(2)"
TOUZI = "Touzi et al. 1999, Coherence estimation for SAR imagery, IEEE TGRS 37(1)"
SEASONAL_DATES = 4  # one more than the harmonic has unknowns, see `kernels.seasonal_fit`
HARMONIC = "Bloomfield 2000, Fourier Analysis of Time Series, Wiley, chapter 2"


def _statistic(name: str) -> Callable[[StackView], Any]:
    return lambda view: view.statistic(name)


def _register_statistics(rows: Iterable[tuple[str, str, str, str]]) -> None:
    for name, label, formula, references in rows:
        register(
            Signature(
                name=name,
                category=1,
                scope="stack",
                dated=False,
                fewest_dates=2,
                units="1",
                label=label,
                formula=formula,
                references=references,
                compute=_statistic(name),
            )
        )


_register_statistics(
    (
        ("intensity_mean", "mean intensity", "mean of the power over the dates", QUEGAN),
        (
            "intensity_deviation",
            "standard deviation of intensity",
            "standard deviation (n - 1) of the power over the dates",
            QUEGAN,
        ),
        (
            "coefficient_of_variation",
            "coefficient of variation of intensity",
            "standard deviation over mean of the power over the dates",
            QUEGAN,
        ),
        (
            "amplitude_dispersion",
            "amplitude dispersion",
            "standard deviation over mean of sqrt(power) over the dates",
            FERRETTI,
        ),
    )
)
register(
    Signature(
        name="coherence_mean",
        category=1,
        scope="stack",
        dated=False,
        fewest_dates=2,
        units="1",
        label="mean coherence",
        formula="mean over the secondary dates of their coherence with the reference date",
        references=TOUZI,
        valid_range=(0.0, 1.0),
        compute=lambda view: view.coherence_mean_minimum[0],
    )
)
register(
    Signature(
        name="coherence_minimum",
        category=1,
        scope="stack",
        dated=False,
        fewest_dates=2,
        units="1",
        label="minimum coherence",
        formula="minimum over the secondary dates of their coherence with the reference date",
        references=TOUZI,
        valid_range=(0.0, 1.0),
        compute=lambda view: view.coherence_mean_minimum[1],
    )
)
register(
    Signature(
        name="seasonal_amplitude",
        category=1,
        scope="stack",
        dated=False,
        fewest_dates=SEASONAL_DATES,
        units="dB",
        label="seasonal amplitude of intensity",
        formula="sqrt(b^2 + c^2) of a + b cos(2 pi t / 365.25 days) + c sin(2 pi t / 365.25 days) fitted to the dB",
        references=HARMONIC,
        compute=lambda view: view.seasonal("seasonal_amplitude"),
        comment="NaN where the dates do not tell a season from a constant: they must span about half a year",
    )
)
register(
    Signature(
        name="seasonal_peak_day",
        category=1,
        scope="stack",
        dated=False,
        fewest_dates=SEASONAL_DATES,
        units="day",
        label="day of the year of the seasonal maximum of intensity",
        formula="365.25 atan2(c, b) / (2 pi) of a + b cos(2 pi t / 365.25) + c sin(2 pi t / 365.25) fitted to the dB",
        references=HARMONIC,
        valid_range=(0.0, 365.25),
        compute=lambda view: view.seasonal("seasonal_peak_day"),
        comment="days since the beginning of the year of the first date; NaN as the seasonal amplitude",
    )
)
register(
    Signature(
        name="log_ratio_previous",
        category=1,
        scope="stack",
        fewest_dates=2,
        units="dB",
        label="log-ratio of intensity to the previous date",
        formula="10 log10(power / power of the date before)",
        references=RIGNOT,
        compute=lambda view: view.to_previous,
        comment="the first date has none",
    )
)
register(
    Signature(
        name="log_ratio_mean",
        category=1,
        scope="stack",
        fewest_dates=2,
        units="dB",
        label="log-ratio of intensity to the mean over the dates",
        formula="10 log10(power / mean power over the dates)",
        references=RIGNOT,
        compute=lambda view: view.to_mean,
    )
)
register(
    Signature(
        name="relative_wetness_index",
        category=2,
        scope="stack",
        fewest_dates=WETNESS_DATES,
        units="1",
        label="relative wetness index",
        formula="(power - dry) / (wet - dry), all in dB, no less than 0 and no more than 1; dry and wet are the 10th "
        "and the 90th percentile of the power over the dates",
        references=f"{WAGNER}; {BAUER}",
        valid_range=(0.0, 1.0),
        compute=lambda view: view.wetness,
        comment="0 as dry and 1 as wet as this stack gets in the pixel, not a water content; for bare or sparsely "
        "grown soil, and of filtered powers: speckle alone fills the range of a pixel; NaN with fewer than five dates "
        "of the pixel, and where wet is less than signatures.wetness_range above dry; all dates have one incidence "
        "angle, so that normalising it adds the same dB to power, dry and wet, and cancels",
    )
)
