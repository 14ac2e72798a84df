"""What checks of a dataset find: failures, and facts that are proved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from geopandas import GeoDataFrame

EXAMPLES = 3  # that a line names


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A dataset of chips as its files have it.

    Attributes
    ----------
    folder : that holds it.
    facts : content of dataset.json.
    index : index.parquet, a row a chip.
    """

    folder: Path
    facts: Mapping[str, Any]
    index: GeoDataFrame

    @property
    def by(self) -> str:
        """What decides on the splits: blocks, folds, regions or dates."""
        return str(self.facts["split"]["by"])


@dataclass(kw_only=True)
class Findings:
    """Lines on what is wrong, and on what holds."""

    failures: list[str] = field(default_factory=list)
    proofs: list[str] = field(default_factory=list)

    def fail(self, where: str, what: str, names: Iterable[object] = ()) -> None:
        """Add a failure: where it is, what is wrong, how many names it is about, and the first of them."""
        listed = [str(name) for name in names]
        examples = ", ".join([*listed[:EXAMPLES], *(["..."] if len(listed) > EXAMPLES else [])])
        self.failures.append(f"{where}: {what}{f': {len(listed)} ({examples})' if listed else ''}")

    def require(self, names: Sequence[object], where: str, what: str) -> bool:
        """Add a failure if there are names that it is about; tell whether there are none."""
        if len(names):
            self.fail(where, what, names)
        return not len(names)

    def prove(self, fact: str) -> None:
        """Add what holds."""
        self.proofs.append(fact)
