"""Corrections of the absolute location of pixels, each with its own switch.

Every one is what to ADD to the annotated zero-Doppler coordinates of a pixel to get the true ones:

=============  ============================================  ====================================================
switch         what it adds                                  of Sentinel-1's IW
=============  ============================================  ====================================================
bistatic       azimuth time, tau_m / 2 + tau / 2 - rank PRI  0 to 0.5 ms (3.5 m); in all bursts the same
doppler_range  slant range, c / 2 f / K                      -0.45 m at a burst's first lines, 0.45 m at its last
fm_rate        azimuth time, f (1 / k_a - 1 / k)             0.15 ms (1 m) for a kilometre of height that k_a was
                                                             not made for, of opposite signs at a burst's ends
tide           both, less the displacement of the ground     -0.3 m to 0.3 m of slant range
troposphere    slant range, less the delay                   -2.4 m / cos(incidence) at sea level
=============  ============================================  ====================================================

tau: two-way time of the pixel; tau_m: of the range that the processor took its delay from; K: chirp rate; f: Doppler
frequency of the pixel, positive before closest approach; k_a, k: annotated and true azimuth FM rate, both negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from alignsar_gpu.coregistration.carrier import burst_carrier
from alignsar_gpu.coregistration.corrections.location import LocationShift, fitted, nodes
from alignsar_gpu.coregistration.corrections.tide import sky, solid_earth_tide
from alignsar_gpu.coregistration.corrections.troposphere import zenith_delay
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import ellipsoid_normal, geodetic_to_ecef
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.time_scale import moment, utc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.products.selection import Match
    from alignsar_gpu.products.slc import Burst, Transmission

Troposphere = Literal["none", "model", "given"]
ZENITH_DELAYS = 0.0, 4.0  # m: of a signal from the zenith, anywhere on Earth


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """Switches of the location corrections; all are off by default.

    Attributes
    ----------
    bistatic : what the satellite moves between sending and receiving, by range (`bistatic_delay`).
    doppler_range : shift of a chirp by its Doppler frequency (`doppler_range_shift`).
    fm_rate : focusing with another rate than the ground's (`fm_rate_shift`).
    tide : displacement of the ground by Moon and Sun (`solid_earth_tide`).
    troposphere : delay in the "model" of a standard atmosphere, or with the zenith delay at sea level "given" for
        each date, that falls with height as the model's.
    """

    bistatic: bool = False
    doppler_range: bool = False
    fm_rate: bool = False
    tide: bool = False
    troposphere: Troposphere = "none"

    def __post_init__(self) -> None:
        known = get_args(Troposphere)
        if self.troposphere not in known:
            raise AlignsarError(
                f"corrections: troposphere {self.troposphere!r} is none of {', '.join(known)}"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class LineOfSight:
    """Antenna at closest approach and the ground it sees; (..., 3) float64, Earth-fixed, metres and seconds."""

    antenna: NDArray[np.float64]
    velocity: NDArray[np.float64]
    acceleration: NDArray[np.float64]
    ground: NDArray[np.float64]

    @property
    def approach(self) -> NDArray[np.float64]:
        """|V|^2 + (P - X) . A (m^2/s^2): divided by R, the growth of the range rate at closest approach."""
        back = self.antenna - self.ground
        return np.asarray(np.sum(self.velocity**2 + back * self.acceleration, axis=-1))

    @property
    def slant_range(self) -> NDArray[np.float64]:
        """Distance from the antenna to the ground, metres."""
        return np.asarray(np.linalg.norm(self.ground - self.antenna, axis=-1))


def bistatic_delay(transmission: Transmission, bulk: float, slant_range: ArrayLike) -> NDArray[np.float64]:
    """Compute the bistatic azimuth correction (s) at slant ranges (m): the antenna moves while a pulse travels.

    An echo is filed under the beginning of the pulse interval that it comes in, rank intervals after its pulse was
    sent, and the processor takes the ``bulk`` delay of one range off. It belongs to the middle of its way, half of
    its own two-way time after it was sent: bulk + tau / 2 - rank PRI (Gisinger et al., 2021, In-Depth Verification of
    Sentinel-1 and TerraSAR-X Geolocation Accuracy Using the Australian Corner Reflector Array, IEEE TGRS 59(2),
    equation 21, doi:10.1109/TGRS.2019.2961248).
    """
    half = np.asarray(slant_range, dtype=np.float64) / SPEED_OF_LIGHT
    return np.asarray(bulk + half - transmission.rank * transmission.pulse_interval)


def doppler_range_shift(frequency: ArrayLike, chirp_rate: float) -> NDArray[np.float64]:
    """Compute the Doppler-induced range correction (m) for echoes of a Doppler frequency (Hz).

    ``chirp_rate`` (Hz/s) is that of the chirp that was sent.

    A frequency too high by f is reached f / K too early, and so is the peak: c / 2 f / K (Gisinger et al., 2021).
    """
    return np.asarray(0.5 * SPEED_OF_LIGHT / chirp_rate * np.asarray(frequency, dtype=np.float64))


def azimuth_fm_rate(sight: LineOfSight, wavelength: float) -> NDArray[np.float64]:
    """Compute the true azimuth FM rate (Hz/s, negative) of points at closest approach.

    -2 / lambda (|V|^2 + (P - X) . A) / R, from R^2 = |P - X|^2 differentiated twice.
    """
    return np.asarray(-2.0 / wavelength * sight.approach / sight.slant_range)


def fm_rate_shift(frequency: ArrayLike, focused: ArrayLike, true: ArrayLike) -> NDArray[np.float64]:
    """Compute the azimuth correction (s) for targets focused with an inexact FM rate.

    ``frequency`` (Hz) is the Doppler frequency that a target is seen at, ``focused`` and ``true`` are FM rates (Hz/s).

    The antenna sees a target f / k after closest approach; the processor takes f / k_a for that: f (1 / k_a - 1 / k)
    (Gisinger et al., 2021). Aresys' SCT subtracts the negative of it; s1-reader's is the negative, and says to add it.
    """
    return np.asarray(np.asarray(frequency) * (1.0 / np.asarray(focused) - 1.0 / np.asarray(true)))


def displacement_shift(
    sight: LineOfSight, displacement: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the azimuth (s) and range (m) to add so that displaced ground appears where it is without displacement.

    ``displacement`` (..., 3), Earth-fixed, metres. Closest approach to X + d is d . V / (|V|^2 + (P - X) . A) later
    than to X, and d . (X - P) / R farther: less these two.
    """
    towards = (sight.ground - sight.antenna) / sight.slant_range[..., np.newaxis]
    later = np.sum(displacement * sight.velocity, axis=-1) / sight.approach
    return -later, -np.sum(displacement * towards, axis=-1)


