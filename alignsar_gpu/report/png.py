"""A figure as a PNG file: indexed colours where few are used, which is a third of what RGBA takes."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MOST_SHADES = 2048  # of 6 bits a channel: a picture in true colour has more, a map of colours fewer


def write_png(figure: Figure, path: Path) -> tuple[int, int]:
    """Draw an opaque figure into a file; gives its width and height in pixels.

    The bytes depend on the pixels alone. Matplotlib's own writer takes pictures in true colour.
    """
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    reduced = reduce_colours(pixels)
    if reduced is None:
        figure.savefig(path, metadata={"Software": None})
    else:
        path.write_bytes(indexed_png(*reduced))
    return pixels.shape[1], pixels.shape[0]


def reduce_colours(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Indices (rows, columns) and the at most 256 colours (n, 3) for an image (rows, columns, 3).

    Colours that agree in their upper six bits become their mean, and the rare ones beyond 256, from the
    smooth edges of letters and lines, the nearest of the frequent ones. None for an image in true colour.
    """
    shades = pixels.astype(np.uint32) >> 2
    keys = shades[..., 0] << 12 | shades[..., 1] << 6 | shades[..., 2]
    counts = np.bincount(keys.ravel(), minlength=1 << 18)
    used = np.flatnonzero(counts)
    if used.size > MOST_SHADES:
        return None
    sums = [np.bincount(keys.ravel(), pixels[..., i].ravel(), 1 << 18)[used] for i in range(3)]
    means = np.stack(sums, axis=-1) / counts[used, None]
    frequent = np.argsort(-counts[used], kind="stable")[:256]
    colours = np.round(means[frequent])
    nearest = np.argmin(((means[:, None] - colours[None]) ** 2).sum(axis=-1), axis=1)
    table = np.zeros(1 << 18, dtype=np.uint8)
    table[used] = nearest
    return table[keys], colours.astype(np.uint8)


def indexed_png(indices: NDArray[np.uint8], colours: NDArray[np.uint8]) -> bytes:
    """A PNG of colour type 3 (W3C, Portable Network Graphics, third edition).

    ``indices`` (rows, columns) into ``colours`` (n, 3), red, green and blue of at most 256.
    """
    rows, columns = indices.shape
    lines = np.zeros((rows, columns + 1), dtype=np.uint8)  # each line begins with its filter: 0, none
    lines[:, 1:] = indices
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
        (b"PLTE", colours.tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 7)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
