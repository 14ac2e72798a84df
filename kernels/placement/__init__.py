"""Places of pixels moved by fractions of a pixel: polynomials of the offsets, coordinates and images at them."""

SCALAR = ("scalar",)
CPU = ("cpu",)
CUDA = ("cuda",)
USES = ()
