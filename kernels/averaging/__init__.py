"""Means and majorities of pixels that are divided into parts."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ("gathering",)
