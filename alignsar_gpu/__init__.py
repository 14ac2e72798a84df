"""SAR benchmark datasets for machine learning, on the GPU or the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    import xarray as xr

    from alignsar_gpu.frontend.result import Result


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


def run(experiment: str | None = None, **keys: Any) -> Result:
    """Make a dataset, as the command line does, and return what it has written.

    Parameters
    ----------
    experiment : "demo", "sentinel1", ...; None for none.
    keys : values of keys, and options of groups, by the names that the command line has: ``output="mine"``,
        ``**{"products.path": folder, "signatures.names": ["sigma0", "coherence"]}``. Paths, lists, numbers, booleans,
        dictionaries and None are taken as they are.

    Returns
    -------
    A `Result`: ``.cube`` (the dataset, lazily), ``.quality`` (what was measured), ``.path`` (the folder).

    Raises AlignsarError for what the user can put right. A run that was interrupted continues when it is called again,
    a finished one is left alone.
    """
    from alignsar_gpu.frontend import calling  # noqa: PLC0415  (importing the package loads nothing heavy)

    return calling.run(experiment, keys)


def __getattr__(name: str) -> Any:
    """Look up ``__version__`` on first use: reading the distribution's metadata takes longer than the import."""
    if name == "__version__":
        from alignsar_gpu.version import VERSION  # noqa: PLC0415

        return VERSION
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
