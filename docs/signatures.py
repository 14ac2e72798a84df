"""Writes docs/signatures.md, the table of all signatures, from the registry: python docs/signatures.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.signatures import all_signatures, groups

if TYPE_CHECKING:
    from alignsar_gpu.signatures import Signature

TARGET = Path(__file__).with_name("signatures.md")
HEAD = """# Signatures

Made from the registry by `python docs/signatures.py`; a test holds it up to date. Choose by name or by group,
`signatures.names=[category1,all_dual,temporal]`; what a product lacks the inputs for is left out, and said so. With p
the polarization, a layer is called as its signature and the polarization (`sigma0_vv`), or as its signature alone where
polarizations are compared. Every layer says in the cube and in NetCDF what it is (`long_name`, `description`, `units`,
`valid_range`, `references`) and how it was made (`comment`: window, filter, radiometry, looks).
[Filters, noise and looks](filters.md) has what these do.
"""
CHAPTERS = (
    ("Each polarization by itself", "category1"),
    ("Two polarizations compared", "all_dual"),
    ("Four polarizations compared", "all_quad"),
    ("Dates compared", "temporal"),
    ("Elements of the covariance matrices", "covariance"),
)
NEEDS = {
    "one": "",
    "pair": "two polarizations",
    "co_cross": "a co- and its cross-polarization",
    "quad": "HH, VV and a cross-polarization",
}

NUMBERS = {2: "two", 4: "four", 5: "five"}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def _needs(signature: Signature) -> str:
    needs = [
        NEEDS[signature.needs],
        "calibration" if signature.calibrated else "",
        f"{NUMBERS[signature.fewest_dates]} dates" if signature.fewest_dates > 1 else "",
        "terrain" if signature.needs_terrain else "",
    ]
    return ", ".join(filter(None, needs))


def _row(signature: Signature) -> str:
    low_high = signature.valid_range
    unit = "" if signature.units == "1" else signature.units
    bounds = "" if low_high is None else "{:.4g} to {:.4g}".format(*low_high)
    name = f"`{signature.name}`" if signature.scope == "date" else f"`{signature.name}_p`"
    formula = signature.formula + (f" ({signature.comment})" if signature.comment else "")
    cells = (
        name,
        signature.label,
        " ".join(filter(None, (bounds, unit))),
        formula,
        _needs(signature),
        signature.references,
    )
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def table() -> str:
    """The whole page."""
    signatures = {signature.name: signature for signature in all_signatures()}
    parts = [HEAD]
    members = groups()
    for title, group in CHAPTERS:
        rows = "\n".join(_row(signatures[name]) for name in members[group])
        parts.append(
            f"## {title}: `{group}`\n\n| layer | what it is | range, unit | formula | needs | reference |\n"
            f"| --- | --- | --- | --- | --- | --- |\n{rows}\n"
        )
    own = ", ".join(f"`{name}`" for name in members["alignsar"])
    parts.append(f"Other groups: `category2` (both kinds of polarizations compared) and `alignsar`: {own}.\n")
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(table(), encoding="utf-8")
