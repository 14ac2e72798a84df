"""Tables of classes of labels, and classes that are ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError, choose_from

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import xarray as xr

UNKNOWN = 255  # of classes and flags: no data
INHERITED = "inherited_from"  # the attribute of labels
KNOWN = "labelled_"  # begins the names of masks of labels, which say the same as unknown classes and NaN


def classes_of(layer: xr.DataArray) -> dict[str, int]:
    """Return the classes of a layer with flag values, by name, without that of what is not known."""
    return _classes(str(layer.name), layer.attrs)


def _classes(name: str, attributes: Mapping[str, Any]) -> dict[str, int]:
    names = str(attributes.get("flag_meanings", "")).split()
    values = np.atleast_1d(attributes.get("flag_values", attributes.get("flag_masks", []))).tolist()
    if len(names) != len(values) or len(set(values)) < len(values):
        raise AlignsarError(
            f"{name}: its table has {len(names)} classes ({' '.join(names)}) for the values {values}; each class needs "
            "a value of its own"
        )
    return {n: int(v) for n, v in zip(names, values, strict=True) if n != "unknown"}


def require_classes(layer: xr.DataArray, values: Collection[int]) -> None:
    """Raise AlignsarError for values of a layer that its table of classes does not have."""
    known = {*np.atleast_1d(layer.attrs.get("flag_values", [])).tolist(), UNKNOWN}
    if len(known) > 1 and (others := sorted(set(values) - known)):
        raise AlignsarError(
            f"{layer.name}: has pixels of the value {others[0]}, which its table of classes ({_said(layer)}) does not "
            "have; give it the table that belongs to the map"
        )


def _said(layer: xr.DataArray) -> str:
    return ", ".join(f"{value} {name}" for name, value in classes_of(layer).items())


def ignored_classes(
    ignore: Sequence[str], labels: Sequence[str], attributes: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str, int]]:
    """Return the classes LAYER.CLASS that are ignored: their layer, name and value.

    Raises AlignsarError for a layer that is no label of classes, and for a class that it does not have.
    """
    of_classes = [name for name in labels if "flag_meanings" in attributes[name]]
    found = []
    for given in ignore:
        layer, _, name = given.partition(".")
        if layer not in of_classes:
            there = choose_from(layer, of_classes) if of_classes else "the chips have none"
            raise AlignsarError(f"chips.ignore={given}: {layer} is no label of classes; {there}")
        classes = _classes(layer, attributes[layer])
        if name not in classes:
            words = [f"{layer}.{word}" for word in classes]
            raise AlignsarError(f"chips.ignore={given}: no such class; {choose_from(given, words)}")
        found.append((layer, name, classes[name]))
    return found
