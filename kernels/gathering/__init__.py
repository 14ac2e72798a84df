"""Interpolation of images at positions between their pixels."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ()
