"""Signatures: what is extracted per pixel, each a named function in the registry."""

from alignsar_gpu.signatures import category1  # the import registers its signatures
from alignsar_gpu.signatures.registry import Signature, all_signatures, groups, select

__all__ = ["Signature", "all_signatures", "category1", "groups", "select"]
