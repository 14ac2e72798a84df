"""Survey of a cube in one pass, a layer of a date at a time: pictures, exact extremes, sampled percentiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.report.drawing.display import Averaging, DisplayGrid, cell_average, unwrap_longitude

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import xarray as xr
    from numpy.typing import NDArray

POLARIZATIONS = ("vv", "vh", "hh", "hv")
BLOCK_PIXELS = 1_000_000  # worked on at once
SLAB_PIXELS = 16_000_000  # read at once at most, where chunks are that tall
SAMPLED_PIXELS = 200_000  # of a layer of a date
SAMPLED_PIXELS_ALL_DATES = 1_000_000
MAX_PICTURED_DATES = 16


@dataclass(frozen=True, kw_only=True)
class Scan:
    """Picture and statistics of one layer of one date.

    Attributes
    ----------
    image : (rows, columns) float32 cell averages, or None where no picture was asked for.
    sample : finite values of a regular sub-grid of the pixels, float32; magnitudes of a complex layer.
    minimum, maximum : over all finite pixels; NaN where there is none.
    missing : share of pixels that are not finite, 0 to 1.
    """

    image: NDArray[np.float32] | None
    sample: NDArray[np.float32]
    minimum: float
    maximum: float
    missing: float


def scan(layer: xr.DataArray, view: DisplayGrid, averaging: Averaging | None = None) -> Scan:
    """Read a layer (azimuth, range) by blocks of lines and reduce it to a picture and statistics.

    ``averaging`` says how display cells are formed (``cell_average``); None makes no picture.
    """
    layer = layer.transpose("azimuth", "range")
    step = max(1, math.isqrt(view.lines * view.samples // SAMPLED_PIXELS))
    cells = view.cell_lines, view.cell_samples
    images, samples, extremes, finite = [], [], [], 0
    for first, values in _blocks(layer, view):
        known = np.isfinite(values)
        finite += int(known.sum())
        if known.any():
            extremes += [float(np.min(values, where=known, initial=np.inf))]
            extremes += [float(np.max(values, where=known, initial=-np.inf))]
        thinned = values[-first % step :: step, ::step]
        samples.append(thinned[np.isfinite(thinned)].astype(np.float32))
        if averaging is not None:
            images.append(cell_average(values, cells, averaging))
    return Scan(
        image=np.concatenate(images) if images else None,
        sample=np.concatenate(samples),
        minimum=min(extremes, default=math.nan),
        maximum=max(extremes, default=math.nan),
        missing=1 - finite / (view.lines * view.samples),
    )


def _blocks(layer: xr.DataArray, view: DisplayGrid) -> Iterator[tuple[int, NDArray[Any]]]:
    """First line and values of blocks of whole display cells; a chunk on disk is read once or twice.

    Complex layers give their magnitude, whole numbers are turned to real ones.
    """
    cell, lines = view.cell_lines, view.lines
    block = max(1, BLOCK_PIXELS // view.samples // cell) * cell
    chunk = layer.encoding.get("preferred_chunks", {}).get("azimuth", 0)
    slab = max(block, min(-(-chunk // cell), SLAB_PIXELS // view.samples // cell) * cell)
    for begin in range(0, lines, slab):
        values = layer[begin : begin + slab].values
        for first in range(0, len(values), block):
            part = values[first : first + block]
            if part.dtype.kind in "iu":
                part = part.astype(np.float64)
            yield begin + first, np.abs(part) if np.iscomplexobj(part) else part


class CubeSurvey:
    """Dates and layers of a cube, with a cached ``Scan`` of each layer.

    Raises AlignsarError where the dataset is not a cube (dims time, azimuth, range).
    """

    def __init__(self, cube: xr.Dataset, quality: Mapping[str, Any]) -> None:
        missing = [name for name in ("time", "azimuth", "range") if cube.sizes.get(name, 0) == 0]
        if missing:
            raise AlignsarError(
                f"report: the dataset has no dimension {', '.join(missing)} (it has {dict(cube.sizes)}); "
                "give the cube that the pipeline wrote, opened by xarray.open_zarr"
            )
        self.cube = cube
        self.quality = quality
        self.view = DisplayGrid.fit(cube.sizes["azimuth"], cube.sizes["range"], self._spacing())
        # phase is averaged to cells that are square on the ground even where the raster is small: the
        # phase of a single pixel is mostly noise
        self.phase_view = DisplayGrid.fit(
            cube.sizes["azimuth"], cube.sizes["range"], self._spacing(), square=True
        )
        self._scans: dict[tuple[str, int | None], Scan] = {}

    def _spacing(self) -> tuple[float, float] | None:
        along_azimuth, slant = self.number("azimuth_spacing"), self.number("range_spacing")
        incidence = self.number("incidence_angle_mid")
        if not (along_azimuth > 0 and slant > 0 and 0 < incidence < 90):
            return None
        return along_azimuth, slant / math.sin(math.radians(incidence))

    def number(self, attribute: str) -> float:
        """Return a global attribute as a number; NaN if it is missing or not one."""
        try:
            return float(self.cube.attrs.get(attribute, math.nan))
        except (TypeError, ValueError):
            return math.nan

    def text(self, attribute: str) -> str:
        """Return a global attribute as text; empty if it is missing."""
        return str(self.cube.attrs.get(attribute, ""))

    @cached_property
    def days(self) -> tuple[str, ...]:
        """Dates as YYYY-MM-DD, in the order of the cube."""
        return tuple(str(day) for day in self.cube["time"].values.astype("datetime64[D]"))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Names of the dates in files: YYYYMMDD, numbered if a day occurs twice."""
        plain = [day.replace("-", "") for day in self.days]
        return tuple(
            key if plain.count(key) == 1 else f"{key}_{plain[: i + 1].count(key)}"
            for i, key in enumerate(plain)
        )

    @cached_property
    def reference(self) -> int:
        """Index of the reference date."""
        day = self.text("reference_date")
        if day in self.days:
            return self.days.index(day)
        baselines = self.along_time("temporal_baseline")
        return int(np.nanargmin(np.abs(baselines))) if np.isfinite(baselines).any() else 0

    @property
    def secondaries(self) -> tuple[int, ...]:
        """Indices of the other dates."""
        return tuple(i for i in range(len(self.days)) if i != self.reference)

    @cached_property
    def pictured(self) -> tuple[int, ...]:
        """Indices of the dates that get pictures: all, or evenly chosen ones and the reference."""
        count = len(self.days)
        if count <= MAX_PICTURED_DATES:
            return tuple(range(count))
        chosen = {round(i * (count - 1) / (MAX_PICTURED_DATES - 2)) for i in range(MAX_PICTURED_DATES - 1)}
        return tuple(sorted(chosen | {self.reference}))

    @cached_property
    def polarizations(self) -> tuple[str, ...]:
        """Polarizations that the cube has a layer of, in the order of its attribute."""
        named = [name.strip().lower() for name in self.text("polarizations").split(",")]
        order = [name for name in named if name in POLARIZATIONS]
        order += [name for name in POLARIZATIONS if name not in order]
        names = [str(name) for name in self.cube.data_vars]
        return tuple(p for p in order if any(name.endswith(f"_{p}") for name in names))

    def along_time(self, name: str) -> NDArray[np.float64]:
        """Return a variable (time,) as float64; NaN if the cube has none."""
        if name not in self.cube or self.cube[name].dims != ("time",):
            return np.full(len(self.days), np.nan)
        return np.asarray(self.cube[name].values, dtype=np.float64)

    def names_along_time(self, name: str) -> tuple[str, ...]:
        """Return a variable (time,) as texts; empty ones if the cube has none."""
        if name not in self.cube or self.cube[name].dims != ("time",):
            return ("",) * len(self.days)
        return tuple(str(value) for value in self.cube[name].values)

    def layers(self) -> tuple[str, ...]:
        """List the layers: numbers over (azimuth, range), with or without time."""
        sides = {"azimuth", "range"}
        return tuple(
            str(name)
            for name, layer in self.cube.variables.items()
            if sides <= set(layer.dims) <= {"time", *sides} and layer.dtype.kind in "fciub"
        )

    def has(self, name: str) -> bool:
        """Whether the cube has a layer of this name."""
        return name in self.layers()

    def scan(self, name: str, date: int | None = None) -> Scan:
        """Scan the layer of a date (its index; None for a layer without time); it is read once."""
        if (name, date) not in self._scans:
            layer = self.cube[name] if date is None else self.cube[name].isel(time=date)
            pictured = date is None or date in self.pictured
            scanned = scan(layer, self.view_of(name), self._averaging(name) if pictured else None)
            keep = max(1, -(-scanned.sample.size * len(self.days) // SAMPLED_PIXELS_ALL_DATES))
            if date is not None:
                scanned = Scan(
                    image=scanned.image,
                    sample=scanned.sample[::keep].copy(),
                    minimum=scanned.minimum,
                    maximum=scanned.maximum,
                    missing=scanned.missing,
                )
            self._scans[name, date] = scanned
        return self._scans[name, date]

    def view_of(self, name: str) -> DisplayGrid:
        """Return the display grid of a layer's pictures."""
        return self.phase_view if name.startswith("interferometric_phase_") else self.view

    def image(self, name: str, date: int | None = None) -> NDArray[np.float32]:
        """Return the picture (rows, columns) of a layer; all NaN if it gets no picture."""
        image = self.scan(name, date).image
        return np.full(self.view_of(name).shape, np.nan, np.float32) if image is None else image

    def power_layer(self, polarization: str) -> str | None:
        """Return the layer that pictures of brightness are made from: its image holds powers."""
        names = (f"amplitude_{polarization}", f"intensity_{polarization}", f"sigma0_{polarization}")
        return next((name for name in names if self.has(name)), None)

    @cached_property
    def coordinates(self) -> tuple[NDArray[np.float64], NDArray[np.float64], DisplayGrid] | None:
        """Longitude and latitude (degrees) at the cell centres of a coarse display grid, and that grid.

        None where the cube has too few of them to lay the scene on a map.
        """
        view = self.view.coarser(40_000)
        if not (self.has("longitude") and self.has("latitude")) or min(view.shape) < 2:
            return None
        longitude = unwrap_longitude(self.at_cell_centres("longitude", view))
        latitude = self.at_cell_centres("latitude", view)
        known = np.isfinite(longitude) & np.isfinite(latitude)
        return None if known.sum() < 3 else (longitude, latitude, view)

    def at_cell_centres(self, name: str, view: DisplayGrid) -> NDArray[np.float64]:
        """Return the values (rows, columns) of a layer without time at the middle pixel of each cell."""
        lines = np.arange(view.shape[0]) * view.cell_lines + view.cell_lines // 2
        samples = np.arange(view.shape[1]) * view.cell_samples + view.cell_samples // 2
        picked = self.cube[name].isel(
            azimuth=np.minimum(lines, view.lines - 1), range=np.minimum(samples, view.samples - 1)
        )
        return np.asarray(picked.transpose("azimuth", "range").values, dtype=np.float64)

    def _averaging(self, name: str) -> Averaging | None:
        """How the display cells of a layer are formed; None for a layer that is never pictured."""
        if name.startswith("interferometric_phase_"):
            return "phase"
        if name in {self.power_layer(p) for p in self.polarizations}:
            return "power" if name.startswith("amplitude_") else "mean"
        if self.cube[name].attrs.get("compares"):
            return "phase" if self.cube[name].attrs.get("units") == "rad" else "mean"
        if "inherited_from" in self.cube[name].attrs and "flag_meanings" not in self.cube[name].attrs:
            return "mean"
        if name.startswith("coherence_") or name in {"height", "incidence_angle", "local_incidence_angle"}:
            return "mean"
        return None
