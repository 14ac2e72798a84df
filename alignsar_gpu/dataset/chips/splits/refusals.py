"""Checks of splits: what was asked for, and what came out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.dataset.chips.splits.places import TRAIN
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

LISTED = 6  # splits in a message
FEWEST_FOLDS, MOST_SPLITS = 2, 100
ROUNDING = 1e-6  # of shares that sum to 1


def check_shares(shares: Mapping[str, float]) -> None:
    """Check the wanted shares of splits. Raises AlignsarError unless they are positive and sum to 1, with training."""
    text = f"chips.split.shares={{{', '.join(f'{name}: {share:g}' for name, share in shares.items())}}}"
    check_training(shares, text)
    if not all(share > 0.0 for share in shares.values()):
        raise AlignsarError(f"{text}: shares must be above 0; remove splits that shall have no chips")
    if abs((total := sum(shares.values())) - 1.0) > ROUNDING:
        raise AlignsarError(f"{text}: sum to {total:g}; correct them so that they sum to 1")
    if len(shares) > MOST_SPLITS:
        raise AlignsarError(f"{text}: are {len(shares)} splits; {MOST_SPLITS} are possible")


def check_training(names: Mapping[str, object] | Sequence[str], where: str) -> None:
    """Check that one of the splits is for training and none is nameless; raise AlignsarError otherwise."""
    if TRAIN not in names:
        raise AlignsarError(
            f"{where}: has no {TRAIN!r}; name one split {TRAIN!r}, to which statistics belong"
        )
    if not all(name.strip() for name in names):
        raise AlignsarError(f"{where}: has a split without a name; name it")


def check_folds(count: int) -> None:
    """Check the number of folds; raise AlignsarError if there are too few or too many."""
    if not FEWEST_FOLDS <= count <= MOST_SPLITS:
        raise AlignsarError(f"chips.split.folds={count}: give {FEWEST_FOLDS} to {MOST_SPLITS} folds")


def check_side(side: float, buffer: float) -> None:
    """Check that blocks are larger than the buffer; raise AlignsarError otherwise."""
    if not side > buffer:
        raise AlignsarError(
            f"chips.split.block={side:g}: a block is not larger than the buffer of {buffer:.1f} m, so no chip would be "
            "left; give a block of three to six times the buffer, or a smaller chips.size"
        )


def remedy_of_blocks(side: float, needed: float, *, folds: bool) -> str:
    """Say what to do about a split without chips: blocks may be too few, or too small for a chip and its buffer."""
    if side < needed:
        return f"give a larger chips.split.block (a chip and the buffer need {needed:.0f} m), or a smaller chips.size"
    fewer = "fewer chips.split.folds" if folds else "fewer splits (chips.split.shares.validation=0)"
    return (
        "try a smaller chips.split.block, a smaller chips.size or chips.stride, another chips.split.seed, or "
        f"{fewer}"
    )


def check_places(count: int, splits: int) -> None:
    """Check that there are enough places; raise AlignsarError otherwise."""
    if count < splits:
        raise AlignsarError(
            f"chips: {count} places are too few for {splits} splits; get more by a smaller chips.size or chips.stride, "
            "or by a smaller chips.least_valid or chips.least_labelled"
        )


def check_kept(
    chips: Mapping[str, int], places: int, key: str, remedy: str, elsewhere: Collection[str] = ()
) -> None:
    """Check that every split has chips, here or elsewhere; raise AlignsarError, with a remedy, if one got none."""
    if lacking := [name for name, count in chips.items() if not count and name not in elsewhere]:
        kept = [f"{name} {count}" for name, count in chips.items()]
        raise AlignsarError(
            f"{key}: of {places} places none is left for {_listed(lacking)} after the buffer ({_listed(kept)}); "
            f"{remedy}"
        )


def _listed(names: Sequence[str]) -> str:
    more = [f"... ({len(names)} in all)"] if len(names) > LISTED else []
    return ", ".join([*names[:LISTED], *more])


def check_classes(lacking: NDArray[np.bool_], names: Sequence[str], key: str, remedy: str) -> None:
    """Check that every class occurs in training; raise AlignsarError with the names of those that do not."""
    if lacking.any():
        absent = [name for name, absent in zip(names, lacking, strict=True) if absent]
        raise AlignsarError(
            f"{key}: the class {' and the class '.join(absent)} would not occur in training; {remedy}, or leave "
            "the class out of the label"
        )
