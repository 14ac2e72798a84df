"""Survey of a cube: its dates, its layers, and a scan of each layer of each date."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.wrapped import is_wrapped
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.report.drawing.display import DisplayGrid, unwrap_longitude
from alignsar_gpu.report.scan import scan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor, Future

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.report.drawing.display import Reduction
    from alignsar_gpu.report.scan import Scan

POLARIZATIONS = ("vv", "vh", "hh", "hv")
COORDINATES = ("longitude", "latitude")
VIEWING = ("height", "incidence_angle", "local_incidence_angle")
MAX_PICTURED_DATES = 16
COORDINATE_CELLS = 40_000
STATISTICS_PIXELS = 400_000_000  # read for statistics, of all layers and dates that have no picture
SAMPLED_PIXELS_ALL_DATES = 400_000  # kept of a layer
# attributes of labels that tell which rasters, or which features, each date has
MATCHED, SELECTED = "rasters_of_images", "features_of_images"


class CubeSurvey:
    """Dates and layers of a cube, with a cached ``Scan`` of each layer.

    Raises AlignsarError where the dataset is not a cube (dims time, azimuth, range).
    """

    def __init__(
        self,
        cube: xr.Dataset,
        quality: Mapping[str, Any],
        *,
        truth: xr.Dataset | None = None,
        dates: Sequence[str] = (),
    ) -> None:
        missing = [name for name in ("time", "azimuth", "range") if cube.sizes.get(name, 0) == 0]
        if missing:
            raise AlignsarError(
                f"report: the dataset has no dimension {', '.join(missing)} (it has {dict(cube.sizes)}); "
                "give the cube that the pipeline wrote, opened by alignsar_gpu.open"
            )
        self.cube = cube
        self.quality = quality
        self.truth = truth
        self.view = DisplayGrid.fit(cube.sizes["azimuth"], cube.sizes["range"], self._spacing())
        # phase is averaged to cells that are square on the ground even where the raster is small: the
        # phase of a single pixel is mostly noise
        self.phase_view = DisplayGrid.fit(
            cube.sizes["azimuth"], cube.sizes["range"], self._spacing(), square=True
        )
        self._scans: dict[tuple[str, int | None], Scan] = {}
        self._ahead: dict[tuple[str, int | None], Future[Scan]] = {}
        self._chosen = {self._index(date) for date in dates}

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
        """Indices of the dates that get pictures: those asked for, all, or evenly chosen ones; and the reference."""
        if self._chosen:
            return tuple(sorted(self._chosen | {self.reference}))
        count = len(self.days)
        if count <= MAX_PICTURED_DATES:
            return tuple(range(count))
        chosen = {round(i * (count - 1) / (MAX_PICTURED_DATES - 2)) for i in range(MAX_PICTURED_DATES - 1)}
        return tuple(sorted(chosen | {self.reference}))

    def _index(self, date: str) -> int:
        if date not in self.keys:
            raise AlignsarError(
                f"report.dates={date}: not a date of the dataset; {choose_from(date, self.keys)}"
            )
        return self.keys.index(date)

    def compared_date(self, kind: str) -> int:
        """Return the date of which layers that compare polarizations or dates are pictured."""
        return self.reference if kind == "polarizations" else self.pictured[-1]

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

    @cached_property
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
        return name in self.layers

    def read_ahead(self, executor: Executor) -> None:
        """Begin to scan every layer of every date, in the order that they are drawn in: those pictured first."""
        wanted = [(name, date) for name in self.layers for date in self._dates_of(name)]
        wanted.sort(key=lambda one: (self._reduction(*one) is None, one[0] not in COORDINATES))
        self._ahead = {one: executor.submit(self._scanned, *one) for one in wanted}

    def scan(self, name: str, date: int | None = None) -> Scan:
        """Return the scan of the layer of a date (its index; None for a layer without time), read once."""
        key = (name, date)
        if key not in self._scans:
            ahead = self._ahead.pop(key, None)
            self._scans[key] = self._scanned(name, date) if ahead is None else ahead.result()
        return self._scans[key]

    def _scanned(self, name: str, date: int | None) -> Scan:
        layer = self.cube[name].variable
        reduction = self._reduction(name, date)
        count = sum(len(self._dates_of(one)) for one in self.layers)
        found = scan(
            layer if date is None else layer.isel(time=date),
            self.view_of(name),
            reduction,
            truth=self._true_phase(name, date) if reduction == "phase" else None,
            pixels=STATISTICS_PIXELS // count,
        )
        keep = -(-found.sample.size * len(self._dates_of(name)) // SAMPLED_PIXELS_ALL_DATES)
        return replace(found, sample=found.sample[:: max(1, keep)].copy())

    def least_share(self) -> float:
        """Return the least share of the pixels that a scan has read so far, 0 to 1."""
        return min((scan.share for scan in self._scans.values()), default=1.0)

    def _dates_of(self, name: str) -> tuple[int | None, ...]:
        return tuple(range(len(self.days))) if "time" in self.cube[name].dims else (None,)

    def view_of(self, name: str) -> DisplayGrid:
        """Return the display grid of a layer's pictures."""
        if name in COORDINATES:
            return self._coordinate_view
        return self.phase_view if name.startswith("interferometric_phase_") else self.view

    def image(self, name: str, date: int | None = None) -> NDArray[np.floating[Any]]:
        """Return the picture (rows, columns) of a layer; all NaN if it gets no picture."""
        image = self.scan(name, date).image
        return np.full(self.view_of(name).shape, np.nan, np.float32) if image is None else image

    def is_of_dates(self, name: str) -> bool:
        """Return whether a label has rasters or features of its own on each date."""
        return bool({MATCHED, SELECTED} & set(self.cube[name].attrs))

    def power_layer(self, polarization: str) -> str | None:
        """Return the layer that pictures of brightness are made from: its image holds powers."""
        names = (f"amplitude_{polarization}", f"intensity_{polarization}", f"sigma0_{polarization}")
        return next((name for name in names if self.has(name)), None)

    @cached_property
    def _coordinate_view(self) -> DisplayGrid:
        return self.view.coarser(COORDINATE_CELLS)

    @cached_property
    def coordinates(self) -> tuple[NDArray[np.float64], NDArray[np.float64], DisplayGrid] | None:
        """Longitude and latitude (degrees) at the cell centres of a coarse display grid, and that grid.

        None where the cube has too few of them to lay the scene on a map.
        """
        view = self._coordinate_view
        if not all(self.has(name) for name in COORDINATES) or min(view.shape) < 2:
            return None
        longitude, latitude = (self.image(name).astype(np.float64) for name in COORDINATES)
        known = np.isfinite(longitude) & np.isfinite(latitude)
        return None if known.sum() < 3 else (unwrap_longitude(longitude), latitude, view)

    @cached_property
    def compared_phase(self) -> str | None:
        """Layer of phases that is compared with the true one."""
        names = (f"interferometric_phase_{p}" for p in self.polarizations)
        return next((name for name in names if self.has(name)), None)

    @cached_property
    def true_dates(self) -> Mapping[int, int]:
        """Match every secondary date, by its time, to an index in the truth."""
        if self.truth is None:
            return {}
        if "time" not in self.truth.coords:
            return {date: date for date in self.secondaries if date < self.truth.sizes.get("time", 0)}
        own, times = self.truth["time"].values, self.cube["time"].values
        found = {date: np.flatnonzero(own == times[date]) for date in self.secondaries}
        return {date: int(places[0]) for date, places in found.items() if len(places)}

    def _true_phase(self, name: str, date: int | None) -> xr.Variable | None:
        """The true phase that a layer is compared with."""
        if self.truth is None or date is None or name != self.compared_phase:
            return None
        if "phase_true" not in self.truth or date not in self.true_dates:
            return None
        return self.truth["phase_true"].variable.isel(time=self.true_dates[date])

    def _reduction(self, name: str, date: int | None) -> Reduction | None:
        """How the display cells of a layer of a date are formed; None where it is not pictured."""
        attributes = self.cube[name].attrs
        if name.startswith(("interferometric_phase_", "coherence_")) and not attributes.get("compares"):
            pictured = date in self.pictured and date != self.reference
            return ("phase" if name.startswith("interf") else "mean") if pictured else None
        if name in {self.power_layer(p) for p in self.polarizations}:
            if date is not None and date not in self.pictured:
                return None
            return "power" if name.startswith("amplitude_") else "mean"
        if compares := attributes.get("compares"):
            if date not in {None, self.compared_date(compares)}:
                return None
            return "phase" if is_wrapped(attributes) else "mean"
        shown = self.pictured if self.is_of_dates(name) else (self.reference,)
        return self._static_reduction(name, attributes) if date is None or date in shown else None

    @staticmethod
    def _static_reduction(name: str, attributes: Mapping[str, Any]) -> Reduction | None:
        """How the display cells of labels and of the geometry are formed."""
        if name in (*COORDINATES, "layover_shadow", "quality_level"):
            return "middle"
        if "inherited_from" in attributes:
            return "middle" if {"flag_meanings", "table"} & set(attributes) else "mean"
        return "mean" if name in VIEWING else None
