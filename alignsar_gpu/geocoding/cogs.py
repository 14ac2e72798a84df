"""Write map layers as Cloud-Optimized GeoTIFFs: one file for a layer and date, fed row after row.

Rows are collected in a plain tiled TIFF; at the end GDAL's COG driver makes the overviews, compresses and puts
everything in the order that readers over a network need (OGC 21-026). GDAL releases the interpreter while it does so.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self
from xml.etree import ElementTree as ET

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.windows import Window

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding.cog_layouts import NO_CLASS
from alignsar_gpu.geocoding.phase_overviews import with_phase_overviews
from alignsar_gpu.geocoding.tiff_tiles import require_tiles
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.geocoding.cog_layouts import CogLayout
    from alignsar_gpu.geocoding.map_grid import MapGrid

SOFTWARE = f"alignsar_gpu {VERSION}"
BLOCK = 512  # rows and columns of a tile
RESAMPLINGS = {"average": "AVERAGE", "mode": "MODE", "nearest": "NEAREST", "phase": "NEAREST"}


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what GDAL and the system say while a file is written into an AlignsarError."""
    try:
        yield
    except (RasterioError, CPLE_BaseError, SystemError, OSError) as error:  # all of them come from GDAL
        raise AlignsarError(
            f"{path}: cannot be written ({error.__cause__ or error}); is there space and permission?"
        ) from None


