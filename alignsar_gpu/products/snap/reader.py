"""Reader of coregistered stacks written by SNAP, as ZNAP or BEAM-DIMAP products.

A stack may be one product that holds all dates, or a folder of products on one grid that hold a date or
more each. Dates are joined to their metadata by the date in the band's name, which must agree with the
acquisition time in the metadata.

Thermal noise is left out, though the reference's records are in the metadata. SNAP's TOPSAR-Split takes the list of
bursts out of it, and its debursted image does not say which line of which burst a line is, which the azimuth factor
goes by. Of the other dates there are no records at all, and to take noise off one date alone would put a change into
the series that is none.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT, RadarGrid
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.time_scale import midnight, seconds_since
from alignsar_gpu.products.readers import StackSource
from alignsar_gpu.products.snap.bands import (
    check_one_grid,
    date_suffix,
    find_bands,
    find_products,
    input_files,
)
from alignsar_gpu.products.snap.dates import acquisition_of, share_calibration, snap_operators
from alignsar_gpu.products.snap.raster import open_raster
from alignsar_gpu.stack.ground import Ground
from alignsar_gpu.stack.product import ReadyStack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.products.snap import SnapProductsConfig
    from alignsar_gpu.products.snap.bands import SnapBand
    from alignsar_gpu.products.snap.dates import PhaseState
    from alignsar_gpu.products.snap.raster import SnapRaster
    from alignsar_gpu.stack.acquisition import Acquisition


GROUND_BANDS = {
    "longitude": re.compile(r"orthorectifiedLon(_.*)?|longitude_.+"),
    "latitude": re.compile(r"orthorectifiedLat(_.*)?|latitude_.+"),
    "height": re.compile(r"elevation(_.*)?"),
}


def _grid(raster: SnapRaster) -> RadarGrid:
    abstracted = raster.metadata.require("Abstracted_Metadata")
    first = abstracted.time("first_line_time")
    epoch = midnight(first).astype("datetime64[D]")
    return RadarGrid(
        epoch=epoch,
        first_azimuth_time=seconds_since(epoch, first),
        azimuth_interval=abstracted.number("line_time_interval"),
        first_slant_range=abstracted.number("slant_range_to_first_pixel"),
        # the range_spacing that SNAP writes has seven digits only: 1 mm at the far end of a swath
        range_spacing=0.5 * SPEED_OF_LIGHT / (abstracted.number("range_sampling_rate") * 1e6),
        wavelength=SPEED_OF_LIGHT / (abstracted.number("radar_frequency") * 1e6),
        look_side="left" if abstracted.text("antenna_pointing").lower() == "left" else "right",
        lines=raster.lines,
        samples=raster.samples,
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SnapStack(ReadyStack):
    """A `StackProduct` read from SNAP products.

    ``facts`` has the crop in the source's own raster, and the comparison of the grid with the per-pixel
    coordinates of the product (see `open_stack`), where it has them.
    """

    grid: RadarGrid
    acquisitions: tuple[Acquisition, ...]
    reference: int
    polarizations: tuple[str, ...]
    source: str
    facts: Mapping[str, Any]
    has_heights: bool
    _bands: tuple[tuple[SnapBand, ...], ...]
    _ground: dict[str, tuple[SnapRaster, str]]

    def read_pixels(self, first: int, stop: int) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """See `StackProduct.read_pixels`. SNAP marks no-data by zero in both parts; NaN counts as no-data."""
        shape = (len(self._bands), len(self.polarizations), stop - first, self.grid.samples)
        pixels = np.empty(shape, dtype=np.complex64)
        for date, bands in enumerate(self._bands):
            for index, band in enumerate(bands):
                pixels[date, index].real = band.raster.read(band.real, first, stop)
                pixels[date, index].imag = band.raster.read(band.imaginary, first, stop)
        valid = (pixels != 0) & np.isfinite(pixels)
        pixels[~valid] = 0
        return pixels, valid

    def read_ground(self, first: int, stop: int) -> Ground:
        """See `StackProduct.read_ground`: per-pixel bands, else tie points (then without height)."""
        layers = {}
        for name in GROUND_BANDS:
            if self.has_heights:
                raster, band = self._ground[name]
                values = raster.read(band, first, stop).astype(np.float64)
                values[values == raster.no_data.get(band, np.nan)] = np.nan
            elif name != "height" and name in self._bands[0][0].raster.tie_points:
                values = self._bands[0][0].raster.tie_points[name].at(first, stop, self.grid.samples)
            else:
                values = np.full((stop - first, self.grid.samples), np.nan)
            layers[name] = values
        outside = (layers["latitude"] == 0) & (layers["longitude"] == 0)
        for values in layers.values():
            values[outside] = np.nan
        return Ground(longitude=layers["longitude"], latitude=layers["latitude"], height=layers["height"])


def _geolocation_residual(stack: SnapStack) -> tuple[float, float]:
    """Median difference of zero-Doppler (line, sample) of the product's own coordinates from the grid.

    On at most about 64 lines and 64 samples, spread over the image.
    """
    grid, orbit = stack.grid, stack.acquisitions[stack.reference].orbit
    lines = np.unique(np.linspace(0, grid.lines - 1, 64).astype(int))
    samples = np.unique(np.linspace(0, grid.samples - 1, 64).astype(int))
    residuals = []
    gaps = np.flatnonzero(np.diff(lines) > 1) + 1
    for part in np.split(lines, gaps):  # lines that follow each other are read at once
        ground = stack.read_ground(int(part[0]), int(part[-1]) + 1)
        lon, lat, height = (v[:, samples] for v in (ground.longitude, ground.latitude, ground.height))
        line = part[:, np.newaxis]
        time, slant_range = ground_to_radar(orbit, lon, lat, height, grid.azimuth_time(line))
        late = np.stack([grid.line(time) - line, grid.sample(slant_range) - samples])
        residuals.append(late.reshape(2, -1))
    residual = np.concatenate(residuals, axis=1)
    residual = residual[:, np.isfinite(residual).all(axis=0)]
    if residual.shape[1] == 0:
        return np.nan, np.nan
    return float(np.median(residual[0])), float(np.median(residual[1]))


def _stated_baselines(by_date: Sequence[tuple[SnapBand, ...]], reference: int) -> dict[str, dict[str, float]]:
    """SNAP's own baselines of the secondaries (for the middle of its scene), where the product has them."""
    reference_name = f"Ref_{date_suffix(by_date[reference][0].date)}"
    stated = {}
    for band, *_ in by_date:
        name = date_suffix(band.date)
        abstracted = band.raster.metadata.require("Abstracted_Metadata")
        for kind in ("Secondary", "Slave"):
            element = abstracted.find("Baselines", reference_name, f"{kind}_{name}")
            if element is not None and band.date != by_date[reference][0].date:
                stated[str(band.date)] = {
                    "perpendicular_m": element.number("Perp Baseline"),
                    "height_of_ambiguity_m": element.number("Height of Ambiguity"),
                }
    return stated


