"""Per-pixel kernels: mathematics written once, driven by numba on the CPU and by numba-cuda on CUDA.

The array that is handed in decides: a numpy array runs on the CPU and gives numpy arrays, an array with
``__cuda_array_interface__`` (CuPy's, for one) runs where it is and gives CuPy arrays. Neither compiler is
imported before its first use. The number of CPU threads is that of ``numba.set_num_threads``.
"""

from .averaging.interface import average_parts, phases_to_phasors, phasors_to_phases
from .calibration.interface import calibrate_powers, interpolate_rows
from .cells.interface import (
    WHOLE_CELL,
    Cells,
    accumulate_cells,
    cover_cells,
    cover_rings,
    displace_cells,
    lattice_cells,
    reach_rings,
    resolve_overlaps,
    spread_rings,
)
from .coherence.cpu import STRIP
from .coherence.interface import (
    amplitude_intensity_phase,
    block_coherence,
    boxcar_coherence,
    phase_difference,
    rotate_phase,
)
from .gathering.interface import GATHER_METHODS, NO_DATA, GatherMethod, gather, spread_parabolas
from .geometry.interface import (
    SEGMENT,
    ZERO_DOPPLER,
    DopplerTable,
    OrbitTable,
    ground_to_radar,
    viewing_angles,
)
from .placement.interface import evaluate_polynomials, move_image, move_places
from .polarimetry.interface import DUAL_OUTPUTS, QUAD_OUTPUTS, matrix_signatures, polarimetric_signatures
from .resampling.interface import (
    EVERYWHERE,
    TAPS,
    Box,
    CarrierTable,
    decode,
    extents,
    ramp,
    resample,
    weights,
)
from .speckle.interface import SPECKLE_METHODS, multitemporal_filter, speckle_filter
from .temporal.interface import (
    SEASONAL,
    STATISTICS,
    change_index,
    log_ratio,
    seasonal_fit,
    temporal_extremes,
    temporal_mean_minimum,
    temporal_statistics,
)
from .terrain.interface import LAYOVER, SHADOW, TerrainLayers, rasterize_terrain
from .terrain_area.interface import facet_areas, sight_points, spread_areas

__all__ = [
    "DUAL_OUTPUTS",
    "EVERYWHERE",
    "GATHER_METHODS",
    "LAYOVER",
    "NO_DATA",
    "QUAD_OUTPUTS",
    "SEASONAL",
    "SEGMENT",
    "SHADOW",
    "SPECKLE_METHODS",
    "STATISTICS",
    "STRIP",
    "TAPS",
    "WHOLE_CELL",
    "ZERO_DOPPLER",
    "Box",
    "CarrierTable",
    "Cells",
    "DopplerTable",
    "GatherMethod",
    "OrbitTable",
    "TerrainLayers",
    "accumulate_cells",
    "amplitude_intensity_phase",
    "average_parts",
    "block_coherence",
    "boxcar_coherence",
    "calibrate_powers",
    "change_index",
    "cover_cells",
    "cover_rings",
    "decode",
    "displace_cells",
    "evaluate_polynomials",
    "extents",
    "facet_areas",
    "gather",
    "ground_to_radar",
    "interpolate_rows",
    "lattice_cells",
    "log_ratio",
    "matrix_signatures",
    "move_image",
    "move_places",
    "multitemporal_filter",
    "phase_difference",
    "phases_to_phasors",
    "phasors_to_phases",
    "polarimetric_signatures",
    "ramp",
    "rasterize_terrain",
    "reach_rings",
    "resample",
    "resolve_overlaps",
    "rotate_phase",
    "seasonal_fit",
    "sight_points",
    "speckle_filter",
    "spread_areas",
    "spread_parabolas",
    "spread_rings",
    "temporal_extremes",
    "temporal_mean_minimum",
    "temporal_statistics",
    "viewing_angles",
    "weights",
]
