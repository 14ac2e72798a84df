"""Ground cells: covered by polygons, displaced, and accumulated in pixels."""

SCALAR = ("scalar", "scalar_covers", "scalar_rings")
CPU = ("cpu", "cpu_covers", "cpu_accumulate", "cpu_rings")
CUDA = ("cuda", "cuda_covers", "cuda_accumulate", "cuda_rings")
USES = ("gathering",)
