"""Write and read the geometry of a cube: radar grid, orbit, Doppler, and the surface that its pixels lie on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import zarr

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.doppler import Doppler
from alignsar_gpu.geometry.grid import RadarGrid
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.stored.dem import DemPart, read_dem
from alignsar_gpu.geometry.stored.files import DAMAGED, damaged, packed, read_facts, write_facts
from alignsar_gpu.geometry.stored.offset import OffsetTable
from alignsar_gpu.geometry.stored.surface import PixelSurface, read_surface
from alignsar_gpu.opening.zarrs import check_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from alignsar_gpu.geometry.dem.dem import Dem

GROUP = "geometry"  # of the cube
DEM, PIXELS = "dem", "pixels"  # one of them within it
FORMAT = 1
VECTORS, OFFSETS = ("time", "position", "velocity"), ("lines", "samples", "values")


@dataclass(frozen=True, kw_only=True, eq=False)
class CubeGeometry:
    """The geometry of a cube, as `geocoding.positions.Geocoding` takes it.

    Attributes
    ----------
    grid : the radar grid where the ground is seen.
    orbit : of the reference date.
    dem : the surface that the pixels lie on: a DEM, or where none was used, that of the cube's own pixels.
    doppler : what the image is focused to; None for zero Doppler.
    offset : lines and samples that the image shows everything later and farther than ``grid`` says.
    """

    grid: RadarGrid
    orbit: Orbit
    dem: Dem | PixelSurface
    doppler: Doppler | None = None
    offset: tuple[float, float] | Callable[[Any, Any], tuple[Any, Any]] = (0.0, 0.0)


class Surface(Protocol):
    """The surface that pixels lie on, to be kept."""

    def write(self, group: zarr.Group, published: Callable[[str], str]) -> None:
        """Write it into an empty group; ``published`` takes paths of the machine out of texts."""


def write_geometry(
    cube: Path,
    surface: Surface | str,
    *,
    grid: RadarGrid,
    orbit: Orbit,
    doppler: Doppler | None = None,
    offset: OffsetTable | None = None,
    published: Callable[[str], str] = str,
) -> list[Path]:
    """Write the geometry of a cube into its store; return the files.

    ``surface`` is a `DemPart`, or `PixelHeights` where no DEM was used, or says why there is none; for the others see
    `CubeGeometry`.
    ``published`` takes paths of the machine out of texts.
    """
    group = zarr.open_group(cube, mode="r+", zarr_format=3).create_group(GROUP, overwrite=True)
    arrays = {f"orbit_{name}": np.asarray(getattr(orbit, name), dtype=np.float64) for name in VECTORS}
    if offset is not None:
        arrays |= {f"offset_{name}": getattr(offset, name) for name in OFFSETS}
    for name, values in arrays.items():
        group.create_array(name, data=values, compressors=packed(str(values.dtype)))
    facts: dict[str, Any] = {
        "format": FORMAT,
        "grid": asdict(grid) | {"epoch": str(grid.epoch)},
        "orbit": {"epoch": str(orbit.epoch), "source": published(orbit.source)},
    }
    if doppler is not None:
        facts["doppler"] = asdict(doppler) | {"coefficients": doppler.coefficients.tolist()}
    if isinstance(surface, str):
        facts["lacking"] = surface
    else:
        name = DEM if isinstance(surface, DemPart) else PIXELS
        surface.write(group.create_group(name), published)
    write_facts(group, facts)
    return sorted(path for path in (cube / GROUP).rglob("*") if path.is_file())


def read_geometry(cube: Path) -> CubeGeometry:
    """Read the geometry of the cube at ``cube`` (a cube.zarr); heights of the DEM are read where they are needed.

    Raises AlignsarError for a cube that has none, or whose geometry is damaged or lacks a surface.
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
        return _read(cube)
    except DAMAGED as error:
        raise damaged(folder, error) from None


def _read(cube: Path) -> CubeGeometry:
    group = zarr.open_group(cube / GROUP, mode="r", zarr_format=3)
    facts = read_facts(group)
    if facts["format"] != FORMAT:
        raise AlignsarError(
            f"{cube}: its geometry is of format {facts['format']}, and this version of alignsar_gpu reads {FORMAT}; "
            "make the cube again"
        )
    if "lacking" in facts:
        raise AlignsarError(f"{cube}: cannot be geocoded: {facts['lacking']}")
    grid, orbit, doppler = facts["grid"], facts["orbit"], facts.get("doppler")
    vectors = {name: _values(group, f"orbit_{name}") for name in VECTORS}
    found: dict[str, Any] = {
        "grid": RadarGrid(**grid | {"epoch": np.datetime64(grid["epoch"])}),
        "orbit": Orbit(epoch=np.datetime64(orbit["epoch"]), source=orbit["source"], **vectors),
        "doppler": doppler and Doppler(**doppler | {"coefficients": np.array(doppler["coefficients"])}),
        "offset": (0.0, 0.0),
    }
    if f"offset_{OFFSETS[0]}" in group:
        found["offset"] = OffsetTable(**{name: _values(group, f"offset_{name}") for name in OFFSETS})
    if DEM in group:
        return CubeGeometry(**found, dem=read_dem(cube / GROUP / DEM))
    return CubeGeometry(**found, dem=read_surface(cube / GROUP / PIXELS, cube, **found))


def _values(group: zarr.Group, name: str) -> Any:
    return np.asarray(group[name][...])  # type: ignore[index]  # an array
