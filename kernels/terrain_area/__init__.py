"""The area of the terrain that each pixel sees."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ("geometry",)
