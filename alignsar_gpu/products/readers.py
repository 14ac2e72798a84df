"""The registry of product formats: each format registers one `Reader` in its package."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from hydra.core.config_store import ConfigStore

from alignsar_gpu import products
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.config import ProductsConfig
    from alignsar_gpu.products.choice import SlcProducts
    from alignsar_gpu.stack.product import StackProduct


@dataclass(frozen=True, kw_only=True)
class StackSource:
    """A coregistered stack that is found and checked, but not opened yet.

    Attributes
    ----------
    open : opens the stack.
    settings : how it is read, without where it lies.
    files : what it is read from; files that belong together are in one sequence.
    """

    open: Callable[[], StackProduct]
    settings: Mapping[str, Any]
    files: Sequence[Sequence[Path]] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How the products of one format are read.

    Attributes
    ----------
    name : the format, as in ``products=NAME``.
    schema : the class of its keys; their ``path`` says where the products are.
    opener : ``"module:function"``, imported on first use. Of a stack it takes the keys and returns a `StackSource`; of
        SLC products it takes the keys and the path of orbits (or None), and returns `SlcProducts`.
    coregisters : whether it gives SLC products, which a run coregisters with orbits and a DEM, and not a stack.
    """

    name: str
    schema: type[ProductsConfig]
    opener: str
    coregisters: bool = False

    def _open(self, *arguments: Any) -> Any:
        module, _, function = self.opener.partition(":")
        return getattr(importlib.import_module(module), function)(*arguments)

    def find_stack(self, keys: ProductsConfig) -> StackSource:
        """Find the stack that ``keys`` name. Raises AlignsarError if it is missing or cannot be used."""
        return cast("StackSource", self._open(keys))

    def open_slc(self, keys: ProductsConfig, orbits: Path | None) -> SlcProducts:
        """Open the SLC products that ``keys`` name. Raises AlignsarError if they cannot be used."""
        return cast("SlcProducts", self._open(keys, orbits))


_READERS: dict[str, Reader] = {}


def register(reader: Reader) -> None:
    """Add a reader and its keys, ``products=NAME``. Raises ValueError if the name is taken."""
    if reader.name in _READERS:
        raise ValueError(f"reader {reader.name!r} is registered twice")
    _READERS[reader.name] = reader
    ConfigStore.instance().store(group="products", name=reader.name, node=reader.schema)


def readers() -> Mapping[str, Reader]:
    """Return all readers by name. A format is a sub-package of `alignsar_gpu.products` that registers one."""
    for module in pkgutil.iter_modules(products.__path__):
        if module.ispkg:
            importlib.import_module(f"{products.__name__}.{module.name}")
    return _READERS


def reader_of(name: str) -> Reader:
    """Return the reader of a format. Raises AlignsarError for an unknown name."""
    if name not in readers():
        raise AlignsarError(f"products={name}: no such reader; choose from {', '.join(sorted(_READERS))}")
    return _READERS[name]