def tropospheric_shift(
    sight: LineOfSight, normal: NDArray[np.float64], zenith: ArrayLike
) -> NDArray[np.float64]:
    """Compute the tropospheric range correction (m): -zenith delay / cos(incidence).

    ``zenith`` : delay (m) above ground with the ``normal`` (..., 3).

    The atmosphere is taken for flat: 0.1 % at 46 degrees.
    """
    back = (sight.antenna - sight.ground) / sight.slant_range[..., np.newaxis]
    return np.asarray(-np.asarray(zenith) / np.sum(back * normal, axis=-1))


def _sight(
    orbit: Orbit, burst: Burst, line: ArrayLike, sample: ArrayLike, height: ArrayLike
) -> tuple[LineOfSight, NDArray[np.float64], NDArray[np.float64]]:
    """What is seen at pixels if the ground is at heights, and its longitudes and latitudes."""
    grid = burst.grid
    time, slant_range, h = np.broadcast_arrays(grid.azimuth_time(line), grid.slant_range(sample), height)
    longitude, latitude = radar_to_ground(orbit, time, slant_range, h, grid.look_side)
    sight = LineOfSight(
        antenna=orbit.position_at(time),
        velocity=orbit.velocity_at(time),
        acceleration=orbit.acceleration_at(time),
        ground=geodetic_to_ecef(longitude, latitude, h),
    )
    return sight, longitude, latitude


