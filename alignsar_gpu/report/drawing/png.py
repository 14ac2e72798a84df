"""Write figures as PNG files: with indexed colours where few are used, a third of the size of RGBA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

MOST_SHADES = 2048  # of 6 bits a channel: a picture in true colour has more, a map of colours fewer


def write_png(figure: Figure, path: Path) -> tuple[int, int]:
    """Draw an opaque figure into a file; return its width and height in pixels.

    The bytes depend on the pixels alone.
    """
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    shades = pixels.astype(np.uint32) >> 2
    used = np.bincount(
        (shades[..., 0] << 12 | shades[..., 1] << 6 | shades[..., 2]).ravel(), minlength=1 << 18
    )
    if np.count_nonzero(used) <= MOST_SHADES:
        image = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    image.save(path, compress_level=7)
    return image.size
