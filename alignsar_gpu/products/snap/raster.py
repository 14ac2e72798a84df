"""Read rasters of SNAP products: ZNAP (Zarr v2, folder or zip) and BEAM-DIMAP (``.dim`` with ENVI files)."""

from __future__ import annotations

import warnings
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import zarr
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window
from scipy.interpolate import RegularGridInterpolator

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.opening.files import DAMAGED as BROKEN
from alignsar_gpu.opening.files import (
    check_archive,
    read_member,
    refuse_large,
    refuse_links_out,
    refuse_outside,
)
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.rasters import open_raster as open_raster_file
from alignsar_gpu.opening.web_pages import refuse_web_page
from alignsar_gpu.opening.zarrs import check_array
from alignsar_gpu.products.snap.metadata import Element, dimap_tree, parse_json, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element as XmlElement

    import rasterio
    from numpy.typing import NDArray

DAMAGED = "the file is cut off or damaged; copy or export the product again"
LARGEST_METADATA = 1 << 25  # bytes; a real one has 3 MB
MOST_LINES, MOST_PIXELS = 1 << 24, 1 << 38  # of a raster: no product has more


@dataclass(frozen=True, kw_only=True, eq=False)
class TiePoints:
    """A SNAP tie-point grid: values (row, column) at lines ``line`` and samples ``sample``."""

    line: NDArray[np.float64]
    sample: NDArray[np.float64]
    values: NDArray[np.float64]

    def at(self, first: int, stop: int, samples: int) -> NDArray[np.float64]:
        """Interpolate bilinearly at the pixel centres of lines ``first:stop``, (lines, samples).

        SNAP counts pixel coordinates from the upper left corner, so a centre lies half a pixel further.
        """
        surface = RegularGridInterpolator(
            (self.line, self.sample), self.values, bounds_error=False, fill_value=None
        )
        lines, columns = np.meshgrid(
            np.arange(first, stop) + 0.5, np.arange(samples) + 0.5, indexing="ij", sparse=True
        )
        return np.asarray(surface((lines, columns)))


class SnapRaster(Protocol):
    """One SNAP product: its metadata tree, its bands, its tie points."""

    path: Path
    metadata: Element
    lines: int
    samples: int
    bands: tuple[str, ...]
    tie_points: dict[str, TiePoints]
    no_data: dict[str, float]

    def read(self, band: str, first: int, stop: int) -> NDArray[np.float32]:
        """Read lines ``first:stop`` of a band, (lines, samples), in physical values.

        ``no_data`` gives the value that stands for no data in those bands that declare one.
        """


def _tie_grid(
    values: NDArray[np.float64], offset: tuple[float, float], step: tuple[float, float]
) -> TiePoints:
    rows, columns = values.shape
    return TiePoints(
        line=offset[0] + step[0] * np.arange(rows, dtype=np.float64),
        sample=offset[1] + step[1] * np.arange(columns, dtype=np.float64),
        values=values,
    )


