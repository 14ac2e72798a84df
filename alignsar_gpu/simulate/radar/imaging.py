"""Image of a burst: the scatterers and targets of a campaign as imaged on one date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.kernels.driving.threads import in_threads
from alignsar_gpu.simulate.geometry import ellipsoid_point
from alignsar_gpu.simulate.radar import loops, spreading_loops
from alignsar_gpu.simulate.radar.focusing import focus, receiver_noise
from alignsar_gpu.simulate.radar.ground_mesh import sight_mesh, zero_doppler
from alignsar_gpu.simulate.radar.lattice import find_patch, frame_of
from alignsar_gpu.simulate.radar.passes.view import burst_middle, spectral_bands
from alignsar_gpu.simulate.radar.radiometry import gain_table, noise_table
from alignsar_gpu.simulate.radar.window import frame_window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.products.slc import Burst
    from alignsar_gpu.simulate.radar.campaign import Campaign, GroundState
    from alignsar_gpu.simulate.radar.focusing import SpectralBand
    from alignsar_gpu.simulate.radar.ground_mesh import ChebyshevSeries, GroundMesh
    from alignsar_gpu.simulate.radar.lattice import LatticePatch
    from alignsar_gpu.simulate.radar.passes.view import PassView
    from alignsar_gpu.simulate.radar.window import EchoWindow, WindowFrame

NOISE_STREAM = 41


def image_window(
    campaign: Campaign,
    ground: GroundState,
    view: PassView,
    sight: ChebyshevSeries,
    burst: Burst,
    window: EchoWindow,
) -> tuple[NDArray[np.int16], int]:
    """Compute the pixels (channel, line, sample, 2) int16 of a window's block, and how many are saturated.

    ``sight`` is the view's over the whole campaign.
    """
    grid, frame = burst.grid, frame_window(burst, view, window)
    length = window.shape[0] * grid.azimuth_interval, window.shape[1] * grid.range_spacing
    patch = find_patch(
        campaign.mesh,
        campaign.lattice,
        sight,
        ground.heights,
        (frame.time - view.azimuth_error, frame.time - view.azimuth_error + length[0]),
        (frame.slant_range - view.range_error, frame.slant_range - view.range_error + length[1]),
    )
    channels = len(burst.channels)
    planes = np.zeros((2 * channels, *window.shape), dtype=np.float32)
    bands = spectral_bands(burst)
    spreading = bands[0].spreading(), bands[1].spreading()
    for echoes in (
        _scatterers(campaign, ground, view, burst, patch, frame, window.shape),
        _targets(campaign, ground, view, burst, frame, window.shape),
    ):
        span = np.empty((echoes[0].shape[1], 2))
        in_threads(spreading_loops.spans, len(span), echoes[0], span)
        strips = -(-window.shape[0] // spreading_loops.STRIP)
        in_threads(spreading_loops.deposit, strips, *echoes, span, *spreading, planes)
    return _develop(campaign, view, burst, window, frame, planes, bands)


def _scatterers(
    campaign: Campaign,
    ground: GroundState,
    view: PassView,
    burst: Burst,
    patch: LatticePatch,
    frame: WindowFrame,
    shape: tuple[int, int],
) -> tuple[NDArray[np.float64], NDArray[np.complex64]]:
    """Positions and weights of the echoes of the ground."""
    grid, radiometry = burst.grid, ground.radiometry
    channels = len(burst.channels)
    position = np.empty((2, *patch.ground.shape[1:]))
    weight = np.empty((channels, *patch.ground.shape[1:]), dtype=np.complex64)
    low, high = patch.mesh.box
    # Facets in units of the part of the slant plane that a pixel covers: this is what makes it beta nought.
    area = patch.ground.copy()
    area[2] /= _pixel_area(burst, patch)
    in_threads(
        loops.echo,
        len(patch.by_u),
        patch.by_u,
        patch.by_v,
        np.array(
            [
                campaign.seed,
                patch.rows,
                patch.columns,
                patch.u[0],
                patch.v[0],
                campaign.lattice.time_step,
                campaign.lattice.range_step,
            ]
        ),
        patch.mesh.coordinates.coefficients[..., np.newaxis],
        sight_mesh(patch.mesh, view.satellite).coefficients,
        np.array([low[2], high[2]]),
        area,
        patch.incidence,
        ground.cover.values,
        frame_of(ground.cover),
        ground.motion.values,
        frame_of(ground.motion),
        ground.delay.screen.values,
        frame_of(ground.delay.screen),
        np.array([ground.delay.stratified, ground.delay.scale_height]),
        radiometry.amplitude[:, :channels],
        radiometry.correlation,
        radiometry.coherence,
        radiometry.steps,
        frame.view,
        frame.carrier,
        2.0 / grid.wavelength,
        np.array([view.azimuth_error, view.range_error]),
        np.array(shape, dtype=np.float64),
        position,
        weight,
    )
    return position, weight


def _pixel_area(burst: Burst, patch: LatticePatch) -> NDArray[np.float64]:
    """Square metres of the slant plane that a pixel covers: a line's way on the ground times a sample's range."""
    grid = burst.grid
    middle = np.full(len(patch.v), 0.5 * (patch.u[0] + patch.u[-1]))
    return _ground_speed(patch.mesh, middle, patch.v) * grid.azimuth_interval * grid.range_spacing


def _ground_speed(
    mesh: GroundMesh, u: NDArray[np.float64], v: NDArray[np.float64], step: float = 1e-3
) -> NDArray[np.float64]:
    """How fast (m/s) the zero-Doppler line runs over the ellipsoid at (u, v)."""
    ends = [mesh.points(u + s, v) for s in (-step, step)]
    return np.asarray(np.linalg.norm(ends[1] - ends[0], axis=-1) / (2.0 * step))


def target_places(ground: GroundState, view: PassView) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute zero-Doppler times (s) and slant ranges (m, with the atmosphere's delay) of the date's targets."""
    longitude, latitude, height = (
        np.array([getattr(one, name) for one in ground.targets])
        for name in ("longitude", "latitude", "height")
    )
    if not len(ground.targets):
        return np.empty(0), np.empty(0)
    height = height + ground.motion.sample(longitude, latitude)
    point = ellipsoid_point(longitude, latitude, height)
    time = zero_doppler(view.satellite, point, np.full(len(point), view.satellite.centre_time))
    sight = view.satellite.position(time) - point
    slant_range = np.linalg.norm(sight, axis=-1)
    up = ellipsoid_point(longitude, latitude, height + 1.0) - point
    cosine = np.sum(up * sight, axis=-1) / slant_range
    return time, slant_range + ground.delay.zenith(longitude, latitude, height) / cosine


