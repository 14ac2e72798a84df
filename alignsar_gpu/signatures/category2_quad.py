"""Category 2 of four polarizations: signatures of their coherency matrix T3 over a window.

T3 = <k k^H> with k = [HH + VV, HH - VV, 2 HV] / sqrt(2), where HV stands for the mean of HV and VH; l1 >= l2 >= l3 are
its eigenvalues, p = l / (l1 + l2 + l3) their shares, h = 2 |Im T23|. Their mathematics is in the kernels
(``scalar_quad`` and ``scalar_decompositions``).
"""

from __future__ import annotations

from math import pi, sqrt

from alignsar_gpu.signatures.registry import Signature, register

LEE_POTTIER = "Lee and Pottier 2009, Polarimetric Radar Imaging, CRC Press"
CLOUDE_POTTIER = (
    "Cloude and Pottier 1997, An entropy based classification scheme for land applications of polarimetric SAR, "
    "IEEE TGRS 35(1)"
)
KIM_2001 = (
    "Kim and van Zyl 2001, Comparison of forest parameter estimation techniques using SAR data, Proc. IGARSS"
)
KIM_2009 = (
    "Kim and van Zyl 2009, A time-series approach to estimate soil moisture using polarimetric radar data, "
    "IEEE TGRS 47(8)"
)
DURDEN = (
    "Durden et al. 1990, The unpolarized component in polarimetric radar observations of forested areas, "
    "IEEE TGRS 28(2)"
)
BAMLER_HARTL = "Bamler and Hartl 1998, Synthetic aperture radar interferometry, Inverse Problems 14(4)"
BARAKAT = (
    "Barakat 1977, Degree of polarization and the principal idempotents of the coherency matrix, "
    "Optics Communications 23(2)"
)
DEY = (
    "Dey et al. 2021, Target characterization and scattering power decomposition for full and compact polarimetric "
    "SAR data, IEEE TGRS 59(5)"
)
FREEMAN = (
    "Freeman and Durden 1998, A three-component scattering model for polarimetric SAR data, IEEE TGRS 36(3)"
)
YAMAGUCHI_2005 = (
    "Yamaguchi et al. 2005, Four-component scattering model for polarimetric SAR image decomposition, "
    "IEEE TGRS 43(8)"
)
YAMAGUCHI_2011 = (
    "Yamaguchi et al. 2011, Four-component scattering power decomposition with rotation of coherency matrix, "
    "IEEE TGRS 49(6)"
)
SATO = (
    "Sato et al. 2012, Four-component scattering power decomposition with extended volume scattering model, "
    "IEEE GRSL 9(2)"
)
VAN_ZYL_2011 = (
    "van Zyl et al. 2011, Model-based decomposition of polarimetric SAR covariance matrices constrained for "
    "nonnegative eigenvalues, IEEE TGRS 49(9)"
)
KROGAGER = (
    "Krogager 1990, New decomposition of the radar target scattering matrix, Electronics Letters 26(18)"
)

LINEAR = "1"
SHARE = (0.0, 1.0)
QUARTER = (0.0, 90.0)
CIRCLE = (-180.0, 180.0)

UNDEFINED = "NaN where the divisor is below 1e-6 of the span, which T3 in single precision does not hold"
NEGATIVE = "an eigenvalue that noise removal left negative counts as 0"
ANGLE_MEAN = (
    "a mean of angles as published: angles near 180 and -180 degrees cancel, and eigenvectors of equal eigenvalues are "
    "not unique"
)
FREEMAN_LIMIT = "all volume where a co-polarized power is less than the volume would have of it"
HELIX_LIMIT = "no helix where h > 2 T33; T12 alone correlates surface and double bounce, as published"
POLSARTOOLS = (
    "polsartools 0.13, after PolSARpro, adds T13 to T12, and without helix halves the volume and raises powers to the "
    "smallest span of the image"
)
POLSARTOOLS_ROTATED = f"{POLSARTOOLS}; its T33 is turned with a T22 that has already been turned"
ORIENTED = "a dihedral turned by 45 degrees is volume here; it is double bounce in the rotated decomposition"
AMBIGUOUS = "where T11 = T22, as of a dipole, which of surface and double bounce has the power is arbitrary"

