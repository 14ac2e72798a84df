"""Reader of NISAR RSLC products: HDF5 in ISCE3's layout, as a stack of one date with all polarizations.

Products of other missions that were converted to this layout are read alike.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.geometry.time_scale import moment, utc
from alignsar_gpu.opening.hdf5 import check_hdf5
from alignsar_gpu.products.nisar.geolocation import check_geolocation
from alignsar_gpu.products.nisar.ground import PIXEL_BYTES, ellipsoid_ground
from alignsar_gpu.products.nisar.hdf5 import open_hdf5
from alignsar_gpu.products.nisar.metadata import (
    calibration_tables,
    find_images,
    find_product,
    image_shape,
    read_calibration,
    read_grid,
    read_identification,
    read_orbit,
    read_valid_samples,
)
from alignsar_gpu.products.readers import StackSource
from alignsar_gpu.stack.acquisition import Acquisition
from alignsar_gpu.stack.ground import Ground
from alignsar_gpu.stack.product import ReadyStack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.products.nisar import NisarProductsConfig
from alignsar_gpu.products.nisar.ground import EllipsoidGround

NO_VALUES = (
    "the calibration tables of the product: they are the same for beta0, sigma0 and gamma0, so that they hold "
    "no values"
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NisarProduct(ReadyStack):
    """A `StackProduct` read from one NISAR RSLC product; its ground is the ellipsoid, without heights."""

    grid: RadarGrid
    acquisitions: tuple[Acquisition, ...]
    polarizations: tuple[str, ...]
    source: str
    facts: Mapping[str, Any]
    _path: Path
    _images: str  # the group that holds them
    _valid_samples: NDArray[np.int64]
    _ground: EllipsoidGround
    reference: int = 0
    has_heights: bool = False

    def read_pixels(self, first: int, stop: int) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """See `StackProduct.read_pixels`. No data: outside the sub-swaths, zero in both parts, or not finite."""
        shape = (1, len(self.polarizations), stop - first, self.grid.samples)
        pixels = np.empty(shape, dtype=np.complex64)
        with open_hdf5(self._path) as root:
            for index, polarization in enumerate(self.polarizations):
                _fill(pixels[0, index], root.rows(f"{self._images}/{polarization.upper()}", first, stop))
        with np.errstate(invalid="ignore"):
            valid = (pixels != 0) & np.isfinite(pixels) & self._in_sub_swaths(first, stop)
        pixels[~valid] = 0
        return pixels, valid

    def _in_sub_swaths(self, first: int, stop: int) -> NDArray[np.bool_]:
        """Which pixels of lines ``first:stop`` are in a sub-swath, (lines, samples)."""
        if not len(self._valid_samples):
            return np.ones((stop - first, self.grid.samples), dtype=np.bool_)
        sample = np.arange(self.grid.samples)
        begin, end = np.moveaxis(self._valid_samples[:, first:stop, :, np.newaxis], 2, 0)
        return np.asarray(((sample >= begin) & (sample < end)).any(axis=0))

    def read_ground(self, first: int, stop: int) -> Ground:
        """See `StackProduct.read_ground`: where the pixels lie on the ellipsoid."""
        longitude, latitude = self._ground.coordinates(first, stop)
        return Ground(longitude=longitude, latitude=latitude, height=np.full(longitude.shape, np.nan))

    def ground_bytes(self, lines: int) -> int:
        """See `StackProduct.ground_bytes`."""
        return PIXEL_BYTES * lines * self.grid.samples


def _fill(pixels: NDArray[np.complex64], stored: Any) -> None:
    """``pixels`` from complex numbers, or pairs of real ones as half-precision products have them."""
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number in complex64 becomes invalid
        if stored.dtype.names is None:
            pixels[...] = stored
        else:
            pixels.real, pixels.imag = stored["r"], stored["i"]


def open_nisar(path: Path, frequency: str = "A", polarizations: Sequence[str] = ()) -> NisarProduct:
    """Open the RSLC product at ``path``; ``frequency`` is "A" or "B", ``polarizations`` empty for all that it has.

    Its pixels are read when they are asked for. Raises AlignsarError for anything that is not such a product, or
    whose parts do not belong together.
    """
    with open_hdf5(path) as root:
        check_hdf5(path, str(path))
        band, product = find_product(root)
        images, chosen, lacking = find_images(product, frequency, polarizations)
        shape = image_shape(images, chosen)
        grid = read_grid(band, product, images, shape)
        orbit, orbit_kind = read_orbit(product, grid)
        check_geolocation(product, orbit, grid)
        fields = read_identification(band, product, orbit, grid)
        fields["product_id"] = fields["product_id"] or path.stem
        calibration = read_calibration(product, grid, fields["product_id"])
        placeholders = calibration is None and calibration_tables(product) is not None
        valid_samples = read_valid_samples(images, shape)
        inside = images.where.removeprefix(f"{path}/")
    start = utc(moment(grid.epoch, grid.first_azimuth_time))
    acquisition = Acquisition(
        **fields,
        start=start,
        orbit=orbit,
        swath=f"frequency{frequency}",
        flattened=True,
        flattened_how="the reference date, which phases are relative to",
        calibration={} if calibration is None else dict.fromkeys(chosen, calibration),
    )
    dropped = [f"{name.upper()}: the product lists it, but has no image of it" for name in lacking]
    dropped += [NO_VALUES] if placeholders else []
    facts = {
        "crop": {"first_line": 0, "lines": grid.lines, "first_sample": 0, "samples": grid.samples},
        "orbit": {"kind": orbit_kind, "vectors": len(orbit.time)},
        "sub_swaths": len(valid_samples),
        **({"dropped": dropped} if dropped else {}),
    }
    return NisarProduct(
        grid=grid,
        acquisitions=(acquisition,),
        polarizations=chosen,
        source=f"RSLC product in NISAR's layout, {acquisition.product_id}",
        facts=facts,
        _path=path,
        _images=inside,
        _valid_samples=valid_samples,
        _ground=ellipsoid_ground(grid, orbit, str(path)),
    )


def find_stack(keys: NisarProductsConfig) -> StackSource:
    """Open the product that the configuration names. Raises AlignsarError if it cannot be used."""
    path = Path(keys.path).expanduser()
    product = open_nisar(path, keys.frequency, keys.polarizations)
    settings = {name: value for name, value in asdict(keys).items() if name != "path"}
    return StackSource(open=lambda: product, settings=settings, files=((path,),))
