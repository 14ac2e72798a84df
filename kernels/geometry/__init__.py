"""Zero-Doppler geometry: from the ground to radar coordinates, and viewing angles."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ()
