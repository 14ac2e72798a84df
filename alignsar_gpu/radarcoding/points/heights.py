"""Vertical datums of points, and conversion of heights to the ellipsoid of WGS84."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.geoid_files import open_geoid

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.geometry.dem.geoid import Geoid

MODELS = {"egm96": "egm96", "egm1996": "egm96", "egm2008": "egm2008", "egm08": "egm2008"}
CHOICES = (
    'key vertical_datum says what they count from: "ellipsoid" (WGS84 or GRS80), "egm96", "egm2008", "terrain" '
    "(heights above the ground), or a file with a grid of the undulation of another geoid (for NAP, PROJ's "
    "nl_nsgi_nlgeo2018.tif)"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Heights:
    """How the heights of a file are converted: their datum, geoid and unit.

    Attributes
    ----------
    datum : "ellipsoid", "terrain", or the name of the geoid.
    geoid : its undulation, None without one.
    factor : metres, upwards, of one unit of the file.
    """

    datum: str
    geoid: Geoid | None
    factor: float

    def convert(
        self,
        z: NDArray[np.float64] | None,
        longitude: NDArray[np.float64],
        latitude: NDArray[np.float64],
        where: str,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Convert heights to metres above the ellipsoid and above the terrain (None if not referenced to it).

        Raises AlignsarError where the geoid's grid does not cover a point.
        """
        metres = np.zeros(longitude.shape) if z is None else z * self.factor
        if self.datum == "terrain":
            return np.full(longitude.shape, np.nan), metres
        if self.geoid is None:
            return metres, None
        try:
            undulation = self.geoid.undulation(longitude, latitude)
        except AlignsarError as error:
            raise AlignsarError(f"{where}: {error} (of these points: vertical_datum)") from None
        lost = int(np.count_nonzero(np.isnan(undulation)))
        if lost:
            raise AlignsarError(
                f"{where}: the geoid grid {self.geoid.source} has no undulation at {lost} points: name a grid that "
                "covers them all (key vertical_datum)"
            )
        return metres + undulation, None


def stated_datum(crs: CRS) -> str:
    """Return the vertical datum that a system states: "ellipsoid", "egm96", "egm2008", another name, or ""."""
    if not crs.is_compound:
        return "ellipsoid" if len(crs.axis_info) == 3 else ""
    name = crs.sub_crs_list[-1].name
    plain = name.lower().replace(" ", "").replace("_", "")
    if "ellipsoid" in plain:
        return "ellipsoid"
    return next((datum for word, datum in MODELS.items() if word in plain), name)


def heights_of(datum: str | None, crs: CRS, where: str, *, has_height: bool) -> Heights:
    """Choose how heights in ``crs`` are converted, where the configuration gives ``datum``.

    Raises AlignsarError where nobody says it, where the two contradict each other, or where the grid of the
    geoid is not there.
    """
    if not has_height:
        if datum not in {None, "terrain"}:
            raise AlignsarError(
                f"{where}: vertical_datum is {datum}, but the points have no heights: name the column that holds "
                "them (key z), or remove vertical_datum: they are then put on the terrain"
            )
        return Heights(datum="terrain", geoid=None, factor=1.0)
    factor = _metres(crs, where)
    stated = stated_datum(crs)
    if datum == "terrain":  # a cloud made to count from the ground keeps the system that it came in
        return Heights(datum="terrain", geoid=None, factor=factor)
    if datum is None:
        if stated not in {"ellipsoid", *MODELS.values()}:
            fault = f"states that its heights count from {stated!r}" if stated else "has heights"
            raise AlignsarError(f"{where}: {fault}; {CHOICES}")
        datum = stated
    known = datum in {"ellipsoid", *MODELS.values()}
    if (known and stated not in {"", datum}) or (not known and stated == "ellipsoid"):
        raise AlignsarError(
            f"{where}: states that its heights count from {stated!r}, but vertical_datum says {datum}: correct "
            f"one of them; {CHOICES}"
        )
    if datum == "ellipsoid":
        return Heights(datum=datum, geoid=None, factor=factor)
    if not known and not Path(datum).expanduser().is_file():
        raise AlignsarError(f"{where}: vertical_datum is {datum!r}, which is no such file; {CHOICES}")
    try:
        model: Literal["egm96", "egm2008"] = "egm96" if datum == "egm96" else "egm2008"
        geoid = open_geoid(model, None if known else Path(datum).expanduser())
    except AlignsarError as error:
        raise AlignsarError(f"{where}: {error} (for these points, that file is vertical_datum)") from None
    return Heights(datum=geoid.name, geoid=geoid, factor=factor)


def _metres(crs: CRS, where: str) -> float:
    """Return the metres, upwards, of one unit of height; 1 where a system in metres does not state it."""
    if len(crs.axis_info) == 3:
        axis = crs.axis_info[2]
        factor = float(axis.unit_conversion_factor)
        return -factor if axis.direction == "down" else factor
    if crs.is_projected and crs.axis_info[0].unit_conversion_factor != 1.0:
        raise AlignsarError(
            f"{where}: its coordinates are in {crs.axis_info[0].unit_name}, and it does not say what its heights "
            "are in: name its system with the vertical one (key crs, for example EPSG:2263+6360)"
        )
    return 1.0
