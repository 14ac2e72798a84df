"""From a stack to the layers of the cube: block by block, each read once and kept on the device.

A block is computed and written row of chunks after row of chunks, so that the cube has the same bytes however many of
them fit into the memory, and a run that was stopped continues with the first row that is not finished.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.dataset.coverage import coverage_of, coverage_warnings, require_pixels
from alignsar_gpu.application.dataset.derived import write_derived
from alignsar_gpu.application.dataset.layers import area_ratio_layer, layers
from alignsar_gpu.application.dataset.output import open_flow, record_written, waiting_bytes
from alignsar_gpu.application.dataset.part import CUBE, Part
from alignsar_gpu.application.folder import LAYOUT
from alignsar_gpu.dataset.cube import create_cube
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.device import GIB
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ground_to_radar import incidence_angles
from alignsar_gpu.interferometry.flattening import flatten
from alignsar_gpu.signatures.block import signature_layers
from alignsar_gpu.signatures.derived import AREA_RATIO, FLATTENED
from alignsar_gpu.stack.block import load_stack
from alignsar_gpu.stack.ground import load_ground

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignsar_gpu.application.dataset.part import Plan
    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.dataset.cube import CubeLayer, CubeLayout
    from alignsar_gpu.device import Device
    from alignsar_gpu.progress import Advance
    from alignsar_gpu.signatures import Signature
    from alignsar_gpu.signatures.options import SignatureOptions
    from alignsar_gpu.stack.block import Stack
    from alignsar_gpu.stack.ground import Ground
    from alignsar_gpu.stack.product import StackProduct

PIXEL_BYTES = 8 + 1  # complex64 and mask
# ground coordinates, phases in float64, the layers of one date and polarization, and what is derived on the way
WORK_BYTES = 256
MATRIX_BYTES = 4 * 9  # the planes of a matrix, or the gains and the noise of its channels
# Lines of a block: its halo and the terrain around it are a few percent then, and more takes memory alone.
MOST_LINES = 768
STACK_COPIES = 3  # powers of all dates: one by one, stacked, and their coherences


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What is to be extracted, from what, to where.

    ``area_ratio`` : whether the terrain's is kept. ``others`` : the parts that take pixels as they go by.
    """

    product: StackProduct
    device: Device
    signatures: Sequence[Signature]
    options: SignatureOptions
    flatten: bool
    area_ratio: bool
    delays: Sequence[float]
    layout: CubeLayout
    slc: bool
    others: Sequence[Part] = ()


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
    product: StackProduct, chunk_lines: int, halo: int, memory_budget: int, pixel_bytes: int
) -> int:
    """How many rows of chunks fit into ``memory_budget`` bytes at a time, of MOST_LINES in all.

    Raises AlignsarError when not even one does.
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
            f"device.memory_gib={memory_budget / GIB:.2f}: one row of chunks of {count} date{'s' * (count > 1)} "
            f"needs {needed(1) / GIB:.2f} GiB; raise it, or lower dataset.chunk_lines={chunk_lines}"
        )
    return rows


def rows_at_a_time(work: Extraction) -> int:
    """Return how many rows of chunks are read and computed together."""
    return rows_per_block(
        work.product,
        work.layout.chunk[0],
        work.options.halo,
        work.device.memory_budget - waiting_bytes(work.device),
        bytes_per_pixel(work.product, work.signatures, work.options),
    )


def extract(work: Extraction, folder: RunFolder, limit: int, advance: Advance) -> None:
    """Fill the cube in ``folder``, ``limit`` rows at a time; rows that the folder's journal knows are kept."""
    path, count = folder.work / CUBE, work.layout.rows
    if not folder.is_recorded(LAYOUT):
        create_cube(path, work.layout)
        beside = [file for part in work.others for file in part.create()]
        folder.record(LAYOUT, [*sorted(path.glob("*/zarr.json")), *beside])
    with open_flow(work.device) as flow:
        writers = [
            CubeWriter(path, work.layout, flow),
            *(writer for part in work.others for writer in part.open_stores(flow)),
        ]
        done = folder.journal.resume("row", count, writers)
        advance.keep(done)
        for row in range(done, count, limit):
            for finished in _extract_block(work, writers[0], row, min(row + limit, count)):
                record_written(flow, folder, f"row-{finished}", writers, advance)


def _extract_block(work: Extraction, writer: CubeWriter, row: int, stop_row: int) -> Iterator[int]:
    """Extract rows ``row:stop_row`` of all dates; yields each when it has been handed to the writer."""
    lines, height = work.layout.chunk[0], work.product.grid.shape[0]
    halo = work.options.halo
    stack = load_stack(work.product, work.device, row * lines, min(stop_row * lines, height), halo)
    ground = load_ground(work.product, work.device, stack.begin, stack.begin + stack.pixels.shape[-2])
    area = _area_ratio(work, stack)
    for number in range(row, stop_row):
        first = number * lines
        part = stack.part(first, min(first + lines, height), halo)
        begin = part.begin - stack.begin
        seen = ground.part(slice(begin, begin + part.pixels.shape[-2]))
        core = slice(first - row * lines, first - row * lines + part.stop - part.first)
        _extract_row(work, writer, part, seen, None if area is None else area[core])
        yield number


