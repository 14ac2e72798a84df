"""What the groups of a stored geometry have in common: packing, checksums, and what damage is called."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.codecs import BloscCname, BloscCodec, BloscShuffle, Crc32cCodec

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import zarr

DAMAGED = (
    ArithmeticError,
    AttributeError,
    IndexError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def packed(dtype: str) -> list[Any]:
    """Return the codecs of an array of numbers: what is smooth takes little space, and damage is noticed."""
    size = np.dtype(dtype).itemsize
    blosc = BloscCodec(typesize=size, cname=BloscCname.zstd, clevel=5, shuffle=BloscShuffle.shuffle)
    return [blosc, Crc32cCodec()]


def write_facts(group: zarr.Group, facts: Mapping[str, Any]) -> None:
    """Write the attributes of a group, with their checksum."""
    group.update_attributes({**facts, "checksum": _checksum(facts)})


def read_facts(group: zarr.Group) -> dict[str, Any]:
    """Read the attributes of a group. Raises ValueError where they are not what was written."""
    facts = group.attrs.asdict()
    if facts.pop("checksum", None) != _checksum(facts):
        raise ValueError("its attributes have changed")
    return facts


def _checksum(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def damaged(path: Path, error: Exception) -> AlignsarError:
    """Return the error of a part of a stored geometry that cannot be read."""
    return AlignsarError(
        f"{path}: the geometry of the cube cannot be read ({error!r}); copy the cube again, or make it again"
    )
