"""Images resampled at positions between their pixels, and the carrier of TOPS."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ()
