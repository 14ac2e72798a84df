"""What readers of vector layers have in common, whatever the format."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    Rows = tuple[NDArray[Any] | None, Mapping[str, Any]]  # well-known binary, and Arrow arrays by name

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


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerSource(ABC):
    """A layer of vectors, open, and which of its features are asked for; formats give its `rows`.

    Attributes
    ----------
    name : file and layer, for messages.
    files : what its content depends on.
    fields : attributes, each NUMBER, TEXT or OTHER.
    geometry_type : as GDAL calls it, "Unknown" for several kinds.
    crs : as stated by the file, None where it states none.
    bounds : in coordinates of the file, None where that is not known without reading it.
    features : how many there are, None where that is not known.
    condition : on features, SQL; None for all.
    """

    name: str
    files: tuple[Path | str, ...]
    fields: Mapping[str, str]
    geometry_type: str
    crs: CRS | None
    bounds: Box | None
    features: int | None
    condition: str | None = None

    @abstractmethod
    def rows(
        self, columns: Sequence[str], box: Box | None, most: int | None, *, shapes: bool
    ) -> Iterator[Rows]:
        """Read features whose bounds may meet ``box`` (file coordinates; None: all), some at a time.

        No more than ``most`` at a time, and reading may stop after as many. Without ``shapes``, attributes alone.
        """

    def batches(
        self, columns: Sequence[str], box: Box | None, most: int | None = None
    ) -> Iterator[FeatureBatch]:
        """Read features whose bounds may meet ``box`` (file coordinates; None: all), some at a time."""
        for wkb, found in self.rows(columns, box, most, shapes=True):
            yield FeatureBatch(shapes=decoded(wkb, self.name), columns=found)

    def values(self, column: str) -> Iterator[Any]:
        """Read Arrow arrays of an attribute of all features that are asked for."""
        for _, found in self.rows([column], None, None, shapes=False):
            yield found[column]

    def head(self, count: int) -> FeatureBatch:
        """Read the first features that are asked for, without attributes."""
        shapes: list[Any] = []
        for batch in self.batches([], None, count):
            shapes += list(batch.shapes)
            if len(shapes) >= count:
                break
        return FeatureBatch(shapes=np.array([*shapes[:count], None], dtype=object)[:-1], columns={})

    def unreadable(self, error: object) -> AlignsarError:
        """Return the error for a file that cannot be read, or a condition that is not understood."""
        if self.condition is None:
            fault, cure = "cannot be read", "check the file (ogrinfo -al -so)"
        else:
            fault, cure = f"cannot be read with where={self.condition!r}", "correct it"
            cure += f", SQL on the attributes {listed(list(self.fields))}, or check the file"
        return AlignsarError(f"{self.name}: {fault} ({error}): {cure}, or fetch it anew")


def at_a_time(features: int, size: int) -> int:
    """Return how many features to read together, of so many with so many bytes: fewer where they are large."""
    return max(min(AT_A_TIME, BYTES_AT_A_TIME * features // max(size, 1)), 1)


def decoded(wkb: NDArray[Any] | None, name: str) -> Shapes:
    """Decode shapes from well-known binary, None where there is none.

    Raises AlignsarError for what is none, for curves, and for coordinates that are not finite.
    """
    try:
        with np.errstate(invalid="ignore"):  # of coordinates that are no numbers, see below
            shapes = shapes_of_wkb([] if wkb is None else wkb)
    except (GEOSException, NotImplementedError) as error:
        raise AlignsarError(
            f"{name}: has geometries that are damaged, or curves ({str(error).strip()}): convert them (ogr2ogr "
            "-makevalid -nlt CONVERT_TO_LINEAR OUT.gpkg IN), or leave them out (key where)"
        ) from None
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


def check_fields(source: LayerSource, names: Sequence[str]) -> None:
    """Check that a layer has some attributes, and those in quotes in its condition; raise AlignsarError otherwise.

    SQLite, which a GeoPackage is asked through, takes an unknown name in double quotes for a text.
    """
    there = f"there are {listed(list(source.fields))}"
    for name in names:
        if name not in source.fields:
            raise AlignsarError(f"{source.name}: has no attribute {name!r}; {there}")
        if source.fields[name] == OTHER:
            raise AlignsarError(f"{source.name}: the attribute {name!r} holds neither numbers nor texts")
    known = {name.casefold() for name in source.fields} | ROW_NUMBERS
    for name in IDENTIFIER.findall(QUOTED.sub("", source.condition or "")):
        if name.casefold() not in known:
            raise AlignsarError(
                f"{source.name}: where={source.condition!r} names {name!r}, which is no attribute (texts stand in "
                f"single quotes); {there}"
            )