class CogWriter:
    """Context manager that writes a Cloud-Optimized GeoTIFF from blocks of rows, top to bottom.

    The file appears when the block ends and all rows are there (`finish` makes it before); after an exception nothing
    is left. The bytes depend neither on the blocks nor on ``threads``. Classes and flags have their names beside, in
    `NAME.tif.aux.xml`, where GDAL and QGIS look for them. Raises AlignsarError when it cannot be written, and when rows
    are missing.

    Parameters
    ----------
    path : of the file; its folder is made.
    grid : the map's pixels.
    layout : see `layer_layout` and `picture_layout`.
    threads : that compress and make overviews at the end.
    """

    def __init__(self, path: Path, grid: MapGrid, layout: CogLayout, *, threads: int = 1) -> None:
        self.path, self.grid, self.layout = path, grid, layout
        self._threads = str(threads)
        self._beside = path.with_name(f"{path.name}.part")  # a folder: GDAL puts files of its own into it
        self._written, self._finished = 0, False

    @property
    def files(self) -> list[Path]:
        """The files that there are at the end."""
        names = self.path.with_name(f"{self.path.name}.aux.xml")
        return [self.path, names] if self.layout.classes else [self.path]

    def __enter__(self) -> Self:
        require_storable(self.grid)
        with ExitStack() as stack, _writing(self.path):
            shutil.rmtree(self._beside, ignore_errors=True)
            self._beside.mkdir(parents=True)
            stack.callback(shutil.rmtree, self._beside, ignore_errors=True)
            self._raster = self._created()
            stack.callback(self._raster.close)  # as a context manager it would have to end in this thread
            self._stack = stack.pop_all()
        return self

    def _created(self) -> Any:
        """Create the plain TIFF that rows are collected in, with all that is not pixels."""
        layout, (rows, columns) = self.layout, self.grid.shape
        raster = rasterio.open(
            self._pixels,
            "w",
            driver="GTiff",
            width=columns,
            height=rows,
            count=len(layout.bands),
            dtype=layout.dtype,
            crs=rasterio.CRS.from_wkt(self.grid.crs.to_wkt()),
            transform=rasterio.Affine(*self.grid.affine),
            nodata=layout.nodata,
            tiled=True,
            blockxsize=BLOCK,
            blockysize=BLOCK,
            interleave="band",
            bigtiff="IF_SAFER",
            **({"photometric": "RGB", "alpha": "UNSPECIFIED"} if layout.interpretation else {}),
        )
        raster.update_tags(TIFFTAG_SOFTWARE=SOFTWARE, **layout.tags)
        raster.descriptions = [band.description for band in layout.bands]
        raster.units = [band.units for band in layout.bands]
        raster.scales = [band.scale for band in layout.bands]
        raster.offsets = [band.offset for band in layout.bands]
        if layout.interpretation:
            raster.colorinterp = layout.interpretation
        if layout.colours:
            raster.write_colormap(1, {code: (*colour, 255) for code, colour in layout.colours.items()})
        return raster

    @property
    def _pixels(self) -> Path:
        return self._beside / "pixels.tif"

    def write(self, first_row: int, values: NDArray[Any]) -> None:
        """Write the rows that follow those written so far: [row, column], of pictures [band, row, column].

        ``values`` are float32, complex64, uint8, int32 or bool, as the layout says. Raises ValueError for others.
        """
        bands = self._bands(values)
        rows, (most, columns) = bands.shape[1], self.grid.shape
        if first_row != self._written or first_row + rows > most:
            raise ValueError(f"{self.path}: rows from {first_row} on, expected {self._written} of {most}")
        with _writing(self.path):
            self._raster.write(bands, window=Window(0, first_row, columns, rows))
        self._written += rows

    def _bands(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values as bands [band, row, column] of the file."""
        bands = values if values.ndim == 3 else values[np.newaxis]
        if values.dtype.kind == "c":
            bands = np.stack([values.real, values.imag])
        if bands.dtype == np.bool_:
            bands = bands.view(np.uint8)
        expected = len(self.layout.bands), bands.shape[1], self.grid.shape[1]
        if bands.shape != expected or bands.dtype != self.layout.dtype:
            raise ValueError(
                f"{self.path}: {bands.dtype} {bands.shape}, expected {self.layout.dtype} {expected}"
            )
        return bands

    def finish(self) -> None:
        """Make the file from the rows; done at the end of the block unless it was before, in any thread."""
        if self._written != self.grid.shape[0]:
            raise AlignsarError(
                f"{self.path}: only {self._written} of {self.grid.shape[0]} rows were written; no file is left"
            )
        with self._stack.pop_all(), _writing(self.path):
            self._finish()
        self._finished = True

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        with self._stack:
            if kind is None and not self._finished:
                self.finish()

    def _finish(self) -> None:
        self._raster.close()
        require_tiles(self._pixels)
        source, done = self._pixels, self._beside / "cog.tif"
        if self.layout.overviews == "phase":
            source = with_phase_overviews(self._pixels, self._threads)
        with rasterio.Env(GDAL_NUM_THREADS=self._threads, GDAL_PAM_ENABLED="NO"):
            copy(
                source,
                done,
                driver="COG",
                BLOCKSIZE=str(BLOCK),
                BIGTIFF="IF_SAFER",
                OVERVIEWS="IGNORE_EXISTING" if source == self._pixels else "FORCE_USE_EXISTING",
                OVERVIEW_RESAMPLING=RESAMPLINGS[self.layout.overviews],
                NUM_THREADS=self._threads,
                **self.layout.options,
            )
        require_tiles(done, framed=True)
        if self.layout.classes:
            _write_names(self.files[1], self.layout.classes)
        done.replace(self.path)


@lru_cache
def require_storable(grid: MapGrid) -> None:
    """Check that GeoTIFF can say a map's coordinate reference system; raise AlignsarError otherwise."""
    pixel = {"driver": "GTiff", "width": 1, "height": 1, "count": 1, "dtype": "uint8"}
    place = {"crs": rasterio.CRS.from_wkt(grid.crs.to_wkt()), "transform": rasterio.Affine(*grid.affine)}
    with rasterio.Env(GDAL_PAM_ENABLED="NO"), MemoryFile() as memory:
        memory.open(**pixel, **place).close()
        with memory.open() as stored:
            if stored.crs is None:
                raise AlignsarError(
                    f"map grid: GeoTIFF has no keys for {grid.crs.name!r}: choose another system, such as UTM"
                )


def _write_names(path: Path, classes: Mapping[int, str]) -> None:
    """Write the names of codes as GDAL keeps them: GeoTIFF has no place for them."""
    root = ET.Element("PAMDataset")
    names = ET.SubElement(ET.SubElement(root, "PAMRasterBand", band="1"), "CategoryNames")
    for code in range(max(code for code in classes if code != NO_CLASS) + 1):
        ET.SubElement(names, "Category").text = classes.get(code, "")
    ET.indent(root)
    path.write_bytes(ET.tostring(root) + b"\n")