# Name, unit, label, formula, references, bounds, comment.
Row = tuple[str, str, str, str, str, tuple[float, float] | None, str]
ROWS: tuple[Row, ...] = (
    ("span_quad", LINEAR, "quad-polarization span", "T11 + T22 + T33", LEE_POTTIER, None, ""),
    ("pauli_surface", LINEAR, "Pauli power of odd bounce", "T11 = <|HH + VV|^2> / 2", LEE_POTTIER, None, ""),
    (
        "pauli_double_bounce",
        LINEAR,
        "Pauli power of even bounce",
        "T22 = <|HH - VV|^2> / 2",
        LEE_POTTIER,
        None,
        "",
    ),
    (
        "pauli_volume",
        LINEAR,
        "Pauli power of even bounce at 45 degrees",
        "T33 = 2 <|HV|^2>",
        LEE_POTTIER,
        None,
        "",
    ),
    (
        "rvi_quad",
        LINEAR,
        "quad-polarization radar vegetation index",
        "8 <|HV|^2> / (<|HH|^2> + <|VV|^2> + 2 <|HV|^2>)",
        KIM_2009,
        (0.0, 4.0),
        "0 for a trihedral, 1 for randomly oriented dipoles, 4/3 for noise",
    ),
    (
        "copolar_ratio",
        LINEAR,
        "co-polarized power ratio",
        "<|HH|^2> / <|VV|^2>",
        LEE_POTTIER,
        None,
        UNDEFINED,
    ),
    (
        "crosspolar_ratio_hh",
        LINEAR,
        "cross-polarized power ratio to HH",
        "<|HV|^2> / <|HH|^2>",
        LEE_POTTIER,
        None,
        UNDEFINED,
    ),
    (
        "crosspolar_ratio_vv",
        LINEAR,
        "cross-polarized power ratio to VV",
        "<|HV|^2> / <|VV|^2>",
        LEE_POTTIER,
        None,
        UNDEFINED,
    ),
    (
        "copolar_phase_difference",
        "rad",
        "co-polarized phase difference",
        "arg <HH conj(VV)>",
        LEE_POTTIER,
        (-pi, pi),
        UNDEFINED,
    ),
    (
        "copolar_correlation",
        LINEAR,
        "co-polarized correlation",
        "|<HH conj(VV)>| / sqrt(<|HH|^2> <|VV|^2>)",
        LEE_POTTIER,
        SHARE,
        UNDEFINED,
    ),
    (
        "copolar_phase_deviation",
        "rad",
        "standard deviation of the co-polarized phase difference",
        "sqrt(pi^2/3 - pi asin(r) + asin(r)^2 - Li2(r^2) / 2), r the co-polarized correlation",
        BAMLER_HARTL,
        (0.0, pi / sqrt(3.0)),
        f"of one look of circular Gaussian speckle; {UNDEFINED}",
    ),
    (
        "entropy_quad",
        LINEAR,
        "quad-polarization entropy",
        "-p1 log3(p1) - p2 log3(p2) - p3 log3(p3)",
        CLOUDE_POTTIER,
        SHARE,
        NEGATIVE,
    ),
    (
        "anisotropy_quad",
        LINEAR,
        "quad-polarization anisotropy",
        "(l2 - l3) / (l2 + l3)",
        CLOUDE_POTTIER,
        SHARE,
        UNDEFINED,
    ),
    (
        "alpha_quad",
        "degree",
        "quad-polarization mean alpha angle",
        "p1 a1 + p2 a2 + p3 a3, cos(a) = |first component of the eigenvector|",
        CLOUDE_POTTIER,
        QUARTER,
        "polsartools 0.13 takes the three components of one eigenvector for the first components of the three",
    ),
    (
        "beta_quad",
        "degree",
        "quad-polarization mean beta angle",
        "p1 b1 + p2 b2 + p3 b3, tan(b) = |third component / second component of the eigenvector|",
        CLOUDE_POTTIER,
        QUARTER,
        ANGLE_MEAN,
    ),
    (
        "delta_quad",
        "degree",
        "quad-polarization mean delta angle",
        "p1 d1 + p2 d2 + p3 d3, d = arg(second component / first component of the eigenvector)",
        CLOUDE_POTTIER,
        CIRCLE,
        ANGLE_MEAN,
    ),
    (
        "gamma_quad",
        "degree",
        "quad-polarization mean gamma angle",
        "p1 g1 + p2 g2 + p3 g3, g = arg(third component / first component of the eigenvector)",
        CLOUDE_POTTIER,
        CIRCLE,
        ANGLE_MEAN,
    ),
    ("eigenvalue_1", LINEAR, "first eigenvalue", "l1", CLOUDE_POTTIER, None, NEGATIVE),
    ("eigenvalue_2", LINEAR, "second eigenvalue", "l2", CLOUDE_POTTIER, None, NEGATIVE),
    ("eigenvalue_3", LINEAR, "third eigenvalue", "l3", CLOUDE_POTTIER, None, NEGATIVE),
    (
        "alpha_1",
        "degree",
        "alpha angle of the first eigenvector",
        "acos |first component of the first eigenvector|",
        CLOUDE_POTTIER,
        QUARTER,
        "",
    ),
    ("pedestal_height", LINEAR, "pedestal height", "l3 / l1", DURDEN, SHARE, NEGATIVE),
    (
        "rvi_eigenvalue",
        LINEAR,
        "quad-polarization radar vegetation index of the eigenvalues",
        "4 l3 / (l1 + l2 + l3)",
        KIM_2001,
        (0.0, 4.0 / 3.0),
        "polsartools 0.13 takes 3/4 of what is above 1",
    ),
    (
        "degree_of_polarization_quad",
        LINEAR,
        "quad-polarization degree of polarization",
        "sqrt(1 - 27 det(T3) / (T11 + T22 + T33)^3)",
        BARAKAT,
        SHARE,
        "",
    ),
    (
        "mf3cf_theta",
        "degree",
        "scattering type parameter theta_FP",
        "atan(m S (T11 - T22 - T33) / (T11 (T22 + T33) + m^2 S^2)), m the degree of polarization, S the span",
        DEY,
        (-45.3, 45.0),
        "45 for a trihedral, -45 for a dihedral; as published it can pass -45 by 0.3",
    ),
    ("krogager_sphere", LINEAR, "Krogager power of the sphere", "2 <|RL|^2> = T11", KROGAGER, None, ""),
    (
        "krogager_diplane",
        LINEAR,
        "Krogager power of the diplane",
        "2 min(<|RR|^2>, <|LL|^2>) = T22 + T33 - h",
        KROGAGER,
        None,
        "of mean powers in circular polarization, (T22 + T33 + h) / 2 and (T22 + T33 - h) / 2",
    ),
    (
        "krogager_helix",
        LINEAR,
        "Krogager power of the helix",
        "(sqrt <|RR|^2> - sqrt <|LL|^2>)^2",
        KROGAGER,
        None,
        "diplane and helix are not orthogonal: the three powers add up to less than the span",
    ),
)

