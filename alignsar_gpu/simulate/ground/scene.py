"""The simulated ground, date by date: terrain, cover, targets, changes, motion and atmosphere."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.atmosphere import AtmosphereParameters, Delay, delay_of
from alignsar_gpu.simulate.ground.backscatter import CLASSES, GroundClass, with_contrast
from alignsar_gpu.simulate.ground.changes import Change, ChangeParameters, generate_changes
from alignsar_gpu.simulate.ground.land.map import LandParameters, generate
from alignsar_gpu.simulate.ground.land.vectors import VectorLayer, from_vectors
from alignsar_gpu.simulate.ground.motion import Bowl, draw_bowls, motion_raster
from alignsar_gpu.simulate.ground.seasons import in_season, season_of
from alignsar_gpu.simulate.ground.targets.reflector_files import read_reflectors
from alignsar_gpu.simulate.ground.targets.targets import (
    PointTarget,
    TargetObject,
    TargetParameters,
    generate_objects,
)
from alignsar_gpu.simulate.ground.terrain import fractal_terrain, terrain_from

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.simulate.ground.raster import Bounds, Raster

DAY = "day"  # begins the names of dates that are numbers of days


@dataclass(frozen=True, kw_only=True)
class SceneParameters:
    """Parameters of a scene; the defaults give a landscape with some of everything.

    Attributes
    ----------
    terrain_posting, relief, base_height : m, of generated terrain; ``roughness``: its Hurst exponent, 0.5 to 1;
        ``sea_share``: of its area, its lowest ground, is sea.
    cover_posting : m, of the land-cover map.
    land : of a generated map.
    vectors : layers that the map is made of instead, on a ``background`` class.
    temporal_decorrelation : False makes every class perfectly coherent, water too.
    contrast : of the backscatter of the classes, see `backscatter.with_contrast`.
    season : amplitude (dB) of the yearly cycle of vegetation, see `seasons`.
    targets : generated ones; ``reflectors``: a file of given ones, besides (see `reflector_files`).
    changes : of the map.
    bowls : how many bowls sink, the first by ``bowl_rate`` mm per day in its middle, ``bowl_radius`` m wide;
        ``given_bowls`` are taken besides.
    atmosphere : of each date.
    """

    terrain_posting: float = 30.0
    relief: float = 250.0
    roughness: float = 0.85
    base_height: float = 50.0
    sea_share: float = 0.0
    cover_posting: float = 10.0
    land: LandParameters = field(default_factory=LandParameters)
    vectors: tuple[VectorLayer, ...] = ()
    background: str = "grassland"
    temporal_decorrelation: bool = True
    contrast: float = 1.0
    season: float = 0.0
    targets: TargetParameters = field(default_factory=TargetParameters)
    reflectors: str | Path | None = None
    changes: ChangeParameters = field(default_factory=ChangeParameters)
    bowls: int = 1
    bowl_rate: float = 0.5
    bowl_radius: float = 1200.0
    given_bowls: tuple[Bowl, ...] = ()
    atmosphere: AtmosphereParameters = field(default_factory=AtmosphereParameters)

    def __post_init__(self) -> None:
        if not (0.0 <= self.contrast <= 4.0 and 0.0 <= self.season <= 6.0):
            raise AlignsarError(
                "simulated scene: contrast must lie in 0 to 4 and season in 0 to 6 dB, got "
                f"{self.contrast:g} and {self.season:g}"
            )
        if not 0 <= self.bowls <= 1000:
            raise AlignsarError(f"simulated motion: bowls must lie in 0 to 1000, got {self.bowls}")


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundScene:
    """A scene on the ground, made by `make_scene`; what differs from date to date is computed on request.

    Attributes
    ----------
    bounds : what all its rasters cover.
    days : (date,) float64, days from the first date, rising.
    names : of the dates: YYYYMMDD where the dates are known, else their day.
    heights : metres above the ellipsoid, float32; between posts the two triangles of `Dem`.
    classes : what the values of the land-cover maps stand for, in the mean of a year; ``season``: the amplitude (dB) of
        their yearly cycle.
    base : the land cover before any change, uint8.
    targets : of all dates, and what they make up, ``objects``.
    changes, bowls, atmosphere, seed : what the dates differ by.
    """

    bounds: Bounds
    days: NDArray[np.float64]
    names: tuple[str, ...]
    heights: Raster
    classes: tuple[GroundClass, ...]
    base: Raster
    targets: tuple[PointTarget, ...]
    changes: tuple[Change, ...]
    bowls: tuple[Bowl, ...]
    atmosphere: AtmosphereParameters
    seed: int
    season: float = 0.0
    objects: tuple[TargetObject, ...] = ()

    @cached_property
    def lowest_and_highest(self) -> tuple[float, float]:
        """Lowest and highest height (m) of the terrain."""
        return float(self.heights.values.min()), float(self.heights.values.max())

    def changed(self, date: int) -> tuple[Change, ...]:
        """List the changes present on a date (its index)."""
        self._check(date)
        return tuple(change for change in self.changes if change.is_there(date))

    def classes_on(self, date: int) -> tuple[GroundClass, ...]:
        """Return the classes with their backscatter and coherence on a date."""
        self._check(date)
        if self.season == 0.0:
            return self.classes
        name = self.names[date]
        day = self.days[date] if name.startswith(DAY) else day_of_year(name)
        return in_season(self.classes, self.season, season_of(float(day), self.bounds.middle[1]))

    def coherence(self, first: int, second: int) -> list[float]:
        """Compute the temporal coherence of each class between two dates; of two seasons, the root of the product."""
        apart = float(self.days[second] - self.days[first])
        pairs = zip(self.classes_on(first), self.classes_on(second), strict=True)
        both = ((float(one.coherence(apart)), float(other.coherence(apart))) for one, other in pairs)
        return [one if one == other else float(np.sqrt(one * other)) for one, other in both]

    def cover(self, date: int) -> Raster:
        """Return the land cover of a date, uint8, index into ``classes``; the base map itself without changes."""
        active = self.changed(date)
        if not active:
            return self.base
        values = self.base.values.copy()
        for change in active:
            change.apply(self.base, values)
        return self.base.with_values(values)

    def motion(self, date: int) -> Raster:
        """Compute the upward displacement of the ground since the first date, metres, float32."""
        self._check(date)
        return motion_raster(self.bounds, self.bowls, float(self.days[date] - self.days[0]))

    def delay(self, date: int) -> Delay:
        """Compute the zenith delay of the troposphere on a date."""
        self._check(date)
        return delay_of(self.bounds, date, self.seed, self.atmosphere)

    def _check(self, date: int) -> None:
        if not 0 <= date < len(self.days):
            raise IndexError(f"date {date} of a scene of {len(self.days)}")


def make_scene(
    bounds: Bounds,
    days: NDArray[Any],
    *,
    seed: int,
    wavelength: float,
    parameters: SceneParameters | None = None,
    dem: Dem | None = None,
) -> GroundScene:
    """Make a scene over ``bounds``; the same arguments give the same bytes.

    Parameters
    ----------
    days : of the dates, rising: datetime64, or numbers of days.
    wavelength : m, of the radar: the cross-section of a reflector of given size depends on it.
    dem : terrain, instead of a generated one.

    Raises AlignsarError for what cannot be made.
    """
    asked = parameters or SceneParameters()
    elapsed, names = _days(days)
    if not 1e-4 < wavelength < 10.0:
        raise AlignsarError(f"simulated scene: wavelength must lie in 0.0001 to 10 m, got {wavelength:g}")
    if dem is None:
        heights = fractal_terrain(
            bounds,
            asked.terrain_posting,
            seed,
            asked.relief,
            asked.roughness,
            asked.base_height,
            sea_share=asked.sea_share,
        )
    else:
        heights = terrain_from(dem, bounds)
    if asked.vectors:
        base = from_vectors(asked.vectors, bounds, asked.cover_posting, asked.background)
    else:
        sea = asked.base_height if asked.sea_share > 0.0 and dem is None else None
        base = generate(bounds, asked.cover_posting, heights, seed, asked.land, sea_level=sea)
    changes = generate_changes(base, len(elapsed), seed, asked.changes)
    objects = generate_objects(
        base,
        heights,
        dates=len(elapsed),
        seed=seed,
        wavelength=wavelength,
        parameters=asked.targets,
        changes=changes,
    )
    classes = with_contrast(CLASSES, asked.contrast)
    drawn = draw_bowls(bounds, seed, count=asked.bowls, rate=asked.bowl_rate, radius=asked.bowl_radius)
    return GroundScene(
        bounds=bounds,
        days=elapsed,
        names=names,
        heights=heights,
        classes=classes if asked.temporal_decorrelation else tuple(one.unchanging() for one in classes),
        season=asked.season,
        base=base,
        targets=(
            *(target for one in objects for target in one.scatterers),
            *_given_reflectors(asked, bounds, len(elapsed), wavelength),
        ),
        objects=objects,
        changes=changes,
        bowls=(*drawn, *asked.given_bowls),
        atmosphere=asked.atmosphere,
        seed=seed,
    )


def _given_reflectors(
    asked: SceneParameters, bounds: Bounds, dates: int, wavelength: float
) -> tuple[PointTarget, ...]:
    """Those of the file that lie inside the bounds."""
    if asked.reflectors is None:
        return ()
    given = read_reflectors(asked.reflectors, dates=dates, wavelength=wavelength)
    inside = tuple(one for one in given if bounds.holds(one.longitude, one.latitude))
    if not inside:
        raise AlignsarError(
            f"reflectors {asked.reflectors}: none of the {len(given)} lies inside the scene "
            f"({bounds.west:g},{bounds.south:g},{bounds.east:g},{bounds.north:g})"
        )
    return inside


def day_of_year(name: str) -> int:
    """Return the day of the year, 1 for the first, of a date YYYYMMDD."""
    return dt.date.fromisoformat(name).timetuple().tm_yday


def _days(days: NDArray[Any]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Days from the first date, and what the dates are called."""
    given = np.atleast_1d(np.asarray(days))
    rising = given.ndim == 1 and given.size > 0
    if rising and given.dtype.kind == "M":
        elapsed = (given - given[0]) / np.timedelta64(1, "s") / 86400.0
        names = [str(one).replace("-", "") for one in given.astype("datetime64[D]")]
    elif rising:
        elapsed = given.astype(np.float64) - float(given[0])
        names = [f"{DAY}{one:04.0f}" for one in elapsed.tolist()]
    if not rising or not np.isfinite(elapsed).all() or (np.diff(elapsed) <= 0.0).any():
        shown = ", ".join(map(str, given.ravel())) or "none"
        raise AlignsarError(f"simulated scene: dates must be a list that rises, at least one, got {shown}")
    if len(set(names)) < len(names):
        raise AlignsarError(f"simulated scene: two dates on one day ({', '.join(names)})")
    return np.asarray(elapsed, dtype=np.float64), tuple(names)
