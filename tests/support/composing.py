"""Hydra, which puts the same files together for test after test, made to do so once for each choice of files.

Keys are set by Hydra itself, on a copy; ``test_114_composed_once.py`` holds that nothing else comes of it.
"""

import copy
from pathlib import Path

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobRuntime
from hydra.types import RunMode
from omegaconf import OmegaConf

by_hydra = ConfigLoaderImpl._load_configuration_impl
composed = {}  # by the files that are chosen, and what else they depend on


def load(self, config_name, overrides, run_mode, from_shell=True, validate_sweep_overrides=True):
    """Compose as Hydra does, which is asked itself where overrides are more than files and keys."""
    parsed = OverridesParser.create().parse_overrides(overrides)
    if run_mode != RunMode.RUN or any(
        each.is_sweep_override() or each.package is not None or each.key_or_group == "hydra.searchpath"
        for each in parsed
    ):
        return by_hydra(self, config_name, overrides, run_mode, from_shell, validate_sweep_overrides)
    keys = [
        each
        for each in parsed
        if isinstance(each.value(), dict) or not self.repository.group_exists(each.key_or_group)
    ]
    files = [each.input_line for each in parsed if each not in keys]
    choice = config_name, tuple(files), surroundings(self)
    if choice not in composed:
        composed[choice] = by_hydra(self, config_name, files, run_mode)
    config = copy.deepcopy(composed[choice])
    self._apply_overrides_to_config(keys, config)
    config.hydra.runtime.cwd = str(Path.cwd())
    of_task = [each for each in parsed if not each.is_hydra_override()]
    config.hydra.overrides.task = [each.input_line for each in of_task]
    config.hydra.overrides.hydra = [each.input_line for each in parsed if each not in of_task]
    names = config.hydra.job.config.override_dirname
    config.hydra.job.override_dirname = get_overrides_dirname(
        of_task, kv_sep=names.kv_sep, item_sep=names.item_sep, exclude_keys=names.exclude_keys
    )
    return config


def surroundings(loader):
    """Where files are, the job, and the schemas of readers, which tests register and take away."""
    readers = ConfigStore.instance().repo.get("products", {})
    schemas = tuple((name, OmegaConf.get_type(readers[name].node)) for name in sorted(readers))
    return str(loader.config_search_path), version.getbase(), JobRuntime.instance().get("name"), schemas


ConfigLoaderImpl._load_configuration_impl = load