def _targets(
    campaign: Campaign,
    ground: GroundState,
    view: PassView,
    burst: Burst,
    frame: WindowFrame,
    shape: tuple[int, int],
) -> tuple[NDArray[np.float64], NDArray[np.complex64]]:
    """Positions and weights of the echoes of the date's point targets inside the window."""
    grid = burst.grid
    time, slant_range = target_places(ground, view)
    line = (time + view.azimuth_error - frame.time) / grid.azimuth_interval
    sample = (slant_range + view.range_error - frame.slant_range) / grid.range_spacing
    inside = (line >= 0) & (line < shape[0]) & (sample >= 0) & (sample < shape[1])
    chosen = [one for one, here in zip(ground.targets, inside, strict=True) if here]
    line, sample, time, slant_range = line[inside], sample[inside], time[inside], slant_range[inside]
    since = time + view.azimuth_error - burst_middle(burst)
    at = np.arange(shape[1])
    slope, centroid = (np.interp(sample, at, row) for row in frame.carrier)
    turns = -2.0 / grid.wavelength * slant_range - (0.5 * slope * since + centroid) * since
    u = time - view.satellite.centre_time + campaign.mesh.reference.centre_time
    area = _ground_speed(campaign.mesh, u, slant_range) * grid.azimuth_interval * grid.range_spacing
    phase = 2.0 * np.pi * turns + np.array([one.phase for one in chosen])
    sections = np.array([[one.rcs_vv, one.rcs_vh] for one in chosen]).reshape(-1, 2).T[: len(burst.channels)]
    weight = np.sqrt(sections / area) * np.exp(1j * phase)
    position = np.stack([line, sample])[:, np.newaxis]
    return np.ascontiguousarray(position), weight[:, np.newaxis].astype(np.complex64)


def _develop(
    campaign: Campaign,
    view: PassView,
    burst: Burst,
    window: EchoWindow,
    frame: WindowFrame,
    planes: NDArray[np.float32],
    bands: tuple[SpectralBand, SpectralBand],
) -> tuple[NDArray[np.int16], int]:
    """Spread echoes to pixels, channel by channel."""
    grid = burst.grid
    inner = tuple(
        slice(part.start - first, part.stop - first)
        for part, first in zip((window.lines, window.samples), window.first, strict=True)
    )
    carrier = np.ascontiguousarray(frame.carrier[:, inner[1]])
    chirp = float(np.mean(carrier[0])) * grid.azimuth_interval**2
    time = grid.azimuth_time(np.arange(window.lines.start, window.lines.stop))
    out = np.empty((len(burst.channels), len(time), inner[1].stop - inner[1].start, 2), dtype=np.int16)
    clipped = np.zeros(len(time), dtype=np.int64)
    saturated = 0
    for number, channel in enumerate(burst.channels.values()):
        gain, gain_at = gain_table(channel, grid, window)
        noise, noise_at, factor = noise_table(channel, burst, window)
        signal = focus(planes[2 * number : 2 * number + 2], bands, chirp, campaign.workers)[inner]
        place = (
            view.index,
            int(burst.swath[-1]),
            burst.index,
            number,
            window.lines.start,
            window.samples.start,
        )
        rng = np.random.default_rng((campaign.seed, NOISE_STREAM, *place))
        clutter = receiver_noise(window.shape, bands, rng, campaign.workers)[inner]
        in_threads(
            loops.develop,
            len(signal),
            signal,
            clutter,
            gain,
            noise,
            np.stack([gain_at, noise_at]),
            factor,
            time - burst_middle(burst),
            carrier,
            out[number],
            clipped,
        )
        saturated += int(clipped.sum())
        first = channel.first_valid_sample[window.lines, np.newaxis]
        last = channel.last_valid_sample[window.lines, np.newaxis]
        sample = np.arange(window.samples.start, window.samples.stop)
        out[number][(first < 0) | (sample < first) | (sample > last)] = 0
    return out, saturated
