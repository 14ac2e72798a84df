"""Ground cells: covered by polygons, displaced, and accumulated in pixels."""

SCALAR = ("scalar", "scalar_covers")
CPU = ("cpu", "cpu_covers", "cpu_accumulate")
CUDA = ("cuda", "cuda_covers", "cuda_accumulate")
USES = ("gathering",)
