"""Category 1: signatures of one polarization."""

from __future__ import annotations

from math import pi

from alignsar_gpu.signatures.registry import Signature, register

BAMLER_HARTL = "Bamler and Hartl 1998, Synthetic aperture radar interferometry, Inverse Problems 14(4)"
LEE_POTTIER = "Lee and Pottier 2009, Polarimetric Radar Imaging, CRC Press"
CALIBRATION = "ESA, Sentinel-1 Product Specification, S1-RS-MDA-52-7441, calibration annotation"
SMALL = "Small 2011, Flattening gamma: radiometric terrain correction for SAR imagery, IEEE TGRS 49(8)"
REFERENCE_DATE = "of the reference date with itself: {value} by definition"

register(
    Signature(
        name="amplitude",
        category=1,
        units="1",
        label="amplitude",
        formula="|s|, the magnitude of the complex pixel (digital number)",
        references=LEE_POTTIER,
        compute=lambda view: view.amplitude_intensity_phase[0],
    )
)
register(
    Signature(
        name="intensity",
        category=1,
        units="1",
        label="intensity",
        formula="|s|^2, the power of the complex pixel (digital number squared)",
        references=LEE_POTTIER,
        compute=lambda view: view.intensity,
    )
)
register(
    Signature(
        name="sigma0",
        category=1,
        units="1",
        label="backscatter coefficient sigma0",
        standard_name="surface_backwards_scattering_coefficient_of_radar_wave",
        formula="|s|^2 / A_sigma^2 with the product's sigmaNought vectors; linear power",
        references=CALIBRATION,
        calibrated=True,
        compute=lambda view: view.calibrated_intensity("sigma_nought"),
    )
)
register(
    Signature(
        name="beta0",
        category=1,
        units="1",
        label="radar brightness beta0",
        formula="|s|^2 / A_beta^2 with the product's betaNought vectors; linear power",
        references=CALIBRATION,
        calibrated=True,
        compute=lambda view: view.beta0,
    )
)
register(
    Signature(
        name="gamma0",
        category=1,
        units="1",
        label="backscatter coefficient gamma0",
        formula="|s|^2 / A_gamma^2 with the product's gamma vectors; linear power",
        references=CALIBRATION,
        calibrated=True,
        compute=lambda view: view.calibrated_intensity("gamma_nought"),
    )
)
register(
    Signature(
        name="gamma0_flattened",
        category=1,
        units="1",
        label="terrain-flattened gamma0",
        formula="beta0 over the terrain's area across the line of sight, per area of the pixel in slant range",
        references=SMALL,
        calibrated=True,
        needs_terrain=True,
        compute=lambda view: view.flattened_gamma0,
        comment="NaN in radar shadow",
    )
)
register(
    Signature(
        name="slc_phase",
        category=1,
        units="rad",
        label="SLC phase",
        formula="arg(s) of the coregistered pixel",
        references=BAMLER_HARTL,
        valid_range=(-pi, pi),
        is_phase=True,
        compute=lambda view: view.amplitude_intensity_phase[2],
    )
)
register(
    Signature(
        name="interferometric_phase",
        category=1,
        units="rad",
        label="interferometric phase",
        formula="arg(sum r conj(s)) with r of the reference date and s of this date, over the phase window",
        references=BAMLER_HARTL,
        valid_range=(-pi, pi),
        is_phase=True,
        fewest_dates=2,
        comment=REFERENCE_DATE.format(value=0),
        of_reference=0.0,
        compute=lambda view: view.interferometric_phase,
    )
)
register(
    Signature(
        name="coherence",
        category=1,
        units="1",
        label="coherence",
        formula="|sum r conj(s)| / sqrt(sum |r|^2 sum |s|^2) over the valid pixels of the coherence window",
        references="Touzi et al. 1999, Coherence estimation for SAR imagery, IEEE TGRS 37(1), sample coherence",
        valid_range=(0.0, 1.0),
        fewest_dates=2,
        comment=REFERENCE_DATE.format(value=1),
        of_reference=1.0,
        compute=lambda view: view.coherence,
    )
)
