"""Category 2: the elements of the covariance matrices, for users who compute their own measures."""

from __future__ import annotations

from alignsar_gpu.signatures.category2_dual import LEE_POTTIER
from alignsar_gpu.signatures.registry import Signature, register

VECTORS = {2: "[s1, s2]", 3: "[HH, sqrt(2) X, VV], X the mean of HV and VH"}


def _register_elements(size: int, prefix: str) -> None:
    """Powers first, then the real and the imaginary part of what is above the diagonal."""
    above = [(i, j) for i in range(1, size + 1) for j in range(i + 1, size + 1)]
    elements = [(i, i, "", "power") for i in range(1, size + 1)]
    elements += [
        (i, j, part, word)
        for i, j in above
        for part, word in (("_re", "real part"), ("_im", "imaginary part"))
    ]
    for i, j, part, word in elements:
        register(
            Signature(
                name=f"{prefix}{i}{j}{part}",
                category=2,
                scope="date",
                needs="pair" if size == 2 else "quad",
                units="1",
                label=f"covariance matrix C{size}, c{i}{j}, {word}",
                formula=f"<k{i} conj(k{j})>, k = {VECTORS[size]}",
                references=LEE_POTTIER,
            )
        )


_register_elements(2, "covariance_")
_register_elements(3, "covariance_quad_")
