"""Assessment of a dataset made from simulated products against the simulation's truth.

Places are compared at the very pixels that truth.zarr keeps, all else at a lattice of pixels of the mosaic, all of
them where it is small: true phase and height are linear between the kept pixels, classes and coherence those of the
nearest. So the cost does not grow with the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.simulate.assessment.class_coherence import ClassCoherence, noise_equivalent
from alignsar_gpu.simulate.assessment.phase_errors import (
    BESIDE,
    ErrorPatch,
    PhaseErrors,
    mean_jump,
    seams,
    weights_of,
)
from alignsar_gpu.simulate.assessment.product_truth import NO_CLASS, Lattice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.products.slc import Burst
    from alignsar_gpu.simulate.assessment.product_truth import KnownDate, PieceTruth, ProductTruth

METRES_PER_DEGREE = 111_195.0
TIMES = {"units": "nanoseconds since 1970-01-01", "dtype": "int64"}  # as they are stored
FIRST = 0  # the date that truth.zarr is in the geometry of
COMPARED = 1_250_000  # pixels at most that a date is compared at
SHOWN = 250_000  # and that the truth is written at
PLACED = 500_000  # of those that truth.zarr keeps, at most


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductAssessment:
    """Comparison of a dataset with its truth.

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
        """Index in the cube of the simulation's first date."""
        return [date.index for date in self.dates].index(FIRST)

    @cached_property
    def compared(self) -> Lattice:
        """Pixels that dates are compared at."""
        return Lattice.of((self.cube.sizes["azimuth"], self.cube.sizes["range"]), COMPARED)

    @cached_property
    def shown(self) -> Lattice:
        """Pixels that the truth is written at."""
        return Lattice.of((self.cube.sizes["azimuth"], self.cube.sizes["range"]), SHOWN)

    @cached_property
    def placed(self) -> Sequence[PieceTruth]:
        """The truth of every burst at the pixels that places and labels are compared at."""
        kept = sum(len(piece.lines) * len(piece.samples) for piece in self.pieces)
        step = math.ceil(math.sqrt(kept / PLACED))
        return [piece.thinned(step) for piece in self.pieces] if step > 1 else self.pieces

    def date(self, index: int) -> tuple[xr.Dataset, dict[str, Any]]:
        """Compare a date of the cube: its truth for truth.zarr, with a dimension time of one, and the differences."""
        known, classes = self.dates[index], self._classes(index)
        true, expected, estimated = classes.means()
        texts = {
            "true": "coherence of the ground with itself",
            "expected": f"mean that {classes.looks} looks find, with noise",
            "estimated": "mean of the estimates",
        }
        part = self._grid(
            {
                "phase_true": (
                    ("time", "azimuth", "range"),
                    self._laid("flattened_phase", known.index)[np.newaxis],
                    {"units": "rad", "long_name": "true flattened phase: motion and atmosphere"},
                ),
                "perpendicular_baseline_true": (
                    "time",
                    np.array([known.perpendicular_baseline]),
                    {"units": "m"},
                ),
            }
            | {
                f"coherence_{name}": (
                    ("time", "class"),
                    values[np.newaxis],
                    {"units": "1", "long_name": texts[name]},
                )
                for name, values in zip(texts, (true, expected, estimated), strict=True)
            },
            {
                "time": ("time", self.cube["time"].values[index : index + 1], {}, TIMES),
                "class": np.array(self.truth.class_names, dtype=object),
            },
        )
        if index == self.reference:
            return part, {}
        difference = zip(self.truth.class_names, (estimated - expected).tolist(), strict=True)
        facts = {"coherence_difference": {name: value for name, value in difference if np.isfinite(value)}}
        return part, self._timing(index) | self._phase(index) | facts

    def ground(self) -> tuple[xr.Dataset, dict[str, Any]]:
        """Compare the ground: land cover and height for truth.zarr, and errors of the cube's coordinates in m."""
        cover = np.full(self._shape, NO_CLASS, np.uint8)
        errors: dict[str, list[NDArray[np.float64]]] = {"east": [], "north": [], "up": []}
        for piece, placed in zip(self.pieces, self.placed, strict=True):
            cover[self.shown.inside(piece.piece)] = piece.nearest("land_cover", FIRST, self.shown)
            for name, error in self._misplaced(placed).items():
                errors[name].append(error)
        part = self._grid(
            {
                "land_cover": (
                    ("azimuth", "range"),
                    cover,
                    {
                        "long_name": "land cover on the reference date",
                        "class_names": ",".join(self.truth.class_names),
                    },
                ),
                "height_true": (("azimuth", "range"), self._laid("height"), {"units": "m"}),
            },
            {},
        )
        facts = {}
        for name, parts in errors.items():
            values = np.concatenate(parts)
            if values.size:
                facts[f"{name}_mean_m"] = float(np.mean(values))
                facts[f"{name}_deviation_m"] = float(np.std(values))
        return part, facts

    def _grid(self, layers: Mapping[str, Any], coordinates: Mapping[str, Any]) -> xr.Dataset:
        """A dataset on pixels of the cube."""
        lines, samples = self.shown.slices
        own = {"azimuth": self.cube["azimuth"].values[lines], "range": self.cube["range"].values[samples]}
        return xr.Dataset(dict(layers), coords=own | dict(coordinates))

    @property
    def _shape(self) -> tuple[int, int]:
        lines, samples = self.shown.slices
        return len(self.cube["azimuth"][lines]), len(self.cube["range"][samples])

    def _laid(self, name: str, date: int | None = None) -> NDArray[np.float32]:
        """A smooth layer of the truth on the mosaic."""
        image = np.full(self._shape, np.nan, np.float32)
        for piece in self.pieces:
            image[self.shown.inside(piece.piece)] = piece.linear(name, date, self.shown)
        return image

    def _misplaced(self, piece: PieceTruth) -> dict[str, NDArray[np.float64]]:
        """How far off (m) the cube's coordinates are at the kept pixels, outside layover and shadow."""
        names = "longitude", "latitude", "height"
        seen = {name: self.cube[name][piece.slices].values for name in names}
        off = {name: seen[name] - piece.layer(name) for name in names}
        known = (
            (piece.layer("layover_shadow") == 0) & np.isfinite(off["height"]) & np.isfinite(off["latitude"])
        )
        east = (off["longitude"] + 180.0) % 360.0 - 180.0
        stretch = np.cos(np.radians(piece.layer("latitude")))
        return {
            "east": (METRES_PER_DEGREE * stretch * east)[known],
            "north": METRES_PER_DEGREE * off["latitude"][known],
            "up": off["height"][known],
        }

    def _layer(self, name: str, index: int) -> NDArray[Any]:
        """A layer of the cube at the pixels that are compared."""
        return np.asarray(self.cube[name][(index, *self.compared.slices)].values)

    @cached_property
    def _reference_power(self) -> NDArray[Any]:
        return self._layer(f"sigma0_{self.polarization}", self.reference)

    def _classes(self, index: int) -> ClassCoherence:
        """Coherence per class; of nothing on the reference date."""
        result = ClassCoherence(
            classes=len(self.truth.class_names),
            window=self.window,
            independent=self.independent,
            lattice=self.compared,
        )
        name, power = f"coherence_{self.polarization}", f"sigma0_{self.polarization}"
        if name not in self.cube or self.window == (1, 1) or index == self.reference:
            return result
        coherence = self._layer(name, index)
        powers = [self._reference_power, self._layer(power, index)] if power in self.cube else []
        for piece in self.pieces:
            own = self.compared.inside(piece.piece)
            result.add(
                piece,
                (FIRST, self.dates[index].index),
                coherence[own],
                [image[own] for image in powers],
                noise_equivalent(self.bursts[piece.piece.name].channels[self.polarization]),
            )
        return result

    def _phase(self, index: int) -> dict[str, Any]:
        """Mean error of the phase, whether it goes with height, and jumps at seams."""
        name = f"interferometric_phase_{self.polarization}"
        if name not in self.cube or self.cube.attrs["flattened"] != "true":
            return {}
        lattice, independent = self.compared, min(self.independent * self.compared.pixels, 1.0)
        everywhere, edges = PhaseErrors(independent=independent), dict[str, dict[str, ErrorPatch]]()
        date, image = self.dates[index].index, self._layer(name, index)
        for piece in self.pieces:
            lines, samples = lattice.inside(piece.piece)
            phase = image[lines, samples].astype(np.float64)
            error = np.exp(1j * (phase - piece.linear("flattened_phase", date, lattice)))
            weight = weights_of(piece.nearest("coherence", date, lattice))
            weight[piece.nearest("layover_shadow", lattice=lattice) != 0] = 0.0
            everywhere.add(error, weight, piece.linear("height", lattice=lattice))
            edges[piece.piece.name] = ErrorPatch(
                lines=lines,
                samples=samples,
                error=error,
                weight=weight,
                beside=(max(BESIDE // lattice.step[0], 1), max(BESIDE // lattice.step[1], 1)),
            ).edges()
        found = seams(edges, independent)
        mean, deviation = mean_jump([seam for seam in found if seam.along == "azimuth"])
        return {
            "phase_bias_rad": everywhere.mean,
            "phase_bias_deviation_rad": everywhere.deviation,
            "phase_error_correlation_with_height": everywhere.correlation_with_height,
            "mean_jump_at_seams_rad": mean,
            "mean_jump_deviation_rad": deviation,
            "seams": {
                " to ".join(seam.pieces): {"jump_rad": seam.jump, "deviation_rad": seam.deviation}
                for seam in found
            },
        }

    def _timing(self, index: int) -> dict[str, Any]:
        """Shifts as they are known, and what was measured of them."""
        known, reference = self.dates[index], self.dates[self.reference]
        longer = [
            piece.layer("delay", known.index)
            - piece.layer("delay", FIRST)
            - piece.layer("displacement", known.index)
            for piece in self.placed
        ]
        metres = float(np.nanmean(np.concatenate([values.ravel() for values in longer])))
        spacing = float(self.cube.attrs["range_spacing"])
        facts = {
            "azimuth_true_lines": known.azimuth_lines - reference.azimuth_lines,
            "range_true_samples": known.range_samples - reference.range_samples + metres / spacing,
        }
        measured = self.timing.get(self.names[index])
        if measured is None:
            return facts
        return facts | {
            "azimuth_error_lines": measured["azimuth_lines"] - facts["azimuth_true_lines"],
            "azimuth_deviation_lines": measured["azimuth_deviation_lines"],
            "range_error_samples": measured["range_samples"] - facts["range_true_samples"],
            "range_deviation_samples": measured["range_deviation_samples"],
        }
