"""Paths of the configuration: whether they are there, and how a run without a name is called after them."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignsar_gpu.config import Config

ELSEWHERE = re.compile(r"^/vsi|^[A-Za-z][A-Za-z0-9+]+:|[*?!\[\]{}]")  # on a server, in an archive, a pattern
DAY = re.compile(r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")
NO_NAME = re.compile(r"[^\w.-]+")  # what is awkward in the name of a folder


def check_paths(config: Config) -> None:
    """Raise AlignsarError, naming the key, for a file or folder that is not there: before anything is imported.

    What only a library can open (servers, archives, patterns) is left to the readers, and what a simulation of the
    same run makes is not asked for.
    """
    _check_home("output", config.output)
    made = None
    if config.simulate is not None:
        _check_home("simulate.path", config.simulate.path)
        made = _absolute(config.simulate.path)
    for key, text in _paths(config):
        if not text.strip():
            raise AlignsarError(f"{key}={text}: is empty; name a file or folder")
        path = _absolute(text)
        if not ELSEWHERE.search(text) and made not in {path, *path.parents}:
            check_there(key, text)


def check_there(key: str, text: str) -> Path:
    """Return the path that ``text`` names. Raises AlignsarError, naming the key, for none; suggests what is near."""
    try:
        path = Path(text).expanduser()
        if path.exists():
            return path
        near = did_you_mean(path.name, names_in(path.parent))
        hint = _last_there(path)
    except (OSError, RuntimeError, ValueError) as error:  # too long, no such home, not to be read
        raise AlignsarError(f"{key}={text}: cannot be read ({error}); correct the path") from None
    raise AlignsarError(f"{key}={text}: no such file or folder{hint}; {near or 'correct the path'}")


def names_in(path: Path) -> list[str]:
    """Return the names of what is in a folder, without what is hidden; none for a file."""
    return sorted(item.name for item in path.iterdir() if item.name[0] != ".") if path.is_dir() else []


def _check_home(key: str, text: str) -> None:
    """Raise AlignsarError, naming the key, if a path begins with the home folder of nobody."""
    try:
        Path(text).expanduser()
    except RuntimeError as error:
        raise AlignsarError(f"{key}={text}: {error}; correct the path") from None


def _absolute(text: str) -> Path:
    return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111  (which leaves the home of nobody as it is)


def _last_there(path: Path) -> str:
    """Say which part of a path is there, where its folder is not."""
    path = path.absolute()
    there = next(folder for folder in path.parents if folder.exists())
    return (
        "" if there == path.parent else f" ({there} is there, {there / path.relative_to(there).parts[0]} not)"
    )


def _paths(config: Config) -> Iterator[tuple[str, str]]:
    """List the keys that name files to be read, and their values."""
    values: dict[str, Any] = {
        "products.path": getattr(config.products, "path", None),
        "orbits.path": config.orbits.path,
        "dem.path": config.dem.path,
        "geocoding.match": config.geocoding.match,
        "chips.split.regions": config.chips.split.regions,
        "chips.split.file": config.chips.split.file,
        "chips.onto": config.chips.onto,
    }
    values |= {
        f"radarcoding.layers.{name}.path": layer.path for name, layer in config.radarcoding.layers.items()
    }
    if config.simulate is not None:
        values |= {
            "simulate.dem.path": config.simulate.dem.path,
            "simulate.templates": config.simulate.templates,
        }
    for key, value in values.items():
        yield from (
            (key, text) for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)
        )


def name_after(products: Any) -> str:
    """Name a run after its reader, its place (a burst, a product or folder), and the days in the names of files."""
    if products.reader == "none":
        return "simulated"
    parts = [products.reader]
    path = getattr(products, "path", None)
    if isinstance(path, str):
        place = _absolute(path)
        days = sorted(_days(place))
        parts.append(getattr(products, "burst", None) or place.name.partition(".")[0])
        parts += [day for day in dict.fromkeys([*days[:1], *days[-1:]]) if day not in parts[1]]
    return NO_NAME.sub("_", "-".join(dict.fromkeys(filter(None, parts))))


def _days(path: Path) -> set[str]:
    """List the days (YYYYMMDD) in the name of a product, or else in the names of what is in its folder."""
    names = [path.name]
    if not DAY.search(path.name):
        with suppress(OSError):  # what cannot be read is told elsewhere
            names = [name for name in names_in(path) if not name.endswith(".EOF")]
    return {day for name in names for day in DAY.findall(name)}
