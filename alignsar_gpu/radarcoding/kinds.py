"""The registry of label kinds: vectors, rasters, points and fields, each with its keys and how it is opened."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, cast, get_type_hints

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from alignsar_gpu.config.keys import as_given, values_of
from alignsar_gpu.errors import AlignsarError, choose_from, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.config.radarcoding import LayerConfig

DEFAULT = "vector"  # the kind of a layer that names none


@dataclass(frozen=True, kw_only=True)
class LabelKind:
    """A kind of label: the keys of its layers, and how they are opened.

    Attributes
    ----------
    schema : the keys. The default of its key ``kind`` is the name of the kind.
    makes : what is opened. "areas": a `VectorSource`, whose areas may overlap those of other layers;
        "cells": a `CellSource`, which covers ground cells; "strips": a `StripSource`, which fills whole lines.
    opener : ``"module:function"``, imported on first use; see `open_layer`.
    """

    schema: type[LayerConfig]
    makes: Literal["areas", "cells", "strips"]
    opener: str

    @property
    def name(self) -> str:
        """Value of the key ``kind``."""
        return self.schema.kind

    def open_layer(self, name: str, layer: LayerConfig, key: str, attributes: Mapping[str, str]) -> Any:
        """Open the files of a layer, given its name, its keys, the key of messages, and attributes of what it makes.

        Raises AlignsarError for files that cannot be used.
        """
        module, _, function = self.opener.partition(":")
        return getattr(importlib.import_module(module), function)(name, layer, key, attributes)


_KINDS: dict[str, LabelKind] = {}


def register(kind: LabelKind) -> None:
    """Add a kind of label; a name can be taken once."""
    if kind.name in _KINDS:
        raise ValueError(f"label kind {kind.name!r} is registered twice")
    _KINDS[kind.name] = kind


def kinds() -> Mapping[str, LabelKind]:
    """Return all kinds of labels by name, in the order in which messages name them."""
    return _KINDS


def kind_of(layer: LayerConfig) -> LabelKind:
    """Return the kind of a layer."""
    return _KINDS[layer.kind]


def layers_of(raw: Mapping[str, Any]) -> dict[str, LayerConfig]:
    """Read the layers of a configuration, each by the schema of its kind. Raises AlignsarError, naming the key."""
    return {str(name): _layer(layer, f"radarcoding.layers.{name}") for name, layer in raw.items()}


def _layer(raw: Any, where: str) -> LayerConfig:
    if not isinstance(raw, dict):
        raise AlignsarError(
            f"{where}={as_given(raw)}: a layer has keys: {where}.path=FILE, {where}.kind=raster, ..."
        )
    name = raw.get("kind", DEFAULT)
    if not isinstance(name, str) or name not in _KINDS:
        raise AlignsarError(f"{where}.kind={as_given(name)}: {choose_from(as_given(name), _KINDS)}")
    schema = _KINDS[name].schema
    node = OmegaConf.structured(schema)
    for key, value in _own_keys(raw, _KINDS[name], where).items():
        try:
            node = OmegaConf.merge(node, {key: value})
        except OmegaConfBaseException:
            item = next(item for item in fields(schema) if item.name == key)
            takes = values_of(get_type_hints(schema)[key], item.metadata)
            raise AlignsarError(f"{where}.{key}={as_given(value)}: must be {takes}") from None
    if OmegaConf.is_missing(node, "path"):
        raise AlignsarError(f"{where}.path: must be given")
    return cast("LayerConfig", OmegaConf.to_object(node))


def _own_keys(raw: Mapping[Any, Any], kind: LabelKind, where: str) -> dict[str, Any]:
    """Select the keys that a kind has; keys of other kinds may be there with their defaults alone.

    Raises AlignsarError for other keys of other kinds, and for keys that no kind has.
    """
    known = [item.name for item in fields(kind.schema)]
    for key, value in raw.items():
        owners = [other for other in _KINDS.values() if key in {item.name for item in fields(other.schema)}]
        if not owners:
            near = did_you_mean(str(key), known)
            raise AlignsarError(
                f"{where}.{key}: no such key; {near or 'a layer of kind=' + kind.name + ' has ' + ', '.join(known)}"
            )
        if key not in known and value != getattr(owners[0].schema(), key):
            names = " and ".join(f"kind={other.name}" for other in owners)
            raise AlignsarError(f"{where}.{key}: is for {names}, and this layer has kind={kind.name}")
    return {str(key): value for key, value in raw.items() if key in known}
