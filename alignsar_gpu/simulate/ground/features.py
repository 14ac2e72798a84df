"""Features of a simulated scene, as GeoJSON has them: scatterers, objects, changes, and ground that sinks."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from rasterio.features import shapes

from alignsar_gpu.simulate.ground.motion import motion_raster

if TYPE_CHECKING:
    from alignsar_gpu.simulate.ground.changes import Change
    from alignsar_gpu.simulate.ground.scene import GroundScene
    from alignsar_gpu.simulate.ground.targets.targets import TargetObject

# Limits of the bands of subsidence, mm per day: the series R10 of preferred numbers (ISO 3), ten a decade.
RENARD = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
LIMITS = (*(round(number * ten, 6) for ten in (0.01, 0.1, 1.0, 10.0) for number in RENARD), 100.0)
FINE = 64  # posts in the radius of a bowl, of the outlines of bands
SLICK = "oil slick"


def targets(scene: GroundScene) -> list[dict[str, Any]]:
    """List the point scatterers of all dates."""
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [one.longitude, one.latitude, one.height]},
            "properties": {
                "name": one.name,
                "kind": one.kind,
                "height": one.height,
                "rcs_vv": one.rcs_vv,
                "rcs_vh": one.rcs_vh,
                "phase": one.phase,
                "dates": [scene.names[date] for date in one.dates],
            },
        }
        for one in scene.targets
    ]


def changes(scene: GroundScene) -> list[dict[str, Any]]:
    """List demolitions, constructions and oil slicks with their outlines, and bowls of subsidence as points."""
    found = [
        {
            "type": "Feature",
            "geometry": _geometry(change.shape),
            "properties": {
                "name": change.name,
                "kind": change.kind,
                "before": list(change.before),
                "after": change.after,
                "first": scene.names[change.first],
                "last": scene.names[change.last],
                "date": _day(scene, change.first),
                "area": float(np.round(change.area, 3)),
            },
        }
        for change in scene.changes
    ]
    bowls = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [bowl.longitude, bowl.latitude]},
            "properties": {
                "name": f"bowl {number + 1}",
                "kind": "subsidence",
                "rate": bowl.rate,
                "radius": bowl.radius,
                "first": scene.names[0],
                "last": scene.names[-1],
                "date": _day(scene, 0),
            },
        }
        for number, bowl in enumerate(scene.bowls)
    ]
    return found + bowls


def objects(scene: GroundScene) -> list[dict[str, Any]]:
    """List what detectors look for: the outlines of ships and oil slicks on their dates, and of tanks on all.

    ``valid_from`` and ``valid_until`` are the day on which it is there, null of tanks; ``length`` and ``height`` (above
    the ground, of the mean scatterer) are in m, ``rcs_vv`` and ``rcs_vh`` (of all its scatterers together) in m2; null
    of slicks.
    """
    found = [_object(scene, one) for one in scene.objects if one.outline is not None]
    return found + [_slick(scene, change) for change in scene.changes if change.kind == SLICK]


def _object(scene: GroundScene, one: TargetObject) -> dict[str, Any]:
    stays = len(one.dates) == len(scene.days) and one.kind == "tank"
    properties = {
        "length": float(np.round(one.length, 2)),
        "height": float(np.round(one.height, 2)),
        "rcs_vv": float(f"{one.cross_section('vv'):.6g}"),
        "rcs_vh": float(f"{one.cross_section('vh'):.6g}"),
    }
    return _feature(
        one.outline, _about(one.name, one.kind, None if stays else _day(scene, one.dates[0])) | properties
    )


def _slick(scene: GroundScene, change: Change) -> dict[str, Any]:
    nothing = dict.fromkeys(("length", "height", "rcs_vv", "rcs_vh"))
    return _feature(change.shape, _about(change.name, "oil_slick", _day(scene, change.first)) | nothing)


def _about(name: str, kind: str, day: str | None) -> dict[str, Any]:
    return {"name": name, "kind": kind, "date": day, "valid_from": day, "valid_until": day}


def subsidence(scene: GroundScene) -> list[dict[str, Any]]:
    """List the ground that sinks or rises by 0.01 mm a day or more, in bands of its rate, of all bowls together.

    ``rate`` is the mean of the band, mm a day downwards; it is between ``rate_from`` and ``rate_to`` (`LIMITS`), which
    are negative where the ground rises.
    """
    if not scene.bowls:
        return []
    motion = motion_raster(scene.bounds, scene.bowls, 1.0, per_radius=FINE)
    rates = -1e3 * motion.values.astype(np.float64)
    found = []
    for sign, kind in ((1.0, "subsidence"), (-1.0, "uplift")):
        bands = np.digitize(sign * rates, LIMITS).astype(np.uint8)
        for band in np.unique(bands[(bands > 0) & (bands < len(LIMITS))]).tolist():
            inside = bands == band
            parts = [
                shapely.geometry.shape(part)
                for part, _ in shapes(bands, mask=inside, transform=motion.transform)
            ]
            low, high = sign * LIMITS[band - 1], sign * LIMITS[band]
            rate = float(np.round(rates[inside].mean(), 6))
            properties = {"kind": kind, "rate": rate, "rate_from": low, "rate_to": high}
            found.append(
                _feature(shapely.multipolygons(parts), {"name": f"{kind} {low:g} to {high:g}", **properties})
            )
    return found


def _feature(shape: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": _geometry(shape), "properties": properties}


def _geometry(shape: Any) -> Any:
    return json.loads(shapely.to_geojson(shape))


def _day(scene: GroundScene, date: int) -> str:
    return dt.date.fromisoformat(scene.names[date]).isoformat()
