"""Write the pixels of a simulated subswath, line after line, into a TIFF like ESA's."""

from __future__ import annotations

import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray
    from rasterio.control import GroundControlPoint


PIXEL_BYTES = 4


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What goes wrong on the disk, as an AlignsarError."""
    try:
        yield
    except (RasterioError, OSError) as error:
        raise AlignsarError(f"{path}: cannot be written ({error.__cause__ or error})") from None


class MeasurementWriter:
    """Context manager that writes a TIFF line by line in order; at its end the file is complete.

    The TIFF is one complex int16 band in strips of one line. It is written beside its place and renamed when all
    lines are there; nothing is left when the block ends with an exception. The same pixels give the same bytes.
    Raises AlignsarError when it cannot be written, and at the end of the block when lines are missing.

    Parameters
    ----------
    path : of the TIFF; its folder is made.
    lines, samples : of the image with all bursts.
    points : ground control points in WGS84 degrees, as ESA's files have; none by default.
    """

    def __init__(
        self, path: Path, lines: int, samples: int, points: Sequence[GroundControlPoint] = ()
    ) -> None:
        self.path = path
        self.lines = lines
        self.samples = samples
        self._points = list(points)
        self._unfinished = path.with_name(f"{path.name}.part")
        self.written = 0

    def __enter__(self) -> Self:
        where = {"gcps": self._points, "crs": "EPSG:4326"} if self._points else {}
        with ExitStack() as stack, warnings.catch_warnings(), _writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            stack.callback(self._unfinished.unlink, missing_ok=True)
            self._raster = stack.enter_context(
                rasterio.open(
                    self._unfinished,
                    "w",
                    driver="GTiff",
                    width=self.samples,
                    height=self.lines,
                    count=1,
                    dtype="complex_int16",
                    blockysize=1,
                    **where,
                )
            )
            self._stack = stack.pop_all()
        return self

    def write(self, first_line: int, pixels: NDArray[np.int16]) -> None:
        """Write the lines that follow those written so far.

        ``pixels`` (n, samples, 2) int16: real and imaginary parts. Raises AlignsarError when these are not the
        next lines, or not of that shape and type.
        """
        stop = first_line + len(pixels)
        if first_line != self.written or stop > self.lines:
            raise AlignsarError(
                f"{self.path}: lines {first_line}:{stop} cannot be written: next is {self.written} of {self.lines}"
            )
        if pixels.dtype != np.int16 or pixels.shape[1:] != (self.samples, 2):
            raise AlignsarError(
                f"{self.path}: pixels must be int16 of shape (lines, {self.samples}, 2), got {pixels.dtype} of shape "
                f"{pixels.shape}"
            )
        # GDAL takes complex floats; every int16 is one of these
        values = np.ascontiguousarray(pixels, dtype=np.float32).view(np.complex64)[..., 0]
        with _writing(self.path):
            self._raster.write(values, 1, window=Window(0, first_line, self.samples, len(pixels)))
        self.written = stop

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if kind is not None:
                return
            if self.written != self.lines:
                raise AlignsarError(
                    f"{self.path}: only {self.written} of {self.lines} lines were written; no file is left"
                )
            with _writing(self.path):
                self._raster.close()
                if self._unfinished.stat().st_size < PIXEL_BYTES * self.lines * self.samples:
                    raise OSError("no space left on the device, perhaps")  # GDAL does not always say
                self._unfinished.replace(self.path)
