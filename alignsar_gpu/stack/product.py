"""The protocol of a stack: what every reader gives."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, cast

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.grid import RadarGrid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from alignsar_gpu.geometry.terrain.terrain import Terrain
    from alignsar_gpu.stack.acquisition import Acquisition
    from alignsar_gpu.stack.grid import Grid
    from alignsar_gpu.stack.ground import Ground

PIXELS = "slc"  # the quantity of complex pixels, one image per date and polarization


class StackProduct(Protocol):
    """A stack on one grid, read by lines: dates, or pairs of dates, of one or more quantities.

    A reader need not know everything: `quantities`, `has_heights`, `has_viewing`, and the records of the
    acquisitions say what a stack has; `missing` turns that into reasons, for which signatures are left out.
    """

    @property
    def grid(self) -> Grid:
        """The grid that the stack lies on: a radar grid (that of the reference date), or a map grid."""

    @property
    def quantities(self) -> tuple[str, ...]:
        """What the stack holds per pixel: ``slc`` for complex pixels, or names of other layers."""

    @property
    def date_pairs(self) -> tuple[tuple[int, int], ...]:
        """Of a stack of pairs: the indices of the two dates of each; empty for a stack of dates."""

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
    def terrain(self) -> Terrain | None:
        """The terrain that the stack was coregistered on; None for stacks that others have coregistered."""

    @property
    def pieces(self) -> Sequence[Any]:
        """What each burst fills of the grid, as `coregistration.mosaic.Piece`; empty where that is not known."""

    @property
    def bursts(self) -> Mapping[str, Any]:
        """The reference date's burst behind each of `pieces`, by name."""

    @property
    def pixel_copies(self) -> int:
        """How many copies of a block's pixels are held until they are on the device and flattened."""

    def read_pixels(self, first: int, stop: int) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """Read pixels (date, polarization, line, sample) of lines ``first:stop``, and which of them are valid.

        Numpy arrays, or on the device that the product was opened for. Invalid pixels are zero.
        """

    def read_ground(self, first: int, stop: int) -> Ground:
        """Read ground coordinates of lines ``first:stop``.

        Numpy arrays; of a stack with a `terrain`, on the device that it was opened for.
        """

    def read_area_ratio(self, first: int, stop: int) -> Any:
        """Compute A_gamma / A_beta of lines ``first:stop`` (line, sample), which beta0 is divided by to flatten it.

        The area of the terrain in a pixel as the antenna sees it, over the pixel's in the slant-range plane (Small
        2011, Flattening gamma, IEEE TGRS 49(8)), float32 on the device; NaN where nothing is lit. Nothing of this is
        computed before it is asked for. Raises AlignsarError where the product has no terrain (not `has_viewing`).
        """

    def shifts(
        self, lines: slice, samples: NDArray[np.intp], height: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Compute the azimuth and range shift (lines, samples) of each pixel's true ground position.

        [2, line, sample] for ``height`` (m) of the pixels of some lines at some samples; None where the pixels are
        where the geometry says. Only asked of stacks that have a `terrain`.
        """

    def ground_bytes(self, lines: int) -> int:
        """Memory that `read_ground`, or `read_area_ratio`, takes for so many lines, beyond what it returns."""


class ReadyStack:
    """Defaults of a `StackProduct` of dates that others have coregistered: no terrain, no bursts, no shifts."""

    source: str
    quantities: tuple[str, ...] = (PIXELS,)
    date_pairs: tuple[tuple[int, int], ...] = ()
    has_viewing: bool = False
    terrain: Terrain | None = None
    pieces: Sequence[Any] = ()
    bursts: Mapping[str, Any] = MappingProxyType({})
    pixel_copies: int = 3

    def __repr__(self) -> str:
        return in_short(cast("StackProduct", self))

    def shifts(self, *_: Any) -> None:
        """See `StackProduct.shifts`."""

    def read_area_ratio(self, first: int, stop: int) -> NDArray[np.float32]:
        """See `StackProduct.read_area_ratio`: there is no terrain."""
        raise AlignsarError(
            f"{self.source}: lines {first} to {stop} have no terrain, which terrain-flattened backscatter needs; "
            "leave that out, or give SLC products with a DEM"
        )

    def ground_bytes(self, lines: int) -> int:  # noqa: ARG002  (the protocol's)
        """See `StackProduct.ground_bytes`."""
        return 0


def in_short(product: StackProduct) -> str:
    """Describe a stack on one line: its kind, source, dates, polarizations and shape."""
    dates = [acquisition.date for acquisition in product.acquisitions]
    shown = ", ".join(dates) if len(dates) < 5 else f"{len(dates)} dates from {dates[0]} to {dates[-1]}"
    shape = "{} lines x {} samples".format(*product.grid.shape)
    polarizations = ", ".join(product.polarizations)
    return f"{type(product).__name__}({product.source!r}; {shown}; {polarizations}; {shape})"


def missing(product: StackProduct) -> dict[str, str]:
    """Return what signatures may need and ``product`` does not have, by name, each with the reason."""
    reasons = {}
    if PIXELS not in product.quantities:
        reasons[PIXELS] = f"the stack holds {', '.join(product.quantities)}, not complex pixels"
    if not isinstance(product.grid, RadarGrid):
        reasons["radar_grid"] = "the stack is on a map grid"
    if not _all_have(product, "calibration"):
        reasons["calibration"] = "the product has no calibration records"
    if not _all_have(product, "noise"):
        reasons["noise"] = "the product has no noise records"
    if len(product.acquisitions) < 2:
        reasons["second_date"] = "there is no second date"
    if not product.has_viewing:
        reasons["terrain"] = "the product has no terrain"
    return reasons


def _all_have(product: StackProduct, records: str) -> bool:
    return all(set(getattr(a, records)) >= set(product.polarizations) for a in product.acquisitions)


def radar_grid(product: StackProduct) -> RadarGrid:
    """Return the radar grid of a stack. Raises AlignsarError for a stack on a map grid."""
    if not isinstance(product.grid, RadarGrid):
        raise AlignsarError(f"{product.source}: is on a map grid, and this needs a stack in radar geometry")
    return product.grid
