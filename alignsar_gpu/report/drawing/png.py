"""Make PNG images of arrays, for pictures to hold."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPRESSION = 6  # of zlib: more takes longer and saves hardly anything of what is noise


def indexed(numbers: NDArray[np.uint8], colours: NDArray[np.uint8]) -> str:
    """Make an image of colour numbers (rows, columns); ``colours`` (n, 3) are those of 0, 1, ..., n is transparent."""
    image = Image.fromarray(np.ascontiguousarray(numbers))
    image.putpalette(np.append(colours, [[0, 0, 0]], axis=0).astype(np.uint8).tobytes())
    return _data(image, transparency=len(colours))


def true_colour(pixels: NDArray[np.uint8]) -> str:
    """Make an image of pixels (rows, columns, RGBA)."""
    return _data(Image.fromarray(np.ascontiguousarray(pixels)))


def _data(image: Image.Image, **options: Any) -> str:
    """The image as a data URL. Its bytes depend on the pixels alone."""
    file = io.BytesIO()
    image.save(file, format="PNG", compress_level=COMPRESSION, **options)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
