"""The protocol of a coregistered stack: what every reader gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.stack.acquisition import Acquisition
    from alignsar_gpu.stack.ground import Ground


def no_terrain(source: str, first: int, stop: int) -> AlignsarError:
    """What a product without a terrain answers to `StackProduct.read_area_ratio`."""
    return AlignsarError(
        f"{source}: lines {first} to {stop} have no terrain, which terrain-flattened backscatter is made of; leave "
        "that out, or give SLC products with a DEM"
    )


class StackProduct(Protocol):
    """A coregistered stack on one radar grid, read by lines; what a reader or a simulator gives."""

    @property
    def grid(self) -> RadarGrid:
        """The reference radar grid."""

    @property
    def acquisitions(self) -> tuple[Acquisition, ...]:
        """The dates, in time order."""

    @property
    def reference(self) -> int:
        """Index of the reference date in ``acquisitions``."""

    @property
    def polarizations(self) -> tuple[str, ...]:
        """For example ("vv", "vh")."""

    @property
    def source(self) -> str:
        """One sentence for the dataset's ``source`` attribute."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the reader found out, as plain values for quality.json."""

    @property
    def has_heights(self) -> bool:
        """Whether `read_ground` gives heights, which flattening needs."""

    @property
    def has_viewing(self) -> bool:
        """Whether `read_ground` says how the terrain is seen, and `read_area_ratio` how much of it."""

    @property
    def pixel_copies(self) -> int:
        """How many copies of a block's pixels are held until they are on the device and flattened."""

    def read_pixels(self, first: int, stop: int) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """Pixels (date, polarization, line, sample) of lines ``first:stop``, and which of them are valid.

        Numpy arrays, or on the device that the product was opened for. Invalid pixels are zero.
        """

    def read_ground(self, first: int, stop: int) -> Ground:
        """Ground coordinates of lines ``first:stop``."""

    def read_area_ratio(self, first: int, stop: int) -> NDArray[np.float32]:
        """A_gamma / A_beta of lines ``first:stop`` (line, sample), which beta0 is divided by to flatten it.

        The area of the terrain in a pixel as the antenna sees it, over the pixel's in the slant-range plane (Small
        2011, Flattening gamma, IEEE TGRS 49(8)); NaN where nothing is lit. Nothing of this is computed before it is
        asked for. Raises AlignsarError where the product has no terrain (not `has_viewing`).
        """

    def ground_bytes(self, lines: int) -> int:
        """Memory that `read_ground`, or `read_area_ratio`, takes for so many lines, beyond what it returns."""
