"""A true Sentinel-1 orbit for made products, integrated apart from the package."""

import numpy as np
from scipy.integrate import solve_ivp

NODE = [7076843.0, 0.0, 0.0, -8.907, -1067.945, 7430.372]  # at the ascending node, inertial, x towards it


def _inertial_motion(_, state):
    """Two bodies and J2, as the gradient of the potential."""
    position, velocity = state[:3], state[3:]
    radius = np.linalg.norm(position)
    mu, j2, equator = 3.986004418e14, 1.08262668e-3, 6378137.0
    polar = position[2] / radius
    pull = -mu / radius**2 * (position / radius)
    bulge = 1.5 * mu * j2 * equator**2 / radius**4
    bulge *= (5.0 * polar**2 - 1.0) * position / radius - np.array([0.0, 0.0, 2.0 * polar])
    return np.concatenate([velocity, pull + bulge])


def earth_fixed(times, longitude):
    """Positions and velocities at times (s, ascending) after a node at this longitude (degrees)."""
    way = solve_ivp(
        _inertial_motion, (0.0, times[-1] + 1.0), NODE, method="DOP853", rtol=1e-10, atol=1e-4, t_eval=times
    )
    turned = np.radians(longitude) - 7.292115e-5 * times
    cos, sin, zero, one = np.cos(turned), np.sin(turned), np.zeros_like(turned), np.ones_like(turned)
    rotation = np.array([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])
    position = np.einsum("ijt,jt->ti", rotation, way.y[:3])
    velocity = np.einsum("ijt,jt->ti", rotation, way.y[3:])
    return position, velocity - np.cross([0.0, 0.0, 7.292115e-5], position)
