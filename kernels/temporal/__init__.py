"""Statistics of a pixel over the dates of a stack."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ()
