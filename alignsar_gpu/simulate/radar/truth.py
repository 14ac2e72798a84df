"""Truth of simulated products on the radar grid of the reference date: truth.zarr.

Per burst of the reference a group named by its burst id, with what lies at the centre of its pixels (or of some of
them) and where each date sees it. The ground at a pixel is found by drawing the lattice of scatterers, as the true
pass sees it, onto the pixels; all else is then computed at that place.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from alignsar_gpu.kernels.driving.threads import in_threads
from alignsar_gpu.simulate.radar import truth_loops
from alignsar_gpu.simulate.radar.campaign import ground_on
from alignsar_gpu.simulate.radar.ground_mesh import sight_mesh
from alignsar_gpu.simulate.radar.lattice import find_patch, frame_of
from alignsar_gpu.simulate.radar.window import frame_window, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.products.slc import Burst
    from alignsar_gpu.simulate.radar.campaign import Campaign, GroundState
    from alignsar_gpu.simulate.radar.ground_mesh import GroundMesh
    from alignsar_gpu.simulate.radar.passes.view import PassView
    from alignsar_gpu.simulate.radar.window import EchoWindow

LAYOVER, SHADOW = 1, 2
CHUNK = 512
ATTRIBUTES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "longitude": ("degrees_east", "longitude of the ground at the pixel", {}),
    "latitude": ("degrees_north", "latitude of the ground at the pixel", {}),
    "height": ("m", "height of the ground above the WGS84 ellipsoid, before any motion", {}),
    "layover_shadow": (
        "1",
        "layover and shadow",
        {"flag_masks": [LAYOVER, SHADOW], "flag_meanings": "layover shadow"},
    ),
    "land_cover": ("1", "class of the ground at the pixel, an index into class_names", {}),
    "line_offset": (
        "1",
        "line of the ground in the same burst of the date, less its line in the reference",
        {},
    ),
    "sample_offset": ("1", "sample of the ground in the same burst, less its sample in the reference", {}),
    "flattened_phase": (
        "rad",
        "phase of reference * conj(date) without what the distances to the unmoved ground make: motion and atmosphere",
        {},
    ),
    "displacement": ("m", "motion of the ground towards the satellite since the reference date", {}),
    "delay": ("m", "delay by the atmosphere on the way to the date's satellite, one way", {}),
    "coherence": (
        "1",
        "coherence of the ground with itself on the reference date, without noise and geometry",
        {},
    ),
}
KINDS = {"longitude": "f8", "latitude": "f8", "layover_shadow": "u1", "land_cover": "u1"}
OF_THE_PLACE = ("longitude", "latitude", "height", "layover_shadow")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Places:
    """The ground at the kept pixels of a window.

    Attributes
    ----------
    mesh : of the ground there. incidence : angle (radians) at its lowest v, and how it grows with v.
    where : the kept lines and samples, in the arrays of the burst. shape : how many.
    pixel : (n,) which of them, in rows one after the other, the following are of.
    u, v, height, longitude, latitude : (n,).
    flags : (n,) uint8.
    """

    mesh: GroundMesh
    incidence: NDArray[np.float64]
    where: tuple[slice, slice]
    shape: tuple[int, int]
    pixel: NDArray[np.intp]
    u: NDArray[np.float64]
    v: NDArray[np.float64]
    height: NDArray[np.float64]
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    flags: NDArray[np.uint8]


def write_truth(
    path: Path,
    campaign: Campaign,
    views: Sequence[PassView],
    reference: int,
    step: tuple[int, int],
    advance: Callable[[int], None],
) -> None:
    """Write truth.zarr: for every burst of the view ``reference``, how all ``views`` see its ground.

    ``step`` says which lines and samples are kept; ``advance`` is told of every burst.
    """
    with warnings.catch_warnings():
        # consolidated metadata is an extension of Zarr v3 that xarray reads
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        writer = _TruthWriter(path, campaign, views[reference], step)
        for burst in views[reference].product.bursts:
            writer.write_burst(burst, views)
            advance(1)
        zarr.consolidate_metadata(path)


class _TruthWriter:
    def __init__(self, path: Path, campaign: Campaign, reference: PassView, step: tuple[int, int]) -> None:
        self._campaign, self._reference, self._step = campaign, reference, step
        self._ground = ground_on(campaign.scene, reference.index)
        self._sight = sight_mesh(campaign.mesh, reference.satellite)
        self._store = zarr.open_group(path, mode="w", zarr_format=3)
        classes = campaign.scene.classes
        self._store.attrs["class_names"] = [one.name for one in classes]
        self._store.attrs["sigma0_vv_db"] = [one.vv.decibels for one in classes]
        self._store.attrs["sigma0_vh_db"] = [one.vh.decibels for one in classes]

    def write_burst(self, burst: Burst, views: Sequence[PassView]) -> None:
        group = self._prepare(burst, views)
        places = [self._places(burst, window) for window in windows(burst)]
        for one in places:
            for name in OF_THE_PLACE:
                values = one.flags if name == "layover_shadow" else getattr(one, name)
                _put(group, name, one, values)
        seen = [_to_radar(one, self._reference, self._ground) for one in places]
        for view in views:
            ground = ground_on(self._campaign.scene, view.index)
            for one, own in zip(places, seen, strict=True):
                self._write_date(group, burst, one, own, view, ground)

    def _prepare(self, burst: Burst, views: Sequence[PassView]) -> zarr.Group:
        """The arrays of a burst, still empty."""
        group = self._store.create_group(burst.name)
        group.attrs["swath"], group.attrs["burst_index"] = burst.swath, burst.index
        lines = np.arange(0, burst.grid.lines, self._step[0])
        samples = np.arange(0, burst.grid.samples, self._step[1])
        days = np.array([int(view.product.start.astype("datetime64[D]").astype(np.int64)) for view in views])
        for name, values in (("line", lines), ("sample", samples), ("date", days)):
            array = group.create_array(name, shape=values.shape, dtype=values.dtype, dimension_names=(name,))
            array[:] = values
        group["date"].attrs["units"] = "days since 1970-01-01"
        shape = len(lines), len(samples)
        chunk = min(CHUNK, shape[0]), min(CHUNK, shape[1])
        for name, (units, text, more) in ATTRIBUTES.items():
            kind = KINDS.get(name, "f4")
            fixed = name in OF_THE_PLACE
            group.create_array(
                name,
                shape=shape if fixed else (len(views), *shape),
                chunks=chunk if fixed else (1, *chunk),
                dtype=kind,
                fill_value=255 if kind == "u1" else np.nan,
                dimension_names=("line", "sample") if fixed else ("date", "line", "sample"),
                attributes={"units": units, "long_name": text, **more},
            )
        return group

    def _write_date(
        self,
        group: zarr.Group,
        burst: Burst,
        places: _Places,
        own: NDArray[np.float64],
        view: PassView,
        ground: GroundState,
    ) -> None:
        """Write what a date sees of some places; ``own`` is how the reference does, see `_to_radar`."""
        at = (view.index,)
        kind, before = (
            one.cover.sample(places.longitude, places.latitude).astype(np.uint8)
            for one in (ground, self._ground)
        )
        _put(group, "land_cover", places, kind, at)
        _put(group, "coherence", places, self._coherence(kind, before, view), at)
        other = next((one for one in view.product.bursts if one.burst_id == burst.burst_id), None)
        if other is None:
            return
        seen = own if view is self._reference else _to_radar(places, view, ground)
        line, sample = _pixel_of(seen, view, other)
        own_line, own_sample = _pixel_of(own, self._reference, burst)
        moved, moved_before = seen[1] - seen[2], own[1] - own[2]
        longer = moved + seen[3] - moved_before - own[3]
        for name, values in (
            ("line_offset", line - own_line),
            ("sample_offset", sample - own_sample),
            ("displacement", moved_before - moved),
            ("delay", seen[3]),
            ("flattened_phase", 4.0 * np.pi / burst.grid.wavelength * longer),
        ):
            _put(group, name, places, values, at)

    def _coherence(
        self, kind: NDArray[np.uint8], before: NDArray[np.uint8], view: PassView
    ) -> NDArray[np.float64]:
        table = np.array(self._campaign.scene.coherence(self._reference.index, view.index))
        return np.where(kind == before, table[kind], 0.0)

    def _places(self, burst: Burst, window: EchoWindow) -> _Places:
        """The ground at the kept pixels of a window, as the reference sees it."""
        view, frame, grid = self._reference, frame_window(burst, self._reference, window), burst.grid
        time, slant_range = frame.time - view.azimuth_error, frame.slant_range - view.range_error
        patch = find_patch(
            self._campaign.mesh,
            self._campaign.lattice,
            self._sight,
            self._ground.heights,
            (time, time + window.shape[0] * grid.azimuth_interval),
            (slant_range, slant_range + window.shape[1] * grid.range_spacing),
        )
        first, stop = (
            [-(-end // step) for end, step in zip(ends, self._step, strict=True)]
            for ends in (
                (window.lines.start, window.samples.start),
                (window.lines.stop, window.samples.stop),
            )
        )
        growth = (patch.incidence[-1] - patch.incidence[0]) / (patch.v[-1] - patch.v[0])
        shape = stop[0] - first[0], stop[1] - first[1]
        drawn, folded = np.full((4, *shape), np.nan), np.zeros(shape, dtype=np.uint8)
        u, v = np.broadcast_arrays(patch.u[:, np.newaxis], patch.v)
        points = _Places(
            mesh=patch.mesh,
            incidence=np.array([patch.incidence[0], growth]),
            where=(slice(first[0], stop[0]), slice(first[1], stop[1])),
            shape=shape,
            pixel=np.empty(0, dtype=np.intp),
            u=u.ravel(),
            v=v.ravel(),
            height=patch.ground[0].ravel(),
            longitude=np.empty(u.size),
            latitude=np.empty(u.size),
            flags=np.empty(0, dtype=np.uint8),
        )
        _to_ground(points)
        line, sample = (
            at.reshape(u.shape) / step - start
            for at, step, start in zip(
                _pixel_of(_to_radar(points, view, self._ground), view, burst), self._step, first, strict=True
            )
        )
        span = np.stack([line.min(axis=1), line.max(axis=1)], axis=-1)
        fields = np.stack([u, v, patch.ground[0], patch.ground[1]])
        strips = -(-len(folded) // truth_loops.STRIP)
        in_threads(truth_loops.draw, strips, line, sample, span, fields, drawn, folded)
        pixel = np.flatnonzero(np.isfinite(drawn[0]))
        hidden = ~(drawn[3].reshape(-1)[pixel] > 0.0)
        places = replace(
            points,
            pixel=pixel,
            u=drawn[0].reshape(-1)[pixel],
            v=drawn[1].reshape(-1)[pixel],
            height=drawn[2].reshape(-1)[pixel],
            longitude=np.empty(len(pixel)),
            latitude=np.empty(len(pixel)),
            flags=(folded.reshape(-1)[pixel] * LAYOVER + hidden * SHADOW).astype(np.uint8),
        )
        _to_ground(places)
        return places


def _to_ground(places: _Places) -> None:
    """Fill in the longitudes and latitudes."""
    series = places.mesh.coordinates
    in_threads(
        truth_loops.place,
        len(places.u),
        places.u,
        places.v,
        series.low,
        series.high,
        series.coefficients,
        places.longitude,
        places.latitude,
    )


def _to_radar(places: _Places, view: PassView, ground: GroundState) -> NDArray[np.float64]:
    """Time, slant range, that of the unmoved ground, delay (4, n): see `truth_loops.locate`."""
    low, high = places.mesh.box
    seen = np.empty((4, len(places.u)))
    in_threads(
        truth_loops.locate,
        len(places.u),
        places.u,
        places.v,
        places.height,
        places.longitude,
        places.latitude,
        low,
        high,
        sight_mesh(places.mesh, view.satellite).coefficients,
        ground.motion.values,
        frame_of(ground.motion),
        ground.delay.screen.values,
        frame_of(ground.delay.screen),
        np.array([ground.delay.stratified, ground.delay.scale_height]),
        places.incidence,
        seen,
    )
    return seen


def _pixel_of(
    seen: NDArray[np.float64], view: PassView, burst: Burst
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Line and sample in a burst, as annotated, of what `_to_radar` says."""
    grid = burst.grid
    line = (seen[0] + view.azimuth_error - grid.first_azimuth_time) / grid.azimuth_interval
    return line, (seen[1] + seen[3] + view.range_error - grid.first_slant_range) / grid.range_spacing


def _put(
    group: zarr.Group, name: str, places: _Places, values: NDArray[Any], at: tuple[int, ...] = ()
) -> None:
    """Write values (n,) into the pixels that they are of; the others of the window have none."""
    array: Any = group[name]
    whole = np.full(places.shape, array.fill_value, dtype=array.dtype)
    whole.reshape(-1)[places.pixel] = values
    array[(*at, *places.where)] = whole
