"""From the composed configuration to checked values, and from what Hydra says to messages that help."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields, is_dataclass
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf

from alignsar_gpu.config import Config, NoProductsConfig, SimulateConfig, check_together, validate
from alignsar_gpu.errors import AlignsarError, choose_from, did_you_mean
from alignsar_gpu.frontend.arguments import NOTHING_SIMULATED, OVERRIDE, SIMULATE, quoted
from alignsar_gpu.frontend.groups import groups, options_of
from alignsar_gpu.frontend.keys import LAYER, LAYERS, NAMED, all_keys, keys_named
from alignsar_gpu.products.readers import reader_of, readers
from alignsar_gpu.radarcoding.kinds import layers_of
from alignsar_gpu.radarcoding.sets.expanding import SET, expand_sets

UNKNOWN = re.compile(r"Could not override '(?P<name>[^']+)'")  # what Hydra says of a key that is not there
TWICE = re.compile(r"Multiple values for (?P<name>[\w/]+)")
AMBIGUOUS = re.compile(r"Ambiguous value for argument '(?P<override>[^\n]*)'\n")
MERGING = re.compile(r"Error merging override (?P<override>.*)", re.DOTALL)


def register() -> None:
    """Make the classes of the configuration known to Hydra, as the schemas that the YAML files build on."""
    _store("schema", Config)
    _store("none", NoProductsConfig, "products")
    _store("schema", SimulateConfig, "simulate")
    for name, reader in readers().items():
        _store(name, reader.schema, "products")


def _store(name: str, schema: type[Any], group: str | None = None) -> None:
    """Store a schema, unless it is there: Hydra makes nodes of all its keys each time."""
    store = ConfigStore.instance()
    stored = (store.repo if group is None else store.repo.get(group, {})).get(f"{name}.yaml")
    if stored is None or OmegaConf.get_type(stored.node) is not schema:
        store.store(name=name, node=schema, group=group)


def no_such_key(name: str) -> str:
    """Say that there is no key of a name, and which are near."""
    group = name.partition(".")[0]
    if group == SIMULATE and keys_named(name):
        return f"{name}: {NOTHING_SIMULATED}"
    if inside := [key.name for key in all_keys() if key.name.startswith(f"{name}.")]:
        return f"{name}: holds keys; set these, such as {inside[0]}=... (--help-keys {name} lists them)"
    if name.startswith(f"{LAYERS}.") and not LAYER.match(name):
        return (
            f"{name}: no such key; a layer has a name and keys, as in {NAMED}path=FILE (--help-keys {LAYERS})"
        )
    choices = [key.chosen_by for key in keys_named(name) if key.chosen_by]
    if choices:
        return f"{name}: no such key here; it is one of {' and '.join(choices)}"
    near = did_you_mean(name, {*(key.name for key in all_keys()), *(() if "." in name else groups())})
    where = (
        f"--help-keys {group}"
        if group in {key.name.partition(".")[0] for key in all_keys()}
        else "--help-keys"
    )
    return f"{name}: no such key; {f'{near} ({where} lists all)' if near else f'{where} lists all'}"


def must_be_given(name: str, composed: DictConfig) -> str:
    """Say that a key without a default must be given, and what it is for."""
    reader = f"products={OmegaConf.select(composed, 'products.reader', default='')}"
    texts = [key.about["help"] for key in keys_named(name) if key.chosen_by in {"", reader} and key.about]
    return f"{name}: must be given{f', {texts[0]}' if texts else ''} ({name}=...)"


def one_line(error: Exception) -> str:
    """Return the message of ``error`` on one line, naming the key, and saying what to write instead."""
    if isinstance(error, AlignsarError):
        return str(error)
    if text := _explained(error):
        return text
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        return f"cannot write{where} ({error.strerror}); put that right, and run the same command again"
    messages = [str(e).strip().splitlines() for e in (error, error.__cause__) if e is not None]
    return ": ".join(lines[0].rstrip(".") for lines in messages if lines)


def _explained(error: Exception) -> str:
    """Say in our words what Hydra refuses; an empty text where its own have to do."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        options = options_of(group) or error.options
        return f"{group}={name}: there is no {name!r}; {choose_from(name, options)}"
    if isinstance(error, OverrideParseException):
        return _not_readable(error.override)
    if unknown := UNKNOWN.search(str(error)):
        return no_such_key(unknown["name"])
    if twice := TWICE.match(str(error)):
        return f"{twice['name']}: is given more than once; choose one"
    if ambiguous := AMBIGUOUS.match(str(error)):
        return _one_of_several(ambiguous["override"])
    merging = MERGING.match(str(error))
    return _wrong_type(merging["override"]) if merging else ""


