"""Signatures: quantities extracted per pixel, each a named function in the registry."""

# the imports register their signatures, in this order
from alignsar_gpu.signatures import category1, category2_dual, category2_quad, covariance, temporal  # isort: skip
from alignsar_gpu.signatures.registry import Signature, all_signatures, groups, select

__all__ = [
    "Signature",
    "all_signatures",
    "category1",
    "category2_dual",
    "category2_quad",
    "covariance",
    "groups",
    "select",
    "temporal",
]
