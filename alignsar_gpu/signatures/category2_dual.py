"""Category 2 of two polarizations: signatures of their covariance matrix C2 over a window.

With c11 the power of the first (co-polarized) channel, c22 that of the second (cross-polarized), c12 =
<first conj(second)>, and l1 >= l2 the eigenvalues. Their mathematics is in the kernels (``scalar_dual``).
"""

from __future__ import annotations

from math import pi

from alignsar_gpu.signatures.registry import Needs, Signature, register

ZHANG = (
    "Zhang et al. 2025, AlignSAR signatures, Int. J. Applied Earth Observation and Geoinformation 142, 104722"
)
LEE_POTTIER = "Lee and Pottier 2009, Polarimetric Radar Imaging, CRC Press"
CLOUDE = "Cloude 2007, The dual polarisation entropy/alpha decomposition, PolInSAR workshop, ESA SP-644"
RANEY = "Raney 2007, Hybrid-polarity SAR architecture, IEEE TGRS 45(11)"
MANDAL = (
    "Mandal et al. 2020, Dual polarimetric radar vegetation index, Remote Sensing of Environment 247, 111954"
)
NASIRZADEHDIZAJI = (
    "Nasirzadehdizaji et al. 2019, Sensitivity analysis of multi-temporal Sentinel-1 SAR parameters to crop height "
    "and canopy coverage, Applied Sciences 9(4)"
)
CHANG = "Chang et al. 2018, Polarimetric radar vegetation index for biomass estimation, Remote Sensing 10(12)"
VERMA = (
    "Verma et al. 2024, Target characterization and scattering power components from dual-pol Sentinel-1 SAR data, "
    "IEEE TGRS 62, 5222619"
)
ALONE = "of the pixel alone, as in AlignSAR"
SCALED = (
    "Stokes parameters are scaled by a power of 0 dB and limited to 1, where the paper scales them by the extremes "
    "of the scene: so a pixel's value does not hang on others"
)

LINEAR = "1"
SHARE = (0.0, 1.0)
WHOLE_CIRCLE = (-pi, pi)

