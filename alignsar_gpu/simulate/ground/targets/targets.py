"""Point targets of a simulated scene: reflectors, ships and storage tanks of known place and cross-section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.targets.outlines import circle, rectangle
from alignsar_gpu.simulate.ground.targets.sites import Sites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.simulate.ground.changes import Change
    from alignsar_gpu.simulate.ground.raster import Raster

REFLECTOR_STREAM, SHIP_STREAM, TANK_STREAM, STRENGTH_STREAM = 34, 35, 36, 39
OPEN_GROUND = 60.0  # m of field or pasture around a reflector
SHIP_LENGTHS = (80.0, 250.0)  # m
BEAM = 7.0  # lengths of a ship in its width
SHIP_HEIGHT = (2.0, 16.0)  # m above the water, of its scatterers
SHIP_CROSS = 0.12  # of the cross-section in VV, that in VH
OFF_SHORE = 30.0  # m from a ship's ends to the shore
TANK_DIAMETERS, TANK_HEIGHTS = (30.0, 80.0), (12.0, 22.0)  # m
TANK_PARTS = {"base": (12, 0.5), "rim": (12, 0.3), "roof": (8, 0.2)}  # scatterers, share of the cross-section
TANK_STRENGTH = 0.6  # m2 of cross-section for each m2 of the tank's side seen from one side
TANK_CROSS = 0.05
TANK_GAP = 1.7  # diameters from middle to middle


@dataclass(frozen=True, kw_only=True)
class PointTarget:
    """A point scatterer with the same cross-section in all directions.

    Attributes
    ----------
    name : its own; those of one ship or tank begin alike.
    kind : "corner_reflector", "ship" or "tank".
    longitude, latitude : degrees; ``height``: metres above the ellipsoid.
    rcs_vv, rcs_vh : radar cross-section, m2.
    dates : indices of the dates on which it is there.
    phase : radians, of the scattering itself; 0 for reflectors.
    """

    name: str
    kind: str
    longitude: float
    latitude: float
    height: float
    rcs_vv: float
    rcs_vh: float
    dates: tuple[int, ...]
    phase: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TargetObject:
    """A reflector, ship or tank, and the scatterers that it is made of.

    Attributes
    ----------
    name, kind : see `PointTarget`; ``dates`` too.
    outline : polygon in degrees of longitude and latitude; None for reflectors.
    length : m, of a ship, or across a tank; 0 for reflectors.
    ground : m above the ellipsoid, of the ground or the water below it.
    """

    name: str
    kind: str
    dates: tuple[int, ...]
    scatterers: tuple[PointTarget, ...]
    ground: float
    outline: Any = None
    length: float = 0.0

    def cross_section(self, polarization: str) -> float:
        """Sum up the cross-sections (m2) in "vv" or "vh" of what is there on its first date."""
        there = [one for one in self.scatterers if self.dates[0] in one.dates]
        return float(sum(getattr(one, f"rcs_{polarization}") for one in there))

    @property
    def height(self) -> float:
        """Mean height (m above the ground) of its scatterers over the dates, by cross-section."""
        weights = [one.rcs_vv * len(one.dates) for one in self.scatterers]
        return float(np.average([one.height for one in self.scatterers], weights=weights)) - self.ground


@dataclass(frozen=True, kw_only=True)
class TargetParameters:
    """Number of targets of each kind in a scene.

    Attributes
    ----------
    reflectors : trihedral corner reflectors; ``edges`` their inner leg lengths in metres, in turn.
    ships : on each date, where there is water wide enough for them; ``ship_cross_section`` are the least and the most
        dB that are added to the cross-section of each.
    tanks : of each of ``tank_farms``; ``tank_cross_section`` are dB that are added to the cross-section of each: the
        corner of wall and ground is strong where the ground is smooth. ``refill`` is whether their roofs stand at other
        heights on other dates.
    """

    reflectors: int = 6
    edges: tuple[float, ...] = (1.5, 2.0, 1.0)
    ships: int = 3
    ship_cross_section: tuple[float, float] = (0.0, 0.0)
    tanks: int = 4
    tank_farms: int = 1
    tank_cross_section: float = 0.0
    refill: bool = True

    def __post_init__(self) -> None:
        low, high = self.ship_cross_section
        if not -60.0 <= low <= high <= 60.0:
            raise AlignsarError(
                f"simulated targets: ship_cross_section must lie in -60 to 60 dB and rise, got {low:g} and {high:g}"
            )
        if not -60.0 <= self.tank_cross_section <= 60.0:
            raise AlignsarError(
                f"simulated targets: tank_cross_section must lie in -60 to 60 dB, got {self.tank_cross_section:g}"
            )
        for name in ("reflectors", "ships", "tanks", "tank_farms"):
            if not 0 <= getattr(self, name) <= 1000:
                raise AlignsarError(
                    f"simulated targets: {name} must lie in 0 to 1000, got {getattr(self, name)}"
                )
        if not self.edges or not all(0.0 < edge <= 10.0 for edge in self.edges):
            raise AlignsarError(
                f"simulated targets: edges are leg lengths in metres, 0 to 10, at least one, got {self.edges}"
            )


def trihedral_cross_section(edge: float, wavelength: float) -> float:
    """Compute the largest radar cross-section (m2) of a triangular trihedral: 4 pi a^4 / (3 lambda^2), a = ``edge``."""
    return float(4.0 * np.pi * edge**4 / (3.0 * wavelength**2))


def ship_cross_section(length: float) -> float:
    """Compute the radar cross-section (m2) of a ship of ``length`` metres.

    0.08 L^(7/3), a size law used in studies of ship detection at C band (after Vachon et al., Canadian
    Journal of Remote Sensing 23, 1997).
    """
    return float(0.08 * length ** (7.0 / 3.0))


def generate_objects(
    cover: Raster,
    heights: Raster,
    *,
    dates: int,
    seed: int,
    wavelength: float,
    parameters: TargetParameters | None = None,
    changes: Sequence[Change] = (),
) -> tuple[TargetObject, ...]:
    """Generate reflectors, ships and tanks on the map ``cover`` (uint8), clear of ``changes``.

    ``heights`` are m above the ellipsoid. Reflectors stand on level fields and pasture with open ground around, for all
    dates. Ships lie on water, on every date elsewhere. Tanks stand on open ground as near as there is to a town. What
    finds no place is left out.
    """
    asked = parameters or TargetParameters()
    sites = Sites(cover, heights, changes)
    made = _reflectors(sites, asked, dates, seed, wavelength)
    made += _tank_farms(sites, asked, dates, seed)
    for date in range(dates):
        made += _fleet(sites, asked, date, seed)
    return tuple(made)


def _reflectors(
    sites: Sites, asked: TargetParameters, dates: int, seed: int, wavelength: float
) -> list[TargetObject]:
    rng = np.random.default_rng((seed, REFLECTOR_STREAM))
    made = []
    for number, (x, y) in enumerate(sites.open_ground(asked.reflectors, OPEN_GROUND, rng)):
        longitude, latitude, ground = sites.ground(x, y)
        one = PointTarget(
            name=f"reflector {number + 1}",
            kind="corner_reflector",
            longitude=float(longitude),
            latitude=float(latitude),
            height=float(ground),
            rcs_vv=trihedral_cross_section(asked.edges[number % len(asked.edges)], wavelength),
            rcs_vh=0.0,
            dates=tuple(range(dates)),
        )
        made.append(
            TargetObject(name=one.name, kind=one.kind, dates=one.dates, scatterers=(one,), ground=one.height)
        )
    return made


def _fleet(sites: Sites, asked: TargetParameters, date: int, seed: int) -> list[TargetObject]:
    """The ships of one date."""
    rng = np.random.default_rng((seed, SHIP_STREAM, date))
    decibels = np.random.default_rng((seed, STRENGTH_STREAM, date)).uniform(
        *asked.ship_cross_section, asked.ships
    )
    made: list[TargetObject] = []
    berths: list[tuple[float, float, float]] = []
    for number in range(asked.ships):
        length = float(rng.uniform(*SHIP_LENGTHS))
        place = sites.open_water(0.5 * length + OFF_SHORE, date, berths, rng)
        if place is None:
            continue
        berths.append((*place, length))
        section = ship_cross_section(length) * 10.0 ** (decibels[number] / 10.0)
        made.append(_ship(sites, place, (length, section), (f"ship {number + 1} of date {date}", date), rng))
    return made


def _ship(
    sites: Sites,
    middle: tuple[float, float],
    size: tuple[float, float],
    about: tuple[str, int],
    rng: np.random.Generator,
) -> TargetObject:
    """10 to 30 scatterers along a hull, the strongest at the bridge near its stern."""
    (length, section), (name, date) = size, about
    count = int(np.clip(length / 8.0, 10, 30))
    course = rng.uniform(0.0, 2.0 * np.pi)
    along = np.sort(rng.uniform(-0.48, 0.48, count)) * length
    across = rng.uniform(-0.45, 0.45, count) * length / BEAM
    x = middle[0] + along * np.cos(course) - across * np.sin(course)
    y = middle[1] + along * np.sin(course) + across * np.cos(course)
    strength = rng.exponential(1.0, count) * np.where(np.abs(along / length + 0.35) < 0.1, 4.0, 1.0)
    share = section * strength / strength.sum()
    water = sites.ground(*middle)[2]
    above = rng.uniform(*SHIP_HEIGHT, count) * np.where(np.abs(along / length + 0.35) < 0.1, 1.0, 0.5)
    phases = rng.uniform(-np.pi, np.pi, count)
    longitude, latitude = sites.plane.degrees(x, y)
    places = np.column_stack([longitude, latitude, water + above])
    return TargetObject(
        name=name,
        kind="ship",
        dates=(date,),
        scatterers=tuple(_scatterers((name, "ship", (date,)), places, (share, SHIP_CROSS), phases)),
        ground=water,
        outline=rectangle(sites.plane, middle, (length, length / BEAM), float(course)),
        length=length,
    )


def _tank_farms(sites: Sites, asked: TargetParameters, dates: int, seed: int) -> list[TargetObject]:
    """Rows of tanks, on each place beside a town."""
    made: list[TargetObject] = []
    places: list[tuple[float, float, float]] = []
    for farm in range(asked.tank_farms * bool(asked.tanks)):
        rng = np.random.default_rng((seed, TANK_STREAM, farm) if farm else (seed, TANK_STREAM))
        diameter = float(rng.uniform(*TANK_DIAMETERS))
        reach = 0.5 * TANK_GAP * diameter * np.ceil(np.sqrt(asked.tanks)) + diameter
        place = sites.beside_town(reach, places, rng)
        if place is None:
            break
        places.append((*place, reach))
        made += _tank_farm(sites, asked, dates, (place, diameter, len(made)), rng)
    return made


def _tank_farm(
    sites: Sites,
    asked: TargetParameters,
    dates: int,
    about: tuple[tuple[float, float], float, int],
    rng: np.random.Generator,
) -> list[TargetObject]:
    """Rows of tanks of a diameter around a place, whose numbers go on from those that there are."""
    place, diameter, first = about
    across, pitch = int(np.ceil(np.sqrt(asked.tanks))), TANK_GAP * diameter
    made = []
    for number in range(asked.tanks):
        row, column = divmod(number, across)
        middle = (
            place[0] + (column - 0.5 * (across - 1)) * pitch,
            place[1] + (row - 0.5 * (across - 1)) * pitch,
        )
        made.append(_tank(sites, asked, dates, (f"tank {first + number + 1}", middle, diameter), rng))
    return made


def _tank(
    sites: Sites,
    asked: TargetParameters,
    dates: int,
    about: tuple[str, tuple[float, float], float],
    rng: np.random.Generator,
) -> TargetObject:
    """A tank with scatterers around its base, its rim and its floating roof."""
    name, middle, diameter = about
    tall = float(rng.uniform(*TANK_HEIGHTS))
    fill = rng.uniform(0.15, 0.95, dates) if asked.refill else np.full(dates, rng.uniform(0.15, 0.95))
    levels = {"base": 0.0, "rim": tall}
    every = tuple(range(dates))
    groups = [(part, levels[part], every) for part in ("base", "rim")]
    if asked.refill:
        groups += [("roof", tall * float(fill[date]), (date,)) for date in every]
    else:
        groups.append(("roof", tall * float(fill[0]), every))
    roof = rng.uniform(-np.pi, np.pi, TANK_PARTS["roof"][0])
    ground, made = sites.ground(*middle)[2], []
    strength = TANK_STRENGTH * 10.0 ** (asked.tank_cross_section / 10.0) * diameter * tall
    for part, level, present in groups:
        count, share = TANK_PARTS[part]
        around = 2.0 * np.pi * np.arange(count) / count
        x = middle[0] + 0.5 * diameter * np.cos(around)
        y = middle[1] + 0.5 * diameter * np.sin(around)
        longitude, latitude = sites.plane.degrees(x, y)
        when = f" of date {present[0]}" if part == "roof" and asked.refill else ""
        made += _scatterers(
            (f"{name} {part}{when}", "tank", present),
            np.column_stack([longitude, latitude, np.full(count, ground + level)]),
            (np.full(count, share * strength / count), TANK_CROSS),
            roof if part == "roof" else rng.uniform(-np.pi, np.pi, count),
        )
    return TargetObject(
        name=name,
        kind="tank",
        dates=every,
        scatterers=tuple(made),
        ground=ground,
        outline=circle(sites.plane, middle, diameter),
        length=diameter,
    )


def _scatterers(
    about: tuple[str, str, tuple[int, ...]],
    places: NDArray[np.float64],
    strength: tuple[NDArray[np.float64], float],
    phases: NDArray[np.float64],
) -> list[PointTarget]:
    """Targets at ``places`` (n, 3) of the cross-sections in VV, and the given share of them in VH."""
    name, kind, dates = about
    return [
        PointTarget(
            name=f"{name}, {number + 1}",
            kind=kind,
            longitude=place[0],
            latitude=place[1],
            height=place[2],
            rcs_vv=cross_section,
            rcs_vh=strength[1] * cross_section,
            dates=dates,
            phase=phase,
        )
        for number, (place, cross_section, phase) in enumerate(
            zip(places.tolist(), strength[0].tolist(), phases.tolist(), strict=True)
        )
    ]
