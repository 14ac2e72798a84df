"""What every reader gives: acquisitions, their calibration, and how to read a coregistered stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.table import positions, table_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.products.joined_calibration import JoinedCalibration
    from alignsar_gpu.products.joined_noise import JoinedNoise

RELATIVE_ORBIT_OFFSETS = {"Sentinel-1A": 73, "Sentinel-1B": 27, "Sentinel-1C": 172, "Sentinel-1D": 42}
# Sentinel-1C moved to another place in the cycle in June 2026: from this orbit on it has another offset.
MOVED_SENTINEL1C, MOVED_OFFSET = 8019, 99
SENTINEL1_ORBITS_PER_CYCLE = 175


def sentinel1_relative_orbit(platform: str, absolute_orbit: int) -> int:
    """Relative orbit (track, 1 to 175) of a Sentinel-1 absolute orbit.

    Each satellite entered the shared cycle at another absolute orbit, so each has its own offset.
    Raises AlignsarError for another platform.
    """
    if platform not in RELATIVE_ORBIT_OFFSETS:
        known = ", ".join(RELATIVE_ORBIT_OFFSETS)
        raise AlignsarError(f"no relative-orbit rule for platform {platform!r}; known: {known}")
    offset = RELATIVE_ORBIT_OFFSETS[platform]
    if platform == "Sentinel-1C" and absolute_orbit >= MOVED_SENTINEL1C:
        offset = MOVED_OFFSET
    return (absolute_orbit - offset) % SENTINEL1_ORBITS_PER_CYCLE + 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Radiometric calibration vectors of one polarization.

    Attributes
    ----------
    azimuth_time : (n,) float64, seconds since the epoch of the grid that the pixels lie on, increasing.
    slant_range : (m,) float64, metres, increasing.
    sigma_nought, beta_nought, gamma_nought : (n, m) float64 amplitudes A, with sigma0 = |DN|^2 / A_sigma^2
        (Sentinel-1 product specification S1-RS-MDA-52-7441, calibration annotation).
    source : the product that the records belong to.
    """

    azimuth_time: NDArray[np.float64]
    slant_range: NDArray[np.float64]
    sigma_nought: NDArray[np.float64]
    beta_nought: NDArray[np.float64]
    gamma_nought: NDArray[np.float64]
    source: str

    def __post_init__(self) -> None:
        for name in ("azimuth_time", "slant_range"):
            if not np.all(np.diff(getattr(self, name)) > 0):
                raise AlignsarError(
                    f"calibration of {self.source!r}: {name} of its vectors does not increase"
                )
        shape = (len(self.azimuth_time), len(self.slant_range))
        for name in ("sigma_nought", "beta_nought", "gamma_nought"):
            table = getattr(self, name)
            if table.shape != shape or not (np.isfinite(table).all() and (table > 0).all()):
                raise AlignsarError(
                    f"calibration of {self.source!r}: {name} must be positive and of shape {shape} "
                    f"(vectors, samples), got shape {table.shape}"
                )

    def amplitude(
        self,
        quantity: str,
        azimuth_time: NDArray[np.float64],
        slant_range: NDArray[np.float64],
        xp: Any,
    ) -> Any:
        """A at every pixel of an image, (lines, samples) float32 of ``xp`` (numpy or CuPy).

        ``quantity`` names the table: "sigma_nought", "beta_nought" or "gamma_nought".
        ``azimuth_time`` (lines,) in seconds since the epoch and ``slant_range`` (samples,) in metres say where
        its lines and samples lie. Bilinear between the vectors, that of the nearest outside them.
        """
        rows = positions(self.azimuth_time, azimuth_time)
        columns = positions(self.slant_range, slant_range)
        return table_at(getattr(self, quantity), rows, columns, xp)


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

    @property
    def date(self) -> str:
        """The day, as YYYYMMDD: the name of this date in files."""
        return str(self.start.astype("datetime64[D]")).replace("-", "")


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """Where the pixels of some lines lie on Earth, and how they are seen; each array (lines, samples).

    ``longitude`` and ``latitude`` in degrees, ``height`` in metres above the WGS84 ellipsoid, float64; NaN
    where the product does not say. ``viewing`` only where the product has a terrain.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    height: NDArray[np.float64]
    viewing: Viewing | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Viewing:
    """How the antenna sees the terrain in the pixels of some lines; each array (lines, samples).

    ``incidence_angle`` (against the ellipsoid's normal) and ``local_incidence_angle`` (against the terrain's)
    in degrees, float32, NaN where there is no terrain; ``layover_shadow`` uint8, 1 where several places lie
    in one pixel, 2 in the radar's shadow, 3 for both.
    """

    incidence_angle: NDArray[np.float32]
    local_incidence_angle: NDArray[np.float32]
    layover_shadow: NDArray[np.uint8]


def no_terrain(source: str, first: int, stop: int) -> AlignsarError:
    """What a product without a terrain answers to `StackProduct.read_area_ratio`."""
    return AlignsarError(
        f"{source}: lines {first} to {stop} have no terrain, which terrain-flattened backscatter is made of; leave "
        "that out, or give SLC products with a DEM"
    )


class StackProduct(Protocol):
    """A coregistered stack on one radar grid, read by lines; what a reader or a simulator gives."""

    @property
    def grid(self) -> RadarGrid:
        """The reference radar grid."""

    @property
    def acquisitions(self) -> tuple[Acquisition, ...]:
        """The dates, in time order."""

    @property
    def reference(self) -> int:
        """Index of the reference date in ``acquisitions``."""

    @property
    def polarizations(self) -> tuple[str, ...]:
        """For example ("vv", "vh")."""

    @property
    def source(self) -> str:
        """One sentence for the dataset's ``source`` attribute."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the reader found out, as plain values for quality.json."""

    @property
    def has_heights(self) -> bool:
        """Whether `read_ground` gives heights, which flattening needs."""

    @property
    def has_viewing(self) -> bool:
        """Whether `read_ground` says how the terrain is seen, and `read_area_ratio` how much of it."""

    @property
    def pixel_copies(self) -> int:
        """How many copies of a block's pixels are held until they are on the device and flattened."""

    def read_pixels(self, first: int, stop: int) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """Pixels (date, polarization, line, sample) of lines ``first:stop``, and which of them are valid.

        Numpy arrays, or on the device that the product was opened for. Invalid pixels are zero.
        """

    def read_ground(self, first: int, stop: int) -> Ground:
        """Ground coordinates of lines ``first:stop``."""

    def read_area_ratio(self, first: int, stop: int) -> NDArray[np.float32]:
        """A_gamma / A_beta of lines ``first:stop`` (line, sample), which beta0 is divided by to flatten it.

        The area of the terrain in a pixel as the antenna sees it, over the pixel's in the slant-range plane (Small
        2011, Flattening gamma, IEEE TGRS 49(8)); NaN where nothing is lit. Nothing of this is computed before it is
        asked for. Raises AlignsarError where the product has no terrain (not `has_viewing`).
        """

    def ground_bytes(self, lines: int) -> int:
        """Memory that `read_ground`, or `read_area_ratio`, takes for so many lines, beyond what it returns."""
