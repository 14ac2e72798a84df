"""Compute all signatures of a block of a stack; shared quantities are computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.signatures.views.date import DateView
from alignsar_gpu.signatures.views.polarization import PolarizationView
from alignsar_gpu.signatures.views.powers import Powers
from alignsar_gpu.signatures.views.stack import StackView

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignsar_gpu.signatures.options import SignatureOptions
    from alignsar_gpu.signatures.registry import Signature
    from alignsar_gpu.stack.block import Stack

Computed = tuple[str, int | None, Any]


def signature_layers(
    stack: Stack, signatures: Sequence[Signature], options: SignatureOptions, area_ratio: Any = None
) -> Iterator[Computed]:
    """Compute the layers of the core lines: name, date (an index; None for a layer without date), and values.

    Values are float32 [line, sample] on the stack's device, and only good until the next layer is asked for.
    ``area_ratio`` is the terrain's (`StackProduct.read_area_ratio`), where a signature needs it.
    """
    over_time = [s for s in signatures if s.scope == "stack"]
    powers = Powers(stack=stack, options=options, compares_dates=bool(over_time))
    views = _stack_views(powers, over_time)
    for polarization, view in views:
        for signature in over_time:
            if not signature.dated:
                yield f"{signature.name}_{polarization}", None, _values(signature, view)
    for date in range(len(stack.acquisitions)):
        yield from _date_layers(powers, signatures, views, date, area_ratio)


def _stack_views(powers: Powers, signatures: Sequence[Signature]) -> list[tuple[str, StackView]]:
    """Every polarization with all its dates, where a signature compares them."""
    if not signatures:
        return []
    names = frozenset(s.name for s in signatures)
    return [
        (polarization, StackView(powers=powers, polarization=index, names=names))
        for index, polarization in enumerate(powers.stack.polarizations)
    ]


def _date_layers(
    powers: Powers,
    signatures: Sequence[Signature],
    views: Sequence[tuple[str, StackView]],
    date: int,
    area_ratio: Any,
) -> Iterator[Computed]:
    """The layers of one date."""
    for index, polarization in enumerate(powers.stack.polarizations):
        view = PolarizationView(powers=powers, date=date, polarization=index, area_ratio=area_ratio)
        for signature in signatures:
            if signature.scope == "polarization":
                yield f"{signature.name}_{polarization}", date, _values(signature, view)
    for polarization, stack_view in views:
        for signature in signatures:
            if signature.scope == "stack" and signature.dated:
                yield f"{signature.name}_{polarization}", date, _values(signature, stack_view.at(date))
    together = [s for s in signatures if s.scope == "date"]
    if together:
        for name, values in DateView(powers=powers, date=date).polarimetric(together).items():
            yield name, date, values


def _values(signature: Signature, view: Any) -> Any:
    if signature.compute is None:
        raise ValueError(f"signature {signature.name!r} has no function")
    return signature.compute(view)
