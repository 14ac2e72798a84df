"""Measures of T3: closed forms, eigenvectors in float64, an independent implementation, the registry's entries.

What `polsartools_0.13.npz` holds is reproduced to rounding. It differs from the published definitions in this:
its alpha weighs the three components of one eigenvector, where the first components of the three belong; of its radar
vegetation index 3/4 is taken where it is above 1; its Yamaguchi powers come of T12 + T13 instead of T12, of a T33 that
is turned with a T22 already turned, and, where 2 T33 < 2 |Im T23|, of half the volume, with powers raised to the
smallest span of the image. `theirs` below is each of these, to show that nothing else differs.
"""

from __future__ import annotations

import math
from functools import cache

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.driving import cpujit, mathematics
from alignsar_gpu.kernels.polarimetry import scalar_decompositions, scalar_dual, scalar_quad
from alignsar_gpu.kernels.polarimetry.measures import KINDS
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from speckle import same_bits

from alignsar_gpu.signatures import all_signatures, category2_quad

MODULES = (scalar_quad, scalar_decompositions)
MEASURES = dict(measure for module in MODULES for measure in module.MEASURES)
OUTPUTS = [name for names in MEASURES.values() for name in names]
POWERS = [
    name
    for name in OUTPUTS
    if name.startswith(
        ("span", "pauli", "eigenvalue", "freeman", "yamaguchi", "van_zyl", "krogager", "mf3cf")
    )
    and name != "mf3cf_theta"
]
SUMS = {  # decompositions whose powers add up to the span
    prefix: [name for name in POWERS if name.rpartition("_")[0] in {prefix, f"{prefix}_double"}]
    for prefix in (
        "pauli",
        "eigenvalue",
        "mf3cf",
        "freeman",
        "yamaguchi",
        "yamaguchi_rotated",
        "yamaguchi_extended",
        "van_zyl",
    )
}
# What is divided by a power that may be nothing.
UNDEFINED = {
    "anisotropy_quad",
    "copolar_ratio",
    "crosspolar_ratio_hh",
    "crosspolar_ratio_vv",
    "copolar_phase_difference",
    "copolar_correlation",
    "copolar_phase_deviation",
}
NAN = math.nan


@cache
def compiled():
    """Each measure as a compiled loop over planes [9, n], by name."""
    functions = {plain.__name__: form for plain, form in cpujit.functions("polarimetry").items()}

    def loop_of(measure):
        @numba.njit(error_model="numpy")
        def loop(t, out):
            for i in range(t.shape[1]):
                values = measure(
                    t[0, i], t[1, i], t[2, i], t[3, i], t[4, i], t[5, i], t[6, i], t[7, i], t[8, i]
                )
                for k in range(out.shape[0]):  # compiles for values of one type alone, that of the slots
                    out[k, i] = values[k]

        return loop

    return {name: loop_of(functions[name]) for name in MEASURES}


def planes_of(t):
    """The nine planes [9, n] of matrices [n, 3, 3], float32."""
    pairs = [t[:, 0, 1], t[:, 0, 2], t[:, 1, 2]]
    diagonal = [t[:, k, k].real for k in range(3)]
    return np.array(diagonal + [part for z in pairs for part in (z.real, z.imag)], np.float32)


def matrices_of(planes):
    """Matrices [n, 3, 3] of planes [9, n], complex128: what float32 left of them."""
    a, b, c, xr, xi, yr, yi, zr, zi = planes.astype(float)
    x, y, z = xr + 1j * xi, yr + 1j * yi, zr + 1j * zi
    rows = [[a, x, y], [x.conj(), b, z], [y.conj(), z.conj(), c]]
    return np.array(rows).transpose(2, 0, 1)


def measured(t):
    """All outputs of matrices [n, 3, 3], float32 by name."""
    planes = planes_of(np.asarray(t, complex))
    found = {}
    for name, loop in compiled().items():
        out = np.empty((len(MEASURES[name]), planes.shape[1]), np.float32)
        loop(planes, out)
        found |= dict(zip(MEASURES[name], out, strict=True))
    return found


def coherency(*scattering):
    """T3 of the mean over scattering matrices ((HH, HV), (HV, VV))."""
    k = [np.array([hh + vv, hh - vv, hv + vh], complex) / math.sqrt(2) for (hh, hv), (vh, vv) in scattering]
    return np.mean([np.outer(one, one.conj()) for one in k], axis=0)


def dihedral(degrees):
    c, s = math.cos(math.radians(2 * degrees)), math.sin(math.radians(2 * degrees))
    return coherency(((c, s), (s, -c)))


