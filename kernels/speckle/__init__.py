"""Speckle filters."""

SCALAR = ("scalar",)
CPU = ("cpu", "cpu_multitemporal")
CUDA = ("cuda", "cuda_tiles")
USES = ("coherence",)
