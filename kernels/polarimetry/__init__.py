"""Signatures of polarimetric matrices."""

SCALAR = ("scalar", "scalar_dual", "scalar_quad", "scalar_decompositions", "scalar_elements")
CPU = ("cpu_rows", "cpu")
CUDA = ("cuda", "cuda_windows")
USES = ("coherence",)
