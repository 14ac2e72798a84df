"""The registry: each signature with what it needs, what it gives, and where its formula stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alignsar_gpu.signatures.view import PolarizationView


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One signature, computed per date and polarization.

    Attributes
    ----------
    name : layers are called ``<name>_<polarization>``.
    category : the AlignSAR category, 1 to 3.
    units : CF units; "1" where there are none.
    label : what people call it; the layer's long_name is "<POLARIZATION> <label>".
    formula : how it is computed.
    references : the source of the formula.
    valid_range : the bounds of its values, where it has any.
    calibrated : whether it needs the product's calibration records.
    compares : whether it compares a date with the reference date, and so needs two.
    is_phase : whether reference and topographic phase, removed or not, make a difference to it.
    standard_name : of the CF table, where it has one.
    comment : what a user should know beyond that.
    compute : the function: a view of one date and polarization to a float32 array [line, sample].
    """

    name: str
    category: int
    units: str
    label: str
    formula: str
    references: str
    compute: Callable[[PolarizationView], Any]
    valid_range: tuple[float, float] | None = None
    calibrated: bool = False
    compares: bool = False
    is_phase: bool = False
    standard_name: str = ""
    comment: str = ""


_SIGNATURES: dict[str, Signature] = {}


def register(signature: Signature) -> None:
    """Add a signature; a name can be taken once."""
    if signature.name in _SIGNATURES:
        raise ValueError(f"signature {signature.name!r} is registered twice")
    _SIGNATURES[signature.name] = signature


def all_signatures() -> tuple[Signature, ...]:
    """Every registered signature, in the order of registration."""
    return tuple(_SIGNATURES.values())


def groups() -> dict[str, tuple[str, ...]]:
    """The names that stand for several signatures."""
    categories = sorted({signature.category for signature in _SIGNATURES.values()})
    return {
        f"category{c}": tuple(s.name for s in _SIGNATURES.values() if s.category == c) for c in categories
    }


def select(names: Iterable[str]) -> tuple[Signature, ...]:
    """The signatures that ``names`` (signatures or groups) stand for, each once, in registry order.

    Raises AlignsarError for a name that is neither, or for none at all.
    """
    wanted: set[str] = set()
    for name in names:
        members = groups().get(name, (name,))
        unknown = [m for m in members if m not in _SIGNATURES]
        if unknown:
            known = ", ".join([*groups(), *_SIGNATURES])
            raise AlignsarError(f"signatures.names: no signature or group {unknown[0]!r}; there are: {known}")
        wanted.update(members)
    if not wanted:
        raise AlignsarError(
            "signatures.names is empty: name at least one signature or group, such as category1"
        )
    return tuple(s for s in _SIGNATURES.values() if s.name in wanted)
