"""Registry of signatures: what each needs, what it gives, and the source of its formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from alignsar_gpu.errors import AlignsarError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


Scope = Literal["polarization", "date", "stack"]
Needs = Literal["one", "pair", "co_cross", "quad"]


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A signature: the function that computes it, its requirements and its metadata.

    Attributes
    ----------
    name : of its layers: ``<name>_<polarization>``, or ``<name>`` where polarizations are compared.
    category : the AlignSAR category, 1 to 3.
    units : CF units; "1" where there are none.
    label : what people call it; the layer's long_name, behind the polarization where it is of one.
    formula : how it is computed.
    references : the source of the formula.
    scope : what it is computed of, and a layer for each: "polarization", one date and polarization; "date",
        all polarizations of a date; "stack", all dates of a polarization.
    needs : the polarizations that it compares: none ("one"), any two ("pair"), a co-polarization and its
        cross-polarization ("co_cross"), or HH, HV and VV ("quad").
    compute : a view of what it is computed of to a float32 array [line, sample]; where several signatures come
        out of the same matrix in one pass, None: the kernels have an output of this name.
    valid_range : the bounds of its values, where it has any.
    calibrated : whether it needs the product's calibration records.
    fewest_dates : how many dates it needs; it compares them where there are two or more.
    dated : whether each date has a layer of its own.
    is_phase : whether reference and topographic phase, removed or not, make a difference to it.
    needs_terrain : whether it needs the terrain's area as the radar sees it.
    standard_name : of the CF table, where it has one.
    comment : what a user should know beyond that.
    of_reference : the value of all pixels of the reference date, which is compared with itself; None where dates are
        not compared with it.
    """

    name: str
    category: int
    units: str
    label: str
    formula: str
    references: str
    scope: Scope = "polarization"
    needs: Needs = "one"
    compute: Callable[[Any], Any] | None = None
    valid_range: tuple[float, float] | None = None
    calibrated: bool = False
    fewest_dates: int = 1
    dated: bool = True
    is_phase: bool = False
    needs_terrain: bool = False
    standard_name: str = ""
    comment: str = ""
    of_reference: float | None = None


ELEMENTS = "covariance_"  # how the names of a matrix's own elements begin
# The signatures of AlignSAR's published datasets.
ALIGNSAR = (
    "amplitude",
    "interferometric_phase",
    "coherence",
    "intensity_sum",
    "intensity_difference",
    "intensity_ratio",
    "cross_correlation",
    "cross_product",
    "entropy",
)

_SIGNATURES: dict[str, Signature] = {}


def register(signature: Signature) -> None:
    """Register a signature; a name can be taken only once."""
    if signature.name in _SIGNATURES:
        raise ValueError(f"signature {signature.name!r} is registered twice")
    _SIGNATURES[signature.name] = signature


def all_signatures() -> tuple[Signature, ...]:
    """Return every registered signature, in the order of registration."""
    return tuple(_SIGNATURES.values())


def groups() -> dict[str, tuple[str, ...]]:
    """Return the names of groups, each with the signatures it stands for."""
    matrices = [s for s in _SIGNATURES.values() if s.scope == "date"]
    plain = [s for s in matrices if not s.name.startswith(ELEMENTS)]
    members = {
        "category1": [s for s in _SIGNATURES.values() if s.category == 1 and s.scope == "polarization"],
        "category2": plain,
        "all_dual": [s for s in plain if s.needs != "quad"],
        "all_quad": [s for s in plain if s.needs == "quad"],
        "temporal": [s for s in _SIGNATURES.values() if s.scope == "stack"],
        "covariance": [s for s in matrices if s not in plain],
        "alignsar": [s for s in _SIGNATURES.values() if s.name in ALIGNSAR],
    }
    return {group: tuple(s.name for s in signatures) for group, signatures in members.items()}


def select(names: Iterable[str]) -> tuple[Signature, ...]:
    """Select signatures by names of signatures or groups, each once, in registry order.

    Raises AlignsarError for a name that is neither, or for none at all.
    """
    wanted: set[str] = set()
    for name in names:
        members = groups().get(name, (name,))
        unknown = [m for m in members if m not in _SIGNATURES]
        if unknown:
            near = did_you_mean(unknown[0], [*groups(), *_SIGNATURES])
            raise AlignsarError(
                f"signatures.names: no signature or group {unknown[0]!r}; "
                f"{near or 'groups are ' + ', '.join(groups())} (docs/signatures.md lists all)"
            )
        wanted.update(members)
    if not wanted:
        raise AlignsarError(
            "signatures.names is empty: name at least one signature or group, such as category1"
        )
    return tuple(s for s in _SIGNATURES.values() if s.name in wanted)
