"""Rows of chunks of layers, kept while places that lie in them are cut: none is unpacked for each row of places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

Key = tuple[str, int | None]


class Bands:
    """Layers [line, sample] that are read window by window, downwards; rows of chunks read last are held.

    Parameters
    ----------
    data : the layers.
    dimensions : of the images.
    most_bytes : that are held. Where no more rows fit, windows are read as they are asked for: rows of the same lines
        that took each other's place would all be read again for each window.
    """

    def __init__(self, data: xr.Dataset, dimensions: tuple[str, str], most_bytes: int) -> None:
        self._data, self._dimensions, self._most = data, dimensions, most_bytes
        self._held: dict[Key, tuple[int, NDArray[Any]]] = {}
        self._size = 0

    def read(self, name: str, date: int | None, lines: slice, samples: slice) -> NDArray[Any]:
        """Read a window that lies in the image."""
        first, band = self._held.get((name, date), (0, None))
        if band is None or lines.start < first or lines.stop > first + len(band):
            variable = self._data[name].variable
            image = variable if date is None else variable[date]
            rows = self._rows(image, lines)
            size = (rows.stop - rows.start) * image.shape[1] * image.dtype.itemsize
            if not self._has_room((name, date), rows.start, size):
                return np.asarray(image[lines, samples].values)
            band, first = np.asarray(image[rows].values), rows.start
            self._held[name, date] = first, band
            self._size += band.nbytes
        return band[lines.start - first : lines.stop - first, samples]

    def _rows(self, image: xr.Variable, lines: slice) -> slice:
        """The lines of all chunks that lines are in."""
        step = image.encoding.get("preferred_chunks", {}).get(self._dimensions[0], 1)
        return slice(lines.start // step * step, min(-(-lines.stop // step) * step, image.shape[0]))

    def _has_room(self, key: Key, first: int, size: int) -> bool:
        """Let go what a row takes the place of, and rows of other lines or dates as long as there is no room for it."""
        others = [k for k, (line, _) in self._held.items() if k != key and (k[1], line) != (key[1], first)]
        for old in [key, *others]:
            if old in self._held and (old == key or self._size + size > self._most):
                self._size -= self._held.pop(old)[1].nbytes
        return self._size + size <= self._most