def powers(prefix, **shares):
    """Shares of a decomposition, 0 where none is given."""
    return {name: shares.get(name.removeprefix(f"{prefix}_"), 0.0) for name in SUMS[prefix]}


def all_of(part, *prefixes):
    """All the power in one part of the decompositions."""
    return {name: value for prefix in prefixes for name, value in powers(prefix, **{part: 1.0}).items()}


YAMAGUCHI = ("yamaguchi", "yamaguchi_rotated", "yamaguchi_extended")
MODELS = ("freeman", *YAMAGUCHI)
PURE = {
    "entropy_quad": 0.0,
    "anisotropy_quad": NAN,
    "pedestal_height": 0.0,
    "rvi_eigenvalue": 0.0,
    "degree_of_polarization_quad": 1.0,
    "eigenvalue_1": 1.0,
}
DOUBLE = PURE | {"alpha_quad": 90.0, "alpha_1": 90.0, "mf3cf_theta": -45.0} | all_of("double_bounce", "mf3cf")
HELIX = DOUBLE | all_of("helix", *YAMAGUCHI) | all_of("volume", "freeman")
HELIX |= {"beta_quad": 45.0, "rvi_quad": 2.0, "krogager_helix": 1.0, "krogager_diplane": 0.0}
DIPOLE = PURE | {"alpha_quad": 45.0, "rvi_quad": 0.0, "mf3cf_theta": 0.0, "mf3cf_volume": 0.0}
DIPOLE |= {f"{name}_volume": 0.0 for name in (*MODELS, "van_zyl")} | {"krogager_helix": 0.0}
DIPOLE |= {"krogager_sphere": 0.5, "krogager_diplane": 0.5}
SHARE = 1.0 - math.sqrt(1.0 - 27.0 * 2.0 / 64.0)  # of random dipoles that is not polarized

TARGETS = {
    "trihedral": (
        coherency(((1, 0), (0, 1))),
        PURE
        | all_of("surface", *MODELS, "van_zyl", "mf3cf")
        | {"alpha_quad": 0.0, "alpha_1": 0.0, "rvi_quad": 0.0, "mf3cf_theta": 45.0, "krogager_sphere": 1.0}
        | {"copolar_ratio": 1.0, "crosspolar_ratio_hh": 0.0, "crosspolar_ratio_vv": 0.0}
        | {"copolar_phase_difference": 0.0, "copolar_correlation": 1.0, "copolar_phase_deviation": 0.0},
    ),
    "dihedral at 0": (
        dihedral(0.0),
        DOUBLE
        | all_of("double_bounce", *MODELS, "van_zyl")
        | {"beta_quad": 0.0, "rvi_quad": 0.0, "krogager_diplane": 1.0, "krogager_helix": 0.0}
        | {"copolar_ratio": 1.0, "copolar_correlation": 1.0, "copolar_phase_deviation": 0.0},
    ),
    "dihedral at 45": (
        dihedral(45.0),
        DOUBLE
        | all_of("volume", "freeman", "yamaguchi")  # for which these are known
        | all_of("double_bounce", "yamaguchi_rotated", "yamaguchi_extended")
        | all_of("remainder", "van_zyl")
        | {"beta_quad": 90.0, "rvi_quad": 4.0, "krogager_diplane": 1.0, "krogager_sphere": 0.0}
        | dict.fromkeys(UNDEFINED, NAN),
    ),
    "dihedral at -20": (
        dihedral(-20.0),
        DOUBLE
        | all_of("double_bounce", "yamaguchi_rotated", "yamaguchi_extended")
        | {"beta_quad": 40.0, "krogager_diplane": 1.0, "krogager_helix": 0.0},
    ),
    "horizontal dipole": (
        coherency(((1, 0), (0, 0))),
        DIPOLE | {"copolar_ratio": NAN, "crosspolar_ratio_hh": 0.0, "crosspolar_ratio_vv": NAN},
    ),
    "vertical dipole": (
        coherency(((0, 0), (0, 1))),
        DIPOLE | {"copolar_ratio": 0.0, "crosspolar_ratio_hh": NAN, "crosspolar_ratio_vv": 0.0},
    ),
    "left helix": (coherency(((0.5, 0.5j), (0.5j, -0.5))), HELIX),
    "right helix": (coherency(((0.5, -0.5j), (-0.5j, -0.5))), HELIX),
    "random dipoles": (
        np.diag([2.0, 1.0, 1.0]),
        all_of("volume", *MODELS, "van_zyl")
        | {"entropy_quad": 1.5 * math.log(2.0) / math.log(3.0), "anisotropy_quad": 0.0, "alpha_quad": 45.0}
        | {"alpha_1": 0.0, "pedestal_height": 0.5, "rvi_quad": 1.0, "rvi_eigenvalue": 1.0}
        | {"copolar_ratio": 1.0, "crosspolar_ratio_hh": 1 / 3, "crosspolar_ratio_vv": 1 / 3}
        | {"copolar_correlation": 1 / 3, "copolar_phase_difference": 0.0, "mf3cf_volume": SHARE}
        | {"mf3cf_theta": 0.0, "mf3cf_surface": (1 - SHARE) / 2, "mf3cf_double_bounce": (1 - SHARE) / 2}
        | {"krogager_sphere": 0.5, "krogager_diplane": 0.5, "krogager_helix": 0.0},
    ),
    "dipoles along V": (
        np.array([[15.0, -5.0, 0.0], [-5.0, 7.0, 0.0], [0.0, 0.0, 8.0]]),
        all_of("volume", "yamaguchi") | {"copolar_ratio": 3 / 8, "crosspolar_ratio_vv": 1 / 4},
    ),
    "dipoles along H": (
        np.array([[15.0, 5.0, 0.0], [5.0, 7.0, 0.0], [0.0, 0.0, 8.0]]),
        all_of("volume", "yamaguchi") | {"copolar_ratio": 8 / 3, "crosspolar_ratio_hh": 1 / 4},
    ),
    # that are dihedrals to Sato's volume, once they are turned so that t33 is the less of 7 and 8
    "random dihedrals": (
        np.diag([0.0, 8.0, 8.0]),
        powers("yamaguchi_extended", volume=15 / 16, double_bounce=1 / 16)
        | {"alpha_quad": 90.0, "entropy_quad": math.log(2.0) / math.log(3.0), "anisotropy_quad": 1.0},
    ),
    "noise": (
        np.eye(3),
        all_of("volume", *MODELS, "mf3cf")
        | powers("van_zyl", surface=0.0, double_bounce=1 / 6, volume=2 / 3, remainder=1 / 6)
        | {"entropy_quad": 1.0, "anisotropy_quad": 0.0, "alpha_quad": 60.0, "pedestal_height": 1.0}
        | {"rvi_quad": 4 / 3, "rvi_eigenvalue": 4 / 3, "degree_of_polarization_quad": 0.0}
        | {"copolar_correlation": 0.0, "copolar_phase_deviation": math.pi / math.sqrt(3.0)},
    ),
}


