"""What the arrays of a stored geometry have in common: how they are packed, and what their damage is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.codecs import BloscCname, BloscCodec, BloscShuffle, Crc32cCodec

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from pathlib import Path

DAMAGED = (AttributeError, IndexError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)


def packed(dtype: str) -> list[Any]:
    """Return the codecs of an array of numbers: what is smooth takes little space, and damage is noticed."""
    size = np.dtype(dtype).itemsize
    blosc = BloscCodec(typesize=size, cname=BloscCname.zstd, clevel=5, shuffle=BloscShuffle.shuffle)
    return [blosc, Crc32cCodec()]


def damaged(path: Path, error: Exception) -> AlignsarError:
    """Return the error of a part of a stored geometry that cannot be read."""
    return AlignsarError(
        f"{path}: the geometry of the cube cannot be read ({error!r}); copy the cube again, or make it again"
    )