class Znap:
    """A ZNAP product: a Zarr v2 group, as a folder (``.znap``) or inside a zip (``.znap.zip``)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zipped = path.is_file()
        self._root = self._zip_root() if self._zipped else ""
        self.metadata = parse_json(
            self._bytes("SNAP/product_metadata.json"), f"{path.name}/SNAP/product_metadata.json"
        )
        if not self._zipped:
            refuse_links_out(path, str(path))
        self._arrays: dict[str, zarr.Array[Any]] = {}
        ties = {}
        for name, array in self._open().items():
            dimensions = array.attrs.get("_ARRAY_DIMENSIONS")
            if dimensions == ["y", "x"]:
                self._arrays[name] = array
            elif dimensions == ["yt", "xt"]:
                ties[name] = self._tie_points(name, array)
        self.bands = tuple(sorted(self._arrays))
        self.tie_points = ties
        self.no_data: dict[str, float] = {}
        self.lines, self.samples = self._raster_size()

    def _zip_root(self) -> str:
        refuse_web_page(self.path, str(self.path))
        try:
            with zipfile.ZipFile(self.path) as archive:
                check_archive(archive, str(self.path))
                groups = [
                    PurePosixPath(n) for n in without_clutter(archive.namelist()) if n.endswith(".zgroup")
                ]
        except BROKEN as error:
            raise AlignsarError(f"{self.path}: cannot be opened as a zip ({error}): {DAMAGED}") from None
        roots = sorted((g.parent for g in groups), key=lambda g: len(g.parts))
        if not roots:
            raise AlignsarError(f"{self.path}: holds no Zarr group: not a ZNAP product")
        return "" if str(roots[0]) == "." else str(roots[0])

    def _bytes(self, name: str) -> bytes:
        """Read a file of metadata."""
        inside = f"{self._root}/{name}" if self._root else name
        try:
            if self._zipped:
                with zipfile.ZipFile(self.path) as archive:
                    return read_member(archive, inside, LARGEST_METADATA, str(self.path))
            refuse_large(self.path / name, LARGEST_METADATA)
            return (self.path / name).read_bytes()
        except BROKEN as error:
            raise AlignsarError(f"{self.path / name}: cannot be read ({error}): {DAMAGED}") from None

    def _names(self) -> list[str]:
        """Names of the arrays; listed here, since zarr cannot list a group inside a zip."""
        if not self._zipped:
            return sorted(header.parent.name for header in self.path.glob("*/.zarray"))
        with zipfile.ZipFile(self.path) as archive:
            headers = [PurePosixPath(name) for name in archive.namelist() if name.endswith("/.zarray")]
        return sorted(h.parent.name for h in headers if h.parent.parent == PurePosixPath(self._root or "."))

    def _open(self) -> dict[str, zarr.Array[Any]]:
        for name in self._names():
            check_array(self._bytes(f"{name}/.zarray"), f"{self.path}/{name}/.zarray", texts=False)
        try:
            store = zarr.storage.ZipStore(self.path, mode="r") if self._zipped else str(self.path)
            return {
                name: zarr.open_array(store, path=f"{self._root}/{name}".lstrip("/"), mode="r", zarr_format=2)
                for name in self._names()
            }
        except BROKEN as error:
            raise AlignsarError(
                f"{self.path}: cannot be opened as a Zarr group ({error}): {DAMAGED}"
            ) from None

    def _raster_size(self) -> tuple[int, int]:
        shapes = {array.shape for array in self._arrays.values()}
        if len(shapes) != 1:
            raise AlignsarError(
                f"{self.path}: its bands should have one size, but have {sorted(shapes)}; resample them in SNAP first"
            )
        (shape,) = shapes
        if len(shape) != 2 or min(shape) < 1:
            raise AlignsarError(
                f"{self.path}: its bands have the shape {shape}, which no image has: {DAMAGED}"
            )
        return int(shape[0]), int(shape[1])

    def _tie_points(self, name: str, array: zarr.Array[Any]) -> TiePoints:
        attributes: dict[str, Any] = dict(array.attrs)
        try:
            offset = float(attributes["offset_y"]), float(attributes["offset_x"])
            step = float(attributes["subsampling_y"]), float(attributes["subsampling_x"])
        except (KeyError, TypeError, ValueError) as error:
            raise AlignsarError(
                f"{self.path}: tie points {name!r} without their raster ({error!r})"
            ) from None
        return _tie_grid(self._slab(name, array, 0, array.shape[0]).astype(np.float64), offset, step)

    def _missing_chunks(self, name: str, array: zarr.Array[Any]) -> int:
        """How many chunks of ``array`` have no file; SNAP writes every chunk."""
        keys = [array.metadata.encode_chunk_key(index) for index in np.ndindex(array.cdata_shape)]
        if not self._zipped:
            return sum(not (self.path / name / key).is_file() for key in keys)
        with zipfile.ZipFile(self.path) as archive:
            present = set(archive.namelist())
        return sum(f"{self._root}/{name}/{key}".lstrip("/") not in present for key in keys)

    def _slab(self, name: str, array: zarr.Array[Any], first: int, stop: int) -> NDArray[Any]:
        missing = self._missing_chunks(name, array)
        if missing:
            raise AlignsarError(
                f"{self.path}: {missing} of the {array.nchunks} chunks of band {name!r} are missing: "
                "copy or export the product again"
            )
        try:
            return np.asarray(array[first:stop])
        except BROKEN as error:
            raise AlignsarError(
                f"{self.path}: a chunk of band {name!r} cannot be read ({error}): {DAMAGED}"
            ) from None

    def read(self, band: str, first: int, stop: int) -> NDArray[np.float32]:
        """Read lines ``first:stop`` of ``band``; see `SnapRaster.read`."""
        return self._slab(band, self._arrays[band], first, stop).astype(np.float32)


@contextmanager
def _open_envi(image: Path) -> Iterator[rasterio.DatasetReader]:
    """An ENVI image in radar geometry, which rasterio need not warn about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with open_raster_file(image, str(image), ("ENVI",)) as raster:
            yield raster


def _size(node: XmlElement, below: str) -> tuple[int, int]:
    """Return numbers of rows and columns. Raises ValueError for those that no raster has."""
    rows, columns = (int(node.findtext(f"{below}{tag}") or "") for tag in ("NROWS", "NCOLS"))
    if not (0 < rows < MOST_LINES and 0 < columns < MOST_LINES and rows * columns < MOST_PIXELS):
        raise ValueError(f"{rows} x {columns} pixels")
    return rows, columns


def _number(node: XmlElement, tag: str, default: float) -> float:
    return float(node.findtext(tag) or default)


