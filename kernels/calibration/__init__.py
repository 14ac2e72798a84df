"""Tables of calibration at every pixel, and powers that are calibrated by them."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ()