class TestClosedForms:
    @pytest.mark.parametrize("power", [1.0, 3e-12, 7e11])
    @pytest.mark.parametrize("name", TARGETS)
    def test_textbook_values(self, name, power):
        t, expected = TARGETS[name]
        found = measured([power * t / np.trace(t).real])
        for output, value in expected.items():
            scale = power if output in POWERS else 1.0
            assert found[output][0] / scale == pytest.approx(value, abs=1e-4, nan_ok=True), output

    @pytest.mark.parametrize("name", ["horizontal dipole", "vertical dipole"])
    @pytest.mark.parametrize("prefix", [*MODELS, "van_zyl"])
    def test_a_dipole_is_surface_and_double_bounce(self, name, prefix):
        found = measured([TARGETS[name][0]])
        parts = found[f"{prefix}_surface"] + found[f"{prefix}_double_bounce"]
        assert parts[0] == pytest.approx(found["span_quad"][0], rel=1e-6)

    @pytest.mark.parametrize("prefix", [*MODELS, "van_zyl"])
    @pytest.mark.parametrize("bounce", ["surface", "double_bounce"])
    def test_a_mechanism_in_front_of_a_volume_is_found_again(self, prefix, bounce):
        """Surface [1, b, 0] or double bounce [a, 1, 0], a share of 0.6, and dipoles; HH and VV within 2 dB."""
        k = np.array([1.0, 0.08 - 0.4j, 0.0] if bounce == "surface" else [-0.05 + 0.3j, 1.0, 0.0])
        t = 0.6 * np.outer(k, k.conj()) / np.vdot(k, k).real + 0.4 * np.diag([0.5, 0.25, 0.25])
        if prefix == "yamaguchi_extended" and bounce == "double_bounce":
            t += 0.4 * (np.diag([0.0, 7.0, 8.0]) / 15.0 - np.diag([0.5, 0.25, 0.25]))
        found = measured([t])
        expected = powers(prefix, **{bounce: 0.6, "volume": 0.4})
        assert {name: float(found[name][0]) for name in expected} == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("rounding", [-2e-7, 0.0, 2e-7])
    def test_rounding_does_not_lose_a_helix(self, rounding):
        """A pure one is on the edge of what t33 has room for."""
        t = coherency(((0.5, 0.5j), (0.5j, -0.5)))
        t[2, 2] *= 1 + rounding
        found = measured([t])
        for prefix in YAMAGUCHI:
            assert found[f"{prefix}_helix"][0] == pytest.approx(1.0, abs=1e-5)

    def test_mean_angles_are_those_of_the_eigenvector(self):
        """One mechanism: alpha 35, beta 70, delta -130 and gamma 50 degrees."""
        alpha, beta, delta, gamma = np.radians([35.0, 70.0, -130.0, 50.0])
        second = math.sin(alpha) * math.cos(beta) * np.exp(1j * delta)
        k = np.array([math.cos(alpha), second, math.sin(alpha) * math.sin(beta) * np.exp(1j * gamma)])
        found = measured([np.outer(k, k.conj())])
        angles = [found[f"{name}_quad"][0] for name in ("alpha", "beta", "delta", "gamma")]
        assert angles == pytest.approx([35.0, 70.0, -130.0, 50.0], abs=1e-3)

    @pytest.mark.parametrize("correlation", [0.0, 0.05, 0.3, 0.6, 0.75, 0.9, 0.99, 0.9999])
    @pytest.mark.parametrize("angle", [0.0, 0.9, -2.6])
    def test_copolar_phase_and_its_deviation(self, correlation, angle):
        """HH four times VV; the deviation by the published formula, with scipy's dilogarithm."""
        rho = correlation * np.exp(1j * angle)
        hh, vv, hhvv = 4.0, 1.0, 2.0 * rho
        t12 = (hh - vv - 2j * hhvv.imag) / 2
        t = np.array(
            [[(hh + vv) / 2 + hhvv.real, t12, 0], [np.conj(t12), (hh + vv) / 2 - hhvv.real, 0], [0, 0, 0.1]]
        )
        found = measured([t])
        assert found["copolar_ratio"][0] == pytest.approx(4.0, rel=1e-5)
        assert found["crosspolar_ratio_vv"][0] == pytest.approx(0.05, rel=1e-5)
        assert found["copolar_correlation"][0] == pytest.approx(correlation, abs=1e-6)
        if correlation > 0:
            assert found["copolar_phase_difference"][0] == pytest.approx(angle, abs=1e-6 / correlation)
        arc = math.asin(correlation)
        variance = math.pi**2 / 3 - math.pi * arc + arc**2 - special.spence(1 - correlation**2) / 2
        assert found["copolar_phase_deviation"][0] ** 2 == pytest.approx(variance, abs=5e-6)