def _sent(match: Match) -> Transmission:
    transmission = match.burst.transmission
    if transmission is None:
        raise AlignsarError(
            f"{match.product.product_id}, {match.burst.name}: the product does not say how its pulses were sent "
            "(downlinkInformation); switch the corrections bistatic and doppler_range off"
        )
    return transmission


def _bulk(match: Match) -> float:
    bulk = _sent(match).bulk_delay
    if bulk is None:
        raise AlignsarError(
            f"{match.product.product_id}, {match.burst.name}: the bistatic delay that the processor took off is not "
            "known: the product does not say whether it took any off, or is of EW and without the annotation of EW3; "
            "give the whole product, or set coregistration.bistatic=false"
        )
    return bulk


def _sea_level(corrections: Corrections, given: float | None) -> float | None:
    """The zenith delay that is given for a date, if it is to be."""
    if corrections.troposphere != "given":
        return None
    least, most = ZENITH_DELAYS
    if given is None or not least <= given <= most:
        raise AlignsarError(
            f"corrections: troposphere is 'given', which needs a zenith delay of every date from {least:g} m to "
            f"{most:g} m; got {given}"
        )
    return given


def location_shift(
    match: Match, polarization: str, corrections: Corrections, zenith: float | None = None
) -> LocationShift:
    """Compute the total of the corrections that are switched on, for a burst in a polarization.

    Parameters
    ----------
    zenith : delay of a signal from the zenith at sea level (m), on this date; for troposphere "given" alone.

    They are functions of line, sample and the height of the ground, which is where these three say: what is metres
    aside has the same corrections. The tide is that of the middle of the burst. Computed at some nodes and between
    them by polynomials, good to 1e-8 s and 0.1 mm (2e-7 s where the acceleration of an annotated orbit jumps between
    its vectors). With all switches off exactly zero.
    Raises AlignsarError where the product or the caller lacks what a correction needs.
    """
    burst, product = match.burst, match.product
    line, sample, height = nodes(burst.grid)
    time = np.zeros(np.broadcast_shapes(line.shape, sample.shape, height.shape))
    away = np.zeros_like(time)
    slant_range = burst.grid.slant_range(sample)
    frequency = burst_carrier(burst, polarization, product.orbit).frequency(line, sample)
    if corrections.bistatic:
        time += bistatic_delay(_sent(match), _bulk(match), slant_range)
    if corrections.doppler_range:
        away += doppler_range_shift(frequency, _sent(match).chirp_rate)
    sight, longitude, latitude = _sight(product.orbit, burst, line, sample, height)
    if corrections.fm_rate:
        true = azimuth_fm_rate(sight, burst.grid.wavelength)
        time += fm_rate_shift(frequency, burst.azimuth_fm_rate.at(slant_range), true)
    if corrections.tide:
        middle = float(burst.grid.azimuth_time(0.5 * (burst.grid.lines - 1)))
        when = utc(moment(burst.grid.epoch, middle))
        earlier, nearer = displacement_shift(sight, solid_earth_tide(sight.ground, sky(when)))
        time, away = time + earlier, away + nearer
    if corrections.troposphere != "none":
        delay = zenith_delay(height, latitude)
        if (given := _sea_level(corrections, zenith)) is not None:
            delay = delay * given / zenith_delay(0.0, latitude)
        away += tropospheric_shift(sight, ellipsoid_normal(longitude, latitude), delay)
    return fitted(burst.grid, time, away)
