"""A satellite on a circular orbit, and a radar grid that it sees."""

import numpy as np

from alignsar_gpu.geometry.grid import RadarGrid
from alignsar_gpu.geometry.orbit import Orbit

RADIUS = 7_071_000.0


RATE = np.sqrt(3.986004418e14 / RADIUS**3)


TILT = np.radians(98.2)


EPOCH = np.datetime64("2024-02-29", "D")


def circular_orbit(interval=1.0, count=41, *, tilt=TILT, radius=RADIUS, epoch=EPOCH, start=1000.0):
    """A circular orbit in a frame that does not rotate: the closed form that the rest is compared with."""
    time = start + interval * np.arange(count)
    position, velocity = circle(time, tilt=tilt, radius=radius, middle=start + interval * (count - 1) / 2)
    return Orbit(epoch=epoch, time=time, position=position, velocity=velocity, source="circle")


def circle(time, *, tilt=TILT, radius=RADIUS, middle=1020.0):
    angle = RATE * (np.asarray(time) - middle)
    along = np.array([0.0, np.cos(tilt), np.sin(tilt)])
    out = np.array([1.0, 0.0, 0.0])
    cos, sin = np.cos(angle)[..., None], np.sin(angle)[..., None]
    return radius * (cos * out + sin * along), radius * RATE * (cos * along - sin * out)


def grid(**change):
    values = {
        "epoch": EPOCH,
        "first_azimuth_time": 1019.5,
        "azimuth_interval": 0.002,
        "first_slant_range": 850e3,
        "range_spacing": 2.3,
        "wavelength": 0.0555,
        "look_side": "right",
        "lines": 500,
        "samples": 300,
    }
    return RadarGrid(**(values | change))
