"""Which layers chips have, and in which array each goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from alignsar_gpu.application.chips.classes import INHERITED, KNOWN, ignored_classes
from alignsar_gpu.dataset.chips.layout import ARRAYS, CLASSES, TARGETS
from alignsar_gpu.dataset.chips.statistics import AMPLITUDE, POWER
from alignsar_gpu.dataset.cube import OF_REFERENCE
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.signatures.registry import groups

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.application.chips.source import Source
    from alignsar_gpu.config.chips import ChipsConfig

NO_INPUTS = ("longitude", "latitude", "valid", "position_uncertainty", "spatial_ref")
POLARIZATIONS = ("vv", "vh", "hh", "hv")
POWERS = ("intensity", "sigma0", "beta0", "gamma0", "gamma0_flattened", "intensity_sum", "span")


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A layer of chips: one of the source, or the real or imaginary part of one.

    ``compares`` marks a label that compares dates with the reference date, of which itself nothing is known.
    """

    name: str
    variable: str
    part: Literal["", "real", "imag"] = ""
    compares: bool = False

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """Take the plane out of the values of its variable."""
        return getattr(values, self.part) if self.part else values


@dataclass(frozen=True, kw_only=True)
class ChosenLayers:
    """Layers by the array of chips.zarr that they go into, and those of them that are labels."""

    arrays: Mapping[str, Sequence[Plane]]
    labels: Sequence[str]

    @property
    def planes(self) -> Iterator[tuple[str, Plane]]:
        """All layers, each with its array."""
        return ((name, plane) for name, planes in self.arrays.items() for plane in planes)


def choose_layers(source: Source, config: ChipsConfig) -> ChosenLayers:
    """Choose the layers of chips. Raises AlignsarError for names that the source does not have."""
    data = source.data
    images = [str(name) for name in data.variables if set(data[name].dims) >= set(source.dimensions)]
    attributes = {name: data[name].attrs for name in images}
    check_names(config, attributes)
    inputs, labels = _chosen_apart(config, attributes)
    if config.split.by == "dates":
        inputs = _without_all_dates(data, inputs, config.layers)
    wanted = {
        *named_layers(config.layers, inputs, "chips.layers"),
        *(chosen_labels := named_labels(config.labels, labels, "chips.labels")),
    }
    arrays: dict[str, list[Plane]] = {name: [] for name in ARRAYS}
    for name in sorted(wanted):
        array = _array_of(data[name], is_label=name in labels)
        arrays[array] += _planes(data[name], is_label=array in TARGETS)
    if not any(arrays[name] for name in ("images", "pairs", "ground")):
        raise AlignsarError("chips.layers: none is left; name some, or leave the key out for all")
    return ChosenLayers(
        arrays={name: tuple(planes) for name, planes in arrays.items() if planes},
        labels=sorted(chosen_labels),
    )


def ignored_in(source: Source, layers: ChosenLayers, config: ChipsConfig) -> list[tuple[str, str, int]]:
    """Return the classes of labels that are ignored; see `classes.ignored_classes`."""
    attributes = {name: source.data[name].attrs for name in layers.labels}
    return ignored_classes(config.ignore, layers.labels, attributes)


def _without_all_dates(data: xr.Dataset, inputs: Sequence[str], named: Sequence[str]) -> list[str]:
    """Leave out layers that were computed from all dates: of training dates, they tell of those that are tested."""
    of_all = {name for name in inputs if data[name].attrs.get("compares") == "dates"}
    if asked := sorted({layer for name in named for layer in of_all if _is_of(layer, name)}):
        raise AlignsarError(
            f"chips.layers={asked[0]}: is computed from all dates, of which some are tested (chips.split.by=dates); "
            "leave it out, or split by blocks"
        )
    return [name for name in inputs if name not in of_all]


