"""interferograms.zarr: multilooked interferograms of a network of pairs, beside the cube that has their dates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.dataset.cube import CubeLayer, CubeLayout
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

DIMENSIONS = ("pair", "azimuth", "range")
PHASE, COHERENCE, FILTERED_PHASE = (
    "interferogram_phase",
    "interferogram_coherence",
    "filtered_interferogram_phase",
)
LONGEST_STEP = 32  # lines that the chunks of a cube are a multiple of, where its own allow that


@dataclass(frozen=True, kw_only=True)
class Interferograms:
    """Choices for the interferograms of a cube: pairs, polarizations, looks and filter.

    Attributes
    ----------
    pairs : indices of the dates of each; its phase is that of first * conj(second).
    polarizations : for example ("vv", "vh").
    looks : lines and samples that are averaged.
    state : what is still in the phase, for users to read.
    network : how the pairs were chosen, for users to read.
    filtering : how the phase is filtered, for users to read, and the formula's source; None: not at all.
    """

    pairs: Sequence[tuple[int, int]]
    polarizations: Sequence[str]
    looks: tuple[int, int]
    state: str
    network: str
    filtering: tuple[str, str] | None = None


def interferograms_layout(what: Interferograms, cube: CubeLayout) -> CubeLayout:
    """Make the layout of interferograms.zarr, with the dates, axes, chunks and facts of ``cube``.

    A row of its chunks holds the cells of the same row of the cube's; where lines are left that make no whole
    cell, the last row may be missing. Raises AlignsarError when there is no pair, no whole cell, or a chunk of
    the cube is not a whole number of cells high.
    """
    looks, (lines, samples) = what.looks, cube.shape[1:]
    if not what.pairs:
        raise AlignsarError("interferograms: the network has no pair of dates")
    if not (1 <= looks[0] <= lines and 1 <= looks[1] <= samples):
        raise AlignsarError(
            f"interferograms: {looks[0]} x {looks[1]} looks of an image of {lines} x {samples}"
        )
    if cube.chunk[0] % looks[0]:
        step = math.lcm(looks[0], math.gcd(cube.chunk[0], LONGEST_STEP))
        raise AlignsarError(
            f"interferograms: {looks[0]} lines that are averaged do not divide dataset.chunk_lines={cube.chunk[0]}; "
            f"choose a divisor of it, or a multiple of {step} for dataset.chunk_lines"
        )
    shape = len(what.pairs), lines // looks[0], samples // looks[1]
    return CubeLayout(
        shape=shape,
        chunk=(cube.chunk[0] // looks[0], min(cube.chunk[1], shape[2])),
        coordinates=_coordinates(what, cube.coordinates),
        layers=_layers(what),
        attributes=_attributes(what, cube.attributes),
        dimensions=DIMENSIONS,
    )


def _centres(axis: xr.DataArray, count: int) -> tuple[str, NDArray[np.float64], dict[str, Any]]:
    """The middle of every ``count`` values of an axis; those left over are left out."""
    whole = axis.values[: axis.size // count * count]
    middle = 0.5 * (whole[(count - 1) // 2 :: count] + whole[count // 2 :: count])
    return str(axis.dims[0]), middle, dict(axis.attrs)


def _coordinates(what: Interferograms, cube: xr.Dataset) -> xr.Dataset:
    first, second = np.array(what.pairs).T

    def difference(name: str) -> NDArray[np.float64]:
        return np.asarray(cube[name].values[second] - cube[name].values[first])

    time = cube["time"].values
    perpendicular = (
        "baseline of the secondary against the reference of the pair, across the line of sight at the scene "
        "centre, positive for the steeper look of the two"
    )
    days = "days from the reference to the secondary date of the pair"
    return xr.Dataset(
        coords={
            "azimuth": _centres(cube["azimuth"], what.looks[0]),
            "range": _centres(cube["range"], what.looks[1]),
            "reference_date": (
                "pair",
                time[first],
                {"long_name": "reference date of the pair, zero-Doppler time of the scene centre"},
            ),
            "secondary_date": (
                "pair",
                time[second],
                {"long_name": "secondary date of the pair, zero-Doppler time of the scene centre"},
            ),
            "temporal_baseline": (
                "pair",
                difference("temporal_baseline"),
                {"units": "day", "long_name": "temporal baseline", "description": days},
            ),
            "perpendicular_baseline": (
                "pair",
                difference("perpendicular_baseline"),
                {"units": "m", "long_name": "perpendicular baseline", "description": perpendicular},
            ),
        }
    )


def _layers(what: Interferograms) -> list[CubeLayer]:
    turn = float(np.float32(np.pi))
    cell = f"{what.looks[0]} lines x {what.looks[1]} samples"
    phase = {"units": "rad", "valid_range": [-turn, turn], "comment": what.state}
    kinds: dict[str, dict[str, Any]] = {
        PHASE: {
            **phase,
            "long_name": "multilooked interferometric phase",
            "description": f"phase of the mean of reference * conj(secondary) over {cell}",
            "references": "Bamler and Hartl 1998, Synthetic aperture radar interferometry, Inverse Problems 14(4)",
        },
        COHERENCE: {
            "units": "1",
            "valid_range": [0.0, 1.0],
            "long_name": "coherence",
            "description": "|sum of reference * conj(secondary)| / sqrt(sum |reference|^2 sum |secondary|^2) over "
            f"{cell}",
            "comment": "biased upwards for few looks and low coherence",
            "references": "Touzi et al. 1999, Coherence estimation for SAR imagery, IEEE TGRS 37(1), sample coherence",
        },
    }
    if what.filtering is not None:
        kinds[FILTERED_PHASE] = {
            **phase,
            "long_name": "filtered multilooked interferometric phase",
            "description": what.filtering[0],
            "references": what.filtering[1],
        }
    layers = []
    for polarization in what.polarizations:
        for name, attributes in kinds.items():
            named = {**attributes, "long_name": f"{polarization.upper()} {attributes['long_name']}"}
            layers.append(
                CubeLayer(name=f"{name}_{polarization}", dtype="float32", dated=True, attributes=named)
            )
    return [*layers, *_coordinate_layers()]


def _coordinate_layers() -> list[CubeLayer]:
    """Where the centres of the cells lie."""
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "longitude": (
            "float64",
            {"units": "degrees_east", "standard_name": "longitude", "valid_range": [-180.0, 180.0]},
        ),
        "latitude": (
            "float64",
            {"units": "degrees_north", "standard_name": "latitude", "valid_range": [-90.0, 90.0]},
        ),
        "height": ("float32", {"units": "m", "standard_name": "height_above_reference_ellipsoid"}),
    }
    names = {
        "longitude": "longitude (WGS84)",
        "latitude": "latitude (WGS84)",
        "height": "height above the WGS84 ellipsoid",
    }
    return [
        CubeLayer(
            name=name,
            dtype=dtype,
            dated=False,
            coordinate=True,
            attributes={"long_name": f"{names[name]} of the cell's centre", **attributes},
        )
        for name, (dtype, attributes) in kinds.items()
    ]


def _attributes(what: Interferograms, cube: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the cube, but for what averaging changes."""
    lines, samples = what.looks
    result = {name: value for name, value in cube.items() if not name.startswith("coherence_window")}
    for name, looks in {
        "azimuth_interval": lines,
        "azimuth_spacing": lines,
        "range_spacing": samples,
    }.items():
        if name in cube:
            result[name] = cube[name] * looks
    if "id" in cube:
        result["id"] = f"{cube['id']}-interferograms"
    return result | {
        "summary": (
            f"Multilooked interferograms of {len(what.pairs)} pairs of dates, {lines} lines x {samples} samples "
            "averaged, and their coherence, in radar geometry."
        ),
        "network": what.network,
        "looks_azimuth": lines,
        "looks_range": samples,
    }
