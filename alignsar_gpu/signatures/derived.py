"""Layers that are a plain function of others, bit for bit: they need not be stored.

amplitude is the square root of the intensity; sigma0, beta0 and gamma0 are the intensity times a gain from the
product's calibration vectors; terrain-flattened gamma0 is beta0 over the terrain's area; sum, difference and ratio are
those of two calibrated intensities; two signatures have a second name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.signatures.channels import channels_of
from alignsar_gpu.signatures.radiometry import flattened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.signatures.options import Quantity, SignatureOptions
    from alignsar_gpu.signatures.registry import Signature

    Values = NDArray[np.float32]

AREA_RATIO = "terrain_area_ratio"  # the layer that flattening divides by
AMPLITUDE, INTENSITY, FLATTENED = "amplitude", "intensity", "gamma0_flattened"
GAINS: dict[str, Quantity] = {"sigma0": "sigma_nought", "beta0": "beta_nought", "gamma0": "gamma_nought"}
SAME = {"stokes_0": "span", "degree_of_polarization": "anisotropy"}
PAIRS = ("intensity_sum", "intensity_difference", "intensity_ratio")
# Signatures of two polarizations that are NaN just where the matrix of the pixel's window means nothing.
MASKS = ("span", "cross_product", "entropy", "anisotropy", "alpha")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a layer follows from others.

    Attributes
    ----------
    signature : that it is a layer of.
    of : names of the other layers; the first may be all there is, `PAIRS` have two intensities and a mask.
    polarizations : of the calibrations that it takes, one for each intensity; none for no calibration.
    quantity : which of their tables.
    """

    signature: str
    of: tuple[str, ...]
    polarizations: tuple[str, ...] = ()
    quantity: str = ""


def rules(
    signatures: Sequence[Signature], options: SignatureOptions, polarizations: Sequence[str]
) -> dict[str, Rule]:
    """Find the layers of the signatures that follow from other layers of them; names, each with its rule.

    Filtered intensities tell no amplitude, and where noise is removed the gain alone tells no backscatter.
    """
    names = {signature.name for signature in signatures}
    found = {name: Rule(signature=name, of=(of,)) for name, of in SAME.items() if {name, of} <= names}
    if INTENSITY not in names:
        return found
    unfiltered = options.filter == "none" and not options.multitemporal
    for polarization in polarizations:
        of = (f"{INTENSITY}_{polarization}",)
        if AMPLITUDE in names and unfiltered:
            found[f"{AMPLITUDE}_{polarization}"] = Rule(signature=AMPLITUDE, of=of)
        for name, quantity in (GAINS | {FLATTENED: GAINS["beta0"]}).items():
            if name in names and options.noise == "kept":
                found[f"{name}_{polarization}"] = Rule(
                    signature=name, of=of, polarizations=(polarization,), quantity=quantity
                )
    if unfiltered and options.noise == "kept":
        found |= _pairs(names, options, channels_of("pair", polarizations) or ())
    return found


def _pairs(names: set[str], options: SignatureOptions, channels: Sequence[str]) -> dict[str, Rule]:
    """The rules of sum, difference and ratio, which are known as long as a layer tells where they mean something."""
    mask = next((name for name in MASKS if name in names and name not in SAME), None)
    if mask is None or not channels:
        return {}
    intensities = tuple(f"{INTENSITY}_{channel}" for channel in channels)
    calibrated = tuple(channels) if options.quantity is not None else ()
    return {
        name: Rule(
            signature=name, of=(*intensities, mask), polarizations=calibrated, quantity=options.quantity or ""
        )
        for name in PAIRS
        if name in names
    }


def derive(
    rule: Rule,
    read: Callable[[str], Values],
    gain: Callable[[str, str], Values],
) -> Values:
    """Compute a layer by its rule, with the bits that it would have been stored with.

    Parameters
    ----------
    read : returns the values of a layer at the pixels, [line, sample].
    gain : returns 1 / A^2 there, of a polarization's calibration and a quantity.
    """
    values = [read(name) for name in rule.of]
    for index, polarization in enumerate(rule.polarizations):
        values[index] = gain(polarization, rule.quantity) * values[index]
    found: Any = values[0]
    if rule.signature == AMPLITUDE:
        found = np.sqrt(found)
    elif rule.signature == FLATTENED:
        found = flattened(found, read(AREA_RATIO), np)
    elif rule.signature in PAIRS:
        first, second, mask = values
        found = np.where(np.isnan(mask), np.float32(np.nan), _compared(rule.signature, first, second))
    return np.asarray(found)


def _compared(name: str, first: Values, second: Values) -> Values:
    """Sum, difference or ratio of two powers, as `kernels.polarimetric_signatures` computes them."""
    if name == "intensity_ratio":
        known = second > 0
        return np.where(known, first / np.where(known, second, np.float32(1.0)), np.float32(np.nan))
    return first + second if name == "intensity_sum" else first - second
