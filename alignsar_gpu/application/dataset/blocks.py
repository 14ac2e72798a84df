"""How many lines of a stack are read and computed together: what fits into the memory of the device and of the host."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from alignsar_gpu.device import GIB
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.transfers import IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.signatures import Signature
    from alignsar_gpu.signatures.options import SignatureOptions
    from alignsar_gpu.stack.product import StackProduct

PIXEL_BYTES = 8 + 1  # complex64 and mask
# ground coordinates, phases in float64, the layers of one date and polarization, and what is derived on the way
WORK_BYTES = 256
MATRIX_BYTES = 4 * 9  # the planes of a matrix, or the gains and the noise of its channels
# Lines of a block: its halo and the terrain around it are a few percent then, and more takes memory alone.
MOST_LINES = 768
GROUND_BYTES = 3 * 8  # longitude, latitude, height
STACK_COPIES = 3  # powers of all dates: one by one, stacked, and their coherences
STORED_BYTES = (
    8  # of a pixel and polarization on the host, on its way to the device: complex64, or half of it
)


def bytes_per_pixel(product: StackProduct, signatures: Sequence[Signature], options: SignatureOptions) -> int:
    """Memory that a pixel of a block takes, of all dates and polarizations and of what is computed on the way."""
    dates, polarizations = len(product.acquisitions), len(product.polarizations)
    held = dates * polarizations * product.pixel_copies * PIXEL_BYTES
    together = sum(s.scope == "date" for s in signatures)
    matrices = MATRIX_BYTES * bool(together) * (2 if options.filter == "none" else 4)
    over_time = sum(s.scope == "stack" for s in signatures)
    stacks = bool(over_time) * (4 * dates * STACK_COPIES + 4 * over_time)
    filtered = options.multitemporal * 4 * dates * (polarizations + STACK_COPIES)
    kept = bool(over_time) * (options.filter != "none") * 4 * dates * polarizations
    return held + WORK_BYTES + 4 * together + matrices + stacks + filtered + kept


def rows_per_block(
    product: StackProduct,
    chunk_lines: int,
    halo: int,
    memory_budget: int,
    pixel_bytes: int,
    name: str = "device.memory_gib",
) -> int:
    """How many rows of chunks fit into ``memory_budget`` bytes at a time, of MOST_LINES in all.

    Raises AlignsarError when not even one does; ``name`` is what it calls the budget.
    """
    line_bytes = product.grid.shape[1] * pixel_bytes

    def needed(rows: int) -> int:
        lines = rows * chunk_lines + 2 * halo
        return lines * line_bytes + product.ground_bytes(lines)

    most = min(memory_budget // line_bytes, max(MOST_LINES, chunk_lines)) // chunk_lines
    rows = bisect_right(range(1, most + 1), memory_budget, key=needed)
    if rows < 1:
        count = len(product.acquisitions)
        raise AlignsarError(
            f"{name}={memory_budget / GIB:.2f}: one row of chunks of {count} date{'s' * (count > 1)} "
            f"needs {needed(1) / GIB:.2f} GiB; raise it, or lower dataset.chunk_lines={chunk_lines}"
        )
    return rows


def host_bytes_per_pixel(product: StackProduct) -> int:
    """Memory on the host that a pixel of a block takes where the block itself is on a device of its own.

    Of a stack that is brought together: what is being read of all polarizations, and the images that are on their way
    up. Of others, all dates at once.
    """
    polarizations = len(product.polarizations)
    if product.terrain is not None:
        return STORED_BYTES * (2 * polarizations + IN_FLIGHT)
    return len(product.acquisitions) * polarizations * PIXEL_BYTES + GROUND_BYTES
