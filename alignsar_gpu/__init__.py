"""SAR benchmark datasets for machine learning, on the GPU or the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    import xarray as xr


def open(path: str | PathLike[str], chunks: Any = None) -> xr.Dataset:  # noqa: A001  (as xarray and rasterio have it)
    """Open a dataset: the folder that a run has written, or its cube.zarr.

    Parameters
    ----------
    path : of the folder.
    chunks : as of `xarray.Dataset.chunk`, to compute with dask, {} for those of the file; None for arrays that are read
        when they are used.

    Returns
    -------
    The cube with all its layers, lazily. With ``dataset.derived=computed`` those that are not stored are computed as
    they are read, with the same bits.

    Raises AlignsarError where there is no cube, and for one that another version has written.
    """
    from pathlib import Path  # noqa: PLC0415  (importing the package loads nothing heavy)

    from alignsar_gpu.application.dataset.derived import open_dataset  # noqa: PLC0415
    from alignsar_gpu.application.dataset.part import CUBE  # noqa: PLC0415

    folder = Path(path)
    cube = open_dataset(folder / CUBE if (folder / CUBE).is_dir() else folder)
    if chunks is None:
        return cube
    return cube.chunk(chunks or dict(zip(cube["valid"].dims, cube["valid"].encoding["chunks"], strict=True)))


def __getattr__(name: str) -> Any:
    """Look up ``__version__`` on first use: reading the distribution's metadata takes longer than the import."""
    if name == "__version__":
        from alignsar_gpu.version import VERSION  # noqa: PLC0415

        return VERSION
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