def check_names(config: ChipsConfig, attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise AlignsarError for names of layers and labels that are not there, among layers by their attributes."""
    inputs, labels = _chosen_apart(config, attributes)
    try:
        named_layers(config.layers, inputs, "chips.layers")
        chosen = named_labels(config.labels, labels, "chips.labels")
    except AlignsarError as error:
        more = "; a map has only those of geocoding.layers" if config.geometry == "map" else ""
        raise AlignsarError(f"{error}{more}") from None
    _check_labels(chosen, config)
    ignored_classes(config.ignore, chosen, attributes)


def _check_labels(labels: Sequence[str], config: ChipsConfig) -> None:
    """Raise AlignsarError for keys that need labels where there are none, or not that one."""
    if not labels and config.least_labelled > 0.0:
        raise AlignsarError(
            f"chips.least_labelled={config.least_labelled:g}: there are no labels; give radarcoding.layers, or leave "
            "the key out"
        )
    for balance in config.split.balance:
        if not any(is_part(name, balance) for name in labels):
            given = (
                f"its labels are {', '.join(labels)}" if labels else "it has none; give radarcoding.layers"
            )
            raise AlignsarError(f"chips.split.balance={balance}: is no label of this dataset; {given}")


def inputs_and_labels(attributes: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Tell inputs from labels, among layers by their attributes."""
    named = [name for name in attributes if not name.startswith(KNOWN)]
    labels = [name for name in named if INHERITED in attributes[name]]
    return [name for name in named if name not in {*labels, *NO_INPUTS}], labels


def _chosen_apart(
    config: ChipsConfig, attributes: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """Tell inputs from labels, where other layers that chips.labels names are labels too, such as height."""
    inputs, labels = inputs_and_labels(attributes)
    targets = [layer for layer in inputs if any(_is_of(layer, name) for name in config.labels)]
    return [name for name in inputs if name not in targets], [*labels, *targets]


def named_layers(names: Sequence[str], there: Sequence[str], key: str) -> list[str]:
    """Expand names of layers, signatures and groups to layers that are there; no names are all of them.

    Raises AlignsarError, naming the key, for a name that is none of them.
    """
    found: list[str] = []
    for name in names:
        members = groups().get(name, (name,))
        layers = [layer for layer in there if any(_is_of(layer, member) for member in members)]
        if not layers:
            raise AlignsarError(f"{key}={name}: no such layer; {choose_from(name, [*there, *groups()])}")
        found += layers
    return found if names else list(there)


def named_labels(names: Sequence[str], there: Sequence[str], key: str) -> list[str]:
    """Expand names of labels, and of those that have one for each class, likewise."""
    found: list[str] = []
    for name in names:
        labels = [label for label in there if is_part(label, name)]
        if not labels:
            said = choose_from(name, there) if there else "the cube has none; give radarcoding.layers"
            raise AlignsarError(f"{key}={name}: no such layer; {said}")
        found += labels
    return found if names else list(there)


def _is_of(layer: str, name: str) -> bool:
    """Whether a layer has a name, or is one of several that have it, each of a polarization."""
    return layer == name or layer in {f"{name}_{p}" for p in POLARIZATIONS}


def is_part(layer: str, name: str) -> bool:
    """Whether a label has a name, or is one of several that have it, each of a class."""
    return layer == name or layer.startswith(f"{name}_")


def _array_of(layer: xr.DataArray, *, is_label: bool) -> str:
    is_dated = "time" in layer.dims
    if layer.dtype == np.uint8:
        return CLASSES[is_dated]
    if is_label:
        return TARGETS[is_dated]
    if not is_dated:
        return "ground"
    return "pairs" if OF_REFERENCE in layer.attrs else "images"


def _planes(layer: xr.DataArray, *, is_label: bool) -> list[Plane]:
    name = str(layer.name)
    if layer.dtype.kind == "c":
        return [Plane(name=f"{name}_{part}", variable=name, part=part) for part in ("real", "imag")]
    return [Plane(name=name, variable=name, compares=is_label and OF_REFERENCE in layer.attrs)]


def decibels_of(name: str) -> float:
    """Return what the logarithm of a layer is multiplied by in decibels; 0 for one that has none."""
    base = name.rpartition("_")[0] if name.rpartition("_")[2] in POLARIZATIONS else name
    if base == "amplitude":
        return AMPLITUDE
    return POWER if base in POWERS else 0.0
