"""Layers that are computed when a cube is opened, from others and from what calibrates them.

A cube with ``dataset.derived=computed`` has a group ``derived``: its attributes say which layers are computed, by which
rule, with which attributes; its array ``tables`` holds the calibration vectors of all dates, one after the other.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.dataset.cube import DIMENSIONS, FORMAT, open_cube
from alignsar_gpu.dataset.lazy import computed_variable
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.texts import load_json
from alignsar_gpu.opening.zarrs import check_store
from alignsar_gpu.signatures.derived import Rule, derive
from alignsar_gpu.stack.calibration import CalibratedPart, Calibration, JoinedCalibration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.dataset.cube import CubeLayer
    from alignsar_gpu.stack.acquisition import Acquisition

GROUP = "derived"
DAMAGED = (AttributeError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)
TABLES = ("sigma_nought", "beta_nought", "gamma_nought")


def write_derived(
    path: Path, layers: Sequence[CubeLayer], rules: Mapping[str, Rule], acquisitions: Sequence[Acquisition]
) -> None:
    """Write into the cube at ``path`` what its computed layers need."""
    calibrations: list[dict[str, Any]] = []
    values: list[NDArray[np.float64]] = []
    needed = {polarization for rule in rules.values() for polarization in rule.polarizations}
    for date, acquisition in enumerate(acquisitions):
        for polarization in sorted(needed):
            parts = [_described(part) for part in _parts(acquisition.calibration[polarization])]
            calibrations.append(
                {"date": date, "polarization": polarization, "parts": [about for about, _ in parts]}
            )
            values += [table for _, tables in parts for table in tables]
    group = zarr.open_group(path, mode="r+", zarr_format=3).create_group(GROUP, overwrite=True)
    group.update_attributes(
        {
            "layers": [
                {"name": layer.name, "rule": asdict(rules[layer.name]), "attributes": dict(layer.attributes)}
                for layer in layers
            ],
            "calibration": calibrations,
        }
    )
    tables = np.concatenate(values) if values else np.zeros(0)
    group.create_array("tables", data=tables, chunks="auto" if tables.size else (1,))


def _parts(calibration: Calibration | JoinedCalibration) -> Sequence[CalibratedPart | Calibration]:
    return calibration.parts if isinstance(calibration, JoinedCalibration) else [calibration]


def _described(part: CalibratedPart | Calibration) -> tuple[dict[str, Any], list[NDArray[np.float64]]]:
    """What is said of a part of a calibration, and its tables, flat."""
    limits: dict[str, Any] = {}
    if isinstance(part, CalibratedPart):
        limits, part = {"times": list(part.times), "ranges": list(part.ranges)}, part.calibration
    about = {
        **limits,
        "vectors": len(part.azimuth_time),
        "samples": len(part.slant_range),
        "source": part.source,
    }
    return about, [part.azimuth_time, part.slant_range, *(getattr(part, name).ravel() for name in TABLES)]


class Tables:
    """Calibration vectors one after the other, taken in the order in which they were written."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self._values, self._place = values, 0

    def _take(self, *shape: int) -> NDArray[np.float64]:
        count = math.prod(shape)
        self._place += count
        return self._values[self._place - count : self._place].reshape(shape)

    def calibration(self, parts: Sequence[Mapping[str, Any]]) -> Calibration | JoinedCalibration:
        """Take the calibration of a date and polarization, which is described by ``parts``."""
        found = [self._part(part) for part in parts]
        if "times" not in parts[0]:
            return found[0]
        return JoinedCalibration(
            parts=[
                CalibratedPart(
                    times=tuple(about["times"]), ranges=tuple(about["ranges"]), calibration=calibration
                )
                for about, calibration in zip(parts, found, strict=True)
            ]
        )

    def _part(self, about: Mapping[str, Any]) -> Calibration:
        vectors, samples = about["vectors"], about["samples"]
        return Calibration(
            azimuth_time=self._take(vectors),
            slant_range=self._take(samples),
            **{name: self._take(vectors, samples) for name in TABLES},
            source=about["source"],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Deriving:
    """What computes the derived layers of an opened cube; ``described`` is what it says of its calibration."""

    path: Path
    cube: xr.Dataset
    described: Sequence[Mapping[str, Any]]

    @cached_property
    def calibrations(self) -> dict[tuple[int, str], Calibration | JoinedCalibration]:
        """The calibration of every date (an index) and polarization."""
        tables = Tables(np.asarray(zarr.open_array(self.path, path=f"{GROUP}/tables", mode="r")[:]))
        return {
            (one["date"], one["polarization"]): tables.calibration(one["parts"]) for one in self.described
        }

    def values(
        self, rule: Rule, dates: NDArray[np.intp], lines: NDArray[np.intp], samples: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Compute a layer [date, line, sample] at dates, lines and samples, each increasing."""
        result = np.empty((len(dates), len(lines), len(samples)), dtype=np.float32)
        for index, date in enumerate(dates):
            pixels = _Pixels(deriving=self, date=int(date), lines=lines, samples=samples)
            result[index] = derive(rule, pixels.read, pixels.gain)
        return result


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pixels:
    """Lines and samples of a date."""

    deriving: Deriving
    date: int
    lines: NDArray[np.intp]
    samples: NDArray[np.intp]

    def read(self, name: str) -> NDArray[np.float32]:
        """Return the values of a layer."""
        layer = self.deriving.cube[name].variable
        dated = (self.date,) if layer.dims == DIMENSIONS else ()
        return np.asarray(layer[(*dated, self.lines, self.samples)])

    def gain(self, polarization: str, quantity: str) -> NDArray[np.float32]:
        """Return 1 / A^2 of a polarization's calibration."""
        cube = self.deriving.cube
        place = cube["azimuth"].values[self.lines], cube["range"].values[self.samples]
        calibration = self.deriving.calibrations[self.date, polarization]
        return np.asarray(calibration.amplitude(quantity, *place, np, as_gain=True, compiled=False))


def cube_at(path: str | PathLike[str]) -> Path:
    """Return the path of a cube: the folder that a run has written, or its cube.zarr."""
    folder = Path(path)
    return folder / CUBE if (folder / CUBE).is_dir() else folder


def open_dataset(path: Path) -> xr.Dataset:
    """Open the cube at ``path`` with all its layers, lazily; those that are not stored are computed as they are read.

    Raises AlignsarError where there is no cube, and for one of another format.
    """
    if not (path / "zarr.json").is_file():
        raise AlignsarError(f"{path}: is no cube; name a cube.zarr, or the folder that a run has written")
    check_store(path, str(path))
    found = load_json((path / "zarr.json").read_bytes()).get("attributes", {}).get("cube_format", 0)
    if found != FORMAT:
        raise AlignsarError(
            f"{path}: is a cube of format {found}, and this version of alignsar_gpu reads {FORMAT}; make it again"
        )
    try:
        return _with_derived(open_cube(path), path)
    except DAMAGED as error:
        raise AlignsarError(f"{path}: cannot be opened ({error}); copy it again, or make it again") from None


def _with_derived(cube: xr.Dataset, path: Path) -> xr.Dataset:
    """Add the layers to a cube that its group ``derived`` describes, where it has one."""
    if not (path / GROUP).is_dir():
        return cube
    about = dict(zarr.open_group(path / GROUP, mode="r", zarr_format=3).attrs)
    described: Any = about["calibration"]
    deriving = Deriving(path=path, cube=cube, described=described)
    shape = tuple(cube.sizes[name] for name in DIMENSIONS)
    layers: Any = about["layers"]
    computed = {
        layer["name"]: computed_variable(
            DIMENSIONS, shape, "float32", layer["attributes"], partial(deriving.values, _rule(layer["rule"]))
        )
        for layer in layers
    }
    opened = cube.assign(computed)
    opened.encoding["computed"] = sorted(computed)
    return opened


def _rule(about: Mapping[str, Any]) -> Rule:
    """A rule as it is written in JSON, which has no tuples."""
    return Rule(
        signature=about["signature"],
        of=tuple(about["of"]),
        polarizations=tuple(about["polarizations"]),
        quantity=about["quantity"],
    )
