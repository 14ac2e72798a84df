"""Keep the paths and the environment of a machine out of the files that a run writes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omegaconf import DictConfig

ENVIRONMENT = "${oc.env:"
SHORTEST = 4  # characters of a value of the environment that is looked for inside of texts
# The folders of an absolute path, which may follow a scheme: zip:///folder/file.zip!member
FOLDERS = re.compile(r"^((?:[A-Za-z][A-Za-z0-9+]*:(?://)?)?)(?:~[^/]*)?/(?:[^/!]+/)*(?=[^/!])")


class Published:
    """The configuration as it is published, and the same for texts that mention its paths and values.

    An absolute path becomes its name. A value of the environment (``${oc.env:NAME}``) stays the reference that it is.

    Attributes
    ----------
    configuration : YAML, for run.yaml.
    from_environment : keys whose values come from the environment, as "group.key".
    """

    def __init__(self, composed: DictConfig) -> None:
        written = OmegaConf.to_container(composed, resolve=False)
        values = OmegaConf.to_container(composed, resolve=True)
        leaves = list(_leaves(written, values))
        self.configuration = OmegaConf.to_yaml(OmegaConf.create(_named(written)))
        self.from_environment = tuple(key for key, text, _ in leaves if ENVIRONMENT in text)
        names: dict[str, str] = {str(Path.home()): "~"}
        for _, text, value in leaves:
            names |= dict.fromkeys(_mentions(text, value), text if ENVIRONMENT in text else _name(value))
        longest_first = sorted(names, key=len, reverse=True)
        self._names, self._known = names, re.compile("|".join(map(re.escape, longest_first)))

    def added_to(self, file: Path, groups: Sequence[str]) -> Published:
        """Return the same for a run that is there already: its configuration, in ``file``, with groups of this one."""
        result = copy(self)
        if file.is_file():
            there, ours = OmegaConf.load(file), OmegaConf.create(self.configuration)
            for group in groups:
                OmegaConf.update(there, group, OmegaConf.select(ours, group), merge=False, force_add=True)
            result.configuration = OmegaConf.to_yaml(there)
        return result

    def __call__(self, content: Any) -> Any:
        """Replace paths and values of the environment in a text, or in all texts of a dictionary or list."""
        if isinstance(content, str):
            return self._known.sub(lambda match: self._names[match[0]], content)
        if isinstance(content, Mapping):
            return {self(key): self(value) for key, value in content.items()}
        if isinstance(content, list | tuple):
            return type(content)(self(item) for item in content)
        return content


def _leaves(written: Any, values: Any, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text of a configuration: its key, as it is written, and its value."""
    if isinstance(written, dict):
        for name, item in written.items():
            yield from _leaves(item, values[name], f"{key}.{name}" if key else str(name))
    elif isinstance(written, list):
        for item, value in zip(written, values, strict=True):
            yield from _leaves(item, value, key)
    elif isinstance(written, str):
        yield key, written, str(values)


def _name(text: str) -> str:
    """A path without its folders, if it is absolute."""
    return FOLDERS.sub(r"\1", text)


def _named(written: Any) -> Any:
    if isinstance(written, dict):
        return {name: _named(item) for name, item in written.items()}
    if isinstance(written, list):
        return [_named(item) for item in written]
    return _name(written) if isinstance(written, str) else written


def _mentions(text: str, value: str) -> Iterator[str]:
    """How a value may be mentioned that is not to be published."""
    if ENVIRONMENT in text and len(value) >= SHORTEST:
        yield value
    path = os.path.expanduser(value)  # noqa: PTH111  (texts of other kinds too, which pathlib would normalise)
    if FOLDERS.match(value):
        yield from (value, path)
    if "/" in path or "." in path:
        try:
            if os.path.exists(path):  # noqa: PTH110
                yield from (os.path.abspath(path), os.path.realpath(path))  # noqa: PTH100
        except ValueError:  # a null character
            return