def _one_of_several(override: str) -> str:
    """Say how a key gets several values, for an argument with commas."""
    name, _, value = override.lstrip("+").partition("=")
    if any(key.is_list for key in keys_named(name)):
        return f"{override}: must be a list; write {name}=[{value}]"
    return f"{override}: takes one value; --multirun runs once for each"


def _wrong_type(override: str) -> str:
    """Say which values a key takes, for an argument with another; an empty text for an unknown key."""
    match = OVERRIDE.fullmatch(override)
    if match is None:
        return ""
    name, value, keys = match["name"], match["value"], keys_named(match["name"])
    if not keys:
        return no_such_key(name)
    if keys[0].values == "text":
        return f"{name}={value}: must be a text; quote it for that: {shlex.quote(f'{name}={quoted(value)}')}"
    wraps = keys[0].is_list and value not in {"", "null"} and not value.startswith(("[", "{"))
    instead = f"; write {name}=[{value}]" if wraps else ""
    return f"{name}={value}: must be {keys[0].values or 'of another type'}{instead}"


def _not_readable(override: str) -> str:
    """Say that Hydra cannot read an argument, and what to write instead."""
    match = OVERRIDE.fullmatch(override)
    if match is None:
        return f"{override}: cannot be read; an argument has the form KEY=VALUE"
    start, value, keys = f"{match['sign']}{match['name']}=", match["value"], keys_named(match["name"])
    if keys and not any(key.is_text or key.is_list for key in keys) and keys[0].values:
        return f"{override}: must be {keys[0].values}"
    if any(key.is_list for key in keys) or (
        value.startswith("[") and not any(str in key.kinds for key in keys)
    ):
        parts = value.strip().removeprefix("[").removesuffix("]").split(",")
        instead = f"{start}[{','.join(quoted(part.strip(' ')) for part in parts)}]"
    else:
        instead = f"{start}{quoted(value)}"
    return f"{override}: cannot be read; quote texts in it: {shlex.quote(instead)}"


def _unknown_keys(node: DictConfig, prefix: str = "") -> list[str]:
    """Keys that no class of the configuration has: Hydra's ``+key=value`` adds what it is told to."""
    kind = OmegaConf.get_type(node)
    if kind is dict:  # its keys are names that users give
        return []
    known = {item.name for item in fields(kind)} if kind is not None and is_dataclass(kind) else set()
    unknown = []
    for name in map(str, node):
        if name not in known:
            unknown.append(f"{prefix}{name}")
        elif not OmegaConf.is_missing(node, name) and isinstance(node[name], DictConfig):
            unknown += _unknown_keys(node[name], f"{prefix}{name}.")
    return unknown


def with_sets(composed: DictConfig) -> list[str]:
    """Replace label sets in the configuration by the keys of their layers; returns what users should know.

    Paths stay as they are written, values of the environment among them. Raises AlignsarError, naming the key.
    """
    written, values = (
        cast("dict[str, Any]", OmegaConf.to_container(composed.radarcoding.layers, resolve=resolve))
        for resolve in (False, True)
    )
    if not any(isinstance(layer, dict) and SET in layer for layer in values.values()):
        return []
    layers, notes = expand_sets(values)
    names = {
        str(layer["path"]): str(written[name]["path"])
        for name, layer in values.items()
        if isinstance(layer, dict) and isinstance(layer.get("path"), str)
    }
    for layer in layers.values():
        if isinstance(layer, dict) and isinstance(layer.get("path"), str):
            start = max((name for name in names if layer["path"].startswith(name)), key=len, default="")
            layer["path"] = names.get(start, "") + layer["path"].removeprefix(start)
    composed.radarcoding.layers = layers
    return notes


def typed(composed: DictConfig) -> Config:
    """Return the composed configuration as checked values. Raises AlignsarError or OmegaConf's errors by key."""
    for name in _unknown_keys(composed):
        raise AlignsarError(no_such_key(name))
    missing = sorted(OmegaConf.missing_keys(composed))
    if "products" in missing:
        raise AlignsarError(
            "no products: choose an experiment (+experiment=demo needs no data; --help lists others), or say where "
            "products are (products.path=FOLDER); to add a map, chips or objects to a finished run, give its "
            "folder (output=FOLDER) and geocoding.resolution, chips.size or objects.layers; to publish it, "
            "card.write=true or catalog.href"
        )
    for name in missing:
        raise AlignsarError(must_be_given(name, composed))
    config = cast("Config", OmegaConf.to_object(composed))
    config.radarcoding.layers = layers_of(config.radarcoding.layers)
    validate(config)
    reader = config.products.reader
    check_together(config, coregisters=reader != "none" and reader_of(reader).coregisters)
    return config
