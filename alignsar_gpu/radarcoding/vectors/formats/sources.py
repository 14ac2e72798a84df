"""What readers of vector layers have in common, whatever the format."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import shapely
from shapely.errors import GEOSException

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.texts import shapes_of_wkb
from alignsar_gpu.radarcoding.vectors.formats.paths import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.radarcoding.crs import Box

    Shapes = NDArray[Any]  # of Shapely geometries, None where there is none

NUMBER, TEXT, OTHER = "number", "text", "other"  # kinds of attributes; other: lists, bytes and the like
AT_A_TIME = 1 << 16  # features
BYTES_AT_A_TIME = 1 << 25
QUOTED = re.compile(r"'(?:[^']|'')*'")
IDENTIFIER = re.compile(r'"([^"]+)"')
ROW_NUMBERS = {"fid", "ogc_fid", "rowid"}


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureBatch:
    """Some features of a file: shapes (f,), and Arrow arrays (f,) of the attributes asked for, by name."""

    shapes: Shapes
    columns: Mapping[str, Any]


class LayerSource(Protocol):
    """A layer of vectors, open, and which of its features are asked for.

    Attributes
    ----------
    name : file and layer, for messages.
    fields : attributes, each NUMBER, TEXT or OTHER.
    geometry_type : as GDAL calls it, "Unknown" for several kinds.
    crs : as stated by the file, None where it states none.
    bounds : in coordinates of the file, None where that is not known without reading it.
    features : how many there are, None where that is not known.
    files : what its content depends on.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  (above)

    @property
    def fields(self) -> Mapping[str, str]: ...  # noqa: D102

    @property
    def geometry_type(self) -> str: ...  # noqa: D102

    @property
    def crs(self) -> CRS | None: ...  # noqa: D102

    @property
    def bounds(self) -> Box | None: ...  # noqa: D102

    @property
    def features(self) -> int | None: ...  # noqa: D102

    @property
    def files(self) -> tuple[Path | str, ...]: ...  # noqa: D102

    def head(self, count: int) -> FeatureBatch:
        """Read the first features that are asked for, without attributes."""

    def batches(self, columns: Sequence[str], box: Box | None) -> Iterator[FeatureBatch]:
        """Read features whose bounds may meet ``box`` (file coordinates; None: all), some at a time."""

    def values(self, column: str) -> Iterator[Any]:
        """Read Arrow arrays of an attribute of all features that are asked for."""


@contextmanager
def quietly() -> Iterator[None]:
    """Suppress GDAL's warnings on odd shapes, which are checked here, and on options a format does not have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def box_of(numbers: Sequence[float]) -> Box:
    """Convert four numbers to a box."""
    west, south, east, north = map(float, numbers)
    return west, south, east, north


def at_a_time(features: int, size: int) -> int:
    """Return how many features to read together, of so many with so many bytes: fewer where they are large."""
    return max(min(AT_A_TIME, BYTES_AT_A_TIME * features // max(size, 1)), 1)


def decoded(wkb: NDArray[Any], name: str) -> Shapes:
    """Decode shapes from well-known binary, None where there is none.

    Raises AlignsarError for what is none, and for coordinates that are not numbers.
    """
    try:
        with np.errstate(invalid="ignore"):  # of coordinates that are no numbers, see below
            shapes = shapes_of_wkb(wkb)
    except GEOSException as error:
        count = sum(item is not None and not _is_shape(item) for item in wkb)
        raise AlignsarError(
            f"{name}: has {count} damaged geometries among the {len(wkb)} features looked at ({str(error).strip()}): "
            "repair them (ogr2ogr -makevalid), or leave them out (key where)"
        ) from None
    return with_numbers(shapes, name)


def _is_shape(wkb: bytes) -> bool:
    try:
        return bool(len(shapes_of_wkb([wkb])))
    except GEOSException:
        return False


def with_numbers(shapes: Shapes, name: str) -> Shapes:
    """Return the shapes. Raises AlignsarError for coordinates that are not finite."""
    finite = np.isfinite(shapely.get_coordinates(shapes)).all(axis=1)
    if not finite.all():
        raise AlignsarError(
            f"{name}: has {int(np.count_nonzero(~finite))} vertices whose coordinates are not finite numbers: "
            "repair their features, or leave them out (key where)"
        )
    return shapes


def mentioned(fields: Mapping[str, str], condition: str | None) -> list[str]:
    """List the attributes whose names occur in a condition."""
    text = (condition or "").casefold()
    return [name for name, kind in fields.items() if kind != OTHER and name.casefold() in text]


def check_fields(source: LayerSource, names: Sequence[str], where: str | None) -> None:
    """Check that a layer has some attributes, and those in quotes in a condition; raise AlignsarError otherwise.

    SQLite, which a GeoPackage is asked through, takes an unknown name in double quotes for a text.
    """
    known = {name.casefold() for name in source.fields} | ROW_NUMBERS
    quoted = IDENTIFIER.findall(QUOTED.sub("", where)) if where else []
    for name in names:
        if name not in source.fields:
            raise AlignsarError(
                f"{source.name}: has no attribute {name!r}; there are {listed(list(source.fields))}"
            )
    for name in quoted:
        if name.casefold() not in known:
            raise AlignsarError(
                f"{source.name}: where={where!r} names {name!r}, which is no attribute (texts stand in single "
                f"quotes); there are {listed(list(source.fields))}"
            )
    for name in names:
        if source.fields[name] == OTHER:
            raise AlignsarError(f"{source.name}: the attribute {name!r} holds neither numbers nor texts")