# Name, unit, label, formula, references, bounds, what it needs, comment.
Row = tuple[str, str, str, str, str, tuple[float, float] | None, Needs, str]
ROWS: tuple[Row, ...] = (
    ("intensity_sum", LINEAR, "intensity sum", "|s1|^2 + |s2|^2", ZHANG, None, "pair", ALONE),
    ("intensity_difference", LINEAR, "intensity difference", "|s1|^2 - |s2|^2", ZHANG, None, "pair", ALONE),
    ("intensity_ratio", LINEAR, "intensity ratio", "|s1|^2 / |s2|^2", ZHANG, None, "pair", ALONE),
    ("span", LINEAR, "span", "c11 + c22", LEE_POTTIER, None, "pair", ""),
    (
        "normalized_difference",
        LINEAR,
        "normalized difference",
        "(c11 - c22) / (c11 + c22)",
        LEE_POTTIER,
        (-1.0, 1.0),
        "pair",
        "",
    ),
    (
        "rvi",
        LINEAR,
        "radar vegetation index",
        "4 c22 / (c11 + c22)",
        NASIRZADEHDIZAJI,
        (0.0, 4.0),
        "co_cross",
        "",
    ),
    (
        "cross_product",
        LINEAR,
        "cross product",
        "|c12|",
        ZHANG,
        None,
        "pair",
        "its magnitude; AlignSAR's layer of this name holds |c11 - c22|",
    ),
    ("cross_product_phase", "rad", "cross product phase", "arg(c12)", ZHANG, WHOLE_CIRCLE, "pair", ""),
    ("cross_correlation", LINEAR, "cross correlation", "|c12| / sqrt(c11 c22)", ZHANG, SHARE, "pair", ""),
    (
        "entropy",
        LINEAR,
        "entropy",
        "-p1 log2(p1) - p2 log2(p2), p = l / (l1 + l2)",
        f"{CLOUDE}; {ZHANG}",
        SHARE,
        "pair",
        "",
    ),
    (
        "anisotropy",
        LINEAR,
        "anisotropy",
        "(l1 - l2) / (l1 + l2)",
        CLOUDE,
        SHARE,
        "pair",
        "in two dimensions the same as the degree of polarization",
    ),
    (
        "alpha",
        "degree",
        "mean alpha angle",
        "p1 a1 + p2 a2, cos(a) = |first component of the eigenvector|",
        CLOUDE,
        (0.0, 90.0),
        "pair",
        "",
    ),
    (
        "dprvi",
        LINEAR,
        "dual-polarization radar vegetation index DpRVI",
        "1 - m l1 / (l1 + l2), m the degree of polarization",
        MANDAL,
        SHARE,
        "co_cross",
        "",
    ),
    (
        "prvi",
        LINEAR,
        "polarimetric radar vegetation index PRVI",
        "(1 - m) c22, m the degree of polarization",
        CHANG,
        None,
        "co_cross",
        "",
    ),
    ("stokes_0", LINEAR, "Stokes parameter S0", "c11 + c22", RANEY, None, "pair", "the span"),
    ("stokes_1", LINEAR, "Stokes parameter S1", "c11 - c22", RANEY, None, "pair", ""),
    ("stokes_2", LINEAR, "Stokes parameter S2", "2 Re(c12)", RANEY, None, "pair", ""),
    ("stokes_3", LINEAR, "Stokes parameter S3", "-2 Im(c12)", RANEY, None, "pair", ""),
    (
        "degree_of_polarization",
        LINEAR,
        "degree of polarization",
        "sqrt(S1^2 + S2^2 + S3^2) / S0",
        RANEY,
        SHARE,
        "pair",
        "",
    ),
    (
        "dprbi",
        LINEAR,
        "dual-polarization radar built-up index DpRBI",
        "sqrt((S1^2 + S2^2 + S3^2) / 3) of scaled Stokes parameters",
        VERMA,
        SHARE,
        "co_cross",
        SCALED,
    ),
    (
        "dprsi",
        LINEAR,
        "dual-polarization radar surface index DpRSI",
        "(1 - entropy) sqrt(1 - S1^2), S1 scaled; without the entropy where c11 is below -16 dB",
        VERMA,
        SHARE,
        "co_cross",
        SCALED,
    ),
    (
        "scattering_angle",
        "degree",
        "dual-polarization scattering angle",
        "(atan(b / (1 - b)) + atan((1 - s) / s)) / 2 of b = DpRBI and s = DpRSI",
        VERMA,
        (0.0, 90.0),
        "co_cross",
        SCALED,
    ),
    (
        "dihedral_power",
        LINEAR,
        "dihedral-like power",
        "m S0 (1 - cos(2 angle)) / 2, m the degree of polarization (l1 / S0 where c11 is below -16 dB)",
        VERMA,
        None,
        "co_cross",
        SCALED,
    ),
    (
        "surface_power",
        LINEAR,
        "surface-like power",
        "m S0 (1 + cos(2 angle)) / 2, m the degree of polarization (l1 / S0 where c11 is below -16 dB)",
        VERMA,
        None,
        "co_cross",
        SCALED,
    ),
    (
        "diffuse_power",
        LINEAR,
        "diffuse power",
        "(1 - m) S0, m the degree of polarization (l1 / S0 where c11 is below -16 dB)",
        VERMA,
        None,
        "co_cross",
        SCALED,
    ),
)
# What only means something in calibrated powers.
CALIBRATED = {"dprbi", "dprsi", "scattering_angle", "dihedral_power", "surface_power", "diffuse_power"}

for name, units, label, formula, references, valid_range, needs, comment in ROWS:
    register(
        Signature(
            name=name,
            category=2,
            scope="date",
            needs=needs,
            units=units,
            label=label,
            formula=formula,
            references=references,
            valid_range=valid_range,
            calibrated=name in CALIBRATED,
            comment=comment,
        )
    )
