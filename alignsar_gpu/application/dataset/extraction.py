"""From a stack to the layers of the cube: block by block, each read once and kept on the device.

A block is computed and written row of chunks after row of chunks, so that the cube has the same bytes however many of
them fit into the memory, and a run that was stopped continues with the first row that is not finished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.dataset.blocks import bytes_per_pixel, host_bytes_per_pixel, rows_per_block
from alignsar_gpu.application.dataset.coverage import coverage_of, coverage_warnings, require_pixels
from alignsar_gpu.application.dataset.derived import write_derived
from alignsar_gpu.application.dataset.layers import area_ratio_layer, layers
from alignsar_gpu.application.dataset.output import open_flow, record_written, waiting_bytes
from alignsar_gpu.application.dataset.part import CUBE, Part
from alignsar_gpu.application.folder import LAYOUT
from alignsar_gpu.dataset.cube import create_cube
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ground_to_radar import incidence_angles
from alignsar_gpu.interferometry.flattening import flatten
from alignsar_gpu.progress import LOGGER
from alignsar_gpu.signatures.block import signature_layers
from alignsar_gpu.signatures.derived import AREA_RATIO, FLATTENED
from alignsar_gpu.stack.block import load_ground, load_stack

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


def rows_at_a_time(work: Extraction) -> int:
    """Return how many rows of chunks are read and computed together: what fits on the device, and on the host."""
    device, waiting = work.device, waiting_bytes(work.device)
    needed = bytes_per_pixel(work.product, work.signatures, work.options)
    limits = [(device.memory_budget, needed, "device.memory_gib")]
    if device.host_budget is not None:
        limits.append(
            (device.host_budget, host_bytes_per_pixel(work.product), "free memory of the host, GiB")
        )
    return min(
        rows_per_block(work.product, work.layout.chunk[0], work.options.halo, budget - waiting, size, name)
        for budget, size, name in limits
    )


def extract(work: Extraction, folder: RunFolder, limit: int, advance: Advance) -> None:
    """Fill the cube in ``folder``, ``limit`` rows at a time; rows that the folder's journal knows are kept.

    Where memory runs out all the same, half as many rows are taken at a time from there on. Raises AlignsarError when
    it does with a single one.
    """
    path = folder.work / CUBE
    if not folder.is_recorded(LAYOUT):
        create_cube(path, work.layout)
        beside = [file for part in work.others for file in part.create()]
        folder.record(LAYOUT, [*sorted(path.glob("*/zarr.json")), *beside])
    while not _fill(work, folder, limit, advance):
        if limit == 1:
            raise AlignsarError(
                f"{work.device}: its memory ran out with a single row of chunks; lower "
                f"dataset.chunk_lines={work.layout.chunk[0]}, ask for fewer signatures, or free memory"
            )
        LOGGER.warning(
            "memory     ran out with %d rows of chunks at a time; goes on with %d", limit, limit // 2
        )
        limit //= 2


def _fill(work: Extraction, folder: RunFolder, limit: int, advance: Advance) -> bool:
    """Fill the rows that are not there yet; returns False where memory ran out, with the rows before it kept."""
    path, count = folder.work / CUBE, work.layout.rows
    try:
        with open_flow(work.device) as flow:
            writers = [
                CubeWriter(path, work.layout, flow),
                *(writer for part in work.others for writer in part.open_stores(flow)),
            ]
            done = folder.journal.resume("row", count, writers)
            advance.keep(done - advance.finished)
            for row in range(done, count, limit):
                for finished in _extract_block(work, writers[0], row, min(row + limit, count)):
                    record_written(flow, folder, f"row-{finished}", writers, advance)
    except MemoryError:
        pass  # what the block held is let go when this block of code is left
    else:
        return True
    work.device.release()
    return False


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
