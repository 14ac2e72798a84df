"""What chips are cut from: the cube on its radar grid, or the map that geocoding has made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS, Transformer

from alignsar_gpu.application.chips.bands import Bands
from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.dataset.quality import QUALITY
from alignsar_gpu.application.geocoding.stage import MAP
from alignsar_gpu.application.journal import read_json
from alignsar_gpu.dataset.cube import DIMENSIONS, fill_value, open_cube
from alignsar_gpu.dataset.dates import date_name
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding.map_grid import utm_or_ups

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

TIME = DIMENSIONS[0]
UNKNOWN = 255  # of classes and flags: no data


def require_metres(crs: CRS) -> None:
    """Raise AlignsarError for a map whose coordinates are not metres."""
    if not crs.is_projected or crs.axis_info[0].unit_conversion_factor != 1.0:
        raise AlignsarError(
            f"chips.geometry=map: the map is in {crs.name}, and distances of chips are measured in metres; "
            "make a map in a projection, such as UTM (geocoding.resolution=20 without geocoding.crs)"
        )


def require_longitude(layers: Iterable[str]) -> None:
    """Raise AlignsarError for a cube that does not say where its pixels are."""
    if "longitude" not in layers:
        raise AlignsarError(
            "chips.size: the dataset has no longitude and latitude, by which chips are split; give a DEM that covers "
            "it (dem.path), or products with coordinates"
        )


def require_valid(layers: Sequence[str]) -> None:
    """Raise AlignsarError for a map that does not say where it has data."""
    if "valid" not in layers:
        raise AlignsarError(
            "chips.geometry=map: the map has no layer valid, which says where it has data; add it to geocoding.layers"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Layers [line, sample], or [row, column] of a map, of which windows are read.

    Attributes
    ----------
    data : the cube, or the map cube.
    dimensions : of its images.
    geometry : "radar" or "map".
    crs : coordinate reference system, in metres, that places are measured in.
    held : bytes of layers that are kept, to be read again.
    bursts : that the image is made of, where that is known, each with its first line, lines, first sample, samples.
    """

    data: xr.Dataset
    dimensions: tuple[str, str]
    geometry: str
    crs: CRS
    held: int
    bursts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def open(cls, work: Path, geometry: str, held: int, measured_in: CRS | None = None) -> Source:
        """Open what chips are cut from in a run's folder; ``measured_in`` is the system of places, by default UTM.

        Raises AlignsarError where it is not there.
        """
        if geometry == "radar":
            cube = open_dataset(work / CUBE)
            require_longitude(map(str, cube.variables) if "geospatial_lon_min" in cube.attrs else ())
            west, east, south, north = (
                float(cube.attrs[f"geospatial_{name}"])
                for name in ("lon_min", "lon_max", "lat_min", "lat_max")
            )
            east += 360.0 * (east < west)
            middle = (0.5 * (west + east) + 180.0) % 360.0 - 180.0
            crs = measured_in or utm_or_ups(middle, 0.5 * (south + north))
            bursts = read_json(work / QUALITY).get("source", {}).get("mosaic", {})
            return cls(
                data=cube, dimensions=DIMENSIONS[1:], geometry=geometry, crs=crs, held=held, bursts=bursts
            )
        if not (work / MAP / "zarr.json").is_file():
            raise AlignsarError(
                "chips.geometry=map: this run has no map.zarr; give geocoding.resolution too, such as 20 (m of UTM)"
            )
        data = open_cube(work / MAP)
        crs = CRS.from_wkt(data["spatial_ref"].attrs["crs_wkt"])
        require_metres(crs)
        require_valid([str(name) for name in data])
        return cls(data=data, dimensions=("y", "x"), geometry=geometry, crs=crs, held=held)

    @cached_property
    def _bands(self) -> Bands:
        return Bands(self.data, self.dimensions, self.held)

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and samples."""
        lines, samples = (self.data.sizes[name] for name in self.dimensions)
        return lines, samples

    @cached_property
    def dates(self) -> list[str]:
        """Dates, YYYYMMDD, in order."""
        return [date_name(time) for time in self.data[TIME].values]

    @cached_property
    def reference(self) -> int:
        """Which of the dates is the reference."""
        return self.dates.index(str(self.data.attrs["reference_date"]).replace("-", ""))

    def window(self, name: str, date: int | None, lines: slice, samples: slice) -> NDArray[Any]:
        """Read a window of a layer, which may reach beyond the image: there nothing is known."""
        asked = lines, samples
        inside = [
            slice(max(part.start, 0), min(part.stop, count))
            for part, count in zip(asked, self.shape, strict=True)
        ]
        found = self._bands.read(name, date, *inside)
        if tuple(inside) == asked:
            return found
        unknown = {"uint8": UNKNOWN, "int32": -1}  # of classes, and of ids
        fill = unknown.get(found.dtype.name, fill_value(found.dtype.name))
        whole = np.full([part.stop - part.start for part in asked], fill, dtype=found.dtype)
        target = tuple(
            slice(own.start - part.start, own.stop - part.start)
            for own, part in zip(inside, asked, strict=True)
        )
        whole[target] = found
        return whole

    def valid(self, date: int, lines: slice, samples: slice) -> NDArray[np.bool_]:
        """Read where a date has data, in a window."""
        return np.asarray(self.window("valid", date, lines, samples) == 1)

    def points(
        self, lines: NDArray[np.float64], samples: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return x and y, in metres, where lines and samples cross, [line, sample]; NaN where that is not known.

        Of an image, those of the nearest pixels inside of it.
        """
        if self.geometry == "map":
            x, y = self.data["x"].values, self.data["y"].values
            across, down = x[0] + (x[1] - x[0]) * samples, y[0] + (y[1] - y[0]) * lines
            return np.meshgrid(across, down)
        rows, columns = (
            np.clip(np.rint(places).astype(np.intp), 0, count - 1)
            for places, count in zip((lines, samples), self.shape, strict=True)
        )
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        inside = np.ix_(rows - rows[0], columns - columns[0])
        lon, lat = (self.window(name, None, *window)[inside] for name in ("longitude", "latitude"))
        x, y = self._to_metres.transform(lon, lat)
        known = np.isfinite(x) & np.isfinite(y)
        return np.where(known, x, np.nan), np.where(known, y, np.nan)

    @cached_property
    def _to_metres(self) -> Transformer:
        return Transformer.from_crs(CRS.from_epsg(4326), self.crs, always_xy=True)
