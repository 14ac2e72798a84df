"""Write and read the geometry of a cube: radar grid, orbit, Doppler, and the surface that its pixels lie on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.doppler import Doppler
from alignsar_gpu.geometry.grid import RadarGrid
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.stored.dem import DAMAGED, damaged, packed, read_dem, write_dem
from alignsar_gpu.opening.zarrs import check_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from alignsar_gpu.geometry.dem.dem import Dem

GROUP = "geometry"  # of the cube
DEM = "dem"  # within it
FORMAT = 1
VECTORS = ("time", "position", "velocity")


@dataclass(frozen=True, kw_only=True, eq=False)
class CubeGeometry:
    """The geometry of a cube, as `geocoding.resampling.Geocoding` takes it.

    Attributes
    ----------
    grid : the radar grid where the ground is seen.
    orbit : of the reference date.
    dem : the surface that the pixels lie on.
    doppler : what the image is focused to; None for zero Doppler.
    offset : lines and samples that the image shows everything later and farther than ``grid`` says.
    """

    grid: RadarGrid
    orbit: Orbit
    dem: Dem
    doppler: Doppler | None = None
    offset: tuple[float, float] | Callable[[Any, Any], tuple[Any, Any]] = (0.0, 0.0)


def write_geometry(
    cube: Path,
    geometry: CubeGeometry,
    window: tuple[slice, slice],
    published: Callable[[str], str] = str,
) -> list[Path]:
    """Write the geometry of a cube into it; return the files.

    Parameters
    ----------
    cube : the Zarr store of the cube.
    window : rows and columns of the DEM that are kept.
    published : takes paths of the machine out of texts.
    """
    root = zarr.open_group(cube, mode="r+", zarr_format=3)
    group = root.create_group(GROUP, overwrite=True)
    grid, orbit, doppler = geometry.grid, geometry.orbit, geometry.doppler
    for name in VECTORS:
        values = np.ascontiguousarray(getattr(orbit, name), dtype=np.float64)
        group.create_array(f"orbit_{name}", data=values, compressors=packed("float64"))
    facts: dict[str, Any] = {
        "format": FORMAT,
        "grid": asdict(grid) | {"epoch": str(grid.epoch)},
        "orbit": {"epoch": str(orbit.epoch), "source": published(orbit.source)},
    }
    if doppler is not None:
        facts["doppler"] = asdict(doppler) | {"coefficients": doppler.coefficients.tolist()}
    write_dem(group.create_group(DEM), geometry.dem, window, published)
    group.update_attributes(facts)
    return sorted(path for path in (cube / GROUP).rglob("*") if path.is_file())


def read_geometry(cube: Path) -> CubeGeometry:
    """Read the geometry of the cube at ``cube`` (a cube.zarr); heights of the DEM are read where they are needed.

    Raises AlignsarError for a cube that has none, or whose geometry is damaged.
    """
    folder = cube / GROUP
    if not (folder / "zarr.json").is_file():
        if not (cube / "zarr.json").is_file():
            raise AlignsarError(f"{cube}: is no cube; name a cube.zarr that a run has written")
        raise AlignsarError(
            f"{cube}: has no geometry to be geocoded by: an earlier version of alignsar_gpu made it; make it again"
        )
    check_store(folder, str(folder))
    try:
        return _read(folder)
    except DAMAGED as error:
        raise damaged(folder, error) from None


def _read(folder: Path) -> CubeGeometry:
    group = zarr.open_group(folder, mode="r", zarr_format=3)
    facts: dict[str, Any] = group.attrs.asdict()
    if facts["format"] != FORMAT:
        raise AlignsarError(
            f"{folder}: is a geometry of format {facts['format']}, and this version of alignsar_gpu reads {FORMAT}; "
            "make the cube again"
        )
    grid, orbit, doppler = facts["grid"], facts["orbit"], facts.get("doppler")
    vectors = {name: np.asarray(group[f"orbit_{name}"][...], dtype=np.float64) for name in VECTORS}  # type: ignore[index]  # arrays
    return CubeGeometry(
        grid=RadarGrid(**grid | {"epoch": np.datetime64(grid["epoch"])}),
        orbit=Orbit(epoch=np.datetime64(orbit["epoch"]), source=orbit["source"], **vectors),
        dem=read_dem(folder / DEM),
        doppler=doppler and Doppler(**doppler | {"coefficients": np.array(doppler["coefficients"])}),
    )
