"""Runs from Python: `alignsar_gpu.run`, without Hydra where the caller sees it."""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy, deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.version import VersionBase
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from alignsar_gpu.errors import CANNOT_WRITE, AlignsarError, choose_from
from alignsar_gpu.frontend.composing import no_such_key, one_line, register
from alignsar_gpu.frontend.groups import AUTO, options_of
from alignsar_gpu.frontend.keys import LAYER, LAYERS, keys_named
from alignsar_gpu.frontend.performing import perform
from alignsar_gpu.frontend.result import Result
from alignsar_gpu.products.readers import reader_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omegaconf import DictConfig

PLUGINS = "hydra"  # what Hydra itself stores, once a process


def run(experiment: str | None, keys: Mapping[str, Any]) -> Result:
    """Compose the configuration, and run it; see `alignsar_gpu.run`."""
    try:
        config, _ = perform(_compose(experiment, keys))
    except (HydraException, OmegaConfBaseException) as error:
        raise AlignsarError(one_line(error)) from None
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        raise AlignsarError(one_line(error)) from error
    return Result(Path(config.output).expanduser())


@contextmanager
def _borrowed_hydra() -> Iterator[None]:
    """Use Hydra, and leave its global state as it was: the caller may use Hydra too."""
    repo, version, running = ConfigStore.instance().repo, VersionBase.instance(), GlobalHydra.instance().hydra
    before = deepcopy({name: node for name, node in repo.items() if name != PLUGINS})
    VersionBase.set_instance(copy(version))
    GlobalHydra.instance().clear()
    try:
        register()
        with initialize_config_module("alignsar_gpu.configs", version_base="1.3"):
            yield
    finally:
        GlobalHydra.instance().hydra = running
        VersionBase.set_instance(version)
        for name in set(repo) - {PLUGINS}:
            del repo[name]
        repo |= before


def _flat(keys: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name the keys inside of dictionaries of groups: {"dem": {"path": ...}} is dem.path."""
    for name, value in keys.items():
        full = f"{prefix}{name}"
        if isinstance(value, dict) and not (keys_named(full) or full == LAYERS or LAYER.match(full)):
            yield from _flat(value, f"{full}.")
        else:
            yield full, value


def _compose(experiment: str | None, keys: Mapping[str, Any]) -> DictConfig:
    values = dict(_flat(keys))
    options = {name: value for name, value in values.items() if options_of(name)}
    for name, value in options.items():
        if not isinstance(value, str):
            raise AlignsarError(f"{name}={value!r}: {choose_from(str(value), options_of(name))}")
    if "products" not in options and experiment is None and "products.path" in values:
        options["products"] = AUTO
    if options.get("products") == AUTO:
        if values.get("products.path") is None:
            raise AlignsarError(f"products={AUTO}: finds the reader by the files at products.path; give it")
        options["products"] = reader_at(str(values["products.path"])).name
    choices = [] if experiment is None else [f"+experiment={experiment}"]
    with _borrowed_hydra():
        composed = compose("config", [*choices, *(f"{name}={option}" for name, option in options.items())])
    for name, value in values.items():
        if name not in options:
            _set(composed, name, value)
    return composed


def _set(composed: DictConfig, name: str, value: Any) -> None:
    """Set a key to a Python value. Raises AlignsarError for an unknown key or a value of another type."""
    is_layer = name == LAYERS or LAYER.match(name) is not None
    group, _, last = name.rpartition(".")
    inside = OmegaConf.select(composed, group) if group else composed
    if not is_layer and (not keys_named(name) or inside is None or last not in list(inside)):
        raise AlignsarError(no_such_key(name))
    try:
        OmegaConf.update(composed, name, _plain(value), merge=True, force_add=is_layer)
    except OmegaConfBaseException:
        takes = next((key.values for key in keys_named(name) if key.values), "of another type")
        raise AlignsarError(f"{name}={value!r}: must be {takes}") from None


def _plain(value: Any) -> Any:
    """Convert a value to what a configuration holds: paths to texts, tuples to lists, numbers of NumPy to Python's."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value.item() if hasattr(value, "item") else value
