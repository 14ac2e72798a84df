"""Parameters of simulated Sentinel-1 passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.burst_id import DAYS_PER_CYCLE
from alignsar_gpu.products.sentinel1.relative_orbit import RELATIVE_ORBIT_OFFSETS
from alignsar_gpu.simulate.safe.plan.iw_mode import SUBSWATHS

POLARIZATIONS = (("vv",), ("vv", "vh"), ("hh",), ("hh", "hv"))
HIGHEST_LATITUDE = 80.0  # degrees; the satellites turn back at 81.8
LINES, SAMPLES, BURSTS, DATES = (80, 2048), (64, 32_768), (1, 24), (1, 1000)
HEIGHTS = -500.0, 9000.0  # m
NOISE = -60.0, 0.0  # dB
LARGEST_BASELINE = 5000.0  # m

# From then on the satellite flew at another place in the repeat cycle, where its orbits are counted otherwise.
MOVED = {"Sentinel-1C": np.datetime64("2026-06-08", "D")}


@dataclass(frozen=True, kw_only=True)
class PassParameters:
    """Parameters of a stack of simulated passes over one place.

    Attributes
    ----------
    longitude, latitude : degrees, of the middle of the scene. With bursts of real length, whose places on Earth are
        fixed by ESA's cycle of bursts, the middle is up to 1.4 s (10 km) along the orbit from there.
    pass_direction : "ascending" or "descending".
    platform : "Sentinel-1A", "Sentinel-1B", "Sentinel-1C" or "Sentinel-1D".
    first_day : UTC day; the first date is the first pass over the place on or after it.
    dates, revisit_days : how many passes, and the days between them, a multiple of the 12 days after which a
        satellite repeats its orbit.
    subswaths : neighbouring ones, from near to far range: ("IW1", "IW2").
    bursts : in each subswath. lines, samples : of a burst, invalid margins included. Bursts of 3.0 s (1460
        lines) and more follow each other as real ones do; shorter ones follow more closely, so that they overlap.
    polarizations : ("vv", "vh"), ("vv",), ("hh", "hv") or ("hh",).
    mean_height : metres above the ellipsoid, that geolocation and incidence angles are computed at.
    baselines : perpendicular baseline of every date in metres, 0 for the reference, signed as
        `simulate.geometry.baseline_directions` says; None to have them drawn, within 150 m.
    reference : index of the date that baselines count from.
    noise_equivalent_sigma0 : thermal noise, dB, mean over a subswath.
    seed : of everything that is drawn.
    """

    longitude: float
    latitude: float
    pass_direction: Literal["ascending", "descending"]
    first_day: np.datetime64
    dates: int
    platform: str = "Sentinel-1A"
    revisit_days: int = DAYS_PER_CYCLE
    subswaths: tuple[str, ...] = ("IW1", "IW2")
    bursts: int = 3
    lines: int = 400
    samples: int = 2000
    polarizations: tuple[str, ...] = ("vv", "vh")
    mean_height: float = 0.0
    baselines: tuple[float, ...] | None = None
    reference: int = 0
    noise_equivalent_sigma0: float = -24.0
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_place()
        self._check_acquisitions()
        self._check_size()
        self._check_baselines()

    def _check_place(self) -> None:
        _within("longitude", self.longitude, -180.0, 180.0)
        if not abs(self.latitude) <= HIGHEST_LATITUDE:  # refuses NaN, too
            raise AlignsarError(
                f"simulated passes: latitude {self.latitude:g} is beyond {HIGHEST_LATITUDE:g} degrees, where "
                "Sentinel-1 turns back; choose a place nearer to the equator"
            )
        _within("mean_height", self.mean_height, *HEIGHTS)

    def _check_acquisitions(self) -> None:
        _one_of("pass_direction", self.pass_direction, ("ascending", "descending"))
        _one_of("platform", self.platform, tuple(RELATIVE_ORBIT_OFFSETS))
        _within("dates", self.dates, *DATES)
        if self.revisit_days < DAYS_PER_CYCLE or self.revisit_days % DAYS_PER_CYCLE:
            raise AlignsarError(
                f"simulated passes: revisit_days {self.revisit_days} is no multiple of the {DAYS_PER_CYCLE} days after "
                "which a Sentinel-1 satellite repeats its orbit"
            )
        if self.polarizations not in POLARIZATIONS:
            known = "; ".join(", ".join(names) for names in POLARIZATIONS)
            raise AlignsarError(
                f"simulated passes: polarizations {', '.join(self.polarizations) or 'none'} are not one of those that "
                f"Sentinel-1 acquires together: {known}"
            )
        until = MOVED.get(self.platform)
        last = self.first_day + np.timedelta64(self.revisit_days * self.dates, "D")
        if until is not None and last > until:
            raise AlignsarError(
                f"simulated passes: {self.platform} left its place in the repeat cycle on {until}, but passes up to "
                f"{last} are asked for; choose earlier days or another platform"
            )

    def _check_size(self) -> None:
        for name in self.subswaths:
            _one_of("subswaths", name, tuple(SUBSWATHS))
        names = tuple(SUBSWATHS)
        first = names.index(self.subswaths[0]) if self.subswaths else 0
        if not self.subswaths or self.subswaths != names[first : first + len(self.subswaths)]:
            raise AlignsarError(
                f"simulated passes: subswaths {', '.join(self.subswaths) or 'none'} are not neighbours, from near to "
                f"far range, of {', '.join(names)}"
            )
        _within("bursts", self.bursts, *BURSTS)
        _within("lines", self.lines, *LINES)
        _within("samples", self.samples, *SAMPLES)
        _within("noise_equivalent_sigma0", self.noise_equivalent_sigma0, *NOISE)
        _within("seed", self.seed, 0, 2**63)

    def _check_baselines(self) -> None:
        _within("reference", self.reference, 0, self.dates - 1)
        if self.baselines is None:
            return
        if len(self.baselines) != self.dates:
            raise AlignsarError(
                f"simulated passes: {len(self.baselines)} baselines for {self.dates} dates; give one a date"
            )
        for value in self.baselines:
            _within("baselines", value, -LARGEST_BASELINE, LARGEST_BASELINE)
        if self.baselines[self.reference] != 0.0:
            raise AlignsarError(
                f"simulated passes: the baseline of the reference date is {self.baselines[self.reference]:g} m, but "
                "baselines count from it: give 0 there"
            )


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise AlignsarError(f"simulated passes: {name} {value:g} is not between {least:g} and {most:g}")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise AlignsarError(f"simulated passes: {name} {value!r} is not one of {', '.join(known)}")
