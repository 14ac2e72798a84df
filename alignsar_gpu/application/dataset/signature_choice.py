"""Which signatures a product has the inputs for, and how they are computed: the configuration in their own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.interferometry.looks import independent_looks
from alignsar_gpu.signatures.channels import channels_of
from alignsar_gpu.signatures.options import SignatureOptions, Windows, filter_of
from alignsar_gpu.stack.product import PIXELS, missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignsar_gpu.config import Config
    from alignsar_gpu.device import Device
    from alignsar_gpu.signatures import Signature
    from alignsar_gpu.signatures.options import Filter, NegativeState, NoiseState, Quantity
    from alignsar_gpu.stack.product import StackProduct

QUANTITIES = {
    "sigma0": "sigma_nought",
    "beta0": "beta_nought",
    "gamma0": "gamma_nought",
    "digital_numbers": None,
}
POLARIZATIONS = {
    "pair": "two polarizations",
    "co_cross": "a co-polarization and its cross-polarization",
    "quad": "HH, VV and a cross-polarization",
}
MOST_LISTED = 6  # names in a warning
FEWEST_LOOKS = 2.0
LOOK_LINES = 128  # in the middle of the image, that looks are measured on


def _listed(names: Sequence[str]) -> str:
    if len(names) <= MOST_LISTED:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_LISTED])} and {len(names) - MOST_LISTED} more"


def _needed(signature: Signature) -> list[str]:
    """What a signature needs of a stack, as named by `missing`; what is asked for first is reported first."""
    needs = {
        PIXELS: True,
        "radar_grid": True,
        "calibration": signature.calibrated,
        "second_date": signature.fewest_dates > 1,
        "terrain": signature.needs_terrain,
    }
    return [name for name, needed in needs.items() if needed]


def _reason(
    signature: Signature, product: StackProduct, options: SignatureOptions, reasons: Mapping[str, str]
) -> str:
    """Why a product does not have the inputs of a signature; empty where it has."""
    lacking = [reasons[name] for name in _needed(signature) if name in reasons]
    if lacking:
        return lacking[0]
    if (dates := len(product.acquisitions)) < signature.fewest_dates:
        return f"they need {signature.fewest_dates} dates or more, and the product has {dates}"
    if signature.calibrated and signature.scope == "date" and options.quantity is None:
        return "matrices are in digital numbers"
    if channels_of(signature.needs, product.polarizations) is None:
        names = ", ".join(p.upper() for p in product.polarizations)
        return f"they compare {POLARIZATIONS[signature.needs]}, and the product has {names}"
    return ""


def available(
    product: StackProduct, signatures: Sequence[Signature], options: SignatureOptions
) -> tuple[list[Signature], list[str]]:
    """The signatures that ``product`` has the inputs for, and one sentence for each reason to leave others out.

    Raises AlignsarError when none is left.
    """
    chosen: list[Signature] = []
    without: dict[str, list[str]] = {}
    reasons = missing(product)
    for signature in signatures:
        reason = _reason(signature, product, options, reasons)
        if reason:
            without.setdefault(reason, []).append(signature.name)
        else:
            chosen.append(signature)
    left_out = [f"left out, because {reason}: {_listed(names)}" for reason, names in without.items()]
    if not chosen:
        raise AlignsarError(
            f"{product.source}: no signature of signatures.names can be computed for it ({'; '.join(left_out)})"
        )
    return chosen, left_out


def coherence_looks(
    product: StackProduct, signatures: Sequence[Signature], config: Config, device: Device
) -> float | None:
    """Independent looks of the coherence window on this product's pixels; None where there is no coherence.

    Measured on the reference date, in the middle of the image, where it has pixels.
    """
    wanted = any(s.name.startswith("coherence") for s in signatures)
    if not wanted or len(product.acquisitions) < 2 or PIXELS not in product.quantities:
        return None
    lines = product.grid.shape[0]
    first = max(lines - LOOK_LINES, 0) // 2
    pixels, valid = product.read_pixels(first, min(first + LOOK_LINES, lines))
    window = config.interferometry.coherence_window_lines, config.interferometry.coherence_window_samples
    own, mask = (device.upload(array)[product.reference, 0] for array in (pixels, valid))
    if not mask.any():
        return None
    return round(float(independent_looks(own, mask, window, device.xp)), 2)


def options_of(product: StackProduct, config: Config, looks: float | None) -> SignatureOptions:
    """How signatures are computed.

    Raises AlignsarError, naming the key, for what the product has no records for.
    """
    settings, interferometry = config.signatures, config.interferometry
    lacking = missing(product)
    calibrated = "calibration" not in lacking
    radiometry = settings.radiometry
    if radiometry == "auto":
        radiometry = "sigma0" if calibrated else "digital_numbers"
    if radiometry != "digital_numbers" and not calibrated:
        raise AlignsarError(
            f"signatures.radiometry={radiometry}: {product.source} has no calibration records; say digital_numbers"
        )
    if settings.noise == "removed" and not (calibrated and "noise" not in lacking):
        raise AlignsarError(
            f"signatures.noise=removed: {product.source} has no {'noise' if calibrated else 'calibration'} records; "
            "say signatures.noise=kept"
        )
    if interferometry.coherence_bias == "removed" and looks is not None and looks < FEWEST_LOOKS:
        raise AlignsarError(
            f"interferometry.coherence_bias=removed: the coherence window has {looks:g} independent looks, and its "
            f"bias can be told from {FEWEST_LOOKS:g} on; enlarge interferometry.coherence_window_samples"
        )
    return SignatureOptions(
        windows=Windows(
            coherence=(interferometry.coherence_window_lines, interferometry.coherence_window_samples),
            phase=(interferometry.phase_window_lines, interferometry.phase_window_samples),
            matrix=(settings.window_lines, settings.window_samples),
        ),
        filter=cast("Filter", settings.filter),
        multitemporal=settings.multitemporal,
        noise=cast("NoiseState", settings.noise),
        negative=cast("NegativeState", settings.negative),
        quantity=cast("Quantity | None", QUANTITIES[radiometry]),
        coherence_looks=looks if interferometry.coherence_bias == "removed" else None,
        smallest_range=settings.wetness_range,
    )


def notes(signature: Signature, options: SignatureOptions, looks: float | None) -> list[str]:
    """What was done to what a signature is made of, each a few words for its layers' comment."""
    found = []
    powers = signature.scope == "stack" and not signature.name.startswith("coherence")
    matrix = signature.scope == "date"
    of_calibrated = signature.calibrated and signature.scope == "polarization"
    of_intensity = signature.name == "intensity" or of_calibrated
    if signature.name.startswith("coherence"):
        size = options.windows.coherence[0] * options.windows.coherence[1]
        if looks is not None:
            found.append(f"{size} pixels, {looks:g} independent looks")
        found.append(
            "bias removed"
            if options.coherence_looks is not None
            else "biased upwards for few looks and low coherence"
        )
    if powers or matrix:
        names = {quantity: name.replace("_", " ") for name, quantity in QUANTITIES.items()}
        found.append(f"powers in {names[options.quantity]}")
    if of_calibrated or ((powers or matrix) and options.quantity is not None):
        found.append(f"thermal noise {'removed' if options.noise == 'removed' else 'not removed'}")
    window = "{} x {}".format(*options.windows.matrix)
    if options.filter == "none":
        if matrix and not signature.name.startswith("intensity"):
            found.append(f"window {window}")
    elif matrix or powers or of_intensity:
        kind = filter_of(options.filter, matrix=matrix)
        found.append(f"filter {kind.replace('_', ' ')}, window {window}")
    if options.multitemporal and (powers or of_intensity):
        found.append("filtered over the dates (Quegan and Yu 2001)")
    return found


def settings_attributes(options: SignatureOptions, looks: float | None) -> dict[str, Any]:
    """The same for the attributes of the whole cube."""
    return {
        "matrix_window_lines": options.windows.matrix[0],
        "matrix_window_samples": options.windows.matrix[1],
        "speckle_filter": options.filter,
        "thermal_noise": options.noise,
        **({} if looks is None else {"coherence_looks": looks}),
    }
