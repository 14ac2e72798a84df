"""Single look complex (SLC) products as readers give them: bursts on their radar grids, and access to their pixels.

A stripmap scene is one burst without steering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.stack.calibration import Calibration
    from alignsar_gpu.stack.noise import Noise


@dataclass(frozen=True, kw_only=True, eq=False)
class RangePolynomial:
    """A polynomial in two-way slant-range time, estimated at one azimuth time.

    Attributes
    ----------
    azimuth_time : seconds since the epoch of the grid that it belongs to.
    slant_range_time : two-way time that it is expanded around, seconds.
    coefficients : (degree + 1,) float64, constant first; Hz (Doppler centroid) or Hz/s (FM rate) per s^k.
    """

    azimuth_time: float
    slant_range_time: float
    coefficients: NDArray[np.float64]

    def at(self, slant_range: ArrayLike) -> NDArray[np.float64]:
        """Evaluate the polynomial at one-way slant ranges (metres)."""
        time = 2.0 / SPEED_OF_LIGHT * np.asarray(slant_range, dtype=np.float64) - self.slant_range_time
        return np.asarray(np.polynomial.polynomial.polyval(time, self.coefficients))


class Measurement(Protocol):
    """The pixels of one burst and polarization, wherever they are stored."""

    @property
    def source(self) -> str:
        """Name of the file, for messages."""

    def read(self, lines: slice, samples: slice) -> NDArray[np.complex64]:
        """Read the pixels [line, sample] of some lines and samples of the burst."""

    def read_stored(
        self, lines: slice, samples: slice, empty: Callable[..., NDArray[Any]] = np.empty
    ) -> NDArray[Any]:
        """Read the same as the file stores it: complex64, or int16 [line, sample, 2] of real and imaginary parts.

        ``empty`` makes the array, as `numpy.empty` does, where that is left to the reader.
        """


@dataclass(frozen=True, kw_only=True, eq=False)
class Channel:
    """Data of a burst that belong to one polarization.

    Attributes
    ----------
    first_valid_sample, last_valid_sample : (lines,) int64, both inclusive; -1 where a line has none.
    doppler_centroid : Hz, of the estimate nearest to the middle of the burst.
    measurement : its pixels, or None where the product comes without them (annotation only).
    calibration, noise : None where the product has none.
    """

    first_valid_sample: NDArray[np.int64]
    last_valid_sample: NDArray[np.int64]
    doppler_centroid: RangePolynomial
    measurement: Measurement | None
    calibration: Calibration | None
    noise: Noise | None


def valid_window(channels: Sequence[Channel]) -> tuple[slice, slice] | None:
    """Find the largest rectangle (lines, samples) that is valid on all its lines in all channels, if any."""
    first = np.max([c.first_valid_sample for c in channels], axis=0)
    last = np.min([c.last_valid_sample for c in channels], axis=0)
    lines = np.flatnonzero(np.all([c.first_valid_sample >= 0 for c in channels], axis=0))
    if not lines.size or first[lines].max() > last[lines].min():
        return None
    return slice(int(lines[0]), int(lines[-1]) + 1), slice(
        int(first[lines].max()), int(last[lines].min()) + 1
    )


@dataclass(frozen=True, kw_only=True)
class Transmission:
    """Timing and chirp of the pulses that a burst was imaged with.

    Attributes
    ----------
    pulse_interval : seconds from a pulse to the next.
    rank : pulses that are sent before the echo of one comes in.
    chirp_rate : Hz/s, positive where the frequency of a pulse rises.
    bulk_delay : seconds by which the processor moved the azimuth times of all ranges alike to before the reception
        of the echoes (0 where it did not); None where the product does not say.
    bulk_is_nominal : whether that is the mode's usual value, and not this product's.
    """

    pulse_interval: float
    rank: int
    chirp_rate: float
    bulk_delay: float | None
    bulk_is_nominal: bool = False


class Band(NamedTuple):
    """The processed band of an image along one axis.

    Attributes
    ----------
    width : share of the sampling rate, at most 1.
    hamming : coefficient a of the window a + (1 - a) cos(2 pi f / width) that weights it; 1 for none.
    """

    width: float
    hamming: float


UNKNOWN_BAND = Band(0.9, 1.0)  # as wide as bands of SLC images are


@dataclass(frozen=True, kw_only=True, eq=False)
class Burst:
    """One burst of a subswath in all its polarizations.

    Attributes
    ----------
    swath : "IW1", "EW3", "S4", ...
    index : place in the subswath of its product, from 0.
    burst_id : the place on Earth, the same in every cycle: "t052_110431_iw1" (relative orbit, ESA's relative
        burst id, swath); None for a scene that is not divided into bursts.
    anx_time : seconds from the last ascending node to the first line, within 0.05 s.
    grid : zero-Doppler radar grid of all its lines and samples, invalid ones included.
    azimuth_fm_rate : Hz/s, of the estimate nearest to the middle of the burst.
    steering_rate : of the antenna, radians per second; 0 where it does not steer.
    channels : per polarization ("vv", "vh", "hh", "hv").
    footprint : (n, 2) float64 longitude and latitude of its outline, degrees, not closed. Longitudes are
        continuous: beyond the antimeridian they go on above 180.
    transmission : None where the product does not say.
    azimuth_band, range_band : processed, the azimuth's without the carrier.
    """

    swath: str
    index: int
    burst_id: str | None
    anx_time: float
    grid: RadarGrid
    azimuth_fm_rate: RangePolynomial
    steering_rate: float
    channels: Mapping[str, Channel]
    footprint: NDArray[np.float64]
    transmission: Transmission | None = None
    azimuth_band: Band = UNKNOWN_BAND
    range_band: Band = UNKNOWN_BAND

    def __repr__(self) -> str:
        shape = f"{self.grid.lines} lines x {self.grid.samples} samples"
        return f"Burst({self.name}, {', '.join(self.channels)}, {shape})"

    @property
    def name(self) -> str:
        """Name of the burst in messages."""
        return self.burst_id or self.swath.lower()

    @property
    def valid(self) -> tuple[slice, slice]:
        """Lines and samples of the largest rectangle that is valid on all its lines in all polarizations."""
        window = valid_window(list(self.channels.values()))
        if window is None:
            raise AlignsarError(f"{self.name}: no line of the burst has valid samples in all polarizations")
        return window

    def measurement(self, polarization: str) -> Measurement:
        """Return what reads the pixels of a polarization. Raises AlignsarError where there is none."""
        if polarization not in self.channels:
            there = ", ".join(p.upper() for p in self.channels)
            raise AlignsarError(f"{self.name}: no polarization {polarization.upper()}; there is {there}")
        measurement = self.channels[polarization].measurement
        if measurement is None:
            raise AlignsarError(f"{self.name}: the product has no measurement of {polarization.upper()}")
        return measurement

    def read(
        self, polarization: str, lines: slice | None = None, samples: slice | None = None
    ) -> NDArray[np.complex64]:
        """Read the pixels [line, sample] of some lines and samples; by default of the `valid` part."""
        measurement, valid = self.measurement(polarization), self.valid
        return measurement.read(
            valid[0] if lines is None else lines, valid[1] if samples is None else samples
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class SlcProduct:
    """One single look complex product as delivered, not coregistered.

    Attributes
    ----------
    product_id : its name, without ".SAFE" or ".zip".
    platform : the satellite, for example "Sentinel-1A"; "Simulated Sentinel-1A" of a product that says so of itself.
    start : UTC time of the first line (datetime64, microseconds); its midnight is the epoch of all times.
    orbit : the state vectors to use, and where they come from.
    processor : name and version, for example "Sentinel-1 IPF 003.61".
    polarizations : of all bursts, co-polarization first.
    facts : what the reader found out, as plain values for quality.json.
    processed : UTC, when the product was made (datetime64); None where it does not say.
    """

    product_id: str
    platform: str
    start: np.datetime64
    orbit: Orbit
    pass_direction: Literal["ascending", "descending"]
    absolute_orbit: int
    relative_orbit: int
    instrument_mode: str
    processor: str
    polarizations: tuple[str, ...]
    bursts: tuple[Burst, ...]
    facts: Mapping[str, Any]
    processed: np.datetime64 | None = None

    def __repr__(self) -> str:
        return f"SlcProduct({self.product_id}, {', '.join(self.polarizations)}, {len(self.bursts)} bursts)"

    @property
    def date(self) -> str:
        """Day of the acquisition, as YYYYMMDD."""
        return str(self.start.astype("datetime64[D]")).replace("-", "")
