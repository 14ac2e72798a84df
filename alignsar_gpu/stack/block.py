"""Stack: some lines of a coregistered stack, on a device, until their signatures are written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.stack.product import radar_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.device import Device
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.stack.acquisition import Acquisition
    from alignsar_gpu.stack.ground import Ground
    from alignsar_gpu.stack.product import StackProduct


@dataclass(frozen=True, kw_only=True, eq=False)
class Stack:
    """All dates and polarizations of some lines, with a halo that windows may reach into.

    Attributes
    ----------
    grid : the radar grid of the whole image, whatever part of it is held: times and ranges of a pixel are
        the same bits in every block.
    begin : line of the grid that the first line held (halo included) is.
    reference : index of the reference date.
    pixels : complex64 [date, polarization, line, sample] on ``device``; zero where not valid.
    valid : bool, the same shape, on ``device``.
    first, stop : the lines (counted within this block) that results are wanted for; the rest is halo.
    """

    device: Device
    grid: RadarGrid
    begin: int
    acquisitions: tuple[Acquisition, ...]
    reference: int
    polarizations: tuple[str, ...]
    pixels: Any
    valid: Any
    first: int
    stop: int

    def __repr__(self) -> str:
        lines = f"lines {self.begin + self.first} to {self.begin + self.stop} of {self.grid.lines}"
        dates = ", ".join(acquisition.date for acquisition in self.acquisitions)
        return f"Stack({dates}; {', '.join(self.polarizations)}; {lines}, {self.grid.samples} samples)"

    @property
    def azimuth_time(self) -> NDArray[np.float64]:
        """Zero-Doppler time of the lines held, halo included, seconds since the grid's epoch."""
        return self.grid.azimuth_time(np.arange(self.begin, self.begin + self.pixels.shape[-2]))

    @property
    def core(self) -> slice:
        """The lines without the halo."""
        return slice(self.first, self.stop)

    def part(self, first: int, stop: int, halo: int) -> Stack:
        """Return lines ``first:stop`` of the grid with ``halo`` lines around them, as far as there are; a view."""
        begin = max(first - halo, self.begin)
        lines = slice(begin - self.begin, min(stop + halo - self.begin, self.pixels.shape[-2]))
        return replace(
            self,
            begin=begin,
            pixels=self.pixels[:, :, lines],
            valid=self.valid[:, :, lines],
            first=first - begin,
            stop=stop - begin,
        )


def load_stack(product: StackProduct, device: Device, first: int, stop: int, halo: int) -> Stack:
    """Lines ``first:stop`` of ``product`` with ``halo`` lines around them (where the image has them)."""
    grid = radar_grid(product)
    begin, end = max(first - halo, 0), min(stop + halo, grid.lines)
    pixels, valid = product.read_pixels(begin, end)
    return Stack(
        device=device,
        grid=grid,
        begin=begin,
        acquisitions=product.acquisitions,
        reference=product.reference,
        polarizations=product.polarizations,
        pixels=device.upload(pixels),
        valid=device.upload(valid),
        first=first - begin,
        stop=stop - begin,
    )


def load_ground(product: StackProduct, device: Device, first: int, stop: int) -> Ground:
    """Read the ground coordinates of lines ``first:stop`` of ``product`` to ``device``, for kernels to compute with."""
    ground = product.read_ground(first, stop)
    if ground.viewing is not None:
        return ground
    places = (ground.longitude, ground.latitude, ground.height)
    longitude, latitude, height = (
        device.upload(np.require(place, np.float64, ["C", "W"])) for place in places
    )
    return replace(ground, longitude=longitude, latitude=latitude, height=height)