def unitary(rng, count):
    z = rng.standard_normal((count, 3, 3)) + 1j * rng.standard_normal((count, 3, 3))
    return np.linalg.qr(z)[0]


def with_eigenvalues(vectors, eigenvalues):
    return (vectors * eigenvalues) @ vectors.conj().transpose(0, 2, 1)


def looks(rng, count, number):
    """Speckle of so many looks, of channels of different power."""
    z = rng.standard_normal((count, 3, number)) + 1j * rng.standard_normal((count, 3, number))
    z *= 10.0 ** rng.uniform(-1.5, 0.0, (count, 3, 1))
    return z @ z.conj().transpose(0, 2, 1) / number


DEGENERATE = (
    [1, 1, 1],
    [2, 1, 1],
    [1, 1, 0],
    [1, 1e-3, 1e-3],
    [1, 1, 1e-5],
    [1, 1e-4, 1e-6],
    [1, 0.999, 0.998],
)


def everything(count=1500, seed=3):
    """Matrices of rank one to three, with equal eigenvalues, and nearly diagonal, of powers from 1e-12 to 1e12."""
    rng = np.random.default_rng(seed)
    t = [looks(rng, count, number) for number in (1, 2, 3, 9)]
    t += [with_eigenvalues(unitary(rng, count), np.array(eigenvalues)) for eigenvalues in DEGENERATE]
    z = unitary(rng, count) * 10.0 ** rng.uniform(-9, -1, (count, 1, 1))
    t.append(with_eigenvalues(np.linalg.qr(np.eye(3) + z)[0], rng.random((count, 1, 3))))
    t = np.concatenate(t)
    t *= (10.0 ** rng.uniform(-12, 12, len(t)) / np.trace(t, axis1=1, axis2=2).real)[
        :, np.newaxis, np.newaxis
    ]
    return t


@pytest.fixture(scope="module")
def oracle():
    """Measures, and eigenvalues and eigenvectors of the same matrices."""
    t = everything()
    eigenvalues, vectors = np.linalg.eigh(matrices_of(planes_of(t)))
    eigenvalues, vectors = eigenvalues[:, ::-1], vectors[:, :, ::-1]
    return measured(t), np.clip(eigenvalues, 0, None), vectors


