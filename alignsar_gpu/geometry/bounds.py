"""What values of radars, orbits and their products can be: one table of bounds, with sources.

A value outside is no unusual product but a damaged one: each bound holds for every valid product with a wide margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

S1_SPEC = "Sentinel-1 Product Specification, S1-RS-MDA-52-7441"
S1_PARAMETERS = "Sentinel-1 User Handbook, GMES-S1OP-EOPG-TN-13-0001, table of acquisition modes"
CUMMING = "Cumming and Wong 2005, Digital Processing of Synthetic Aperture Radar Data"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Lowest and highest value, both allowed; in words what it is of, its unit, and where the bounds come from."""

    what: str
    low: float
    high: float
    unit: str
    source: str


BOUNDS = {
    "orbit_radius": Bound(
        what="distance of the antenna from the Earth's centre",
        low=6.3e6,
        high=5e7,
        unit="m",
        source="aircraft at the poles (6.357e6 m) to geosynchronous orbits (4.2e7 m)",
    ),
    "orbit_speed": Bound(
        what="speed of the antenna",
        low=0.0,
        high=2e4,
        unit="m/s",
        source="hovering to above the escape velocity, 1.1e4 m/s",
    ),
    "wavelength": Bound(
        what="wavelength", low=2e-3, high=10.0, unit="m", source="W band (3 mm) to VHF (30 MHz)"
    ),
    "slant_range": Bound(
        what="slant range of the first sample",
        low=10.0,
        high=5e7,
        unit="m",
        source="drones to geosynchronous orbits",
    ),
    "range_spacing": Bound(
        what="range spacing",
        low=1e-3,
        high=1e5,
        unit="m",
        source="bandwidths of 1 GHz, sampled ten times over, to products of few samples",
    ),
    "azimuth_interval": Bound(
        what="azimuth time interval",
        low=1e-6,
        high=10.0,
        unit="s",
        source="pulse intervals are 0.1 to 10 ms; products of few lines have more",
    ),
    "s1_orbit_radius": Bound(
        what="distance of the satellite from the Earth's centre",
        low=6.6e6,
        high=7.6e6,
        unit="m",
        source="Sentinel-1: 7.07e6 m (693 km above the ground)",
    ),
    "s1_orbit_speed": Bound(
        what="speed of the satellite", low=6.5e3, high=8.5e3, unit="m/s", source="Sentinel-1: 7.6e3 m/s"
    ),
    "s1_radar_frequency": Bound(
        what="radar frequency",
        low=5.39e9,
        high=5.42e9,
        unit="Hz",
        source=f"5.405 GHz on all Sentinel-1: {S1_PARAMETERS}",
    ),
    "s1_range_sampling_rate": Bound(
        what="range sampling rate", low=1e4, high=1.2e8, unit="Hz", source=f"up to 100 MHz: {S1_SPEC}"
    ),
    "s1_band": Bound(
        what="processed bandwidth over the sampling rate",
        low=0.1,
        high=1.0,
        unit="1",
        source="what was sampled; measured: 0.64 to 0.67 in azimuth, 0.67 to 0.88 in range",
    ),
    "s1_window": Bound(
        what="coefficient of the Hamming window",
        low=0.5,
        high=1.0,
        unit="1",
        source=f"0.5 is a Hann window, 1 none; 0.6 to 0.75 in products: {S1_PARAMETERS}",
    ),
    "s1_azimuth_time_interval": Bound(
        what="azimuth time interval",
        low=1e-5,
        high=1.0,
        unit="s",
        source=f"0.2 ms (S1) to 4 ms (EW); products of fewer lines have more: {S1_SPEC}",
    ),
    "s1_slant_range_time": Bound(
        what="two-way slant range time",
        low=4e-3,
        high=9e-3,
        unit="s",
        source="690 km above the ground, incidence angles of 18 to 47 degrees: 4.7 to 7.2 ms",
    ),
    "s1_steering_rate": Bound(
        what="azimuth steering rate",
        low=0.5,
        high=5.0,
        unit="degrees/s",
        source="IW 0.98 to 1.59, EW 2.1 to 2.9: De Zan and Monti Guarnieri 2006, doi:10.1109/TGRS.2006.873853",
    ),
    "s1_stripmap_steering_rate": Bound(
        what="azimuth steering rate",
        low=-0.5,
        high=0.5,
        unit="degrees/s",
        source="stripmap does not steer",
    ),
    "s1_pulse_interval": Bound(
        what="pulse repetition interval",
        low=3e-4,
        high=1e-3,
        unit="s",
        source=f"repetition frequencies of 1000 to 3000 Hz: {S1_PARAMETERS}",
    ),
    "s1_rank": Bound(
        what="pulses in the air before an echo (rank)",
        low=1,
        high=30,
        unit="1",
        source="4.7 to 7.2 ms over a pulse interval of 0.3 to 1 ms",
    ),
    "s1_window_start": Bound(
        what="slant range time less the pulses in the air, in pulse intervals,",
        low=-0.05,
        high=1.05,
        unit="1",
        source="echoes are received between two pulses; measured: 0.15 to 0.19",
    ),
    "s1_chirp_rate": Bound(
        what="magnitude of the chirp rate",
        low=1e11,
        high=1e13,
        unit="Hz/s",
        source="42 to 100 MHz in 5 to 100 us: 4e11 to 2e12 Hz/s",
    ),
    "s1_doppler": Bound(
        what="Doppler centroid",
        low=-5e3,
        high=5e3,
        unit="Hz",
        source="total zero Doppler steering: below 100 Hz, some 500 Hz with a failed star tracker; measured: 46 Hz",
    ),
    "s1_fm_rate": Bound(
        what="azimuth FM rate over -2 V^2 / (wavelength R)",
        low=0.75,
        high=1.05,
        unit="1",
        source=f"the ratio of ground to satellite speed: {CUMMING}, section 4.3; measured: 0.889 to 0.897",
    ),
    "s1_calibration": Bound(
        what="calibration amplitude",
        low=1e-2,
        high=1e6,
        unit="1",
        source=f"betaNought is 237 in most products: {S1_SPEC}",
    ),
    "calibration_spread": Bound(
        what="largest over smallest calibration amplitude of a table",
        low=1.0,
        high=10.0,
        unit="1",
        source="the square root of the ratio of sines of incidence angles of 10 and 80 degrees is 2.4",
    ),
    "sigma_over_beta": Bound(
        what="amplitude table of sigma0 over that of beta0",
        low=1.0 - 1e-4,
        high=3.0,
        unit="1",
        source="1 / sqrt(sin(incidence)), incidence angles of 7 to 90 degrees; rounding of the tables",
    ),
    "sigma_over_gamma": Bound(
        what="amplitude table of sigma0 over that of gamma0",
        low=1.0 - 1e-4,
        high=3.5,
        unit="1",
        source="1 / sqrt(cos(incidence)), incidence angles of 0 to 85 degrees; rounding of the tables",
    ),
    "s1_noise": Bound(
        what="noise power",
        low=0.0,
        high=1e7,
        unit="DN^2",
        source="16-bit samples have powers up to 2e9; measured: tens to thousands",
    ),
    "noise_factor": Bound(
        what="azimuth factor of the noise",
        low=0.1,
        high=100.0,
        unit="1",
        source="the antenna's gain over a burst, MPC-0392; measured: 1 to 1.9",
    ),
    "height": Bound(
        what="height of the ground",
        low=-2e3,
        high=9.5e3,
        unit="m",
        source="the Dead Sea (-430 m, mines somewhat deeper) to Mount Everest (8849 m), above geoid or ellipsoid",
    ),
    "geolocation_error": Bound(
        what="distance of the geolocation grid from where orbit, times and ranges put it",
        low=0.0,
        high=50.0,
        unit="m",
        source="orbits predicted on board are some metres off; measured: 0.016 m",
    ),
    "geolocation_range_error": Bound(
        what="difference between the geolocation grid's slant ranges and those of its samples",
        low=0.0,
        high=2.0,
        unit="m",
        source="rounding; measured: 0.0045 m",
    ),
    "geolocation_time_error": Bound(
        what="time from a burst's first line to the geolocation grid's nearest row",
        low=0.0,
        high=5e-3,
        unit="s",
        source="the bistatic delay, 2.8 ms, is in one and not the other; measured: 0.26 ms",
    ),
    "snap_range_error": Bound(
        what="median difference of the coordinates' slant ranges from those of their pixels",
        low=-300.0,
        high=300.0,
        unit="m",
        source="heights above the geoid (100 m) taken for heights above the ellipsoid; measured: 0.0002 m",
    ),
    "snap_time_error": Bound(
        what="median difference of the coordinates' azimuth times from those of their pixels",
        low=-1.0,
        high=1.0,
        unit="s",
        source="SNAP's first line time of subsets is some lines off; measured: 0.0025 s",
    ),
    "snap_scaling_factor": Bound(
        what="magnitude of the scaling factor",
        low=1e-12,
        high=1e12,
        unit="1",
        source="a factor of zero leaves nothing of the values",
    ),
    "snap_scaling_offset": Bound(
        what="scaling offset",
        low=-1e12,
        high=1e12,
        unit="1",
        source="as the factor; beyond, nothing is left of the values in single precision",
    ),
    "height_scale": Bound(
        what="magnitude of the scale of heights",
        low=1e-6,
        high=1e4,
        unit="m",
        source="micrometres to kilometres; a scale of zero leaves nothing of the heights",
    ),
    "height_offset": Bound(
        what="offset of heights",
        low=-1.2e4,
        high=1.2e4,
        unit="m",
        source="the Mariana Trench to Mount Everest",
    ),
    "raster_scale": Bound(
        what="magnitude of the scale of values",
        low=1e-30,
        high=1e30,
        unit="1",
        source="a scale of zero leaves nothing of the values; single precision ends at 3e38",
    ),
    "point_scale": Bound(
        what="scale of coordinates",
        low=1e-12,
        high=1e4,
        unit="1",
        source="LAS 1.4: coordinates are 32-bit integers times the scale: picometres to what spans the Earth",
    ),
}


def require(name: str, value: ArrayLike, where: str, remedy: str = "get the file again") -> None:
    """Raise AlignsarError unless all values are within the bounds of ``name``; NaN never is."""
    bound, values = BOUNDS[name], np.atleast_1d(np.asarray(value, dtype=np.float64)).ravel()
    bad = np.flatnonzero(~((values >= bound.low) & (values <= bound.high)))
    if bad.size:
        unit = "" if bound.unit == "1" else f" {bound.unit}"
        raise AlignsarError(
            f"{where}: {bound.what} is {values[bad[0]]:.6g}{unit}, and can only be {bound.low:g} to "
            f"{bound.high:g}{unit}: damaged; {remedy}"
        )
