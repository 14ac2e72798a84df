"""Means and majorities of pixels that are divided into parts; phases as phasors, and back."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ("gathering",)
