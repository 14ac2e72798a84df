"""What the parts of a dataset share to write: the flow that compresses beside the computation, and its journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.dataset.flow import Flow
from alignsar_gpu.device import cpu_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.application.journal import Continued
    from alignsar_gpu.device import Device

WAITING_SHARE = 0.125  # of the memory, for layers that wait to be compressed and written
MOST_WAITING = 1 << 28  # bytes; more would not make anything faster


def waiting_bytes(device: Device) -> int:
    """Return how many bytes of layers may wait to be compressed and written."""
    budget = (
        device.memory_budget if device.host_budget is None else min(device.memory_budget, device.host_budget)
    )
    return min(int(WAITING_SHARE * budget), MOST_WAITING)


def open_flow(device: Device) -> Flow:
    """Open a flow to files, with as many threads as compute, within the memory of the device."""
    return Flow(cpu_threads(), waiting_bytes(device))


def record_written(
    flow: Flow, folder: RunFolder, unit: str, writers: Sequence[Continued], advance: Callable[[int], None]
) -> None:
    """Record a unit as finished, and advance by one, as soon as all that was written before is in its files."""

    def record(_: list[Any]) -> None:
        folder.record(unit, written={path: mark for one in writers for path, mark in one.mark().items()})
        advance(1)

    flow.put(0, (), record)