SURFACE = "surface"
DOUBLE = "double_bounce"
VOLUME = "volume"
HELIX = "helix"
FOUR_COMPONENTS = {
    SURFACE: "S + |C|^2 / S where S > D, else S - |C|^2 / D; S, D and C are left of T11, T22 and T12 by V and h",
    DOUBLE: "D - |C|^2 / S where S > D, else D + |C|^2 / D; S, D and C are left of T11, T22 and T12 by V and h",
    VOLUME: "V = 2 (2 T33 - h), or 15/8 (2 T33 - h) where HH and VV differ by more than 2 dB",
    HELIX: "h",
}
# Beginning of names and labels; formulas of the powers; reference; comment.
DECOMPOSITIONS: tuple[tuple[str, str, dict[str, str], str, str], ...] = (
    (
        "mf3cf",
        "model-free",
        {
            SURFACE: "m S (1 + sin(2 theta)) / 2, m the degree of polarization, S the span, theta mf3cf_theta",
            DOUBLE: "m S (1 - sin(2 theta)) / 2",
            VOLUME: "(1 - m) S",
        },
        DEY,
        "",
    ),
    (
        "freeman",
        "Freeman-Durden",
        {
            SURFACE: "span - V - double bounce where S >= D, else S - |C|^2 / D, at least 0",
            DOUBLE: "D - |C|^2 / S where S >= D, at least 0, else span - V - surface",
            VOLUME: "V = 4 T33; S = T11 - V / 2, D = T22 - V / 4 and C = T12 are left",
        },
        FREEMAN,
        f"{FREEMAN_LIMIT}; {ORIENTED}",
    ),
    (
        "yamaguchi",
        "Yamaguchi",
        FOUR_COMPONENTS,
        YAMAGUCHI_2005,
        f"{HELIX_LIMIT}; {ORIENTED}; {POLSARTOOLS}",
    ),
    (
        "yamaguchi_rotated",
        "Yamaguchi rotated",
        FOUR_COMPONENTS,
        YAMAGUCHI_2011,
        f"of T3 turned about the line of sight until T33 is least; {HELIX_LIMIT}; {POLSARTOOLS_ROTATED}",
    ),
    (
        "yamaguchi_extended",
        "Yamaguchi extended",
        FOUR_COMPONENTS
        | {VOLUME: f"{FOUR_COMPONENTS[VOLUME]}; 15/16 (2 T33 - h) where T22 >= T11 + 7/8 T33 + h/16"},
        SATO,
        f"rotated, and with dihedrals as volume where double bounce dominates; {HELIX_LIMIT}; {POLSARTOOLS_ROTATED}",
    ),
    (
        "van_zyl",
        "van Zyl",
        {
            SURFACE: "the eigenvalue of R whose eigenvector is nearer to HH + VV",
            DOUBLE: "the other eigenvalue of R",
            VOLUME: "4 w, the largest w that leaves T33 - w and R = [[T11 - 2 w, T12], [conj(T12), T22 - w]] no "
            "negative eigenvalue",
            "remainder": "T33 - w",
        },
        VAN_ZYL_2011,
        AMBIGUOUS,
    ),
)
PARTS = {
    SURFACE: "surface power",
    DOUBLE: "double-bounce power",
    VOLUME: "volume power",
    HELIX: "helix power",
    "remainder": "cross-polarized remainder",
}


def _add(row: Row) -> None:
    name, units, label, formula, references, valid_range, comment = row
    register(
        Signature(
            name=name,
            category=2,
            scope="date",
            needs="quad",
            units=units,
            label=label,
            formula=formula,
            references=references,
            valid_range=valid_range,
            comment=comment,
        )
    )


for row in ROWS:
    _add(row)
for prefix, title, formulas, reference, comment in DECOMPOSITIONS:
    for part, formula in formulas.items():
        _add((f"{prefix}_{part}", LINEAR, f"{title} {PARTS[part]}", formula, reference, None, comment))
