"""Read corner reflectors from files: JSON of stations, GeoJSON and other vectors, CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.texts import load_json
from alignsar_gpu.opening.vectors import reading_vectors
from alignsar_gpu.simulate.ground.targets.targets import PointTarget, trihedral_cross_section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COLUMNS = (
    "longitude and latitude (degrees), height (m above the ellipsoid), edge (m) or rcs (m2), and as you like name, "
    "rcs_vh (m2), phase (radians)"
)


def read_reflectors(
    path: str | Path, *, dates: int, wavelength: float, direction: str = "ascending"
) -> tuple[PointTarget, ...]:
    """Read the reflectors of a file, present on all ``dates``.

    Parameters
    ----------
    path : CSV with columns longitude, latitude, height, and edge or rcs (see COLUMNS); GeoJSON or any vector
        file of points with these attributes, height being also understood as the third coordinate; or the
        station list of TU Delft's reflectors ("stations", each with "ascending" and "descending" coordinates
        and a "geometry" with "leglength"), of which those that look in ``direction`` are taken.
    wavelength : m, for the cross-section of a trihedral of given edge.

    Coordinates are taken for WGS84; those in ETRS89 are within a metre of it. An RCS0 in a station list is in
    dB m2. Raises AlignsarError for a file of no such kind, by line or name where a value is missing or wrong.
    """
    where, file = f"reflectors {path}", Path(path)
    if not file.is_file():
        raise AlignsarError(f"{where}: there is no such file")
    if direction not in {"ascending", "descending"}:
        raise AlignsarError(f"{where}: direction must be ascending or descending, got {direction!r}")
    suffix = file.suffix.lower()
    if suffix == ".csv":
        rows = _from_csv(file, where)
    elif suffix == ".json" and (stations := _stations(file, where)) is not None:
        rows = _from_stations(stations, where, direction)
    else:
        rows = _from_points(file, where)
    targets = tuple(_target(row, label, dates, wavelength) for label, row in rows)
    if not targets:
        raise AlignsarError(f"{where}: holds no reflector")
    return targets


def _from_csv(file: Path, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            for number, row in enumerate(csv.DictReader(text), start=2):
                yield f"{where}, line {number}", {(key or "").strip().lower(): row[key] for key in row}
    except (UnicodeDecodeError, csv.Error) as error:
        raise AlignsarError(f"{where}: is no CSV in UTF-8 ({error}); it needs columns {COLUMNS}") from None


def _stations(file: Path, where: str) -> list[Any] | None:
    """The stations of a list of them, None where it is something else."""
    try:
        content = load_json(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise AlignsarError(f"{where}: is no JSON ({error})") from None
    found = content.get("stations") if isinstance(content, dict) else None
    return found if isinstance(found, list) else None


def _from_stations(
    stations: list[Any], where: str, direction: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, station in enumerate(stations):
        label = f"{where}, station {number + 1}"
        try:
            name, face = str(station["id"]), station[direction]
            if not face or not face.get("orientation", True):
                continue  # nothing at this station looks that way
            place = face["coordinates"]
            strength = face.get("RCS0", station.get("RCS0"))
            row = {
                "name": name,
                "longitude": place["longitude"],
                "latitude": place["latitude"],
                "height": place["elevation"],
                "edge": station["geometry"]["leglength"],
                "rcs": None if strength is None else 10.0 ** (float(strength) / 10.0),
            }
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise AlignsarError(f"{label}: lacks what a station has, or has it wrong ({error!r})") from None
        yield f"{label} ({name})", row


def _from_points(file: Path, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pyogrio  # noqa: PLC0415  (only for such a file)
    from pyogrio.errors import DataSourceError  # noqa: PLC0415

    try:
        with reading_vectors(file, where):
            frame = pyogrio.read_dataframe(file)
    except (DataSourceError, ValueError) as error:
        raise AlignsarError(
            f"{where}: cannot be read as vectors ({error}); give points with {COLUMNS}"
        ) from None
    if "geometry" not in frame or frame.crs is None:
        raise AlignsarError(f"{where}: needs points and a coordinate reference system")
    if not (frame.geometry.geom_type == "Point").all():
        raise AlignsarError(f"{where}: has shapes that are no points")
    turned = frame.to_crs(4326)
    for number, (_, row) in enumerate(turned.iterrows()):
        point = row.geometry
        values = {str(key).lower(): value for key, value in row.items() if key != "geometry"}
        values |= {"longitude": point.x, "latitude": point.y}
        if point.has_z and "height" not in values:
            values["height"] = point.z
        yield f"{where}, feature {number + 1}", values


def _target(row: Mapping[str, Any], label: str, dates: int, wavelength: float) -> PointTarget:
    edge, strength = _number(row, "edge", label), _number(row, "rcs", label)
    if strength is None and edge is None:
        raise AlignsarError(f"{label}: has neither edge nor rcs; a reflector needs {COLUMNS}")
    place = {name: _number(row, name, label) for name in ("longitude", "latitude", "height")}
    missing = [name for name, value in place.items() if value is None]
    if missing:
        raise AlignsarError(f"{label}: has no {' and no '.join(missing)}; a reflector needs {COLUMNS}")
    longitude, latitude, height = (float(value) for value in place.values() if value is not None)
    if strength is None:
        assert edge is not None
        strength = trihedral_cross_section(edge, wavelength)
    across = _number(row, "rcs_vh", label) or 0.0
    bad = not (-360.0 <= longitude <= 540.0 and -90.0 <= latitude <= 90.0 and abs(height) < 1e5)
    if bad or strength <= 0.0 or across < 0.0 or (edge is not None and edge <= 0.0):
        raise AlignsarError(
            f"{label}: longitude {longitude:g}, latitude {latitude:g}, height {height:g}, edge {edge}, rcs "
            f"{strength:g}, rcs_vh {across:g}: a place on Earth and positive sizes are needed"
        )
    name = row.get("name")
    return PointTarget(
        name=str(name) if isinstance(name, str) and name.strip() else label.rpartition(", ")[2],
        kind="corner_reflector",
        longitude=longitude,
        latitude=latitude,
        height=height,
        rcs_vv=strength,
        rcs_vh=across,
        dates=tuple(range(dates)),
        phase=_number(row, "phase", label) or 0.0,
    )


def _number(row: Mapping[str, Any], name: str, label: str) -> float | None:
    """A value of a row, None where there is none."""
    value = row.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise AlignsarError(f"{label}: {name} is {value!r}, not a number") from None
    return number if np.isfinite(number) else None