def _extract_row(work: Extraction, writer: CubeWriter, stack: Stack, ground: Ground, area_ratio: Any) -> None:
    """Extract the core lines of ``stack``, a row of chunks; ``area_ratio`` is of these."""
    first, send = stack.begin + stack.first, work.device.begin_download
    if work.flatten:
        stack = flatten(stack, ground, work.delays)
    for name, layer in _ground_layers(work, stack, ground):
        writer.write(name, first, send(layer[stack.core]))
    if work.area_ratio:
        writer.write(AREA_RATIO, first, send(area_ratio))
    for date in range(len(stack.acquisitions)):
        for name, values in _pixel_layers(work, stack, date):
            writer.write(name, first, send(values), date)
    for name, when, values in signature_layers(stack, work.signatures, work.options, area_ratio):
        writer.write(name, first, send(values), when)
    for other in work.others:
        other.write_block(stack, ground)


def _ground_layers(work: Extraction, stack: Stack, ground: Ground) -> Iterator[tuple[str, Any]]:
    """The layers that all dates share, by name; with the halo, on the device."""
    yield "longitude", ground.longitude
    yield "latitude", ground.latitude
    yield "height", ground.height.astype(np.float32)
    if ground.viewing is not None:
        yield "incidence_angle", ground.viewing.incidence_angle
        yield "local_incidence_angle", ground.viewing.local_incidence_angle
        yield "layover_shadow", ground.viewing.layover_shadow
        return
    orbit = work.product.acquisitions[work.product.reference].orbit
    # where the product has no heights, the ellipsoid: 1 km of height changes the angle by 0.01 degrees
    height = work.device.xp.nan_to_num(ground.height)
    times = work.device.upload(stack.azimuth_time)
    yield "incidence_angle", incidence_angles(orbit, ground.longitude, ground.latitude, height, times)


def _area_ratio(work: Extraction, stack: Stack) -> Any:
    """The terrain's area of the core lines, on the device, where it is needed."""
    if not (work.area_ratio or any(signature.needs_terrain for signature in work.signatures)):
        return None
    begin = stack.begin + stack.first
    return work.product.read_area_ratio(begin, stack.begin + stack.stop)


def _pixel_layers(work: Extraction, stack: Stack, date: int) -> Iterator[tuple[str, Any]]:
    """Which pixels of a date are valid, and the pixels themselves where they are kept; on the device."""
    yield "valid", stack.valid[date, :, stack.core].all(axis=0)
    if work.slc:
        missing = np.complex64(complex(np.nan, np.nan))
        for index, polarization in enumerate(stack.polarizations):
            pixels, valid = (image[date, index, stack.core] for image in (stack.pixels, stack.valid))
            yield f"slc_{polarization}", work.device.xp.where(valid, pixels, missing)


class SignaturesPart(Part):
    """The layers that are made of the stack: signatures, geometry, masks."""

    name = "signatures"

    def layers(self, plan: Plan) -> list[CubeLayer]:
        """See `Part.layers`."""
        found = layers(plan.product, plan.signatures, self.run.config, plan.options, plan.looks)
        return [*found, area_ratio_layer()] if self._flattens(plan) else found

    @staticmethod
    def _flattens(plan: Plan) -> bool:
        """Whether terrain-flattened backscatter is computed when the cube is opened."""
        return any(rule.signature == FLATTENED for rule in plan.derived.values())

    def make(self, folder: RunFolder) -> None:
        """Let the stack go by, for all parts."""
        plan, config = self.plan, self.run.config
        computed = {rule.signature for rule in plan.derived.values()}
        work = Extraction(
            product=plan.product,
            device=self.run.device,
            signatures=[signature for signature in plan.signatures if signature.name not in computed],
            options=plan.options,
            flatten=config.interferometry.flatten == "auto",
            area_ratio=self._flattens(plan),
            delays=plan.scene.delays,
            layout=plan.layout,
            slc=config.signatures.slc,
            others=[part for part in plan.parts if part is not self],
        )
        limit = rows_at_a_time(work)
        with self.run.timer.stage(self.name, plan.layout.rows, limit) as advance:
            extract(work, folder, limit, advance)
            if plan.derived:
                described = [layer for layer in plan.layers if layer.name in plan.derived]
                write_derived(folder.work / CUBE, described, plan.derived, plan.product.acquisitions)
        plan.coverage = coverage_of(folder.work / CUBE)
        require_pixels(plan.coverage, plan.product)

    def warnings(self) -> Sequence[str]:
        """See `Stage.warnings`."""
        return coverage_warnings(self.plan.coverage, self.plan.product)
