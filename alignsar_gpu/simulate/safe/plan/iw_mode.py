"""Parameters of the interferometric wide swath mode of Sentinel-1, by subswath, from ESA's annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

AZIMUTH_INTERVAL = 2.055556299999998e-3  # s
RANGE_SAMPLING_RATE = 6.434523812571428e7  # Hz
RADAR_FREQUENCY = 5.405000454334350e9  # Hz
WAVELENGTH = SPEED_OF_LIGHT / RADAR_FREQUENCY
RANGE_SPACING = 0.5 * SPEED_OF_LIGHT / RANGE_SAMPLING_RATE
RANGE_WINDOW = 0.75  # coefficient of the Hamming window
REAL_WIDTH = 0.36e-3  # s of two-way time: about what a real subswath takes in range

# A tile of the antenna: the element of the array whose beam is steered. Descalloping with the pattern of
# such a tile raises the noise at the ends of a burst by 1.19, 1.13 and 1.15 in IW1, IW2 and IW3; ESA's noise
# annotation of 2023-09-04 says 1.17, 1.13 and 1.14.
TILE_LENGTH = 12.3 / 14  # m


@dataclass(frozen=True, kw_only=True)
class Subswath:
    """Parameters of one subswath.

    Attributes
    ----------
    steering_rate : of the antenna, degrees per second.
    range_bandwidth, azimuth_bandwidth : processed, Hz; the windows over them are Hamming windows.
    azimuth_window : coefficient of the window in azimuth.
    pulse_rate : pulses per second.
    pulse_length, ramp_rate : s and Hz/s, of the chirp.
    number : of the beam in the instrument's packets.
    """

    steering_rate: float
    range_bandwidth: float
    azimuth_bandwidth: float
    azimuth_window: float
    pulse_rate: float
    pulse_length: float
    ramp_rate: float
    number: int


SUBSWATHS = {
    "IW1": Subswath(
        steering_rate=1.590368784,
        range_bandwidth=56.5e6,
        azimuth_bandwidth=327.0,
        azimuth_window=0.70,
        pulse_rate=1717.128973878037,
        pulse_length=5.240481033595628e-5,
        ramp_rate=1.078230321255894e12,
        number=10,
    ),
    "IW2": Subswath(
        steering_rate=0.979863325,
        range_bandwidth=48.3e6,
        azimuth_bandwidth=313.0,
        azimuth_window=0.75,
        pulse_rate=1451.627112193990,
        pulse_length=6.199592966536363e-5,
        ramp_rate=7.792817275120481e11,
        number=11,
    ),
    "IW3": Subswath(
        steering_rate=1.397440818,
        range_bandwidth=42.78991840322842e6,
        azimuth_bandwidth=314.0,
        azimuth_window=0.75,
        pulse_rate=1685.817302492702,
        pulse_length=5.339056426703426e-5,
        ramp_rate=8.014509490705804e11,
        number=12,
    ),
}


def steering_doppler_rate(swath: str, speed: float) -> float:
    """Compute k_s = 2 v / wavelength * steering rate (Hz/s) at the satellite's Earth-fixed speed (m/s)."""
    return 2.0 * speed / WAVELENGTH * float(np.radians(SUBSWATHS[swath].steering_rate))


def tile_gain(angle: ArrayLike) -> NDArray[np.float64]:
    """Compute the two-way power gain of an antenna tile at an azimuth angle (radians).

    sinc^4(tile sin(angle) / wavelength).
    """
    return np.asarray(np.sinc(TILE_LENGTH / WAVELENGTH * np.sin(angle)) ** 4)
