"""Resampling of images at positions between their pixels, and the TOPS carrier."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ()
