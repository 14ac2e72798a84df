"""Shifts of stripmap scenes: offsets of patches, and polynomials fitted to them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.coregistration.offsets import fit_offsets, patch_offset
from alignsar_gpu.coregistration.timing.patches import TimingPatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignsar_gpu.coregistration.mosaic import Piece
    from alignsar_gpu.coregistration.offsets import Offset, OffsetField
    from alignsar_gpu.coregistration.timing.patches import PatchReader

SIZE = 128  # lines and samples of a patch
MOST = 12, 12  # patches down and across


def residual_offsets(reader: PatchReader, polarization: str) -> dict[int, OffsetField]:
    """Measure the offset field of each date of a stripmap scene; empty for TOPS bursts.

    Places count in the reference's own lines and samples. With nothing to correlate the field says so and is zero.
    """
    found: dict[int, list[Offset]] = defaultdict(list)
    for piece in reader.mosaic.pieces:
        if reader.matches[piece.name].burst.steering_rate:
            continue
        for patch in _patches(piece):
            for view in reader.views(patch, polarization):
                reference, known = view.pixels[reader.reference], view.valid[reader.reference]
                for date, pixels in view.pixels.items():
                    if date != reader.reference:
                        found[date].append(
                            patch_offset(
                                reference,
                                pixels,
                                known & view.valid[date],
                                line=0.5 * (patch.lines.start + patch.lines.stop - 1) - piece.first_line,
                                sample=0.5 * (patch.samples.start + patch.samples.stop - 1)
                                - piece.first_sample,
                                device=reader.device,
                            )
                        )
    return {date: fit_offsets(offsets) for date, offsets in found.items()}


def _patches(piece: Piece) -> Iterator[TimingPatch]:
    """Patches spread evenly over a piece."""
    for lines in _spread(piece.lines, MOST[0]):
        for samples in _spread(piece.samples, MOST[1]):
            yield TimingPatch(bursts=(piece.name,), lines=lines, samples=samples)


def _spread(extent: slice, most: int) -> list[slice]:
    """Parts of ``SIZE``, at most so many, evenly spread over an extent and not overlapping; one, if it is too small."""
    length = extent.stop - extent.start
    size = min(SIZE, length)
    count = max(min(length // size, most), 1)
    starts = np.linspace(extent.start, extent.stop - size, count).round().astype(int)
    return [slice(int(start), int(start) + size) for start in starts]
