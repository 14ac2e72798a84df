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
        """Add a failure: where it is, what is wrong, and the first of the names that it is about."""
        listed = [str(name) for name in names]
        more = [f"... ({len(listed)} in all)"] if len(listed) > EXAMPLES else []
        examples = ", ".join([*listed[:EXAMPLES], *more])
        self.failures.append(f"{where}: {what}{f': {examples}' if examples else ''}")

    def require(self, names: Sequence[object], where: str, what: str) -> bool:
        """Add a failure if there are names that it is about, with their number for ``{}`` in ``what``."""
        if len(names):
            self.fail(where, what.format(len(names)), names)
        return not len(names)

    def prove(self, fact: str) -> None:
        """Add what holds."""
        self.proofs.append(fact)
