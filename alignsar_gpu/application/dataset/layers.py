"""The layers of the cube that a stack is turned into, with what each says of itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.dataset.signature_choice import notes
from alignsar_gpu.dataset.cube import OF_REFERENCE, CubeLayer
from alignsar_gpu.signatures.channels import channels_of
from alignsar_gpu.signatures.derived import AREA_RATIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.config import Config
    from alignsar_gpu.signatures import Signature
    from alignsar_gpu.signatures.options import SignatureOptions
    from alignsar_gpu.stack.product import StackProduct

COMPARED = {"date": "polarizations", "stack": "dates"}


def is_flattened(product: StackProduct, config: Config) -> bool:
    """Whether reference and topographic phase are gone from the pixels that the dataset is made of."""
    return config.interferometry.flatten == "auto" or all(a.flattened for a in product.acquisitions)


def phase_state(product: StackProduct, config: Config) -> str:
    """What is still in the phase, for users to read."""
    if len(product.acquisitions) == 1:
        return "as the product has it: a single date has no reference to take phase away from"
    state = "are removed" if is_flattened(product, config) else "are still in it"
    return f"reference (flat-earth) and topographic phase {state}"


def layers(
    product: StackProduct,
    signatures: Sequence[Signature],
    config: Config,
    options: SignatureOptions,
    looks: float | None,
) -> list[CubeLayer]:
    """Every layer of the cube, with its attributes; ``looks`` are the independent ones of the coherence window."""
    state, bits = phase_state(product, config), mantissa_bits(config.dataset.digits)
    valid = {"units": "1", "long_name": "valid pixel", "description": "has data in all polarizations"}
    result = [CubeLayer(name="valid", dtype="bool", dated=True, attributes=valid)]
    for polarization in product.polarizations:
        own = [s for s in signatures if s.scope != "date"]
        result += [_signature_layer(s, polarization, (state, *notes(s, options, looks)), bits) for s in own]
        if config.signatures.slc:
            attributes = {
                "units": "1",
                "long_name": f"{polarization.upper()} complex pixel",
                "description": "coregistered single look complex pixels",
                "comment": state,
            }
            result.append(
                CubeLayer(name=f"slc_{polarization}", dtype="complex64", dated=True, attributes=attributes)
            )
    for signature in signatures:
        if signature.scope == "date":
            channels = channels_of(signature.needs, product.polarizations) or ()
            compared = f"of {', '.join(dict.fromkeys(p.upper() for p in channels))}"
            result.append(
                _signature_layer(signature, "", (state, compared, *notes(signature, options, looks)), bits)
            )
    return [*result, *_geometry_layers(), *(_viewing_layers() if product.has_viewing else ())]


def mantissa_bits(digits: int | None) -> int | None:
    """Return how many bits of a mantissa are kept for a number of decimal digits; None for all of them."""
    return None if digits is None else math.ceil(digits * math.log2(10.0))


def _signature_layer(
    signature: Signature, polarization: str, said: Sequence[str], bits: int | None
) -> CubeLayer:
    """The layer of a signature; ``said`` of it, first the state of the phase, go into its comment."""
    attributes: dict[str, Any] = {
        "units": signature.units,
        "long_name": f"{polarization.upper()} {signature.label}".strip(),
        "description": signature.formula,
        "references": signature.references,
    }
    if signature.scope in COMPARED:
        attributes["compares"] = COMPARED[signature.scope]
    if signature.of_reference is not None:
        attributes[OF_REFERENCE] = signature.of_reference
    if signature.standard_name:
        attributes["standard_name"] = signature.standard_name
    if signature.valid_range is not None:
        attributes["valid_range"] = [float(np.float32(bound)) for bound in signature.valid_range]
    comments = [signature.comment, said[0] if signature.is_phase else "", *said[1:]]
    if bits is not None:
        attributes["maximum_relative_error"] = 2.0 ** -(bits + 1)
        comments.append(f"rounded to {bits} bits of its mantissa")
    if any(comments):
        attributes["comment"] = "; ".join(filter(None, comments))
    name = f"{signature.name}_{polarization}" if polarization else signature.name
    return CubeLayer(
        name=name, dtype="float32", dated=signature.dated, mantissa_bits=bits, attributes=attributes
    )


def _geometry_layer(
    name: str, dtype: str, units: str, long_name: str, *, coordinate: bool = False, **more: Any
) -> CubeLayer:
    attributes = {"units": units, "long_name": long_name, **more}
    return CubeLayer(name=name, dtype=dtype, dated=False, coordinate=coordinate, attributes=attributes)


def area_ratio_layer() -> CubeLayer:
    """The layer that flattened backscatter is computed with, where it is not stored."""
    return _geometry_layer(
        AREA_RATIO,
        "float32",
        "1",
        "area of the terrain across the line of sight",
        description="per area of the pixel in slant range (A_gamma / A_beta); beta0 divided by it is flattened gamma0",
        references="Small 2011, Flattening gamma: radiometric terrain correction for SAR imagery, IEEE TGRS 49(8)",
    )


def _viewing_layers() -> list[CubeLayer]:
    return [
        _geometry_layer(
            "local_incidence_angle",
            "float32",
            "degree",
            "local incidence angle",
            description="between the normal of the DEM's surface and the direction to the antenna, reference date",
            valid_range=[0.0, 180.0],
        ),
        _geometry_layer(
            "layover_shadow",
            "uint8",
            "1",
            "layover and radar shadow",
            description="1: several places of the DEM's surface lie in the pixel; 2: the antenna does not see it",
            flag_masks=[1, 2],
            flag_meanings="layover shadow",
        ),
    ]


def _geometry_layers() -> list[CubeLayer]:
    return [
        _geometry_layer(
            "longitude",
            "float64",
            "degrees_east",
            "longitude (WGS84)",
            coordinate=True,
            standard_name="longitude",
            valid_range=[-180.0, 180.0],
        ),
        _geometry_layer(
            "latitude",
            "float64",
            "degrees_north",
            "latitude (WGS84)",
            coordinate=True,
            standard_name="latitude",
            valid_range=[-90.0, 90.0],
        ),
        _geometry_layer(
            "height",
            "float32",
            "m",
            "height above the WGS84 ellipsoid",
            standard_name="height_above_reference_ellipsoid",
        ),
        _geometry_layer(
            "incidence_angle",
            "float32",
            "degree",
            "incidence angle",
            standard_name="angle_of_incidence",
            description="between the ellipsoid's normal and the direction to the antenna, reference date",
            valid_range=[0.0, 90.0],
        ),
    ]
