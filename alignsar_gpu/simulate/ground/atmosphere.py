"""Simulated tropospheric delay: a turbulent screen for every date, and a stratified part that depends on height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.noise import power_law
from alignsar_gpu.simulate.ground.raster import Raster

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.simulate.ground.raster import Bounds

SCREEN_STREAM, LAYER_STREAM = 37, 38
SPECTRUM = 11.0 / 3.0
FINEST, MOST_POSTS = 150.0, 1500  # m from post to post, and posts of the long side


@dataclass(frozen=True, kw_only=True, eq=False)
class Delay:
    """One-way zenith delay of a date, in metres.

    Attributes
    ----------
    screen : turbulent part, float32; it is the same for all heights.
    stratified : layered part at height 0, falling as exp(-height / scale_height).
    scale_height : m.
    """

    screen: Raster
    stratified: float
    scale_height: float

    def zenith(self, longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
        """Compute the zenith delay (m) at points (degrees, metres above the ellipsoid)."""
        layered = self.stratified * np.exp(-np.asarray(height, dtype=np.float64) / self.scale_height)
        return np.asarray(self.screen.sample(longitude, latitude) + layered)


@dataclass(frozen=True, kw_only=True)
class AtmosphereParameters:
    """Strength of the simulated atmosphere; 0 switches a part off.

    Attributes
    ----------
    turbulent : mm, root mean square of the screen of every date over the scene.
    stratified : mm, standard deviation over dates of the layered part at height 0.
    scale_height : m; of water vapour about 2000.
    """

    turbulent: float = 8.0
    stratified: float = 20.0
    scale_height: float = 2000.0

    def __post_init__(self) -> None:
        for name in ("turbulent", "stratified"):
            if not 0.0 <= getattr(self, name) <= 1000.0:
                raise AlignsarError(
                    f"simulated atmosphere: {name} must lie in 0 to 1000 mm, got {getattr(self, name):g}"
                )
        if not 100.0 <= self.scale_height <= 20000.0:
            raise AlignsarError(
                f"simulated atmosphere: scale_height must lie in 100 to 20000 m, got {self.scale_height:g}"
            )


def delay_of(bounds: Bounds, date: int, seed: int, parameters: AtmosphereParameters) -> Delay:
    """Generate the delay of one date, independent of all others.

    Delays a distance d apart differ by d^(5/3) in the mean square, as Kolmogorov's turbulence makes them over
    distances shorter than the layer is thick: along a line the power falls as frequency^-(8/3), over the plane
    as frequency^-(11/3) (R. F. Hanssen, Radar Interferometry, Kluwer 2001, section 4.7). One law is used for
    all distances.
    """
    posting = float(np.clip(FINEST, max(bounds.size) / MOST_POSTS, min(bounds.size)))
    screen = Raster.over(bounds, posting, 0.0, np.float32, "simulated atmosphere")
    if parameters.turbulent > 0.0:
        rng = np.random.default_rng((seed, SCREEN_STREAM, date))
        noise = power_law(screen.shape, screen.posting, SPECTRUM, rng)
        screen = screen.with_values(noise * np.float32(1e-3 * parameters.turbulent))
    rng = np.random.default_rng((seed, LAYER_STREAM, date))
    return Delay(
        screen=screen,
        stratified=1e-3 * parameters.stratified * float(rng.standard_normal()),
        scale_height=parameters.scale_height,
    )
