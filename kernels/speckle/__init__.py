"""Speckle filters."""

SCALAR = ("scalar",)
CPU = ("cpu", "cpu_multitemporal")
CUDA = ("cuda",)
USES = ("coherence",)
