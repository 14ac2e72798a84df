"""Read pixels of Sentinel-1 SLC products: windows of complex TIFFs, in place."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.rasters import open_raster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        rows, columns = self._window(lines, samples)
        with _open_tiff(self.path, self.source) as raster:
            return _by_gdal(raster, rows, columns)

    def read_stored(
        self, lines: slice, samples: slice, empty: Callable[..., NDArray[Any]] = np.empty
    ) -> NDArray[Any]:
        """Read the same as the file stores it: int16 [line, sample, 2] where it can be had so, or complex64.

        ``empty`` makes the array, as `numpy.empty` does. Pairs of integers are half the bytes, but GDAL gives complex
        numbers alone: they are read from the file itself, if it lies on disk and is not compressed.
        """
        rows, columns = self._window(lines, samples)
        with _open_tiff(self.path, self.source) as raster:
            stored = _pairs(raster, rows)
            if stored is None:
                return _by_gdal(raster, rows, columns)
        pairs = empty((rows.stop - rows.start, columns.stop - columns.start, 2), np.int16)
        np.copyto(pairs, stored[:, columns])
        return pairs

    def _window(self, lines: slice, samples: slice) -> tuple[slice, slice]:
        """Rows and columns of the TIFF. Raises AlignsarError for what lies outside the burst."""
        first, stop = _bounds(lines, self.lines, "lines", self.source)
        columns = _bounds(samples, self.samples, "samples", self.source)
        return slice(self.first_line + first, self.first_line + stop), slice(*columns)


def _by_gdal(raster: rasterio.DatasetReader, rows: slice, columns: slice) -> NDArray[np.complex64]:
    window = Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
    return np.asarray(raster.read(1, window=window), dtype=np.complex64)


def _pairs(raster: rasterio.DatasetReader, rows: slice) -> NDArray[np.int16] | None:
    """Rows of a TIFF of complex integers, [row, column, 2], in place; None unless they lie there one after another."""
    path, (height, width) = Path(raster.name), raster.block_shapes[0]
    if raster.dtypes[0] != COMPLEX[0] or raster.compression is not None or width != raster.width:
        return None
    if not path.is_file():
        return None
    size = 4 * width
    blocks = range(rows.start // height, -(-rows.stop // height))
    found = [raster.get_tag_item(f"BLOCK_OFFSET_0_{block}", "TIFF", 1) for block in blocks]
    if None in found:
        return None
    first = int(found[0])
    if any(int(offset) != first + number * height * size for number, offset in enumerate(found)):
        return None
    with path.open("rb") as file:
        order = {b"II": "<", b"MM": ">"}[file.read(2)]
    begin = first + (rows.start - blocks.start * height) * size
    if begin + (rows.stop - rows.start) * size > path.stat().st_size:
        return None
    return np.memmap(path, f"{order}i2", "r", begin, (rows.stop - rows.start, width, 2))
