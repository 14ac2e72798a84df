"""Signatures of two and four channels: closed forms, and matrices in float64."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.driving import mathematics
from hypothesis import given, settings
from hypothesis import strategies as st
from polarimetry import channels, covariance
from speckle import same_bits

from alignsar_gpu import kernels

OUTPUTS = kernels.DUAL_OUTPUTS
LEVEL = 10.0**-1.6


def image(rng, shape=(21, 37)):
    pair = channels(rng, shape)
    valid = rng.random(shape) > 0.1
    for one in pair:
        one[~valid] = np.nan
    return pair, valid


def measured(matrix, names=OUTPUTS):
    """Outputs for one matrix [[c11, c12], [conj, c22]], float."""
    c = np.asarray(matrix, dtype=complex)
    planes = np.array([c[0, 0].real, c[1, 1].real, c[0, 1].real, c[0, 1].imag], np.float32).reshape(4, 1, 1)
    found = kernels.matrix_signatures(planes, np.ones((1, 1), bool), names)
    return {name: float(values[0, 0]) for name, values in found.items()}


def oracle(c, first, second):
    """Every output from matrices [..., 2, 2] and the powers of the pixel alone, by eigenvectors in float64."""
    c11, c22, c12 = c[..., 0, 0].real, c[..., 1, 1].real, c[..., 0, 1]
    eigenvalues, vectors = np.linalg.eigh(np.nan_to_num(c))
    span = c11 + c22
    p = np.clip(eigenvalues, 0, None) / np.where(span > 0, span, 1)[..., None]
    log = np.log2(np.where(p > 0, p, 1))
    entropy = -(p * log).sum(-1)
    angle = np.degrees(np.arccos(np.clip(np.abs(vectors[..., 0, :]), 0, 1)))
    m = (eigenvalues[..., 1] - eigenvalues[..., 0]) / span
    s1, s2, s3 = (np.minimum(np.abs(s), 1) for s in (c11 - c22, 2 * c12.real, 2 * c12.imag))
    buildings = np.sqrt((s1**2 + s2**2 + s3**2) / 3)
    noise = c11 <= LEVEL
    surface = np.where(noise, 1, 1 - entropy) * np.sqrt(1 - s1**2)
    twice = np.arctan2(buildings, 1 - buildings) + np.arctan2(1 - surface, surface)
    polarized = np.where(noise, (1 + m) / 2, m) * span
    return {
        "intensity_sum": first + second,
        "intensity_difference": first - second,
        "intensity_ratio": first / second,
        "span": span,
        "normalized_difference": (c11 - c22) / span,
        "rvi": 4 * c22 / span,
        "cross_product": np.abs(c12),
        "cross_product_phase": np.angle(c12),
        "cross_correlation": np.abs(c12) / np.sqrt(c11 * c22),
        "entropy": entropy,
        "anisotropy": m,
        "alpha": (p * angle).sum(-1),
        "dprvi": 1 - m * p[..., 1],
        "prvi": (1 - m) * c22,
        "stokes_0": span,
        "stokes_1": c11 - c22,
        "stokes_2": 2 * c12.real,
        "stokes_3": -2 * c12.imag,
        "degree_of_polarization": m,
        "dprbi": buildings,
        "dprsi": surface,
        "scattering_angle": np.degrees(twice) / 2,
        "dihedral_power": polarized * (1 - np.cos(twice)) / 2,
        "surface_power": polarized * (1 + np.cos(twice)) / 2,
        "diffuse_power": span - polarized,
        "covariance_11": c11,
        "covariance_22": c22,
        "covariance_12_re": c12.real,
        "covariance_12_im": c12.imag,
    }


def scale_of(name, span):
    """What an error of an output is measured by."""
    powers = {"cross_product", "prvi", "span"}
    if name in powers or name.startswith(("stokes", "covariance")) or name.endswith("_power"):
        return span
    return 100.0 if name in {"alpha", "scattering_angle"} else 1.0


@pytest.mark.parametrize("window", [(1, 1), (3, 3), (1, 5), (5, 1), (7, 9), (3, 43)])
def test_every_output_against_eigenvectors_in_float64(window):
    pair, valid = image(np.random.default_rng(1))
    found = kernels.polarimetric_signatures(pair, valid, OUTPUTS, window=window)
    c = covariance(pair, valid, window)
    first, second = (np.abs(one.astype(np.complex128)) ** 2 for one in pair)
    expected = oracle(c, first, second)
    assert set(found) == set(expected) == set(OUTPUTS)
    span = expected["span"]
    for name, values in found.items():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(np.isnan(values), ~valid, err_msg=name)
        error = values - expected[name]
        if name == "cross_product_phase":  # as certain as the product itself is beside the powers
            error = np.angle(np.exp(1j * error)) * expected["cross_correlation"]
        if name.startswith("intensity"):
            error /= first + second if name != "intensity_ratio" else first / second
        # sqrt(1 - s1^2) has no end to its slope where s1 comes to 1.
        bound = 1e-4 if name in {"dprsi", "scattering_angle", "dihedral_power", "surface_power"} else 1e-5
        assert np.nanmax(np.abs(error) / scale_of(name, span)) < bound, name


class TestClosedForms:
    def test_one_mechanism(self):
        """Fully polarized: only the co-polarized channel has power (a trihedral, a dihedral at 0 degrees)."""
        found = measured([[4.0, 0.0], [0.0, 0.0]])
        assert found["entropy"] == pytest.approx(0.0, abs=1e-4)
        assert found["alpha"] == pytest.approx(0.0, abs=1e-4)
        assert found["anisotropy"] == found["degree_of_polarization"] == pytest.approx(1.0, abs=1e-4)
        assert found["rvi"] == found["dprvi"] == found["prvi"] == pytest.approx(0.0, abs=1e-4)
        assert found["normalized_difference"] == pytest.approx(1.0, abs=1e-4)
        assert math.isnan(found["cross_correlation"])
        assert math.isnan(found["intensity_ratio"])

    def test_dihedral_at_45_degrees(self):
        """All power in the cross-polarized channel."""
        found = measured([[0.0, 0.0], [0.0, 2.0]])
        assert found["entropy"] == pytest.approx(0.0, abs=1e-4)
        assert found["alpha"] == pytest.approx(90.0, abs=1e-4)
        assert found["rvi"] == pytest.approx(4.0, abs=1e-4)
        assert found["normalized_difference"] == pytest.approx(-1.0, abs=1e-4)

    def test_a_dipole_at_45_degrees(self):
        """Both channels alike and coherent: alpha 45 degrees, all of it in the second Stokes parameter."""
        found = measured([[1.0, 1.0], [1.0, 1.0]])
        assert found["alpha"] == pytest.approx(45.0, abs=1e-4)
        assert found["entropy"] == pytest.approx(0.0, abs=1e-4)
        assert found["cross_correlation"] == pytest.approx(1.0, abs=1e-4)
        assert [found[f"stokes_{k}"] for k in range(4)] == pytest.approx([2.0, 0.0, 2.0, 0.0], abs=1e-4)

    def test_a_circular_wave(self):
        found = measured([[1.0, -1j], [1j, 1.0]])
        assert [found[f"stokes_{k}"] for k in range(4)] == pytest.approx([2.0, 0.0, 0.0, 2.0], abs=1e-4)
        assert found["cross_product_phase"] == pytest.approx(-math.pi / 2, abs=1e-4)

    def test_random_dipoles(self):
        """<|co|^2> = 3 <|cross|^2>, not correlated: shares 3/4 and 1/4."""
        found = measured([[3.0, 0.0], [0.0, 1.0]])
        assert found["entropy"] == pytest.approx(-0.75 * math.log2(0.75) + 0.5, abs=1e-4)
        assert found["alpha"] == pytest.approx(22.5, abs=1e-4)
        assert found["rvi"] == pytest.approx(1.0, abs=1e-4)
        assert found["dprvi"] == pytest.approx(1.0 - 0.5 * 0.75, abs=1e-4)
        assert found["prvi"] == pytest.approx(0.5, abs=1e-4)

    def test_noise(self):
        found = measured([[1.0, 0.0], [0.0, 1.0]])
        assert found["entropy"] == pytest.approx(1.0, abs=1e-4)
        assert found["alpha"] == pytest.approx(45.0, abs=1e-4)
        assert found["anisotropy"] == pytest.approx(0.0, abs=1e-4)
        assert found["dprvi"] == pytest.approx(1.0, abs=1e-4)
        assert found["diffuse_power"] == pytest.approx(2.0, abs=1e-4)

    @pytest.mark.parametrize("power", [1e-12, 1e-6, 1.0, 1e6, 1e12])
    def test_what_has_no_scale_has_none(self, power):
        names = ["entropy", "alpha", "dprvi", "rvi", "cross_correlation", "degree_of_polarization"]
        c = np.array([[3.0, 0.5 + 0.2j], [0.5 - 0.2j, 1.0]])
        assert measured(power * c, names) == pytest.approx(measured(c, names), rel=1e-5)


class TestNoData:
    def test_zero_power_is_no_value(self):
        pair = [np.zeros((9, 9), np.complex64) for _ in range(2)]
        pair[0][4, 4] = 1.0
        found = kernels.polarimetric_signatures(pair, np.ones((9, 9), bool), OUTPUTS, window=(3, 3))
        reached = np.zeros((9, 9), bool)
        reached[3:6, 3:6] = True
        for name in ("entropy", "span", "rvi", "alpha", "intensity_sum"):
            np.testing.assert_array_equal(np.isfinite(found[name]), reached, err_msg=name)
        assert not any(np.isinf(values).any() for values in found.values())

    def test_a_bright_target_leaves_no_residue(self):
        rng = np.random.default_rng(6)
        pair, valid = channels(rng, (40, 90)), np.ones((40, 90), bool)
        names = ["span", "entropy", "cross_correlation"]
        quiet = kernels.polarimetric_signatures(pair, valid, names, window=(5, 5))
        for one in pair:
            one[20, 45] *= 1e4
        loud = kernels.polarimetric_signatures(pair, valid, names, window=(5, 5))
        away = np.ones(valid.shape, bool)
        away[18:23, 43:48] = False
        for name in names:
            np.testing.assert_allclose(loud[name][away], quiet[name][away], rtol=1e-6)

    def test_noise_is_subtracted_and_never_leaves_a_negative_matrix(self):
        rng = np.random.default_rng(7)
        pair, valid = image(rng, (30, 40))
        gains = rng.uniform(0.5, 2.0, (2, 30, 40)).astype(np.float32)
        noise = rng.uniform(0.0, 1.5, (2, 30, 40)).astype(np.float32)
        c = covariance(pair, valid, (3, 3))
        root = np.sqrt(gains.astype(float))
        for i in range(2):
            for j in range(2):
                c[..., i, j] *= root[i] * root[j]
            c[..., i, i] -= noise[i]
        power = np.abs(np.stack(pair).astype(np.complex128)) ** 2 * gains - noise
        good = valid & (c[..., 0, 0].real >= 0) & (c[..., 1, 1].real >= 0)
        assert 0.1 < good.mean() < 0.9
        options = {"window": (3, 3), "gains": gains, "noise": noise}
        kept = kernels.polarimetric_signatures(pair, valid, OUTPUTS, **options)
        masked = kernels.polarimetric_signatures(pair, valid, OUTPUTS, lowest=0.0, **options)
        for found in (kept, masked):
            np.testing.assert_array_equal(np.isfinite(found["span"]), good)
            np.testing.assert_allclose(
                found["span"][good], (c[..., 0, 0] + c[..., 1, 1]).real[good], rtol=1e-5, atol=1e-5
            )
        np.testing.assert_allclose(kept["intensity_sum"][good], power.sum(0)[good], rtol=1e-4, atol=1e-5)
        negative = good & (power < 0).any(0)
        assert negative.sum() > 10
        assert np.isnan(masked["intensity_sum"][negative]).all()
        assert np.isfinite(masked["intensity_sum"][good & ~negative]).all()


def test_blocks_and_threads_give_the_bits_of_the_whole_image():
    pair, valid = image(np.random.default_rng(8), (150, 613))
    whole = kernels.polarimetric_signatures(pair, valid, OUTPUTS, window=(5, 7))
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        parts = []
        for first in range(0, 150, 41):
            stop = min(first + 41, 150)
            a, b = max(first - 2, 0), min(stop + 2, 150)
            cut = [np.ascontiguousarray(one[a:b]) for one in (*pair, valid)]
            parts.append(
                kernels.polarimetric_signatures(
                    cut[:2], cut[2], OUTPUTS, window=(5, 7), first=first - a, stop=stop - a
                )
            )
    finally:
        numba.set_num_threads(before)
    for name in OUTPUTS:
        assert same_bits([whole[name]], [np.concatenate([part[name] for part in parts])])


def test_given_matrices_are_those_of_windows():
    pair, valid = image(np.random.default_rng(9))
    elements = kernels.polarimetric_signatures(pair, valid, OUTPUTS[-4:], window=(3, 5))
    planes = np.ascontiguousarray(np.stack([elements[name] for name in OUTPUTS[-4:]]))
    names = [name for name in OUTPUTS if not name.startswith("intensity")]
    direct = kernels.polarimetric_signatures(pair, valid, names, window=(3, 5))
    given_planes = kernels.matrix_signatures(planes, valid, names)
    assert all(same_bits([direct[name]], [given_planes[name]]) for name in names)


def test_results_are_written_where_they_are_wanted():
    pair, valid = image(np.random.default_rng(12))
    out = np.zeros((2, *valid.shape), np.float32)
    found = kernels.polarimetric_signatures(pair, valid, ["span", "rvi"], window=(3, 3), out=out)
    assert found["rvi"].base is out
    expected = kernels.polarimetric_signatures(pair, valid, ["rvi", "span"], window=(3, 3))
    assert same_bits(out, [expected["span"], expected["rvi"]])


def test_one_output_has_the_bits_of_all():
    pair, valid = image(np.random.default_rng(10))
    whole = kernels.polarimetric_signatures(pair, valid, OUTPUTS, window=(3, 3))
    for name in OUTPUTS:
        alone = kernels.polarimetric_signatures(pair, valid, [name], window=(3, 3))
        assert list(alone) == [name]
        assert same_bits([alone[name]], [whole[name]])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 2 * math.pi), st.floats(1e-6, 1e6))
def test_invariants(seed, phase, power):
    """Bounds of every output, and what neither a phase between the channels nor their power changes."""
    rng = np.random.default_rng(seed)
    looks = rng.standard_normal((2, rng.integers(1, 6))) + 1j * rng.standard_normal(2)[:, np.newaxis]
    c = looks @ looks.conj().T
    found = measured(c)
    for name in ("entropy", "anisotropy", "dprvi", "cross_correlation", "dprbi", "dprsi"):
        assert -1e-6 <= found[name] <= 1.0 + 1e-6
    assert 0.0 <= found["alpha"] <= 90.0
    parts = found["dihedral_power"] + found["surface_power"] + found["diffuse_power"]
    assert parts == pytest.approx(found["span"], rel=1e-5)
    turn = np.diag([1.0, np.exp(1j * phase)])
    turned = measured(power * (turn @ c @ turn.conj()))
    for name in ("entropy", "alpha", "dprvi", "rvi", "cross_correlation"):
        assert turned[name] == pytest.approx(found[name], abs=2e-4)


def test_logarithm():
    x = np.exp(np.random.default_rng(11).uniform(-80, 80, 20000)).astype(np.float32)
    found = np.array([mathematics.binary_logarithm(value) for value in x[:3000]], dtype=np.float64)
    exact = np.log2(x[:3000].astype(np.float64))
    assert np.max(np.abs(found - exact) / np.maximum(np.abs(exact), 1.0)) < 2e-7


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"outputs": ["entropy", "colour"]}, ValueError, "outputs: expected some of intensity_sum.*colour"),
        ({"outputs": ["entropy", "entropy"]}, ValueError, "each once"),
        ({"window": (2, 3)}, ValueError, "window: expected an odd"),
        ({"window": (3, 257)}, ValueError, "window: expected at most 255 samples"),
        (
            {"channels": [np.ones((4, 5), np.complex64)] * 3},
            ValueError,
            "channels: expected two or four, got 3",
        ),
        ({"valid": np.ones((4, 6), bool)}, ValueError, r"valid: expected the shape \(4, 5\)"),
        ({"gains": np.ones((2, 4, 4), np.float32)}, ValueError, r"gains: expected the shape \(2, 4, 5\)"),
        ({"noise": np.ones((2, 4, 5))}, TypeError, "noise: expected dtype float32"),
        ({"stop": 9}, ValueError, "first and stop"),
        ({"out": np.ones((2, 4, 5), np.float32)}, ValueError, r"out: expected the shape \(1, 4, 5\)"),
    ],
)
def test_errors_name_the_argument(changes, error, message):
    standard = {
        "channels": [np.ones((4, 5), np.complex64)] * 2,
        "valid": np.ones((4, 5), bool),
        "outputs": ["entropy"],
        "window": (3, 3),
    }
    with pytest.raises(error, match=message):
        kernels.polarimetric_signatures(**standard | changes)


def test_planes_must_be_of_a_matrix():
    with pytest.raises(ValueError, match="planes: expected four or nine planes"):
        kernels.matrix_signatures(np.ones((5, 2, 2), np.float32), np.ones((2, 2), bool), ["span"])
    with pytest.raises(ValueError, match="valid: expected the shape"):
        kernels.matrix_signatures(np.ones((4, 2, 2), np.float32), np.ones((2, 3), bool), ["span"])


class TestFourChannels:
    """The matrix of four channels; what is measured of it has a test of its own (quad mathematics)."""

    @staticmethod
    def lexicographic(images):
        hh, hv, vh, vv = (one.astype(np.complex128) for one in images)
        return hh, (hv + vh) / math.sqrt(2.0), vv

    def test_covariance_against_float64(self):
        rng = np.random.default_rng(21)
        images = channels(rng, (17, 29), 4)
        valid = rng.random((17, 29)) > 0.1
        c = covariance(self.lexicographic(images), valid, (3, 5))
        span = np.trace(c, axis1=-2, axis2=-1).real
        names = [name for name in kernels.QUAD_OUTPUTS if name.startswith("covariance")]
        found = kernels.polarimetric_signatures(images, valid, [*names, "span_quad"], window=(3, 5))
        parts = {
            name: getattr(
                c[..., int(name[16]) - 1, int(name[17]) - 1], "imag" if name.endswith("im") else "real"
            )
            for name in names
        }
        for name, expected in parts.items():
            np.testing.assert_array_equal(np.isnan(found[name]), ~valid)
            assert np.nanmax(np.abs(found[name] - expected) / span) < 1e-6, name
        assert np.nanmax(np.abs(found["span_quad"] / span - 1.0)) < 1e-6

    def test_pauli_powers_against_the_pauli_vector(self):
        images, valid = channels(np.random.default_rng(22), (17, 29), 4), np.ones((17, 29), bool)
        hh, hv, vh, vv = (one.astype(np.complex128) for one in images)
        k = [(hh + vv) / math.sqrt(2.0), (hh - vv) / math.sqrt(2.0), (hv + vh) / math.sqrt(2.0)]
        t = covariance(k, valid, (5, 3))
        names = ["pauli_surface", "pauli_double_bounce", "pauli_volume", "entropy_quad", "alpha_quad"]
        found = kernels.polarimetric_signatures(images, valid, names, window=(5, 3))
        span = np.trace(t, axis1=-2, axis2=-1).real
        for i, name in enumerate(names[:3]):
            assert np.max(np.abs(found[name] - t[..., i, i].real) / span) < 1e-6
        eigenvalues, vectors = np.linalg.eigh(t)
        p = eigenvalues / span[..., np.newaxis]
        assert np.max(np.abs(found["entropy_quad"] + (p * np.log(p)).sum(-1) / math.log(3.0))) < 1e-5
        alpha = np.degrees(np.arccos(np.abs(vectors[..., 0, :])))
        assert np.max(np.abs(found["alpha_quad"] - (p * alpha).sum(-1))) < 2e-3

    def test_gains_and_noise(self):
        rng = np.random.default_rng(23)
        images, valid = channels(rng, (9, 11), 4), np.ones((9, 11), bool)
        gains = rng.uniform(0.5, 2.0, (3, 9, 11)).astype(np.float32)
        noise = np.full((3, 9, 11), 1e-3, np.float32)
        c = covariance(self.lexicographic(images), valid, (3, 3))
        expected = sum(c[..., i, i].real * gains[i] - noise[i] for i in range(3))
        found = kernels.polarimetric_signatures(
            images, valid, ["span_quad"], window=(3, 3), gains=gains, noise=noise
        )
        np.testing.assert_allclose(found["span_quad"], expected, rtol=1e-5)

    def test_given_matrices_are_those_of_windows(self):
        images, valid = channels(np.random.default_rng(24), (9, 31), 4), np.ones((9, 31), bool)
        elements = [name for name in kernels.QUAD_OUTPUTS if name.startswith("covariance")]
        names = ["entropy_quad", "alpha_quad", "freeman_volume", "yamaguchi_helix"]
        direct = kernels.polarimetric_signatures(images, valid, [*elements, *names], window=(3, 3))
        planes = np.stack([direct[name] for name in elements])
        found = kernels.matrix_signatures(planes, valid, names)
        for name in names:
            np.testing.assert_allclose(found[name], direct[name], rtol=1e-4, atol=2e-3)

    def test_blocks_give_the_bits_of_the_whole_image(self):
        images, valid = channels(np.random.default_rng(25), (70, 530), 4), np.ones((70, 530), bool)
        names = kernels.QUAD_OUTPUTS
        whole = kernels.polarimetric_signatures(images, valid, names, window=(3, 3))
        a = [np.ascontiguousarray(one[:36]) for one in (*images, valid)]
        b = [np.ascontiguousarray(one[34:]) for one in (*images, valid)]
        parts = [
            kernels.polarimetric_signatures(a[:4], a[4], names, window=(3, 3), stop=35),
            kernels.polarimetric_signatures(b[:4], b[4], names, window=(3, 3), first=1),
        ]
        for name in names:
            assert same_bits([whole[name]], [np.concatenate([part[name] for part in parts])])
