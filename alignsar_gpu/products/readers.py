"""The registry of product formats: each format registers one `Reader` in its package."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from alignsar_gpu import products
from alignsar_gpu.config.paths import check_there, names_in
from alignsar_gpu.errors import AlignsarError, choose_from

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
    names : pattern of the names of its files and folders, in any case, by which ``products=auto`` finds it.
    """

    name: str
    schema: type[ProductsConfig]
    opener: str
    coregisters: bool = False
    names: str = r"(?!)"

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


def readers() -> Mapping[str, Reader]:
    """Return all readers by name. A format is a sub-package of `alignsar_gpu.products` that registers one."""
    _import_formats()
    return _READERS


@cache
def _import_formats() -> None:
    for module in pkgutil.iter_modules(products.__path__):
        if module.ispkg:
            importlib.import_module(f"{products.__name__}.{module.name}")


def reader_of(name: str) -> Reader:
    """Return the reader of a format. Raises AlignsarError for an unknown name."""
    if name not in readers():
        raise AlignsarError(f"products={name}: no such reader; {choose_from(name, sorted(_READERS))}")
    return _READERS[name]


def reader_at(text: str) -> Reader:
    """Find the one reader that fits the names of the files at a path. Raises AlignsarError for none or several."""
    path = check_there("products.path", text)
    try:
        names = (path.resolve().name, *names_in(path))
    except OSError as error:
        raise AlignsarError(f"products.path={text}: cannot be read ({error})") from None
    fitting = {
        reader: [name for name in names if re.fullmatch(reader.names, name, re.IGNORECASE)]
        for reader in readers().values()
    }
    # a product is taken for what it is called, whatever lies in it
    found = {reader: fits for reader, fits in fitting.items() if names[0] in fits} or {
        reader: fits for reader, fits in fitting.items() if fits
    }
    if len(found) == 1:
        return next(iter(found))
    choices = " or ".join(f"products={reader.name}" for reader in found or readers().values())
    if found:
        both = " and ".join(f"{fits[0]} ({reader.name})" for reader, fits in found.items())
        raise AlignsarError(f"products.path={text}: several readers fit: {both}; choose {choices}")
    raise AlignsarError(
        f"products.path={text}: no reader fits the names of the files there; correct the path, or choose {choices}"
    )
