"""SAR benchmark datasets for machine learning, on the GPU or the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    from alignsar_gpu.application.dataset.derived import cube_at, open_dataset  # noqa: PLC0415  (nothing heavy before)

    cube = open_dataset(cube_at(path))
    if chunks is None:
        return cube
    return cube.chunk(chunks or dict(zip(cube["valid"].dims, cube["valid"].encoding["chunks"], strict=True)))


def geocode(
    cube: str | PathLike[str] | xr.Dataset,
    *,
    resolution: float | None = None,
    crs: str = "",
    bounds: Sequence[float] = (),
    match: str | PathLike[str] | None = None,
    layers: Sequence[str] = (),
    resampling: str = "bilinear",
) -> xr.Dataset:
    """Bring layers of a dataset to a map, in memory.

    By the range-Doppler equations at the heights of the terrain (Schreier 1993, SAR Geocoding: Data and Systems), from
    what the cube keeps of its geometry. Where map pixels are larger than those of the image, they are means over the
    ground; of classes the most frequent, of phases the phase of the averaged phasors.

    Parameters
    ----------
    cube : the folder that a run has written, its cube.zarr, or what `open` returns, with some of its layers and dates;
        all lines and samples of the image.
    resolution : size of a map pixel, in units of the map (m of UTM).
    crs : coordinate reference system of the map, such as "EPSG:32631"; empty: UTM, near the poles UPS.
    bounds : left, bottom, right and top, in units of the map; empty: the image.
    match : a raster whose pixels the map has, instead of all of these.
    layers : names; empty: all.
    resampling : "bilinear", "cubic" or "nearest": how values are found between pixels of the image.

    Returns
    -------
    Layers (time, y, x) or (y, x), with the coordinates ``x`` and ``y`` of pixel centres, and ``spatial_ref``, as
    rioxarray and odc-geo have it. No data: NaN, 255 of classes and flags.

    Raises AlignsarError where there is no cube, for unknown layers, and for a map that does not show the image.
    """
    from alignsar_gpu.application.geocoding.memory import geocoded  # noqa: PLC0415  (nothing heavy is loaded before)

    return geocoded(
        cube,
        resolution=resolution,
        crs=crs,
        bounds=bounds,
        match=match,
        layers=layers,
        resampling=resampling,
    )


def open_dataset(path: str | PathLike[str], query: str = "") -> xr.Dataset:
    """Open a dataset of chips: the folder that a run has written, or its folder chips/.

    Parameters
    ----------
    path : of the folder.
    query : which chips, by columns of the index, as of `pandas.DataFrame.query`:
        ``"split == 'train' and valid_share > 0.99"``; empty: all.

    Returns
    -------
    Arrays along ``chip``, read when they are used: ``images`` (layers of a date), ``pairs`` (layers that compare
    a date with the reference date; NaN on that date), ``valid``, and what all dates of a place share: ``ground``,
    ``classes`` (uint8) and ``targets`` (labels that are numbers). Names of layers are coordinates,
    ``dataset.images.sel(layer="sigma0_vv")``, and so are the columns of the index.

    Raises AlignsarError where there are no chips, and for those that another version has written.
    """
    from pathlib import Path  # noqa: PLC0415

    from alignsar_gpu.dataset.chips.opening import open_chips  # noqa: PLC0415  (nothing heavy before)

    return open_chips(Path(path), query)


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
