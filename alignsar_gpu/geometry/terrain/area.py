"""Area of the terrain per pixel as the antenna sees it, for radiometric flattening (Small 2011).

A_gamma / A_beta: the area of all facets of the terrain that fall into a pixel and are lit, as it is seen along the
line of sight, over the area of the pixel in the slant-range plane. Level ground has 1 / tan(incidence).

D. Small, Flattening gamma: radiometric terrain correction for SAR imagery, IEEE TGRS 49(8), 2011, equations (11)
to (14), but that each facet is divided between pixels exactly and not in points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from alignsar_gpu.geometry.dem.dem import Posts
    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit


def window_area_ratio(
    window: Posts,
    grid: RadarGrid,
    orbit: Orbit,
    doppler: Doppler | None,
    *,
    lines: slice,
    samples: slice,
    ceiling: float,
    xp: Any,
) -> Any:
    """Compute A_gamma / A_beta of some lines and samples of a grid from the posts that they show.

    Parameters
    ----------
    window : the posts of all facets that touch the pixels, and of what may cast shadows on them.
    ceiling : height (m) that no post is above.
    xp : the library whose arrays are wanted, numpy or CuPy.

    Returns
    -------
    (lines, samples) float32; NaN where nothing is lit or the posts do not cover the whole pixel.
    """
    longitude, latitude, height = (
        xp.asarray(values) for values in (window.longitude, window.latitude, window.height)
    )
    table = kernels.ZERO_DOPPLER if doppler is None else doppler.table(grid.wavelength)
    seed = xp.full(longitude.shape[0], float(grid.azimuth_time(0.5 * grid.lines)))
    time, slant_range = kernels.ground_to_radar(longitude, latitude, height, seed, orbit.table, table)
    pixel = grid.azimuth_interval * grid.range_spacing
    points = kernels.sight_points(longitude, latitude, height, time, orbit.table, table, pixel=pixel)
    areas = kernels.facet_areas(points, height, ceiling)
    del points
    sample = (slant_range - grid.first_slant_range) / grid.range_spacing - samples.start
    line = (time - grid.first_azimuth_time) / grid.azimuth_interval
    return kernels.spread_areas(
        xp.stack([sample, line], axis=-1),
        areas,
        first=lines.start,
        lines=lines.stop - lines.start,
        samples=samples.stop - samples.start,
    )
