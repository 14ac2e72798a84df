"""How well a dataset made from simulated products gives back what was put into them.

Places are compared at the very pixels that truth.zarr keeps, all else at every pixel of the mosaic: true phase and
height are linear between the kept pixels, classes and coherence those of the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.interferometry.statistics import expected_coherence
from alignsar_gpu.simulate.assessment import FEWEST_PIXELS, pure
from alignsar_gpu.simulate.phase_errors import Patch, PhaseErrors, seams, weights_of
from alignsar_gpu.simulate.product_truth import NO_CLASS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.products.slc import Burst
    from alignsar_gpu.simulate.phase_errors import Patches
    from alignsar_gpu.simulate.product_truth import KnownDate, PieceTruth, ProductTruth

METRES_PER_DEGREE = 111_195.0
FIRST = 0  # the date that truth.zarr is in the geometry of


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductAssessment:
    """A dataset beside its truth.

    Attributes
    ----------
    cube : the dataset, on a mosaic of the simulation's first date.
    truth : of the simulation.
    pieces : the truth of every burst, where the mosaic shows it.
    bursts : those of the first date, by name.
    dates : what was put into each date of the cube; names : of these dates.
    timing : what was measured of each date, by its name; empty where nothing was.
    polarization : that phase and coherence are looked at in.
    window : that coherence was estimated in, lines and samples.
    independent : share of the pixels that are independent of each other.
    """

    cube: xr.Dataset
    truth: ProductTruth
    pieces: Sequence[PieceTruth]
    bursts: Mapping[str, Burst]
    dates: Sequence[KnownDate]
    names: Sequence[str]
    timing: Mapping[str, Mapping[str, Any]]
    polarization: str
    window: tuple[int, int]
    independent: float

    @cached_property
    def reference(self) -> int:
        """Which date of the cube is the simulation's first."""
        return [date.index for date in self.dates].index(FIRST)

    def date(self, index: int) -> tuple[xr.Dataset, dict[str, Any]]:
        """The truth of a date of the cube for truth.zarr, with a dimension time of one, and the differences."""
        cube = self.cube
        shape = cube.sizes["azimuth"], cube.sizes["range"]
        phase, known = np.full(shape, np.nan, np.float32), self.dates[index]
        for piece in self.pieces:
            phase[piece.piece.lines, piece.piece.samples] = piece.linear("flattened_phase", known.index)
        classes = _Classes(self, index)
        part = xr.Dataset(
            {
                "phase_true": (
                    ("time", "azimuth", "range"),
                    phase[np.newaxis],
                    {"units": "rad", "long_name": "true flattened phase: motion and atmosphere"},
                ),
                "perpendicular_baseline_true": (
                    "time",
                    np.array([known.perpendicular_baseline]),
                    {"units": "m"},
                ),
                **{
                    f"coherence_{name}": (
                        ("time", "class"),
                        np.asarray(values)[np.newaxis],
                        {"units": "1", "long_name": text},
                    )
                    for name, values, text in (
                        ("true", classes.true, "coherence of the ground with itself"),
                        ("expected", classes.expected, f"mean that {classes.looks} looks find, with noise"),
                        ("estimated", classes.estimated, "mean of the estimates"),
                    )
                },
            },
            coords={
                "time": cube["time"].values[index : index + 1],
                "azimuth": cube["azimuth"].values,
                "range": cube["range"].values,
                "class": np.array(self.truth.class_names, dtype=object),
            },
        )
        if index == self.reference:
            return part, {}
        return part, classes.facts() | self._phase(index) | self._timing(index)

    def ground(self) -> tuple[xr.Dataset, dict[str, Any]]:
        """Land cover and height for truth.zarr, and how far the cube's coordinates lie from the true places."""
        cube = self.cube
        shape = cube.sizes["azimuth"], cube.sizes["range"]
        cover, height = np.full(shape, NO_CLASS, np.uint8), np.full(shape, np.nan, np.float32)
        errors: dict[str, list[NDArray[np.float64]]] = {"east": [], "north": [], "up": []}
        for piece in self.pieces:
            own = piece.piece.lines, piece.piece.samples
            cover[own], height[own] = piece.nearest("land_cover", FIRST), piece.linear("height")
            seen = cube[["longitude", "latitude", "height"]].isel(
                azimuth=xr.DataArray(piece.lines, dims="azimuth"),
                range=xr.DataArray(piece.samples, dims="range"),
            )
            use = piece.layer("layover_shadow") == 0
            off = {name: (seen[name].values - piece.layer(name))[use] for name in seen.data_vars}
            off |= {name: (seen[name].values - piece.layer(name))[use] for name in seen.coords if name in PLACES}
            stretch = np.cos(np.radians(piece.layer("latitude")[use]))
            errors["east"].append((off["longitude"] + 180.0) % 360.0 - 180.0)
        return xr.Dataset(), {}