class TestEigenvectorsInFloat64:
    @staticmethod
    def apart(eigenvalues, share):
        """Where eigenvectors mean something: their eigenvalues are apart, or have no weight."""
        p = eigenvalues / eigenvalues.sum(1, keepdims=True)
        return (p[:, 0] - p[:, 1] > share) & ((p[:, 1] - p[:, 2] > share) | (p[:, 1] < 1e-6))

    def test_eigenvalues(self, oracle):
        found, eigenvalues, _ = oracle
        for k in range(3):
            error = found[f"eigenvalue_{k + 1}"] - eigenvalues[:, k]
            assert np.max(np.abs(error) / eigenvalues.sum(1)) < 3e-7
        assert np.all(found["eigenvalue_1"] >= found["eigenvalue_2"])
        assert np.all(found["eigenvalue_2"] >= found["eigenvalue_3"])

    def test_entropy(self, oracle):
        found, eigenvalues, _ = oracle
        p = eigenvalues / eigenvalues.sum(1, keepdims=True)
        entropy = -special.xlogy(p, p).sum(1) / math.log(3.0)
        assert np.max(np.abs(found["entropy_quad"] - entropy)) < 1e-5

    def test_anisotropy_pedestal_height_and_vegetation_index(self, oracle):
        found, eigenvalues, _ = oracle
        first, second, third = eigenvalues.T
        span = eigenvalues.sum(1)
        rest = (second + third) / span
        undefined = np.isnan(found["anisotropy_quad"])
        assert np.all(undefined[rest < 3e-7])
        assert not np.any(undefined[rest > 2e-6])
        error = found["anisotropy_quad"] * rest - (second - third) / span
        assert np.max(np.abs(error[~undefined])) < 1e-6
        assert np.max(np.abs(found["pedestal_height"] - third / first)) < 1e-6
        assert np.max(np.abs(found["rvi_eigenvalue"] - 4 * third / span)) < 3e-6

    def test_alpha(self, oracle):
        found, eigenvalues, vectors = oracle
        alpha = np.degrees(np.arctan2(np.linalg.norm(vectors[:, 1:], axis=1), np.abs(vectors[:, 0])))
        mean = (eigenvalues * alpha).sum(1) / eigenvalues.sum(1)
        sure = self.apart(eigenvalues, 1e-3)
        assert sure.mean() > 0.3
        assert np.max(np.abs(found["alpha_quad"] - mean)[sure]) < 1e-3
        assert np.max(np.abs(found["alpha_1"] - alpha[:, 0])[sure]) < 1e-3

    def test_beta_delta_and_gamma(self, oracle):
        """Where no component is so small that its phase is lost, nor near 180 degrees, where it may have two."""
        found, eigenvalues, vectors = oracle
        size = np.abs(vectors)
        phase = np.degrees(np.angle(vectors[:, 1:] * vectors[:, :1].conj()))
        weighed = eigenvalues > 1e-6 * eigenvalues.sum(1, keepdims=True)
        clear = (size.min(1) > 0.02) & (np.abs(phase).max(1) < 179.9)
        sure = self.apart(eigenvalues, 1e-3) & np.all(clear | ~weighed, axis=1)
        assert sure.mean() > 0.2
        angles = {"beta": np.degrees(np.arctan2(size[:, 2], size[:, 1]))}
        angles |= {"delta": phase[:, 0], "gamma": phase[:, 1]}
        for name, angle in angles.items():
            mean = (eigenvalues * angle).sum(1) / eigenvalues.sum(1)
            assert np.max(np.abs(found[f"{name}_quad"] - mean)[sure]) < 1e-2, name

    def test_degree_of_polarization(self, oracle):
        found, eigenvalues, _ = oracle
        p = eigenvalues / eigenvalues.sum(1, keepdims=True)
        squared = 1.0 - 27.0 * p.prod(1)
        error = found["degree_of_polarization_quad"].astype(float) ** 2 - squared
        assert np.max(np.abs(error)) < 1e-6


