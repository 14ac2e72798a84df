"""What a raster file states of itself: its system, grid, bands and tags."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pyproj.exceptions import ProjError
from rasterio.enums import ColorInterp
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.rasters import affine_of, open_raster
from alignsar_gpu.opening.sources import source_files
from alignsar_gpu.opening.texts import system_of
from alignsar_gpu.radarcoding.dates import Validity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyproj import CRS

    from alignsar_gpu.geometry.dem.frame import Affine


@dataclass(frozen=True, kw_only=True)
class Described:
    """What one file states: its system, grid, bands and tags."""

    name: str
    files: tuple[Path | str, ...]
    crs: CRS | None
    affine: Affine
    shape: tuple[int, int]
    descriptions: tuple[str | None, ...]
    dtypes: tuple[str, ...]
    units: tuple[str | None, ...]
    alpha: tuple[bool, ...]
    tags: tuple[Mapping[str, str], ...]

    @property
    def validity(self) -> Validity | None:
        """Time that the file says that it is of, by the tags of the ACDD convention or as ESA WorldCover has them."""
        for begin in ("time_coverage_", "time_"):
            texts = [self.tags[0].get(f"{begin}{end}", "") for end in ("start", "end")]
            try:
                first, last = (datetime.fromisoformat(text) for text in texts)
            except ValueError:
                continue
            validity = Validity.between(first, last)
            if validity.end < validity.start:
                raise AlignsarError(
                    f"{self.name}: its tags {begin}start and {begin}end say that it ends before it starts ({texts[0]}, "
                    f"{texts[1]}); correct them"
                )
            return validity
        return None


def describe(name: str, key: str) -> Described:
    """Read what a raster states; messages begin with ``key``.

    Raises AlignsarError for what is no raster, or does not say where its pixels lie.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with open_raster(name, f"{key}: {name}") as file:
                if file.count == 0:
                    inside = (
                        f"; name one of those in it: {', '.join(file.subdatasets[:8])}"
                        if file.subdatasets
                        else ""
                    )
                    raise AlignsarError(f"{key}: {name}: has no band{inside}")
                # Not by the transform alone: for some formats GDAL leaves it uninitialised.
                unplaced = any(item.category is NotGeoreferencedWarning for item in caught)
                if unplaced or file.transform.is_identity:
                    raise AlignsarError(
                        f"{key}: {name}: does not say where its pixels lie; give a georeferenced raster (gdalwarp, "
                        "gdal_edit -a_ullr)"
                    )
                return Described(
                    name=name,
                    files=source_files(name, file.files, f"{key}: {name}"),
                    crs=None if file.crs is None else system_of(file.crs.to_wkt(version="WKT2_2019")),
                    affine=affine_of(file.transform, f"{key}: {name}"),
                    shape=file.shape,
                    descriptions=file.descriptions,
                    dtypes=file.dtypes,
                    units=file.units,
                    alpha=tuple(item == ColorInterp.alpha for item in file.colorinterp),
                    tags=tuple(file.tags() | file.tags(number) for number in file.indexes),
                )
    except (RasterioError, CRSError, ProjError) as error:
        raise AlignsarError(f"{key}: {name}: cannot be read as a raster ({error})") from None
