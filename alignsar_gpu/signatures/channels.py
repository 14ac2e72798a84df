"""Choice of the polarizations that a signature compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.signatures.registry import Needs

CO_CROSS = (("vv", "vh"), ("hh", "hv"), ("vv", "hv"), ("hh", "vh"))
PAIRS = (*CO_CROSS, ("hh", "vv"), ("hv", "vh"))


def channels_of(needs: Needs, polarizations: Sequence[str]) -> tuple[str, ...] | None:
    """Choose the polarizations that a signature compares, in order; None if the product lacks them.

    A pair is a co-polarization and its cross-polarization, VV and VH before HH and HV; else two co-polarizations.
    Four are HH, HV, VH, VV, of which one cross-polarization may stand for both.
    """
    there = set(polarizations)
    if needs == "quad":
        cross = [p for p in ("hv", "vh") if p in there]
        return ("hh", cross[0], cross[-1], "vv") if cross and {"hh", "vv"} <= there else None
    if needs == "one":
        return tuple(polarizations)
    pairs = CO_CROSS if needs == "co_cross" else PAIRS
    return next((pair for pair in pairs if set(pair) <= there), None)
