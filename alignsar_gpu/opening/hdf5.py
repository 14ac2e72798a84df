"""HDF5 files, those of NetCDF-4 too: nothing in them may lie in another file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from pathlib import Path

HDF5 = b"\x89HDF\r\n\x1a\n"
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
            file.visititems_links(lambda name, link: _refuse_link(link, f"{where}: {name}"))
            file.visititems(lambda name, item: _refuse_dataset(item, f"{where}: {name}"))
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, RecursionError) as error:
        raise AlignsarError(f"{where}: cannot be read ({error}); it is damaged, fetch it again") from None


def _refuse_link(link: Any, where: str) -> None:
    import h5py  # noqa: PLC0415

    if isinstance(link, h5py.ExternalLink):
        raise AlignsarError(
            f"{where} is kept in another file ({link.filename}); give a file that has all its data"
        )


def _refuse_dataset(item: Any, where: str) -> None:
    if not hasattr(item, "shape"):
        return
    if item.external or item.is_virtual:
        raise AlignsarError(f"{where} is kept in another file; give a file that has all its data")
    if item.chunks and math.prod(item.chunks) * item.id.get_type().get_size() > LARGEST_CHUNK:
        raise AlignsarError(
            f"{where} has chunks of {item.chunks}, too large to unpack; write it in smaller ones"
        )
