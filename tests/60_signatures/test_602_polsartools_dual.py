"""Signatures of two polarizations against an independent implementation, polsartools 0.13, on random matrices."""

from __future__ import annotations

import numpy as np
import pytest
from alignsar_gpu.kernels.polarimetry import scalar_dual

from alignsar_gpu import kernels

NOISE = 10.0**-1.6
# What it calls the signatures whose definitions agree with ours.
SAME = {
    "entropy": "h_alpha_dp__C2__Hdp",
    "alpha": "h_alpha_dp__C2__alphadp",
    "dprvi": "dprvi__C2__dprvi",
    "rvi": "rvi_dp__C2__rvidp",
    "degree_of_polarization": "dop_dp__C2__dopdp",
    "prvi": "prvi_dp__C2__prvidp",
}


@pytest.fixture(scope="module")
def reference(real_data):
    file = real_data("polsar_reference") / "polsartools_0.13.npz"
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def found(reference):
    c = reference["input__C2"]
    planes = np.stack([c[..., 0, 0].real, c[..., 1, 1].real, c[..., 0, 1].real, c[..., 0, 1].imag])
    valid = np.ones(c.shape[:2], bool)
    return kernels.matrix_signatures(np.ascontiguousarray(planes), valid, kernels.DUAL_OUTPUTS)


@pytest.mark.parametrize("name", SAME)
def test_where_definitions_agree(name, reference, found):
    theirs = reference[SAME[name]]
    known = np.isfinite(theirs) & (theirs != 0)  # it leaves zeros at the edges
    assert known.mean() > 0.9
    scale = {"alpha": 90.0, "prvi": found["span"]}.get(name, 1.0)
    error = np.abs(found[name] - theirs) / scale
    assert np.max(error[known]) < 1e-3


def scaled_stokes(reference):
    """|S1|, |S2| and |S3| as it scales them: between percentiles of positive ones in the scene, over the upper."""
    c = reference["input__C2"].astype(np.complex128)
    c11, c22, c12 = c[..., 0, 0].real, c[..., 1, 1].real, c[..., 0, 1]
    scaled = []
    for stokes in (c11 - c22, 2 * c12.real, 2 * c12.imag):
        low, high = np.abs(stokes).min(), np.abs(stokes).max()
        counts, edges = np.histogram(stokes[stokes >= low], bins=np.linspace(low, high, 500_001))
        shares = np.cumsum(counts) / counts.sum()
        low, high = (edges[np.searchsorted(shares, share)] for share in (0.02, 0.98))
        scaled.append(np.clip(np.abs(stokes), low, high) / high)
    return scaled


def test_scattering_powers_with_its_scale(reference, found):
    """Its DpRBI and DpRSI are scaled by extremes of the scene, ours by 0 dB: the same functions of scaled Stokes.

    So our functions are given its scaled Stokes parameters here, and the rest is compared.
    """
    c11 = reference["input__C2"][..., 0, 0].real
    known = reference["dprbi__C2__DpRBI"] != 0
    s1, s2, s3 = (s[known].astype(np.float32) for s in scaled_stokes(reference))
    entropy, m, span = (found[name][known] for name in ("entropy", "degree_of_polarization", "span"))
    noise = ~(c11[known] > NOISE)
    buildings = np.sqrt((s1**2 + s2**2 + s3**2) / 3).astype(np.float32)
    surface = np.array(
        [scalar_dual.surface_index(*one) for one in zip(entropy, s1, noise, strict=True)], np.float32
    )
    angle, cosine = np.array(
        [scalar_dual.angle_and_cosine(*one) for one in zip(buildings, surface, strict=True)]
    ).T
    polarized = np.where(noise, (1 + m) / 2, m) * span
    ours = {
        "dprbi__C2__DpRBI": buildings,
        "dprsi__C2__DpRSI": surface,
        "powers_dp__C2__Alpha_dp": angle / 90,
        "powers_dp__C2__Pdl_dcmp": polarized * (1 - cosine) / 2 / span,
        "powers_dp__C2__Psl_dcmp": polarized * (1 + cosine) / 2 / span,
        "powers_dp__C2__Pu_dcmp": 1 - polarized / span,
    }
    for name, values in ours.items():
        scale = {"powers_dp__C2__Alpha_dp": 90.0}.get(name, span if "dcmp" in name else 1.0)
        assert np.max(np.abs(values - reference[name][known] / scale)) < 1e-3, name