def yamaguchi(t, *, rotated, extended, theirs=False):
    """Surface, double bounce, volume and helix of one matrix, as published, or as polsartools has them."""
    if rotated:
        phi = 0.5 * math.atan2(2 * t[1, 2].real, (t[1, 1] - t[2, 2]).real)
        c, s = math.cos(phi), math.sin(phi)
        turn = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
        turned = turn @ t @ turn.T
        if theirs:
            turned[2, 2] = turned[1, 1] * s**2 + t[2, 2] * c**2 - 2 * t[1, 2].real * c * s
        t = turned
    a, b, c, x = t[0, 0].real, t[1, 1].real, t[2, 2].real, t[0, 1]
    helix = 2 * abs(t[1, 2].imag)
    hh, vv = (a + b) / 2 + x.real, (a + b) / 2 - x.real
    ratio = 10 * math.log10(vv / hh)
    dihedrals = extended and a - b + 7 / 8 * c + helix / 16 <= 0
    if 2 * c < helix:
        if theirs:
            return three_components(hh, vv, c, (a - b) / 2 - 1j * x.imag, ratio)
        helix = 0.0
    span, room = a + b + c, 2 * c - helix
    if dihedrals:
        volume, s, cross = 15 / 16 * room, a, x
    elif abs(ratio) <= 2:
        volume = 2 * room
        s, cross = a - volume / 2, x
    else:
        volume = 15 / 8 * room
        s, cross = a - volume / 2, x + math.copysign(volume / 6, ratio)
    cross = cross + t[0, 2] if theirs else cross
    d = span - volume - helix - s
    if s + d < 0:
        return 0.0, 0.0, span - helix, helix
    moved = abs(cross) ** 2 / max(s, d)
    surface, double = (s + moved, d - moved) if s > d else (s - moved, d + moved)
    surface, double = max(surface, 0.0), max(double, 0.0)
    surface = s + d if double == 0 else surface
    double = s + d if surface == 0 else double
    return surface, double, volume, helix


def three_components(hh, vv, c, hhvv, ratio):
    """What polsartools has where there is no room for a helix: Freeman-Durden, |HV|^2 taken for 2 |HV|^2 in it."""
    f, (h, v, x, n) = (
        c / 2,
        (3, 3, 1, 8) if abs(ratio) <= 2 else (8, 3, 2, 15) if ratio < 0 else (3, 8, 2, 15),
    )
    volume = f * (4 if n == 8 else 15 / 4)
    a, b, r = hh - h * volume / n, vv - v * volume / n, hhvv - x * volume / n
    if min(a, b) <= 1e-6:
        return 0.0, 0.0, hh + f + vv, 0.0
    r *= min(1.0, math.sqrt(a * b) / abs(r))
    lesser = 2 * (a * b - abs(r) ** 2) / (a + b + 2 * abs(r.real))
    greater = a + b - lesser
    return (greater, lesser, volume, 0.0) if r.real >= 0 else (lesser, greater, volume, 0.0)


@pytest.fixture(scope="module")
def polsartools(real_data):
    """Its results by the end of their names, and ours, of the pixels it has results for."""
    with np.load(real_data("polsar_reference") / "polsartools_0.13.npz") as file:
        whole = {name: file[name].reshape(-1, *file[name].shape[2:]) for name in file if "T3" in name}
    there = whole["h_a_alpha_fp__T3__H_fp"] != 0  # it leaves the edge of the image
    assert there.mean() > 0.96
    theirs = {name.rpartition("__")[2]: values[there] for name, values in whole.items()}
    t = theirs["T3"].astype(complex)
    return theirs, measured(t), t, np.trace(whole["input__T3"], axis1=1, axis2=2).real.min()


