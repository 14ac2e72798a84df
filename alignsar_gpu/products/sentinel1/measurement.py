"""Read pixels of Sentinel-1 SLC products: windows of complex TIFFs, in place."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.rasters import open_raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    import rasterio
    from numpy.typing import NDArray

COMPLEX = ("complex_int16", "complex64")


@contextmanager
def _open_tiff(path: str, source: str) -> Iterator[rasterio.DatasetReader]:
    """A TIFF in radar geometry, which rasterio need not warn about."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with open_raster(path, source) as raster:
                yield raster
    except (RasterioError, OSError) as error:
        reason = error.__cause__ or error
        raise AlignsarError(
            f"{source}: cannot be read ({reason}): damaged or incomplete, fetch the product again"
        ) from None


def check_tiff(path: str, source: str, lines: int, samples: int) -> None:
    """Raise AlignsarError unless the TIFF is complex and has this size."""
    with _open_tiff(path, source) as raster:
        if raster.count != 1 or raster.dtypes[0] not in COMPLEX:
            raise AlignsarError(
                f"{source}: {raster.count} band(s) of {raster.dtypes[0]}, but an SLC has one complex band"
            )
        if raster.shape != (lines, samples):
            raise AlignsarError(
                f"{source}: {raster.shape[0]} lines of {raster.shape[1]} samples, but its annotation says "
                f"{lines} lines of {samples}; the product is damaged or was cut without its annotation"
            )


def _bounds(asked: slice, size: int, axis: str, source: str) -> tuple[int, int]:
    start = 0 if asked.start is None else asked.start
    stop = size if asked.stop is None else asked.stop
    if asked.step not in {None, 1} or not 0 <= start < stop <= size:
        raise AlignsarError(
            f"{source}: {axis} {start}:{stop} were asked for, but the burst has {axis} 0:{size}"
        )
    return int(start), int(stop)


@dataclass(frozen=True, kw_only=True)
class TiffMeasurement:
    """The pixels of one burst in the TIFF of its subswath and polarization.

    Attributes
    ----------
    path : what GDAL opens. source : the file, for messages.
    first_line : of the burst in the TIFF.
    lines, samples : of the burst.
    """

    path: str
    source: str
    first_line: int
    lines: int
    samples: int

    def read(self, lines: slice, samples: slice) -> NDArray[np.complex64]:
        """Read the pixels [line, sample] of some lines and samples of the burst.

        Raises AlignsarError for what lies outside the burst and when the file is damaged.
        """
        first_line, stop_line = _bounds(lines, self.lines, "lines", self.source)
        first_sample, stop_sample = _bounds(samples, self.samples, "samples", self.source)
        window = Window(
            first_sample, self.first_line + first_line, stop_sample - first_sample, stop_line - first_line
        )
        with _open_tiff(self.path, self.source) as raster:
            return np.asarray(raster.read(1, window=window), dtype=np.complex64)
