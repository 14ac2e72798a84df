"""Write a simulated scene as files: GeoTIFF and GeoJSON that any GIS opens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.errors import RasterioError

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.features import changes, objects, subsidence, targets
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from alignsar_gpu.simulate.ground.raster import Raster
    from alignsar_gpu.simulate.ground.scene import GroundScene

WGS84, WGS84_WITH_HEIGHTS = "EPSG:4326", "EPSG:4979"
SOFTWARE = f"alignsar_gpu {VERSION}, simulated"


def write_scene(scene: GroundScene, folder: Path) -> list[Path]:
    """Write a scene into ``folder``, which is created; return the files. The same scene gives the same bytes.

    dem.tif (m above the ellipsoid WGS84, EPSG:4979), land_cover.tif (the map before any change) and
    land_cover_DATE.tif for the dates on which it differs, motion_DATE.tif (m upwards since the first date),
    delay_DATE.tif (m of one-way zenith delay at height 0 without the stratified part, which is in its tags),
    targets.geojson (scatterers), objects.geojson (ships, tanks and oil slicks), changes.geojson, subsidence.geojson
    (see `features`). Each is written beside and renamed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    heights = {"description": "height above the ellipsoid WGS84", "units": "m"}
    files = [_write_raster(folder / "dem.tif", scene.heights, heights, crs=WGS84_WITH_HEIGHTS)]
    files.append(_write_cover(folder / "land_cover.tif", scene, scene.base))
    for date, name in enumerate(scene.names):
        if scene.changed(date):
            files.append(_write_cover(folder / f"land_cover_{name}.tif", scene, scene.cover(date)))
        about = {"description": "upward displacement since the first date", "units": "m"}
        files.append(_write_raster(folder / f"motion_{name}.tif", scene.motion(date), about))
        delay = scene.delay(date)
        about = {
            "description": "one-way zenith delay, turbulent part; add stratified exp(-height / scale_height)",
            "units": "m",
            "stratified": repr(delay.stratified),
            "scale_height": repr(delay.scale_height),
        }
        files.append(_write_raster(folder / f"delay_{name}.tif", delay.screen, about))
    makers = {"targets": targets, "objects": objects, "changes": changes, "subsidence": subsidence}
    files += [_write_json(folder / f"{name}.geojson", make(scene)) for name, make in makers.items()]
    return files


def _write_raster(
    path: Path,
    raster: Raster,
    about: Mapping[str, str],
    *,
    crs: str = WGS84,
    colours: Mapping[int, tuple[int, int, int, int]] | None = None,
) -> Path:
    """Write a tiled GeoTIFF, ``about`` as its tags. Raises AlignsarError where not all of it is stored."""
    rows, columns = raster.shape
    beside = path.with_name(f".{path.name}.partial")
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": rows,
        "width": columns,
        "count": 1,
        "dtype": raster.values.dtype,
        "crs": crs,
        "transform": raster.transform,
        "compress": "deflate",
        "predictor": 3 if raster.values.dtype.kind == "f" else 1,
        "tiled": True,
        "bigtiff": "if_safer",
    }
    try:
        with rasterio.open(beside, "w", **profile) as file:
            file.update_tags(TIFFTAG_SOFTWARE=SOFTWARE, **{k: v for k, v in about.items() if k != "units"})
            if "units" in about:
                file.units = (about["units"],)
            if colours:
                file.write_colormap(1, dict(colours))
            file.write(raster.values, 1)
        with rasterio.open(beside) as file:  # what GDAL cannot store while it closes a file, it does not say
            stored = file.read(1).tobytes() == raster.values.tobytes()
    except RasterioError as error:
        raise AlignsarError(f"{path}: cannot be written ({error.__cause__ or error})") from None
    if not stored:
        raise AlignsarError(f"{path}: cannot be written (not all of it was stored)")
    beside.replace(path)
    return path


def _write_cover(path: Path, scene: GroundScene, cover: Raster) -> Path:
    about = {"description": "land cover"} | {
        f"class_{index:02d}": one.name for index, one in enumerate(scene.classes)
    }
    colours = {index: (*one.colour, 255) for index, one in enumerate(scene.classes)}
    return _write_raster(path, cover, about, colours=colours)


def _write_json(path: Path, features: list[dict[str, Any]]) -> Path:
    beside = path.with_name(f".{path.name}.partial")
    content = {"type": "FeatureCollection", "name": path.stem, "features": features}
    beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
    return path