def _correct_azimuth_time(stack: SnapStack) -> SnapStack:
    grid = stack.grid
    line_residual, sample_residual = _geolocation_residual(stack)
    if not np.isfinite(line_residual):
        return stack
    require("snap_time_error", line_residual * grid.azimuth_interval, stack.source)
    require("snap_range_error", sample_residual * grid.range_spacing, stack.source)
    first = grid.first_azimuth_time + line_residual * grid.azimuth_interval
    geolocation = {
        "azimuth_time_corrected_by_lines": line_residual,
        "range_residual_samples": sample_residual,
        "how": "median of zero-Doppler coordinates of the product's longitude, latitude and height against its grid",
    }
    return replace(
        stack,
        grid=replace(grid, first_azimuth_time=first),
        facts={**stack.facts, "geolocation": geolocation},
    )


def _locate_ground(rasters: Sequence[SnapRaster]) -> dict[str, tuple[SnapRaster, str]]:
    found: dict[str, tuple[SnapRaster, str]] = {}
    for name, pattern in GROUND_BANDS.items():
        for raster in rasters:
            match = next((band for band in raster.bands if pattern.fullmatch(band)), None)
            if match is not None:
                found.setdefault(name, (raster, match))
    return found


def open_stack(
    path: Path, *, phase_state: PhaseState = "auto", polarizations: Sequence[str] = ()
) -> SnapStack:
    """Open the coregistered stack at ``path``.

    ``phase_state`` says whether reference and topographic phase are removed from the secondaries;
    "auto" asks the processing graph in the product. ``polarizations`` are those to read; empty: all.

    The grid's azimuth time is corrected by the median residual of the product's per-pixel coordinates
    (where it has them), because the first line time that SNAP writes for subsets of debursted products is
    off by a line or more; the correction is kept in ``facts``.

    Raises AlignsarError for anything that is not a complete coregistered stack.
    """
    rasters = [open_raster(product) for product in find_products(path)]
    check_one_grid(rasters)
    bands = find_bands(rasters, polarizations)
    dates = sorted({band.date for band in bands})
    by_date = [
        tuple(sorted((b for b in bands if b.date == d), key=lambda b: b.polarization, reverse=True))
        for d in dates
    ]
    found = tuple(band.polarization for band in by_date[0])
    for date_bands in by_date:
        if tuple(band.polarization for band in date_bands) != found:
            raise AlignsarError(
                f"{path}: {date_suffix(date_bands[0].date)} has polarizations "
                f"{', '.join(b.polarization for b in date_bands)}, but {date_suffix(dates[0])} has "
                f"{', '.join(found)}: give the same polarizations on every date, or choose by products.polarizations"
            )
    grid = _grid(rasters[0])
    reference_date = grid.epoch
    if reference_date not in dates:
        raise AlignsarError(
            f"{path}: the pixels of the reference date {date_suffix(reference_date)} are missing (there are: "
            f"{', '.join(date_suffix(d) for d in dates)}); add its product"
        )
    reference = dates.index(reference_date)
    acquisitions = tuple(
        acquisition_of(date_bands, is_reference=i == reference, state=phase_state, epoch=grid.epoch)
        for i, date_bands in enumerate(by_date)
    )
    acquisitions = share_calibration(acquisitions, reference)
    abstracted = rasters[0].metadata.require("Abstracted_Metadata")
    crop = {
        "first_line": int(abstracted.number("subset_offset_y")),
        "lines": grid.lines,
        "first_sample": int(abstracted.number("subset_offset_x")),
        "samples": grid.samples,
    }
    ground, software = _locate_ground(rasters), snap_operators(rasters)
    stated = _stated_baselines(by_date, reference)
    stack = SnapStack(
        grid=grid,
        acquisitions=acquisitions,
        reference=reference,
        polarizations=found,
        source=f"coregistered stack written by SNAP, reference {acquisitions[reference].product_id}",
        facts={
            "crop": crop,
            "baselines_stated_by_snap": stated,
            **({"software": software} if software else {}),
        },
        has_heights=len(ground) == len(GROUND_BANDS),
        _bands=tuple(by_date),
        _ground=ground,
    )
    return _correct_azimuth_time(stack) if stack.has_heights else stack


def find_stack(keys: SnapProductsConfig) -> StackSource:
    """Find the stack that the configuration names. Raises AlignsarError if there is none."""
    path, state = Path(keys.path).expanduser(), cast("PhaseState", keys.phase_state)
    settings = {name: value for name, value in asdict(keys).items() if name != "path"}
    return StackSource(
        open=lambda: open_stack(path, phase_state=state, polarizations=keys.polarizations),
        settings=settings,
        files=(input_files(path),),
    )