class Dimap:
    """A BEAM-DIMAP product: ``name.dim`` and ENVI rasters in ``name.data``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            refuse_large(path, LARGEST_METADATA)
            document = parse_xml(path.read_bytes(), path.name)
        except OSError as error:
            raise AlignsarError(f"{path}: cannot be read ({error})") from None
        self.metadata = dimap_tree(document, path.name)
        self._scaling: dict[str, tuple[float, float]] = {}
        self.no_data: dict[str, float] = {}
        self._images: dict[str, Path] = {}
        try:
            self.lines, self.samples = _size(document, "Raster_Dimensions/")
            self._read_band_table(document)
            self.tie_points = self._read_tie_points(document)
        except (TypeError, ValueError) as error:
            raise AlignsarError(
                f"{path.name}: a number of its raster description is missing or wrong ({error})"
            ) from None
        self.bands = tuple(sorted(self._images))

    def _data_file(self, href: str | None) -> Path:
        """The image of a header's path, which must lie in the product's own ``.data`` folder."""
        relative = PurePosixPath(href or "")
        if not relative.parts or relative.is_absolute() or ".." in relative.parts:
            raise AlignsarError(
                f"{self.path.name}: refuses the data file {href!r}, for it lies outside the product"
            )
        image = (self.path.parent / relative).with_suffix(".img")
        for file in (image, image.with_suffix(".hdr")):
            refuse_outside(file, self.path.parent, str(self.path))
        if not (image.is_file() and image.with_suffix(".hdr").is_file()):
            raise AlignsarError(
                f"{image}: missing (or its .hdr is), though {self.path.name} names it: copy the product again"
            )
        return image

    def _read_band_table(self, document: XmlElement) -> None:
        files = {
            node.findtext("BAND_INDEX"): node.find("DATA_FILE_PATH")
            for node in document.findall("Data_Access/Data_File")
        }
        for node in document.findall("Image_Interpretation/Spectral_Band_Info"):
            if (node.findtext("VIRTUAL_BAND") or "").strip() == "true":
                continue
            name, file = node.findtext("BAND_NAME") or "", files.get(node.findtext("BAND_INDEX"))
            if file is None:
                raise AlignsarError(f"{self.path.name}: band {name!r} has no data file")
            self._images[name] = self._data_file(file.get("href"))
            factor, offset = _number(node, "SCALING_FACTOR", 1.0), _number(node, "SCALING_OFFSET", 0.0)
            where = f"{self.path.name}: band {name!r}"
            require("snap_scaling_factor", abs(factor), where, DAMAGED)
            require("snap_scaling_offset", offset, where, DAMAGED)
            self._scaling[name] = factor, offset
            if (node.findtext("NO_DATA_VALUE_USED") or "").strip() == "true":
                self.no_data[name] = _number(node, "NO_DATA_VALUE", 0.0) * factor + offset

    def _read_tie_points(self, document: XmlElement) -> dict[str, TiePoints]:
        files = {
            node.findtext("TIE_POINT_GRID_INDEX"): node.find("TIE_POINT_GRID_FILE_PATH")
            for node in document.findall("Data_Access/Tie_Point_Grid_File")
        }
        ties = {}
        for node in document.findall("Tie_Point_Grids/Tie_Point_Grid_Info"):
            file = files.get(node.findtext("TIE_POINT_GRID_INDEX"))
            if file is None:
                continue
            offset = _number(node, "OFFSET_Y", 0.0), _number(node, "OFFSET_X", 0.0)
            step = _number(node, "STEP_Y", np.nan), _number(node, "STEP_X", np.nan)
            shape = _size(node, "")
            image = self._data_file(file.get("href"))
            name = node.findtext("TIE_POINT_GRID_NAME") or ""
            ties[name] = _tie_grid(self._window(image, 0, *shape).astype(np.float64), offset, step)
        return ties

    def _window(self, image: Path, first: int, lines: int, samples: int) -> NDArray[Any]:
        try:
            with _open_envi(image) as raster:
                needed = raster.height * raster.width * np.dtype(raster.dtypes[0]).itemsize
                if image.stat().st_size < needed:
                    raise AlignsarError(
                        f"{image}: {image.stat().st_size} bytes where its header promises {needed}: {DAMAGED}"
                    )
                if raster.width != samples or raster.height < first + lines:
                    raise AlignsarError(
                        f"{image}: {raster.height} x {raster.width} pixels, but {self.path.name} says "
                        f"{first + lines} x {samples}: the product's files do not belong together"
                    )
                return np.asarray(raster.read(1, window=Window(0, first, samples, lines)))
        except (RasterioError, *BROKEN) as error:
            raise AlignsarError(f"{image}: cannot be read ({error}): {DAMAGED}") from None

    def read(self, band: str, first: int, stop: int) -> NDArray[np.float32]:
        """Read lines ``first:stop`` of ``band``; see `SnapRaster.read`."""
        factor, offset = self._scaling[band]
        raw = self._window(self._images[band], first, stop - first, self.samples)
        with np.errstate(all="ignore"):  # the masks tell what damage makes of numbers
            return (raw * factor + offset).astype(np.float32)


def open_raster(path: Path) -> SnapRaster:
    """Open the SNAP product at ``path``: a ``.dim`` file, a ``.znap`` folder or a ``.znap.zip``."""
    return Dimap(path) if path.suffix == ".dim" else Znap(path)