class TestPolsartools:
    VARIANTS = (("4co", "yamaguchi"), ("4cr", "yamaguchi_rotated"), ("4csr", "yamaguchi_extended"))
    PARTS = (("odd", "surface"), ("dbl", "double_bounce"), ("vol", "volume"), ("hlx", "helix"))

    @staticmethod
    def close(found, expected, scale=1.0):
        assert np.max(np.abs(found - expected) / scale) < 1e-5

    def test_entropy_anisotropy_and_eigenvalues(self, polsartools):
        theirs, ours, _, _ = polsartools
        self.close(ours["entropy_quad"], theirs["H_fp"])
        self.close(ours["anisotropy_quad"], theirs["anisotropy_fp"])
        for k in (1, 2, 3):
            self.close(ours[f"eigenvalue_{k}"] / ours["span_quad"], theirs[f"e{k}_norm"])

    def test_alpha(self, polsartools):
        theirs, ours, t, _ = polsartools
        eigenvalues, vectors = np.linalg.eigh(t)
        p = eigenvalues / eigenvalues.sum(1, keepdims=True)
        angles = np.degrees(np.arccos(np.abs(vectors)))
        np.testing.assert_allclose(ours["alpha_quad"], (p * angles[:, 0]).sum(1), atol=1e-3)
        one = (p[:, ::-1] * angles[:, :, 2]).sum(1)  # the shares by size, the components in their order
        np.testing.assert_allclose(theirs["alpha_fp"], one, atol=1e-3)

    def test_radar_vegetation_index(self, polsartools):
        theirs, ours, _, _ = polsartools
        index = ours["rvi_eigenvalue"]
        assert 0 < np.count_nonzero(index > 1) < 0.01 * index.size
        self.close(np.where(index > 1, 0.75 * index, index), theirs["rvifp"])

    def test_polarization_and_model_free_powers(self, polsartools):
        theirs, ours, _, _ = polsartools
        self.close(ours["degree_of_polarization_quad"], theirs["dop_fp"])
        for part, name in (("Ps", "surface"), ("Pd", "double_bounce"), ("Pv", "volume")):
            self.close(ours[f"mf3cf_{name}"], theirs[f"{part}_mf3cf"], ours["span_quad"])
        self.close(ours["mf3cf_theta"], theirs["Theta_FP_mf3cf"], 90.0)

    def test_freeman_durden_and_van_zyl(self, polsartools):
        """NNED is van Zyl's with the most volume that leaves no negative eigenvalue."""
        theirs, ours, _, _ = polsartools
        for part, name in self.PARTS[:3]:
            self.close(ours[f"freeman_{name}"], theirs[f"Freeman_3c_{part}"], ours["span_quad"])
            self.close(ours[f"van_zyl_{name}"], theirs[f"NNED_{part}"], ours["span_quad"])

    def test_yamaguchi_where_it_has_the_published_definition(self, polsartools):
        """Volume and helix of the decomposition that is not turned, where there is room for the helix."""
        theirs, ours, t, _ = polsartools
        room = t[:, 2, 2].real >= np.abs(t[:, 1, 2].imag)
        assert room.mean() > 0.7
        for part, name in self.PARTS[2:]:
            error = np.abs(ours[f"yamaguchi_{name}"] - theirs[f"Yam4co_{part}"]) / ours["span_quad"]
            assert np.max(error[room]) < 1e-5

    @pytest.mark.parametrize(("variant", "prefix"), VARIANTS)
    def test_yamaguchi(self, polsartools, variant, prefix):
        """Ours are the published definitions, and its what the head of this module says."""
        theirs, ours, t, smallest = polsartools
        options = {"rotated": variant != "4co", "extended": variant == "4csr"}
        published = np.array([yamaguchi(one, **options) for one in t]).T
        like_it = np.array([yamaguchi(one, **options, theirs=True) for one in t]).T
        like_it[:3] = np.where(like_it[3] == 0, np.maximum(like_it[:3], smallest), like_it[:3])
        for k, (part, name) in enumerate(self.PARTS):
            self.close(ours[f"{prefix}_{name}"], published[k], ours["span_quad"])
            self.close(theirs[f"Yam{variant}_{part}"], like_it[k], ours["span_quad"])


