"""HDF5 files, those of NetCDF-4 too: nothing in them may lie in another file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.files import DAMAGED

if TYPE_CHECKING:
    from pathlib import Path

HDF5 = b"\x89HDF\r\n\x1a\n"
ELSEWHERE = "is kept in another file; give a product that has all its data in one"
LARGEST_CHUNK = 1 << 29  # bytes, unpacked


def is_hdf5(path: Path) -> bool:
    """Return whether a file is HDF5."""
    with path.open("rb") as file:
        return file.read(len(HDF5)) == HDF5


def check_hdf5(path: Path, where: str) -> None:
    """Raise AlignsarError if something in an HDF5 file lies in another, or has chunks that fill the memory."""
    import h5py  # noqa: PLC0415  (loads only where such a file is read)

    try:
        with h5py.File(path, "r") as file:
            fault = file.visititems_links(_fault_of_link) or file.visititems(_fault_of_item)
    except (*DAMAGED, RecursionError, SystemError) as error:
        raise AlignsarError(f"{where}: cannot be read ({error}); it is damaged, fetch it again") from None
    if fault:
        raise AlignsarError(f"{where}/{fault}")


def _fault_of_link(name: str, link: Any) -> str | None:
    """Say what is wrong with a link; None lets h5py go on."""
    import h5py  # noqa: PLC0415

    if isinstance(link, h5py.ExternalLink):
        return f"{name}: {ELSEWHERE}"
    return None


def _fault_of_item(name: str, item: Any) -> str | None:
    """Say what is wrong with a dataset; None lets h5py go on."""
    if not hasattr(item, "shape"):
        return None
    if item.external or item.is_virtual:
        return f"{name}: {ELSEWHERE}"
    if item.chunks and math.prod(item.chunks) * item.id.get_type().get_size() > LARGEST_CHUNK:
        return f"{name}: chunks of {item.chunks} values are too large to unpack; write it in smaller ones"
    return None
