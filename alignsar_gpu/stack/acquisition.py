"""One date of a stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.stack.calibration import Calibration, JoinedCalibration
    from alignsar_gpu.stack.noise import JoinedNoise


@dataclass(frozen=True, kw_only=True, eq=False)
class Acquisition:
    """One date of a stack.

    Attributes
    ----------
    product_id : name of the product that the pixels come from.
    platform : for example "Sentinel-1A".
    start : UTC time of the first line of the product (datetime64, microseconds).
    orbit : the state vectors of this pass.
    calibration : per polarization ("vv", ...); empty where the product has none.
    noise : thermal noise per polarization, on the same grid; empty where the product has none.
    flattened : True when reference and topographic phase are already removed from the pixels
        (relative to the reference date), False when they are still in it.
    flattened_how : one sentence: how that is known.
    """

    product_id: str
    platform: str
    start: np.datetime64
    orbit: Orbit
    pass_direction: Literal["ascending", "descending"]
    absolute_orbit: int
    relative_orbit: int
    instrument_mode: str
    swath: str
    processor: str
    flattened: bool
    flattened_how: str
    calibration: Mapping[str, Calibration | JoinedCalibration] = field(default_factory=dict)
    noise: Mapping[str, JoinedNoise] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"Acquisition({self.date}, {self.platform}, {self.pass_direction}, orbit {self.absolute_orbit})"
        )

    @property
    def date(self) -> str:
        """The day, as YYYYMMDD: the name of this date in files."""
        return str(self.start.astype("datetime64[D]")).replace("-", "")
