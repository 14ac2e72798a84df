"""A small coregistered stack with known truth: what the demo reads, and the accuracy tests compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT, RadarGrid
from alignsar_gpu.products.sentinel1.relative_orbit import sentinel1_relative_orbit
from alignsar_gpu.simulate.geometry import (
    baseline,
    baseline_directions,
    ellipsoid_point,
    solve_ground,
)
from alignsar_gpu.simulate.orbit import CircularPass
from alignsar_gpu.stack.acquisition import Acquisition
from alignsar_gpu.stack.calibration import Calibration
from alignsar_gpu.stack.ground import Ground
from alignsar_gpu.stack.product import ReadyStack
from synthetic_stack.land_cover import CLASSES, POLARIZATIONS
from synthetic_stack.mesh import Mesh, scene_mesh
from synthetic_stack.scene import Scene, make_scene
from synthetic_stack.signal import phase_signal
from synthetic_stack.speckle import class_factors, draw_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

PLATFORM = "Sentinel-1A"
FIRST_DAY = np.datetime64("2022-01-09", "D")
FIRST_ABSOLUTE_ORBIT = 41387
REPEAT_DAYS, ORBITS_PER_REPEAT = 12, 175
CENTRE_TIME = 62_232.4  # s: 17:17:12
AZIMUTH_INTERVAL = 2.0555563e-3
RANGE_SPACING = 2.329562
MIDDLE_RANGE = 850e3
WAVELENGTH = SPEED_OF_LIGHT / 5.405000454334350e9
BETA_NOUGHT = 237.0
DATE_STEP, POLARIZATION_STEP = 0.03, 0.04  # in amplitude: about 0.25 dB apart, so that a mix-up shows
DRIFT = 0.004  # from the first calibration vector to the last
LARGEST_BASELINE = 150.0  # m
SMALL_BASELINE = 3.0
SCENE_STREAM, PASS_STREAM = 0, 3
WEDGE = 0.08  # of the samples, at the first line of the last secondary: there it has no data


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """What a simulated stack was made from.

    Attributes
    ----------
    land_cover : uint8 [line, sample], index into ``class_names``.
    sigma0 : (class, polarization), linear.
    coherence : (date, class), against the reference date, the same for all polarizations.
    phase : float32 (date, line, sample), radians of reference * conj(date) after flattening.
    height : float32 [line, sample], metres above the ellipsoid.
    perpendicular_baseline : (date,) metres at the scene's centre, signed as SNAP does.
    range_difference : (date, line, sample) float64, R_ref - R_date, metres.
    """

    land_cover: NDArray[np.uint8]
    class_names: tuple[str, ...]
    sigma0: NDArray[np.float64]
    coherence: NDArray[np.float64]
    phase: NDArray[np.float32]
    height: NDArray[np.float32]
    perpendicular_baseline: NDArray[np.float64]
    range_difference: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedStack(ReadyStack):
    """A `StackProduct` whose pixels are drawn when they are read. Made by `simulate_stack`."""

    grid: RadarGrid
    acquisitions: tuple[Acquisition, ...]
    reference: int
    polarizations: tuple[str, ...]
    facts: Mapping[str, Any]
    flattened: bool
    scene: Scene
    seed: int
    days: NDArray[np.float64]
    mesh: Mesh
    perpendicular_baseline: NDArray[np.float64]
    source: str = "simulated coregistered stack of alignsar_gpu, no satellite data"
    has_heights: bool = True

    @cached_property
    def truth(self) -> Truth:
        """Everything that the stack was made from."""
        apart = self.days - self.days[self.reference]
        return Truth(
            land_cover=self.scene.land_cover,
            class_names=tuple(one.name for one in CLASSES),
            sigma0=np.array([one.sigma0(self.polarizations) for one in CLASSES]),
            coherence=np.array([one.coherence(apart) for one in CLASSES]).T,
            phase=self._signal,
            height=self.scene.height,
            perpendicular_baseline=self.perpendicular_baseline,
            range_difference=self._geometry[3:],
        )

    @cached_property
    def _signal(self) -> NDArray[np.float32]:
        return phase_signal(self.grid.shape, self.days, self.reference, self.seed)

    @cached_property
    def _factors(self) -> NDArray[np.complex128]:
        return class_factors(self.days, self.polarizations)

    @cached_property
    def _geometry(self) -> NDArray[np.float64]:
        """Longitude, latitude, incidence, and R_ref - R_date for every date, (quantity, line, sample).

        For the whole image at once: the last bits of a matrix product depend on the size of the matrices.
        """
        lines, samples = self.grid.shape
        return self.mesh(np.arange(lines), np.arange(samples), self.scene.height.astype(np.float64))

    def read_pixels(self, first: int, stop: int) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """See `StackProduct.read_pixels`."""
        dates, count = len(self.acquisitions), len(self.polarizations)
        shape = (dates, count, stop - first, self.grid.samples)
        pixels = np.empty(shape, dtype=np.complex64)
        factor = self._phase_factors(first, stop)
        gains = self._gains(first, stop)
        root_sigma0 = np.sqrt(np.array([one.sigma0(self.polarizations) for one in CLASSES])).T
        for line in range(first, stop):
            cover = self.scene.land_cover[line]
            speckle = draw_line(self.seed, line, cover, self._factors).reshape(dates, count, -1)
            scaled = speckle * root_sigma0[:, cover] * factor[:, np.newaxis, line - first]
            pixels[:, :, line - first] = scaled * gains[:, :, line - first]
        valid = np.ones(shape, dtype=bool)
        secondaries = [date for date in range(dates) if date != self.reference]
        valid[secondaries[-1]] = ~self._wedge(first, stop)
        pixels[~valid] = 0
        return pixels, valid

    def _phase_factors(self, first: int, stop: int) -> NDArray[np.complex128]:
        """exp(i phase) (date, line, sample), relative to the reference: geometry, unless flattened, and signal."""
        phase = -self._signal[:, first:stop].astype(np.float64)
        if not self.flattened:
            phase += 4.0 * np.pi / self.grid.wavelength * self._geometry[3:, first:stop]
        return np.asarray(np.exp(1j * phase))

    def _gains(self, first: int, stop: int) -> NDArray[np.float64]:
        """Digital number per square root of sigma0 (date, polarization, line, sample), from the vectors."""
        times = self.grid.azimuth_time(np.arange(first, stop))[:, np.newaxis]
        ranges = self.grid.slant_range(np.arange(self.grid.samples))[np.newaxis, :]
        gains = []
        for acquisition in self.acquisitions:
            for name in self.polarizations:
                calibration = acquisition.calibration[name]
                assert isinstance(calibration, Calibration)
                nodes = (calibration.azimuth_time, calibration.slant_range)
                gains.append(RegularGridInterpolator(nodes, calibration.sigma_nought)((times, ranges)))
        return np.array(gains).reshape(len(self.acquisitions), len(self.polarizations), *gains[0].shape)

    def _wedge(self, first: int, stop: int) -> NDArray[np.bool_]:
        """Where the last secondary has no data: a wedge at near range that narrows along the image."""
        width = WEDGE * self.grid.samples * (1.0 - np.arange(first, stop) / self.grid.lines)
        return np.arange(self.grid.samples) < width[:, np.newaxis]

    def read_ground(self, first: int, stop: int) -> Ground:
        """See `StackProduct.read_ground`."""
        longitude, latitude = self._geometry[:2, first:stop].copy()
        return Ground(
            longitude=longitude, latitude=latitude, height=self.scene.height[first:stop].astype(np.float64)
        )


def _grid(lines: int, samples: int, day: np.datetime64) -> RadarGrid:
    return RadarGrid(
        epoch=day,
        first_azimuth_time=CENTRE_TIME - 0.5 * lines * AZIMUTH_INTERVAL,
        azimuth_interval=AZIMUTH_INTERVAL,
        first_slant_range=MIDDLE_RANGE - 0.5 * samples * RANGE_SPACING,
        range_spacing=RANGE_SPACING,
        wavelength=WAVELENGTH,
        look_side="right",
        lines=lines,
        samples=samples,
    )


@cache
def _passes(dates: int, reference: int, seed: int) -> tuple[tuple[CircularPass, ...], NDArray[np.float64]]:
    """A pass per date, set apart from the reference by known baselines; and the perpendicular ones (m)."""
    rng = np.random.default_rng((seed, PASS_STREAM))
    origin = CircularPass(centre_time=CENTRE_TIME)
    place = solve_ground(origin, CENTRE_TIME, MIDDLE_RANGE, 100.0)
    point = ellipsoid_point(*place, 100.0)
    perpendicular, parallel = baseline_directions(origin, CENTRE_TIME, point)
    passes = []
    for date in range(dates):
        wanted = rng.uniform(0.25, 1.0) * LARGEST_BASELINE * (-1) ** (date // 2)
        if date == dates - 1:
            wanted = SMALL_BASELINE
        apart = wanted * perpendicular + rng.uniform(-40.0, 40.0) * parallel
        drift, delay = rng.uniform(-0.01, 0.01, 3), rng.uniform(-2.0, 2.0)
        if date == reference:
            passes.append(origin)
            continue
        radial, along, normal = origin.frame(CENTRE_TIME) @ apart
        passes.append(
            CircularPass(
                centre_time=CENTRE_TIME + delay,
                offset=(float(radial), float(along), float(normal)),
                offset_rate=(float(drift[0]), float(drift[1]), float(drift[2])),
            )
        )
    at_centre = [baseline(origin, one, CENTRE_TIME, point)[0] for one in passes]
    return tuple(passes), np.array(at_centre)


def _calibration(grid: RadarGrid, mesh: Mesh, height: float, factor: float, source: str) -> Calibration:
    """Vectors around the scene: beta_nought almost constant, the others by the incidence angle of flat ground.

    sigma0 = beta0 sin(incidence) and gamma0 = beta0 tan(incidence), so that the amplitudes divide by their roots.
    """
    lines = np.linspace(-0.1, 1.1, 5) * grid.lines
    samples = np.linspace(-0.1, 1.1, 9) * grid.samples
    incidence = np.radians(mesh(lines, samples, np.full((5, 9), height))[2])
    beta = np.repeat(BETA_NOUGHT * factor * np.linspace(1.0, 1.0 + DRIFT, 5)[:, np.newaxis], 9, axis=1)
    return Calibration(
        azimuth_time=grid.azimuth_time(lines),
        slant_range=grid.slant_range(samples),
        sigma_nought=beta / np.sqrt(np.sin(incidence)),
        beta_nought=beta,
        gamma_nought=beta / np.sqrt(np.tan(incidence)),
        source=source,
    )


def _acquisition(
    grid: RadarGrid, one: CircularPass, day: np.datetime64, *, flattened: bool, is_reference: bool, dual: bool
) -> Acquisition:
    """One date, still without calibration records."""
    elapsed = int((day - FIRST_DAY) / np.timedelta64(1, "D"))
    absolute_orbit = FIRST_ABSOLUTE_ORBIT + elapsed * ORBITS_PER_REPEAT // REPEAT_DAYS
    first = grid.first_azimuth_time + one.centre_time - CENTRE_TIME
    start = day.astype("datetime64[us]") + np.timedelta64(round(first * 1e6), "us")
    stamp = str(start.astype("datetime64[s]")).replace("-", "").replace(":", "")
    how = "delivered flattened by the simulator" if flattened else "delivered with its phase by the simulator"
    return Acquisition(
        product_id=f"SIMULATED_S1A_IW_SLC__1S{'D' if dual else 'S'}V_{stamp}",
        platform=f"Simulated {PLATFORM}",
        start=start,
        orbit=one.state_vectors(first, first + grid.lines * grid.azimuth_interval, day),
        pass_direction="ascending",
        absolute_orbit=absolute_orbit,
        relative_orbit=sentinel1_relative_orbit(PLATFORM, absolute_orbit),
        instrument_mode="IW",
        swath="IW2",
        processor="alignsar_gpu simulator",
        flattened=flattened or is_reference,
        flattened_how="the reference date, which phases are relative to" if is_reference else how,
    )


def simulate_stack(
    *,
    lines: int,
    samples: int,
    dates: int,
    polarizations: Sequence[str],
    seed: int,
    revisit_days: int = 12,
    flattened: bool = False,
) -> SimulatedStack:
    """Make a stack of ``dates`` on ``lines`` x ``samples``; the same arguments give the same bytes.

    The second date is the reference. The secondaries keep their reference and topographic phase unless
    ``flattened``. Raises AlignsarError for polarizations other than vv and vh, fewer than two dates, or a
    revisit that Sentinel-1A does not make.
    """
    unknown = [name for name in polarizations if name not in POLARIZATIONS]
    if unknown or not polarizations or len(set(polarizations)) < len(polarizations) or dates < 2:
        raise AlignsarError(
            f"simulated stack: needs at least two dates (got {dates}) and polarizations of "
            f"{', '.join(POLARIZATIONS)} (got {', '.join(polarizations) or 'none'})"
        )
    if revisit_days < 1 or revisit_days % REPEAT_DAYS:
        raise AlignsarError(
            f"simulated stack: revisit_days must be a multiple of the {REPEAT_DAYS} days after which Sentinel-1A "
            f"repeats its orbit, got {revisit_days}"
        )
    reference = 1
    days = FIRST_DAY + revisit_days * np.arange(dates)
    grid = _grid(lines, samples, days[reference])
    passes, perpendicular = _passes(dates, reference, seed)
    scene = make_scene(lines, samples, (seed, SCENE_STREAM))
    mesh = scene_mesh(grid, passes, reference, (float(scene.height.min()), float(scene.height.max())))
    acquisitions = []
    for date, (one, day) in enumerate(zip(passes, days, strict=True)):
        acquisition = _acquisition(
            grid,
            one,
            day,
            flattened=flattened,
            is_reference=date == reference,
            dual=len(polarizations) > 1,
        )
        records = {}
        for channel, name in enumerate(polarizations):
            factor = (1.0 + DATE_STEP * date) * (1.0 + POLARIZATION_STEP * channel)
            records[name] = _calibration(
                grid, mesh, float(scene.height.mean()), factor, acquisition.product_id
            )
        acquisitions.append(replace(acquisition, calibration=records))
    return SimulatedStack(
        grid=grid,
        acquisitions=tuple(acquisitions),
        reference=reference,
        polarizations=tuple(polarizations),
        facts={"simulated": True, "seed": seed},
        flattened=flattened,
        scene=scene,
        seed=seed,
        days=(days - days[0]) / np.timedelta64(1, "D"),
        mesh=mesh,
        perpendicular_baseline=perpendicular,
    )
