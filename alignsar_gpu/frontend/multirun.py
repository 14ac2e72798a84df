"""Several runs by one command (``--multirun``): a folder for each, and a table at the end."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode

from alignsar_gpu.config.paths import NO_NAME

if TYPE_CHECKING:
    from omegaconf import DictConfig

OWN = {"name", "output"}  # keys that tell the folders of jobs apart by themselves
LONGEST = 120  # characters of a folder's name


@dataclass
class Jobs:
    """The jobs of a command that has several, with what became of each."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def begin(self, composed: DictConfig) -> None:
        """Give the job a folder of its own below ``output``, called after the keys that differ between the jobs."""
        if HydraConfig.get().mode != RunMode.MULTIRUN:
            return
        swept = swept_keys(sys.argv[1:])
        own = [text for text in HydraConfig.get().overrides.task if _key(text) in swept - OWN]
        output = str(composed._get_node("output"))  # noqa: SLF001  (as it is written, with references to other keys)
        told_apart = "output" in swept or output.replace("${name}", "").count("${")
        if own and not told_apart:
            composed.output = f"{composed.output}/{folder_name(own)}"
        self.rows.append((" ".join(own), str(composed.output), "not finished"))
        print(f"job {len(self.rows)}: {self.rows[-1][0]}", file=sys.stderr)  # noqa: T201

    def end(self, result: str) -> None:
        """Note what became of the job that has begun last."""
        if self.rows:
            self.rows[-1] = (*self.rows[-1][:2], result)

    def table(self) -> str:
        """Return a line for each job: its number, its keys, its folder, and what became of it."""
        titles = ("keys", "output", "result")
        widths = [max(map(len, column)) for column in zip(titles, *self.rows, strict=True)]
        lines = [("job", *titles), *((str(n), *row) for n, row in enumerate(self.rows, 1))]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(line, (3, *widths), strict=True)).rstrip()
            for line in lines
        )


def _key(text: str) -> str:
    return text.partition("=")[0].lstrip("+~")


def swept_keys(arguments: list[str]) -> set[str]:
    """Return the keys that a command gives several values."""
    try:
        parsed = OverridesParser.create().parse_overrides([a for a in arguments if not a.startswith("-")])
    except HydraException:
        return set()
    return {item.key_or_group for item in parsed if item.is_sweep_override()}


def folder_name(overrides: list[str]) -> str:
    """Return a name for a folder: ``a.b=3`` and ``c=4`` become ``a.b-3_c-4``; what is too long ends with a checksum."""
    name = "_".join(NO_NAME.sub("_", text.lstrip("+~").replace("=", "-")) for text in overrides)
    if len(name) <= LONGEST:
        return name
    return f"{name[:LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