class TestInvariants:
    def test_powers_of_two_change_no_bits(self):
        t = np.concatenate([looks(np.random.default_rng(5), 300, number) for number in (1, 4)])
        one = measured(t)
        for exponent in (-40, 40):
            found = measured(t * 2.0**exponent)
            for name in OUTPUTS:
                scale = np.float32(2.0**exponent if name in POWERS else 1.0)
                assert same_bits([found[name]], [one[name] * scale]), name

    def test_plain_functions_have_the_bits_of_the_compiled(self):
        t = np.concatenate([everything(2, seed=6), [target for target, _ in TARGETS.values()]])
        planes, found = planes_of(t), measured(t)
        for module in MODULES:
            for function, names in module.MEASURES:
                for i in range(len(t)):
                    values = getattr(module, function)(*planes[:, i])
                    assert all(isinstance(value, np.float32) for value in values), function
                    compare = [found[name][i] for name in names]
                    np.testing.assert_array_equal(np.array(values), np.array(compare), err_msg=function)

    @staticmethod
    def check(found, span):
        for name, values in found.items():
            assert not np.isinf(values).any(), name
            assert name in UNDEFINED or not np.isnan(values).any(), name
        bounds = {s.name: s.valid_range for s in all_signatures() if s.name in OUTPUTS and s.valid_range}
        for name, (low, high) in bounds.items():
            values = found[name][~np.isnan(found[name])]
            assert values.size == 0 or low - 1e-4 <= values.min() <= values.max() <= high + 1e-4, name
        for prefix, names in SUMS.items():
            if prefix != "pauli":
                assert all(np.min(found[name]) >= 0 for name in names), prefix
                total = sum(found[name].astype(float) for name in names)
                assert np.max(np.abs(total / span - 1)) < 1e-6, prefix

    def test_bounds_and_sums(self):
        t = everything(seed=7)
        found = measured(t)
        self.check(found, np.trace(t, axis1=1, axis2=2).real)
        assert sum(len(names) for names in SUMS.values()) == len(POWERS) - 4  # span and Krogager's three
        parts = found["krogager_sphere"] + found["krogager_diplane"] + found["krogager_helix"]
        assert np.max(parts / found["span_quad"]) < 1 + 1e-6

    def test_what_noise_removal_leaves(self):
        """Indefinite matrices of a positive trace, with negative powers too: no infinity, nothing negative."""
        rng = np.random.default_rng(8)
        t = looks(rng, 3000, 2)
        span = np.trace(t, axis1=1, axis2=2).real
        noise = rng.uniform(0.0, 0.3, (3000, 1)) * span[:, np.newaxis]
        t -= np.eye(3) * noise[:, np.newaxis]
        t = t[np.trace(t, axis1=1, axis2=2).real > 0.05 * span]
        assert len(t) > 1000
        assert np.mean(np.linalg.eigvalsh(t)[:, 0] < 0) > 0.5
        found = measured(t)
        del found["eigenvalue_1"], found["eigenvalue_2"], found["eigenvalue_3"]
        for values in found.values():
            assert not np.isinf(values).any()
        for name in OUTPUTS:
            if name in found and name not in UNDEFINED:
                assert not np.isnan(found[name]).any(), name
        for name in ("rvi_quad", "copolar_ratio", "crosspolar_ratio_hh", "crosspolar_ratio_vv"):
            assert np.nanmin(found[name]) >= 0, name
        for prefix in (*MODELS, "mf3cf", "van_zyl"):
            total = sum(found[name].astype(float) for name in SUMS[prefix])
            np.testing.assert_allclose(total, np.trace(t, axis1=1, axis2=2).real, rtol=1e-5)
            assert all(np.min(found[name]) >= 0 for name in SUMS[prefix])

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.floats(-12, 12))
    def test_bases_and_random_matrices(self, seed, number, exponent):
        """Eigenvalues and what comes of them are the same in every basis; bounds and sums hold."""
        rng = np.random.default_rng(seed)
        t = looks(rng, 8, number) * 10.0**exponent
        span = np.trace(t, axis1=1, axis2=2).real
        u = unitary(rng, 8)
        found, turned = measured(t), measured(u @ t @ u.conj().transpose(0, 2, 1))
        self.check(found, span)
        for k in (1, 2, 3):
            error = found[f"eigenvalue_{k}"] - turned[f"eigenvalue_{k}"]
            assert np.max(np.abs(error) / span) < 1e-6
        assert np.max(np.abs(found["entropy_quad"] - turned["entropy_quad"])) < 2e-5
        squared = [one["degree_of_polarization_quad"].astype(float) ** 2 for one in (found, turned)]
        assert np.max(np.abs(squared[0] - squared[1])) < 3e-6

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.floats(-180, 180))
    def test_a_turn_about_the_line_of_sight(self, seed, degrees):
        """changes neither alpha, nor Krogager's powers, nor those of the turned decomposition but by H and V."""
        rng = np.random.default_rng(seed)
        t = looks(rng, 8, 4)
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turn = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
        found, turned = measured(t), measured(turn @ t @ turn.T)
        p = np.linalg.eigvalsh(t) / found["span_quad"][:, np.newaxis]
        apart = np.diff(p, axis=1).min(1) > 0.01
        np.testing.assert_allclose(turned["alpha_quad"][apart], found["alpha_quad"][apart], atol=2e-3)
        for name in ("krogager_sphere", "krogager_diplane", "krogager_helix", *SUMS["mf3cf"]):
            assert np.max(np.abs(turned[name] - found[name]) / found["span_quad"]) < 3e-6, name
        difference = np.abs(turned["yamaguchi_rotated_helix"] - found["yamaguchi_rotated_helix"])
        assert np.max(difference / found["span_quad"]) < 3e-6


class TestRegistry:
    def test_every_output_has_one_signature_and_the_other_way_round(self):
        quad = [signature.name for signature in all_signatures() if signature.needs == "quad"]
        known = KINDS["quad"].outputs
        assert sorted(quad) == sorted(known)
        assert len(set(known)) == len(known)
        assert set(OUTPUTS) < set(known)  # the others are the elements of C3

    def test_entries(self):
        labels = [s.label for s in all_signatures() if s.scope == "date"]
        assert len(set(labels)) == len(labels)
        for signature in all_signatures():
            if signature.needs == "quad":
                assert (signature.category, signature.scope) == (2, "date")
                assert signature.units in {"1", "degree", "rad"}
                assert signature.formula
                assert signature.references
        assert len(category2_quad.ROWS) > 20

    def test_functions_are_in_order_and_have_names_of_their_own(self):
        names = [name for module in (mathematics, scalar_dual, *MODULES) for name in module.FUNCTIONS]
        assert len(set(names)) == len(names)
        for module in MODULES:
            assert {function for function, _ in module.MEASURES} <= set(module.FUNCTIONS)
