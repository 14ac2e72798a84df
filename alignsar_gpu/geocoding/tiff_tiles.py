"""Check that a tiled TIFF is whole: GDAL does not say what it cannot store while it closes a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def require_tiles(path: Path, *, framed: bool = False) -> None:
    """Check that every tile of an image and of its overviews is within its file; raise OSError otherwise.

    ``framed`` is for files of GDAL's COG driver, with the size of a tile before it and its last four bytes twice.
    """
    end = path.stat().st_size
    with rasterio.open(path) as raster, path.open("rb") as file:
        for offset, size in _tiles(path, raster):
            whole = offset > 0 and offset + size <= end
            if whole and framed:
                file.seek(offset - 4)
                leader = file.read(4)
                file.seek(offset + size - 4)
                last = file.read(8)
                whole = leader == size.to_bytes(4, "little") and last[:4] == last[4:]
            if not whole:
                raise OSError("not all of it was stored")


def _tiles(path: Path, raster: Any) -> Iterator[tuple[int, int]]:
    """Return offset and size (bytes) of every tile; 0 where there is none."""
    bands = (1,) if raster.interleaving.name == "pixel" else raster.indexes
    for level in [None, *range(len(raster.overviews(1)))]:
        with rasterio.open(path, **({} if level is None else {"OVERVIEW_LEVEL": level})) as image:
            counts = [-(-n // k) for n, k in zip(image.shape, image.block_shapes[0], strict=True)]
        for band in bands:
            for row, column in np.ndindex(*counts):
                names = (f"BLOCK_{what}_{column}_{row}" for what in ("OFFSET", "SIZE"))
                offset, size = (raster.get_tag_item(name, "TIFF", bidx=band, ovr=level) for name in names)
                yield int(offset or 0), int(size or 0)
